"""A small true-to-life site: three plants, six items, one of everything that is read."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from connector.erp.odata.connection import Basic, Connection
from connector.erp.sap.fields import (
    MOVEMENT_SERVICE,
    MRP_SERVICE,
    ORDER_SERVICE,
    PRODUCT_SERVICE,
    REQUISITION_SERVICE,
    STOCK_SERVICE,
)
from connector.erp.sap.site import SapSite

PLANTS = ("1000", "1010", "1020")
ITEMS = ("100001", "100002", "FG-3", "FG-4", "5", "0A")
SITE = SapSite(name="dc1", plants=PLANTS, history_days=90)
D = Decimal


def connection(sap, **changes):
    known = {
        "base_url": sap.url,
        "credentials": Basic(user="BOT", password="s3cret"),
        "attempts": 2,
    }
    return Connection(**{**known, **changes})


def fill(sap):
    for service, entity_set in (
        (PRODUCT_SERVICE, "A_Product"),
        (PRODUCT_SERVICE, "A_ProductUnitsOfMeasure"),
        (ORDER_SERVICE, "A_PurchaseOrderScheduleLine"),
        (REQUISITION_SERVICE, "A_PurchaseRequisitionItem"),
        (REQUISITION_SERVICE, "A_PurchaseRequisitionHeader"),
        (MRP_SERVICE, "SupplyDemandItems"),
    ):
        sap.rows(service, entity_set)
    _products(sap)
    _stock(sap)
    _orders(sap)
    _movements(sap)
    _requisitions(sap)


def _products(sap):
    for plant in PLANTS:
        for n, item in enumerate(ITEMS):
            sap.rows(PRODUCT_SERVICE, "A_ProductPlant").append(
                {
                    "Product": item,
                    "Plant": plant,
                    "BaseUnit": "PC",
                    "MRPType": "ND" if plant != "1020" else "VB",
                    "PurchasingGroup": "001",
                    "GoodsReceiptDuration": D("1"),
                    "MinimumLotSizeQuantity": D("5.000"),
                    "IsMarkedForDeletion": item == "FG-4" and plant == "1010",
                }
            )
            sap.rows(PRODUCT_SERVICE, "A_ProductSupplyPlanning").append(
                {
                    "Product": item,
                    "Plant": plant,
                    "PlannedDeliveryDurationInDays": D(n + 2),
                    "LotSizeRoundingQuantity": D("2.000"),
                    "SafetyStockQuantity": D("3.500"),
                    "BaseUnit": "PC",
                }
            )
            sap.rows(PRODUCT_SERVICE, "A_ProductValuation").append(
                {
                    "Product": item,
                    "ValuationArea": plant,
                    "ValuationType": "",
                    "InventoryValuationProcedure": "V",
                    "StandardPrice": D("9.00"),
                    "MovingAveragePrice": D("250.00"),
                    "PriceUnitQty": D("100"),
                }
            )
    units = sap.rows(PRODUCT_SERVICE, "A_ProductUnitsOfMeasure")
    units.append(unit("100001", "BOX", "12", "1"))
    units.append(unit("100001", "PC", "1", "1"))
    sap.rows(PRODUCT_SERVICE, "A_Product").append({"Product": "5", "CrossPlantStatus": "01"})


def unit(item, alternative, numerator, denominator):
    return {
        "Product": item,
        "AlternativeUnit": alternative,
        "QuantityNumerator": D(numerator),
        "QuantityDenominator": D(denominator),
    }


def stock_row(item, plant, quantity, *, kind="01", place="0001", special="", **more):
    return {
        "Material": item,
        "Plant": plant,
        "StorageLocation": place,
        "InventorySpecialStockType": special,
        "InventoryStockType": kind,
        "MaterialBaseUnit": "PC",
        "MatlWrhsStkQtyInMatlBaseUnit": D(quantity),
        **more,
    }


def _stock(sap):
    rows = sap.rows(STOCK_SERVICE, "A_MatlStkInAcctMod")
    for plant in PLANTS:
        for n, item in enumerate(ITEMS):
            rows.append(stock_row(item, plant, f"{10 * n}.500"))
    rows.append(stock_row("100001", "1000", "7.000", place="0002"))
    rows.append(stock_row("100001", "1000", "4.000", kind="02"))
    rows.append(stock_row("100001", "1000", "9.000", kind="07"))
    rows.append(stock_row("100001", "1000", "99.000", special="K", Supplier="17"))
    rows.append(stock_row("100002", "1010", "30.000", kind="06", place=""))
    rows.append(stock_row("FG-3", "1010", "-2.000", place="0002"))


def order(number, item, plant, quantity, *, unit="PC", line="10", **more):
    return {
        "PurchaseOrder": number,
        "PurchaseOrderItem": line,
        "Material": item,
        "Plant": plant,
        "OrderQuantity": D(quantity),
        "PurchaseOrderQuantityUnit": unit,
        "GoodsReceiptIsExpected": True,
        "PurchaseOrderItemCategory": "0",
        **more,
    }


def schedule(number, quantity, due, *, line="10", n="1"):
    return {
        "PurchasingDocument": number,
        "PurchasingDocumentItem": line,
        "ScheduleLine": n,
        "ScheduleLineDeliveryDate": due,
        "ScheduleLineOrderQuantity": D(quantity),
    }


def header(number, day, supplier=""):
    return {
        "PurchaseOrder": number,
        "PurchaseOrderDate": day,
        "CreationDate": day,
        "SupplyingPlant": supplier,
    }


def _orders(sap):
    sap.rows(ORDER_SERVICE, "A_PurchaseOrderItem").extend(
        [
            order("4500000001", "100001", "1000", "10.000", unit="BOX"),
            order(
                "4500000002",
                "FG-3",
                "1000",
                "50.000",
                PurchaseRequisition="10000001",
                PurchaseRequisitionItem="10",
            ),
            order("4500000003", "FG-4", "1000", "5.000", PurchasingDocumentDeletionCode="L"),
            order("4500000004", "FG-4", "1000", "5.000", IsCompletelyDelivered=True),
            order("4500000005", "FG-4", "1000", "5.000", AccountAssignmentCategory="K"),
            order("4500000006", "FG-4", "1000", "5.000", IsReturnsItem=True),
            order("4500000007", "100002", "1010", "40.000"),
            order("4400000001", "0A", "1000", "8.000"),
        ]
    )
    sap.rows(ORDER_SERVICE, "A_PurchaseOrderScheduleLine").extend(
        [
            schedule("4500000001", "4.000", date(2026, 11, 20)),
            schedule("4500000001", "6.000", date(2026, 12, 4), n="2"),
            schedule("4500000002", "50.000", date(2026, 11, 27)),
            schedule("4500000007", "40.000", date(2026, 11, 26)),
            schedule("4400000001", "8.000", date(2026, 6, 1)),
        ]
    )
    sap.rows(ORDER_SERVICE, "A_PurchaseOrder").extend(
        [
            header("4500000001", date(2026, 11, 10)),
            header("4500000002", date(2026, 11, 12)),
            header("4500000007", date(2026, 11, 20), "1000"),
            header("4400000001", date(2026, 3, 1)),
        ]
    )


def document(number, day, *lines):
    head = {
        "MaterialDocumentYear": str(day.year),
        "MaterialDocument": number,
        "PostingDate": day,
        "CreationDate": day,
    }
    key = {name: head[name] for name in ("MaterialDocumentYear", "MaterialDocument")}
    return head, [
        {**key, "MaterialDocumentItem": str(n + 1), "MaterialBaseUnit": "PC", **line}
        for n, line in enumerate(lines)
    ]


def move(item, plant, kind, quantity, sign="", order="", line="10"):
    return {
        "Material": item,
        "Plant": plant,
        "GoodsMovementType": kind,
        "DebitCreditCode": sign,
        "QuantityInBaseUnit": D(quantity),
        "PurchaseOrder": order,
        "PurchaseOrderItem": line if order else "",
    }


def _movements(sap):
    documents = [
        document("4900000001", date(2026, 11, 1), move("100001", "1000", "601", "6.000", "H")),
        document(
            "4900000002",
            date(2026, 11, 2),
            move("100001", "1000", "601", "5.000", "H"),
            move("100001", "1000", "602", "1.000", "S"),
            move("100001", "1000", "641", "50.000", "H"),
            move("100001", "9999", "601", "70.000", "H"),
        ),
        document(
            "4900000003",
            date(2026, 11, 22),
            move("100001", "1000", "101", "60.000", "S", "4500000001"),
        ),
        document(
            "4900000004",
            date(2026, 11, 23),
            move("FG-3", "1000", "101", "20.000", "", "4500000002"),
            move("FG-3", "1000", "102", "5.000", "", "4500000002"),
        ),
        document(
            "4800000001", date(2026, 4, 1), move("0A", "1000", "101", "3.000", "S", "4400000001")
        ),
    ]
    for head, lines in documents:
        sap.rows(MOVEMENT_SERVICE, "A_MaterialDocumentHeader").append(head)
        sap.rows(MOVEMENT_SERVICE, "A_MaterialDocumentItem").extend(lines)


def requisition(number, item, plant, quantity, **more):
    return {
        "PurchaseRequisition": number,
        "PurchaseRequisitionItem": "10",
        "Material": item,
        "Plant": plant,
        "RequestedQuantity": D(quantity),
        "OrderedQuantity": D("0.000"),
        "BaseUnit": "PC",
        "DeliveryDate": date(2026, 12, 1),
        "PurReqnReleaseStatus": "02",
        "PurchasingDocumentItemCategory": "0",
        **more,
    }


def _requisitions(sap):
    sap.rows(REQUISITION_SERVICE, "A_PurchaseRequisitionItem").extend(
        [
            requisition(
                "10000001", "FG-3", "1000", "50.000", OrderedQuantity=D("50.000"), IsClosed=True
            ),
            requisition(
                "10000002",
                "100001",
                "1010",
                "12.000",
                OrderedQuantity=D("2.000"),
                RequirementTracking="ABCDEFGH23",
                RequisitionerName="REPLENISHD",
                PurchaseRequisitionIsFixed=True,
                SupplyingPlant="1000",
            ),
            requisition("10000003", "100001", "1010", "1.000", IsDeleted="X"),
            requisition("10000004", "100001", "1010", "1.000", PurReqnReleaseStatus="08"),
            requisition("10000005", "100001", "1010", "1.000", IsPurReqnBlocked="1"),
            requisition("10000006", "100001", "1020", "4.000", RequirementTracking="WINTER"),
        ]
    )
