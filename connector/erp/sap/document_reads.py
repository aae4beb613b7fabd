"""The catalogue, second half: orders, requisitions, material documents, the ERP's own netting."""

from __future__ import annotations

from connector.erp.odata.catalogue import AnyOf, Expansion, Field, NotTrue, Read, Since, Within
from connector.erp.sap.fields import (
    MOVEMENT_SERVICE,
    MRP_SERVICE,
    ORDER_SERVICE,
    REQUISITION_SERVICE,
    day,
    flag,
    key,
    name,
    quantity,
    text,
)

_SCHEDULE = (
    Field(name="ScheduleLine", kind="key", identity=True, max_length=4),
    day("ScheduleLineDeliveryDate", required=True),
    quantity("ScheduleLineOrderQuantity", required=True),
)
ORDER_ITEMS = Read(
    name="purchase_orders",
    purpose="open purchase order items with their dated quantities",
    service=ORDER_SERVICE,
    entity_set="A_PurchaseOrderItem",
    fields=(
        key("PurchaseOrder", 10),
        key("PurchaseOrderItem", 5),
        name("Material", 40, required=True),
        name("Plant", 4, required=True),
        quantity("OrderQuantity", required=True),
        text("PurchaseOrderQuantityUnit", 3, required=True),
        text("PurchasingDocumentDeletionCode", 1),
        flag("IsCompletelyDelivered"),
        text("GoodsReceiptIsExpected"),
        flag("IsReturnsItem"),
        text("PurchaseOrderItemCategory", 1),
        text("AccountAssignmentCategory", 1),
        name("PurchaseRequisition", 10),
        name("PurchaseRequisitionItem", 5),
    ),
    terms=(AnyOf("Plant", "plants"), NotTrue("IsCompletelyDelivered")),
    expansion=Expansion(navigation="to_ScheduleLine", fields=_SCHEDULE),
    chunked="plants",
    as_written=("PurchaseOrder",),
)
SCHEDULE_LINES = Read(
    name="schedule_lines",
    purpose="dated quantities of open items, where they do not come with the items",
    service=ORDER_SERVICE,
    entity_set="A_PurchaseOrderScheduleLine",
    fields=(key("PurchasingDocument", 10), key("PurchasingDocumentItem", 5), *_SCHEDULE),
    terms=(Within("PurchasingDocument", "documents"),),
    when="only where the server does not expand to_ScheduleLine",
)
_ORDER_HEADER = (
    key("PurchaseOrder", 10),
    day("PurchaseOrderDate"),
    day("CreationDate"),
    name("SupplyingPlant", 4),
)
ORDERS = Read(
    name="order_headers",
    purpose="order dates for lead times; supplying plants",
    service=ORDER_SERVICE,
    entity_set="A_PurchaseOrder",
    fields=_ORDER_HEADER,
    terms=(Since("CreationDate", "watermark"),),
)
OLDER_ORDERS = Read(
    name="older_order_headers",
    purpose="the same for open orders from before the history",
    service=ORDER_SERVICE,
    entity_set="A_PurchaseOrder",
    fields=_ORDER_HEADER,
    terms=(AnyOf("PurchaseOrder", "orders"),),
    chunked="orders",
    when="only for open orders not seen before",
)
_MOVEMENT = (
    name("Material", 40, required=True),
    name("Plant", 4, required=True),
    text("GoodsMovementType", 3, required=True),
    text("DebitCreditCode", 1),
    text("InventorySpecialStockType", 1),
    text("MaterialBaseUnit", 3),
    quantity("QuantityInBaseUnit", required=True),
    name("PurchaseOrder", 10),
    name("PurchaseOrderItem", 5),
)
_MOVEMENT_HEADER = (
    key("MaterialDocumentYear", 4),
    key("MaterialDocument", 10),
    day("PostingDate", required=True),
    day("CreationDate"),
)
MOVEMENTS = Read(
    name="material_documents",
    purpose="consumption and receipts since the last pull, with an overlap",
    service=MOVEMENT_SERVICE,
    entity_set="A_MaterialDocumentHeader",
    fields=_MOVEMENT_HEADER,
    terms=(Since("CreationDate", "watermark"),),
    expansion=Expansion(
        navigation="to_MaterialDocumentItem",
        fields=(Field(name="MaterialDocumentItem", kind="key", identity=True), *_MOVEMENT),
    ),
    as_written=("MaterialDocumentYear", "MaterialDocument"),
    page_share=10,
)
MOVEMENT_ITEMS = Read(
    name="material_document_items",
    purpose="items of those documents, where they do not come with the documents",
    service=MOVEMENT_SERVICE,
    entity_set="A_MaterialDocumentItem",
    fields=(
        key("MaterialDocumentYear", 4),
        key("MaterialDocument", 10),
        key("MaterialDocumentItem", 4),
        *_MOVEMENT,
    ),
    terms=(
        AnyOf("Plant", "plants"),
        AnyOf("MaterialDocumentYear", "year"),
        Within("MaterialDocument", "documents"),
    ),
    chunked="plants",
    when="only where the server does not expand to_MaterialDocumentItem",
)
OLDER_RECEIPTS = Read(
    name="older_receipts",
    purpose="all receipts of open orders from before the history",
    service=MOVEMENT_SERVICE,
    entity_set="A_MaterialDocumentItem",
    fields=MOVEMENT_ITEMS.fields,
    terms=(AnyOf("PurchaseOrder", "orders"),),
    chunked="orders",
    when="only for open orders older than the history",
)
REQUISITIONS = Read(
    name="requisitions",
    purpose="open requisitions, ours and others'",
    service=REQUISITION_SERVICE,
    entity_set="A_PurchaseRequisitionItem",
    fields=(
        key("PurchaseRequisition", 10),
        key("PurchaseRequisitionItem", 5),
        name("Material", 40, required=True),
        name("Plant", 4, required=True),
        quantity("RequestedQuantity", required=True),
        quantity("OrderedQuantity"),
        text("BaseUnit", 3, required=True),
        day("DeliveryDate", required=True),
        flag("IsDeleted", required=True),
        flag("IsClosed"),
        text("IsPurReqnBlocked", 1),
        text("PurReqnReleaseStatus", 2),
        text("PurchasingDocumentItemCategory", 1),
        text("AccountAssignmentCategory", 1),
        name("SupplyingPlant", 4),
        flag("PurchaseRequisitionIsFixed"),
        text("RequirementTracking", 10, required=True),
        text("RequisitionerName", 12),
    ),
    terms=(AnyOf("Plant", "plants"), NotTrue("IsClosed")),
    chunked="plants",
)
MRP_ELEMENTS = Read(
    name="mrp_elements",
    purpose="the whole pipeline as the ERP's own stock/requirements list nets it",
    service=MRP_SERVICE,
    entity_set="SupplyDemandItems",
    fields=(
        key("Material", 40),
        key("MRPPlant", 4),
        key("MRPArea", 10, kept=False, required=False),
        Field(name="MRPElementCategory", kind="text", identity=True, max_length=2),
        key("MRPElement", 12),
        key("MRPElementItem", 6),
        key("MRPElementScheduleLine", 4, required=False),
        Field(name="MRPElementAvailyOrRqmtDate", kind="date", identity=True),
        quantity("MRPElementOpenQuantity", required=True),
        text("MaterialBaseUnit", 3),
        flag("MRPElementQuantityIsFirm"),
        name("MRPElementBusinessPartner", 10),
        text("SourceMRPElementCategory", 2),
        name("SourceMRPElement", 12),
        name("SourceMRPElementItem", 6),
    ),
    terms=(AnyOf("MRPPlant", "plants"),),
    chunked="plants",
    orderable=False,
    when="with pipeline_source: mrp, in place of orders and requisitions",
)
OUR_LINES = Read(
    name="our_requisition_lines",
    purpose="what became of lines we sent, found by our keys",
    service=REQUISITION_SERVICE,
    entity_set="A_PurchaseRequisitionItem",
    fields=(
        key("PurchaseRequisition", 10),
        key("PurchaseRequisitionItem", 5),
        text("RequirementTracking", 10, required=True),
        name("Material", 40, required=True),
        name("Plant", 4, required=True),
        text("BaseUnit", 3, required=True),
        text("RequestedQuantity", required=True),  # exact, never through a float
        text("OrderedQuantity"),
        flag("IsDeleted", required=True),
        flag("IsClosed"),
    ),
    terms=(AnyOf("RequirementTracking", "keys"),),
    chunked="keys",
    when="read-back, and whenever an answer was lost",
)
