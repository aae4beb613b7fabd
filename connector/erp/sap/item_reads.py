"""The catalogue, first half: items, prices, units and stock."""

from __future__ import annotations

from connector.erp.odata.catalogue import AnyOf, Field, Literally, Read
from connector.erp.sap.fields import PRODUCT_SERVICE, STOCK_SERVICE, flag, key, quantity, text

PRODUCT_PLANTS = Read(
    name="product_plants",
    purpose="which items a plant keeps; planning type, lots, status",
    service=PRODUCT_SERVICE,
    entity_set="A_ProductPlant",
    fields=(
        key("Product", 40),
        key("Plant", 4),
        text("BaseUnit", 3),
        text("MRPType", 2),
        text("PurchasingGroup", 3),
        text("ProfileCode", 2),
        flag("IsMarkedForDeletion"),
        quantity("GoodsReceiptDuration", 0),
        quantity("MinimumLotSizeQuantity"),
        quantity("MaximumLotSizeQuantity"),
        quantity("FixedLotSizeQuantity"),
    ),
    terms=(AnyOf("Plant", "plants"),),
    chunked="plants",
    as_written=("Product",),
)
SUPPLY_PLANNING = Read(
    name="supply_planning",
    purpose="lead time, rounding, safety stock, reorder point per item and plant",
    service=PRODUCT_SERVICE,
    entity_set="A_ProductSupplyPlanning",
    fields=(
        key("Product", 40),
        key("Plant", 4),
        quantity("PlannedDeliveryDurationInDays", 0, required=True),
        quantity("GoodsReceiptDuration", 0),
        quantity("LotSizeRoundingQuantity"),
        quantity("MinimumLotSizeQuantity"),
        quantity("MaximumLotSizeQuantity"),
        quantity("FixedLotSizeQuantity"),
        quantity("SafetyStockQuantity"),
        quantity("ReorderThresholdQuantity"),
        quantity("MaximumStockQuantity"),
        text("MRPType", 2),
        text("BaseUnit", 3),
    ),
    terms=(AnyOf("Plant", "plants"),),
    chunked="plants",
)
VALUATION = Read(
    name="valuation",
    purpose="price per base unit, for holding cost and value limits",
    service=PRODUCT_SERVICE,
    entity_set="A_ProductValuation",
    fields=(
        key("Product", 40),
        key("ValuationArea", 4),
        Field(name="ValuationType", kind="text", identity=True, required=False, max_length=10),
        text("InventoryValuationProcedure", 1),
        quantity("StandardPrice"),
        quantity("MovingAveragePrice"),
        quantity("PriceUnitQty", 0),
        text("BaseUnit", 3),
    ),
    terms=(AnyOf("ValuationArea", "areas"),),
    chunked="areas",
    optional=True,
)
FLAGGED_PRODUCTS = Read(
    name="flagged_products",
    purpose="items deleted or blocked for all plants",
    service=PRODUCT_SERVICE,
    entity_set="A_Product",
    fields=(key("Product", 40), flag("IsMarkedForDeletion"), text("CrossPlantStatus", 2)),
    terms=(Literally("(IsMarkedForDeletion eq true or CrossPlantStatus ne '')"),),
    optional=True,
)
BASE_UNITS = Read(
    name="base_units",
    purpose="base unit of items whose plant rows tell none",
    service=PRODUCT_SERVICE,
    entity_set="A_Product",
    fields=(key("Product", 40), text("BaseUnit", 3, required=True)),
    terms=(AnyOf("Product", "products"),),
    chunked="products",
    when="only for items without a base unit",
)
UNITS = Read(
    name="unit_conversions",
    purpose="factors of order units; a missing one is a fault, never 1",
    service=PRODUCT_SERVICE,
    entity_set="A_ProductUnitsOfMeasure",
    fields=(
        key("Product", 40),
        Field(name="AlternativeUnit", kind="text", identity=True, max_length=3),
        quantity("QuantityNumerator", 0, required=True),
        quantity("QuantityDenominator", 0, required=True),
    ),
    terms=(AnyOf("Product", "products"),),
    chunked="products",
    when="only for items that came in another unit",
)
STOCK = Read(
    name="stock",
    purpose="stock by type; there is no change stamp, so it is always read whole",
    service=STOCK_SERVICE,
    entity_set="A_MatlStkInAcctMod",
    fields=(
        key("Material", 40),
        key("Plant", 4),
        key("StorageLocation", 4, kept=False, required=False),
        Field(name="Batch", kind="text", identity=True, kept=False, required=False),
        key("Supplier", 10, kept=False, required=False),
        key("Customer", 10, kept=False, required=False),
        key("WBSElementInternalID", 8, kept=False, required=False),
        key("SDDocument", 10, kept=False, required=False),
        key("SDDocumentItem", 6, kept=False, required=False),
        Field(name="InventorySpecialStockType", kind="text", identity=True, max_length=1),
        Field(name="InventoryStockType", kind="text", identity=True, max_length=2),
        text("MaterialBaseUnit", 3, required=True),
        quantity("MatlWrhsStkQtyInMatlBaseUnit", 14, required=True),
    ),
    terms=(AnyOf("Plant", "plants"),),
    chunked="plants",
)
