"""Names of services and the kinds of properties the catalogue is written with."""

from __future__ import annotations

from connector.erp.odata.catalogue import Field

STOCK_SERVICE = "API_MATERIAL_STOCK_SRV"
PRODUCT_SERVICE = "API_PRODUCT_SRV"
ORDER_SERVICE = "API_PURCHASEORDER_PROCESS_SRV"
REQUISITION_SERVICE = "API_PURCHASEREQ_PROCESS_SRV"
MOVEMENT_SERVICE = "API_MATERIAL_DOCUMENT_SRV"
MRP_SERVICE = "API_MRP_MATERIALS_SRV_01"


def key(name: str, length: int, *, kept: bool = True, required: bool = True) -> Field:
    """Return a field of the entity's key."""
    return Field(
        name=name, kind="key", identity=True, kept=kept, required=required, max_length=length
    )


def name(field: str, length: int, *, required: bool = False) -> Field:
    """Return a field that names something: a material, a plant, a document."""
    return Field(name=field, kind="key", required=required, max_length=length)


def text(field: str, length: int = 0, *, required: bool = False) -> Field:
    """Return a field of plain text, codes with meaningful zeros among them."""
    return Field(name=field, kind="text", required=required, max_length=length)


def quantity(field: str, scale: int = 3, *, required: bool = False) -> Field:
    """Return a decimal field."""
    return Field(name=field, kind="decimal", required=required, scale=scale)


def day(field: str, *, required: bool = False) -> Field:
    """Return a date field."""
    return Field(name=field, kind="date", required=required)


def flag(field: str, *, required: bool = False) -> Field:
    """Return a yes-or-no field."""
    return Field(name=field, kind="flag", required=required)
