"""Purchase requisitions as their service shows them, whoever made them, deleted ones too."""

from __future__ import annotations

import numpy as np

from connector.sandbox.filing import RELEASE_LIMIT
from connector.sandbox.lens import (
    Lens,
    Numbers,
    choice,
    day,
    digits,
    flag,
    looked_up,
    moment,
    quantity,
    same,
)
from connector.sandbox.odata_columns import At
from connector.sandbox.odata_made_columns import Fixed, Maker
from connector.sandbox.odata_schema import SERVICES
from connector.sandbox.odata_table import Table
from connector.sandbox.rows import Rows

_SETS = SERVICES["API_PURCHASEREQ_PROCESS_SRV"].sets
_TRANSFER_CATEGORY = "7"


def requisitions(lens: Lens) -> Table:
    """Return A_PurchaseRequisitionHeader: the first line of each document stands for it."""
    table = lens.world.documents.requisitions
    numbers = table["number"]
    heads = np.flatnonzero(np.r_[len(numbers) > 0, numbers[1:] != numbers[:-1]][: len(numbers)])
    return Table(
        _SETS["A_PurchaseRequisitionHeader"],
        len(heads),
        {
            "PurchaseRequisition": lambda at: digits(numbers[heads[at]], 10),
            "PurchaseRequisitionType": lambda at: lens.word(table["document_type"][heads[at]]),
            "PurReqnDescription": lambda at: lens.word(table["description"][heads[at]]),
        },
    )


def requisition_lines(lens: Lens) -> Table:
    """Return A_PurchaseRequisitionItem."""
    table = lens.world.documents.requisitions
    length, word = len(table), lens.word

    return Table(
        _SETS["A_PurchaseRequisitionItem"],
        length,
        {
            "PurchaseRequisition": lambda at: digits(table["number"][at], 10),
            "PurchaseRequisitionItem": lambda at: digits(table["line"][at], 5),
            "PurchaseRequisitionType": lambda at: word(table["document_type"][at]),
            "PurchasingDocumentItemCategory": lambda at: choice(
                ("0", _TRANSFER_CATEGORY), table["supplying"][at] >= 0
            ),
            "PurchaseRequisitionItemText": lambda at: word(table["text"][at]),
            "AccountAssignmentCategory": lambda at: word(table["account"][at]),
            "RequestedQuantity": lambda at: quantity(table["quantity"][at]),
            "OrderedQuantity": lambda at: quantity(table["ordered"][at]),
            "PurchasingOrganization": lambda _: same("1000", length),
            "PurchasingGroup": lambda at: word(table["group"][at]),
            "CompanyCode": lambda _: same("1000", length),
            "SupplyingPlant": lambda at: lens.plant(table["supplying"][at]),
            "DeliveryDate": lambda at: day(table["due"][at]),
            "CreationDate": lambda at: day(table["created"][at]),
            "PurReqCreationDate": lambda at: day(table["created"][at]),
            "LastChangeDateTime": lambda at: moment(table["created"][at]),
            "CreatedByUser": lambda at: word(table["creator"][at]),
            "PurReqnItemCurrency": lambda _: same("EUR", length),
            "StorageLocation": lambda at: word(table["storage"][at]),
            "PurReqnOrigin": lambda at: word(table["origin"][at]),
            "PurchaseRequisitionIsFixed": lambda at: flag(table["fixed"][at]),
            "MRPController": lambda _: same("001", length),
            "PurReqnPriceQuantity": lambda _: Fixed('"1"', length, decimal=True),
            **_standing(lens, table),
            **_traced(lens, table),
            **_of_the_cell(lens, table),
            **_ordered(lens, table),
        },
    )


def _standing(lens: Lens, table: Rows) -> dict[str, Maker]:
    """Return how far a line has come: released, converted, deleted, closed, blocked."""
    facts = lens.facts

    def waits(at: At) -> Numbers:
        signed = table["released"][at] <= lens.world.today
        value = table["quantity"][at] * facts.price[facts.item[table["cell"][at]]]
        return np.asarray(~signed & (value > RELEASE_LIMIT))

    return {
        "PurReqnReleaseStatus": lambda at: choice(("05", "03"), waits(at)),
        "ReleaseIsNotCompleted": lambda at: flag(waits(at)),
        "ProcessingStatus": lambda at: choice(("N", "B"), table["ordered"][at] > 0),
        "IsDeleted": lambda at: choice(("", "X"), table["deleted"][at]),
        # Ordered in full is closed; a person may close a line before that
        "IsClosed": lambda at: flag(
            table["closed"][at] | (table["ordered"][at] >= table["quantity"][at])
        ),
        "IsPurReqnBlocked": lambda at: choice(("", "1"), table["blocked"][at]),
    }


def _traced(lens: Lens, table: Rows) -> dict[str, Maker]:
    """Return what tells whose line it is."""
    return {
        "RequirementTracking": lambda at: lens.word(table["tracking"][at]),
        "RequisitionerName": lambda at: lens.word(table["requisitioner"][at]),
        "PurReqnExternalReference": lambda at: lens.word(table["reference"][at]),
        "PurReqnItemExternalReference": lambda at: lens.word(table["line_reference"][at]),
    }


def _of_the_cell(lens: Lens, table: Rows) -> dict[str, Maker]:
    """Return what the material's master data says."""
    facts = lens.facts
    return {
        "Material": lambda at: lens.material_of(table["cell"][at]),
        "Plant": lambda at: lens.plant_of(table["cell"][at]),
        "BaseUnit": lambda at: lens.unit_of(table["cell"][at]),
        "PurchaseRequisitionPrice": lambda at: lens.price(facts.item[table["cell"][at]]),
        "MaterialGoodsReceiptDuration": lambda at: quantity(
            facts.receipt_days[table["cell"][at]], scale=0
        ),
        "MaterialPlannedDeliveryDurn": lambda at: quantity(
            facts.delivery_days[table["cell"][at]], scale=0
        ),
    }


def _ordered(lens: Lens, table: Rows) -> dict[str, Maker]:
    """Return the purchase order a line was converted into."""
    orders = lens.world.documents.order_lines

    def line(at: At) -> Numbers:
        found = looked_up(orders["line"], table["order_line"][at])
        return np.where(found < 0, 0, found)

    return {
        "PurchasingDocument": lambda at: digits(
            looked_up(orders["number"], table["order_line"][at]), 10
        ),
        "PurchasingDocumentItem": lambda at: digits(line(at), 5),
    }
