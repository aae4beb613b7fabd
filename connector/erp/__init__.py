"""The ERP adapters: the only rooms that know an ERP's field names, URLs and habits."""
