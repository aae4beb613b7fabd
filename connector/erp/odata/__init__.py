"""OData V2 as real servers speak it: one transport, one page reader, one schema reader."""
