"""Purchase orders as their service shows them. Transfers between plants are not among them."""

from __future__ import annotations

import numpy as np

from connector.sandbox.lens import (
    Lens,
    Numbers,
    day,
    digits,
    flag,
    looked_up,
    moment,
    quantity,
    same,
)
from connector.sandbox.odata_columns import At
from connector.sandbox.odata_made_columns import Fixed
from connector.sandbox.odata_schema import SERVICES
from connector.sandbox.odata_table import Table

_SETS = SERVICES["API_PURCHASEORDER_PROCESS_SRV"].sets


def orders(lens: Lens) -> Table:
    """Return A_PurchaseOrder."""
    table = lens.world.documents.orders
    length = len(table)
    return Table(
        _SETS["A_PurchaseOrder"],
        length,
        {
            "PurchaseOrder": lambda at: digits(table["number"][at], 10),
            "CompanyCode": lambda _: same("1000", length),
            "PurchaseOrderType": lambda _: same("NB", length),
            "PurchasingProcessingStatus": lambda _: same("02", length),
            "CreatedByUser": lambda at: lens.word(table["creator"][at]),
            "CreationDate": lambda at: day(table["created"][at]),
            "LastChangeDateTime": lambda at: moment(table["created"][at]),
            "Supplier": lambda at: lens.vendor(table["vendor"][at]),
            "Language": lambda _: same("EN", length),
            "PurchasingOrganization": lambda _: same("1000", length),
            "PurchasingGroup": lambda at: lens.word(table["group"][at]),
            "PurchaseOrderDate": lambda at: day(table["created"][at]),
            "DocumentCurrency": lambda _: same("EUR", length),
            "PurchasingCompletenessStatus": lambda _: Fixed("true", length),
        },
    )


def order_lines(lens: Lens) -> Table:
    """Return A_PurchaseOrderItem."""
    documents = lens.world.documents
    table, requests = documents.order_lines, documents.requisitions
    length, cells, asked = len(table), table["cell"], table["requisition"]

    def price(at: At) -> Numbers:
        return np.asarray(lens.facts.price[lens.facts.item[cells[at]]] * table["factor"][at])

    return Table(
        _SETS["A_PurchaseOrderItem"],
        length,
        {
            "PurchaseOrder": lambda at: digits(table["number"][at], 10),
            "PurchaseOrderItem": lambda at: digits(table["line"][at], 5),
            "PurchasingDocumentDeletionCode": lambda at: lens.word(table["deleted"][at]),
            "Plant": lambda at: lens.plant_of(cells[at]),
            "StorageLocation": lambda _: same("0001", length),
            "OrderQuantity": lambda at: quantity(table["quantity"][at]),
            "PurchaseOrderQuantityUnit": lambda at: lens.word(table["unit"][at]),
            "OrderPriceUnit": lambda at: lens.word(table["unit"][at]),
            "DocumentCurrency": lambda _: same("EUR", length),
            "NetPriceAmount": lambda at: quantity(price(at)),
            "NetPriceQuantity": lambda _: Fixed('"1"', length, decimal=True),
            "IsCompletelyDelivered": lambda at: flag(table["complete"][at]),
            "PurchaseOrderItemCategory": lambda _: same("0", length),
            "AccountAssignmentCategory": lambda at: lens.word(table["account"][at]),
            "GoodsReceiptIsExpected": lambda at: flag(table["expected"][at]),
            "InvoiceIsExpected": lambda _: Fixed("true", length),
            "PurchaseRequisition": lambda at: digits(looked_up(requests["number"], asked[at]), 10),
            "PurchaseRequisitionItem": lambda at: digits(
                np.where(asked[at] < 0, 0, looked_up(requests["line"], asked[at])), 5
            ),
            "IsReturnsItem": lambda at: flag(table["returned"][at]),
            "RequisitionerName": lambda at: lens.word(
                looked_up(requests["requisitioner"], asked[at], missing=0)
            ),
            "Material": lambda at: lens.material_of(cells[at]),
        },
    )


def schedule(lens: Lens) -> Table:
    """Return A_PurchaseOrderScheduleLine."""
    documents = lens.world.documents
    table, lines, requests = documents.schedule, documents.order_lines, documents.requisitions
    parent = table["order_line"]
    asked = lines["requisition"][parent]
    return Table(
        _SETS["A_PurchaseOrderScheduleLine"],
        len(table),
        {
            "PurchasingDocument": lambda at: digits(lines["number"][parent[at]], 10),
            "PurchasingDocumentItem": lambda at: digits(lines["line"][parent[at]], 5),
            "ScheduleLine": lambda at: digits(table["line"][at], 4),
            "DelivDateCategory": lambda _: same("1", len(table)),
            "ScheduleLineDeliveryDate": lambda at: day(table["due"][at]),
            "PurchaseOrderQuantityUnit": lambda at: lens.word(lines["unit"][parent[at]]),
            "ScheduleLineOrderQuantity": lambda at: quantity(table["quantity"][at]),
            "SchedLineStscDeliveryDate": lambda at: day(table["due"][at]),
            "PurchaseRequisition": lambda at: digits(looked_up(requests["number"], asked[at]), 10),
            "PurchaseRequisitionItem": lambda at: digits(
                np.where(asked[at] < 0, 0, looked_up(requests["line"], asked[at])), 5
            ),
        },
    )
