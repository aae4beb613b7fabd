"""A stand-in ERP: a simulated network of warehouses behind SAP OData V2 services.

It is as unforgiving as the real thing and no kinder: asked twice, it files twice.
"""
