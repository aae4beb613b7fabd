"""SAP S/4HANA over its published OData V2 services: what is read, how, and what is posted."""
