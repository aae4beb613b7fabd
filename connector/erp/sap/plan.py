"""THE catalogue: every service, entity, field and filter this connector uses with SAP.

Reading, checking and `replenishd api-plan` are driven by it; nothing else can be asked. The policy
yields quantities; it never chooses a call.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from connector.erp.odata.catalogue import Read
from connector.erp.sap.document_reads import (
    MOVEMENT_ITEMS,
    MOVEMENTS,
    MRP_ELEMENTS,
    OLDER_ORDERS,
    OLDER_RECEIPTS,
    ORDER_ITEMS,
    ORDERS,
    OUR_LINES,
    REQUISITIONS,
    SCHEDULE_LINES,
)
from connector.erp.sap.fields import (
    REQUISITION_SERVICE,
    STOCK_SERVICE,
    day,
    flag,
    name,
    quantity,
    text,
)
from connector.erp.sap.item_reads import (
    BASE_UNITS,
    FLAGGED_PRODUCTS,
    PRODUCT_PLANTS,
    STOCK,
    SUPPLY_PLANNING,
    UNITS,
    VALUATION,
)

if TYPE_CHECKING:
    from connector.erp.odata.connection import Connection
    from connector.erp.sap.site import SapSite

REQUISITION_SET = "A_PurchaseRequisitionHeader"
REQUISITION_LINES = "to_PurchaseReqnItem"
VALIDATION = "PurReqnDoOnlyValidation"

COMMON = (PRODUCT_PLANTS, SUPPLY_PLANNING, VALUATION, FLAGGED_PRODUCTS, STOCK, ORDERS, MOVEMENTS)
CONDITIONAL = (BASE_UNITS, UNITS, MOVEMENT_ITEMS)
BY_DOCUMENTS = (ORDER_ITEMS, REQUISITIONS, SCHEDULE_LINES, OLDER_ORDERS, OLDER_RECEIPTS)
BY_MRP = (MRP_ELEMENTS,)
# What a requisition is written with, as it must be declared by the ERP.
WRITTEN_HEADER = (
    text("PurchaseRequisitionType", 4, required=True),
    text("PurReqnDescription", 40, required=True),
    flag(VALIDATION),
)
WRITTEN_LINE = (
    name("PurchaseRequisitionItem", 5, required=True),
    name("Material", 40, required=True),
    name("Plant", 4, required=True),
    quantity("RequestedQuantity", required=True),
    text("BaseUnit", 3, required=True),
    day("DeliveryDate", required=True),
    text("PurchasingGroup", 3, required=True),
    text("RequirementTracking", 10, required=True),
    text("RequisitionerName", 12, required=True),
    flag("PurchaseRequisitionIsFixed", required=True),
    name("SupplyingPlant", 4),
    text("PurchasingOrganization", 4),
    text("StorageLocation", 4),
    text("PurchasingDocumentItemCategory", 1),
)


@dataclass(frozen=True, kw_only=True)
class PlannedCall:
    """One row of the plan: what may be called, how, and how often at most per review."""

    feed: str
    method: str
    service: str
    entity_set: str
    fields: tuple[str, ...]
    filter: str
    expand: str
    calls_max: int
    when: str
    purpose: str


def reads(site: SapSite) -> tuple[Read, ...]:
    """Return every read a review of this site may make."""
    pipeline = BY_DOCUMENTS if site.pipeline_source == "documents" else BY_MRP
    return (*COMMON, *pipeline, *CONDITIONAL)


def services(site: SapSite) -> tuple[str, ...]:
    """Return the services this site uses, each once."""
    return tuple(dict.fromkeys([each.service for each in (*reads(site), OUR_LINES)]))


def api_plan(site: SapSite, connection: Connection) -> tuple[PlannedCall, ...]:
    """Return every call the connector can make for this site: the list is closed."""
    metadata = tuple(_described(service) for service in services(site))
    planned = tuple(_planned(read, connection) for read in (*reads(site), OUR_LINES))
    return (*metadata, _dated(), *planned, _token(), _written(site))


def _planned(read: Read, connection: Connection) -> PlannedCall:
    inner = read.expansion
    within = tuple(f"{inner.navigation}/{each.name}" for each in inner.fields) if inner else ()
    return PlannedCall(
        feed=read.name,
        method="GET",
        service=read.service,
        entity_set=read.entity_set,
        fields=(*(each.name for each in read.fields), *within),
        filter=" and ".join(map(str, read.terms)),
        expand=inner.navigation if inner else "",
        calls_max=min(connection.pages_per_read, connection.calls_per_review),
        when=read.when,
        purpose=read.purpose,
    )


def _call(
    feed: str, method: str, service: str, entity: str, when: str, purpose: str
) -> PlannedCall:
    return PlannedCall(
        feed=feed,
        method=method,
        service=service,
        entity_set=entity,
        fields=(),
        filter="",
        expand="",
        calls_max=1,
        when=when,
        purpose=purpose,
    )


def _described(service: str) -> PlannedCall:
    when = "at the first pull, then once a day"
    return _call("metadata", "GET", service, "$metadata", when, "compare with what is read")


def _dated() -> PlannedCall:
    purpose = "the ERP's own clock, and whether it lets us in"
    return _call("server_time", "GET", STOCK_SERVICE, "", "every review", purpose)


def _token() -> PlannedCall:
    purpose = "the token a write needs (HEAD where GET is not allowed)"
    return _call("token", "GET", REQUISITION_SERVICE, "", "before a write", purpose)


def _written(site: SapSite) -> PlannedCall:
    lines = tuple(f"{REQUISITION_LINES}/{each.name}" for each in WRITTEN_LINE)
    return PlannedCall(
        feed="post",
        method="POST",
        service=REQUISITION_SERVICE,
        entity_set=REQUISITION_SET,
        fields=(*(each.name for each in WRITTEN_HEADER), *lines),
        filter="",
        expand="",
        calls_max=1,
        when=f"once per requisition of at most {site.lines_per_requisition} lines; never in shadow",
        purpose="file or validate a requisition; never released, changed or deleted by us",
    )
