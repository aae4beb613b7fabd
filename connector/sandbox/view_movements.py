"""Goods movements as the material document service shows them."""

from __future__ import annotations

import numpy as np

from connector.sandbox.documents import (
    FIRST_MATERIAL_DOCUMENT,
    ISSUE,
    ISSUE_REVERSED,
    RECEIPT,
    RECEIPT_REVERSED,
    TRANSFER_ISSUE,
)
from connector.sandbox.lens import (
    Lens,
    Numbers,
    choice,
    day,
    digits,
    flag,
    looked_up,
    quantity,
    same,
    year_of,
)
from connector.sandbox.odata_columns import At, Column
from connector.sandbox.odata_made_columns import Fixed, Maker
from connector.sandbox.odata_schema import SERVICES
from connector.sandbox.odata_table import Table

_SETS = SERVICES["API_MATERIAL_DOCUMENT_SRV"].sets
_ADDS = (RECEIPT, ISSUE_REVERSED)
_KINDS = (RECEIPT, RECEIPT_REVERSED, ISSUE, ISSUE_REVERSED, TRANSFER_ISSUE)


def movements(lens: Lens) -> Table:
    """Return A_MaterialDocumentHeader."""
    table = lens.world.documents.movements
    length = len(table)
    numbers = FIRST_MATERIAL_DOCUMENT + np.arange(length)
    return Table(
        _SETS["A_MaterialDocumentHeader"],
        length,
        {
            "MaterialDocumentYear": lambda at: digits(year_of(table["created"][at]), 4),
            "MaterialDocument": lambda at: digits(numbers[at], 10),
            "DocumentDate": lambda at: day(table["posted"][at]),
            "PostingDate": lambda at: day(table["posted"][at]),
            "CreationDate": lambda at: day(table["created"][at]),
            "CreationTime": lambda _: Fixed('"PT14H30M00S"', length),
            "CreatedByUser": lambda _: same("WAREHOUSE", length),
            "GoodsMovementCode": lambda at: digits(table["code"][at], 2),
        },
    )


def movement_lines(lens: Lens) -> Table:
    """Return A_MaterialDocumentItem."""
    documents = lens.world.documents
    table, heads = documents.movement_lines, documents.movements
    length = len(table)

    def year(at: At) -> Numbers:
        return year_of(heads["created"][table["movement"][at]])

    def number(at: At) -> Numbers:
        return FIRST_MATERIAL_DOCUMENT + table["movement"][at].astype(np.int64)

    def kind(at: At) -> Column:
        return choice([str(each) for each in _KINDS], np.searchsorted(_KINDS, table["kind"][at]))

    return Table(
        _SETS["A_MaterialDocumentItem"],
        length,
        {
            "MaterialDocumentYear": lambda at: digits(year(at), 4),
            "MaterialDocument": lambda at: digits(number(at), 10),
            "MaterialDocumentItem": lambda at: digits(table["line"][at], 4),
            "Material": lambda at: lens.material_of(table["cell"][at]),
            "Plant": lambda at: lens.plant_of(table["cell"][at]),
            "StorageLocation": lambda _: same("0001", length),
            "GoodsMovementType": kind,
            "InventoryStockType": lambda _: same("01", length),
            "MaterialBaseUnit": lambda at: lens.unit_of(table["cell"][at]),
            "QuantityInBaseUnit": lambda at: quantity(table["quantity"][at]),
            "EntryUnit": lambda at: lens.unit_of(table["cell"][at]),
            "QuantityInEntryUnit": lambda at: quantity(table["quantity"][at]),
            "FiscalYear": lambda at: digits(year(at), 4),
            "IssuingOrReceivingPlant": lambda at: lens.plant(table["partner"][at]),
            "IsCompletelyDelivered": lambda at: flag(table["final"][at]),
            "GoodsMovementIsCancelled": lambda at: flag(table["cancelled"][at]),
            "DebitCreditCode": lambda at: choice(("H", "S"), np.isin(table["kind"][at], _ADDS)),
            **_referring(lens),
        },
    )


def _referring(lens: Lens) -> dict[str, Maker]:
    """Return the columns that point at other documents: the order, and what is reversed."""
    documents = lens.world.documents
    table, heads, orders = documents.movement_lines, documents.movements, documents.order_lines

    def reversed_year(at: At) -> Numbers:
        created = looked_up(table["movement"], table["reverses"][at], missing=0)
        return np.where(table["reverses"][at] < 0, -1, year_of(heads["created"][created]))

    def reversed_number(at: At) -> Numbers:
        head = looked_up(table["movement"], table["reverses"][at])
        return np.where(head < 0, -1, FIRST_MATERIAL_DOCUMENT + head.astype(np.int64))

    def order_line(at: At) -> Numbers:
        line = looked_up(orders["line"], table["order_line"][at])
        return np.where(line < 0, 0, line)

    return {
        "PurchaseOrder": lambda at: digits(
            looked_up(orders["number"], table["order_line"][at]), 10
        ),
        "PurchaseOrderItem": lambda at: digits(order_line(at), 5),
        "ReversedMaterialDocumentYear": lambda at: digits(reversed_year(at), 4),
        "ReversedMaterialDocument": lambda at: digits(reversed_number(at), 10),
        "ReversedMaterialDocumentItem": lambda at: digits(
            looked_up(table["line"], table["reverses"][at]), 4
        ),
    }
