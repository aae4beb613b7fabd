"""The stock/requirements list and the planning view of materials (API_MRP_MATERIALS_SRV_01)."""

from __future__ import annotations

import numpy as np

from connector.sandbox import purchasing
from connector.sandbox.documents import FIRST_DELIVERY
from connector.sandbox.lens import Lens, choice, day, digits, flag, quantity, same
from connector.sandbox.odata_schema import SERVICES
from connector.sandbox.odata_table import Table
from connector.sandbox.rows import Rows
from connector.twin.scenario import Floats, Ints

_SETS = SERVICES["API_MRP_MATERIALS_SRV_01"].sets
_STOCK, _ORDER, _REQUEST, _SHIPPED, _ASKED_OF_US = range(5)
_ELEMENTS = ("WB", "BE", "BA", "LA", "U2")


def supply_and_demand(lens: Lens) -> Table:
    """Return SupplyDemandItems: what is there, what comes, what other plants ask of this one."""
    rows = _elements(lens)
    order = np.lexsort((rows["due"], rows["element"] != _STOCK, rows["cell"]))
    cells, element = rows["cell"][order], rows["element"][order]
    length = len(order)
    open_quantity = np.round(rows["quantity"][order], 3)
    available = _running(cells, open_quantity)
    return Table(
        _SETS["SupplyDemandItems"],
        length,
        {
            "Material": lambda at: lens.material_of(cells[at]),
            "MaterialExternalID": lambda at: lens.material_of(cells[at]),
            "MRPArea": lambda at: lens.plant_of(cells[at]),
            "MRPPlant": lambda at: lens.plant_of(cells[at]),
            "DemandCategoryGroup": lambda at: choice(("", "D"), element[at] == _ASKED_OF_US),
            "ReceiptCategoryGroup": lambda at: choice(("R", ""), element[at] == _ASKED_OF_US),
            "MaterialBaseUnit": lambda at: lens.unit_of(cells[at]),
            "MaterialSafetyStockQty": lambda at: quantity(lens.facts.safety_stock[cells[at]]),
            "MRPElementOpenQuantity": lambda at: quantity(open_quantity[at]),
            "MRPAvailableQuantity": lambda at: quantity(available[at]),
            "MRPElement": lambda at: digits(rows["number"][order][at], 10),
            "MRPElementItem": lambda at: digits(rows["line"][order][at], 5),
            "MRPElementScheduleLine": lambda at: digits(rows["schedule"][order][at], 4),
            "MRPElementAvailyOrRqmtDate": lambda at: day(rows["due"][order][at]),
            "MRPElementCategory": lambda at: choice(_ELEMENTS, element[at]),
            "MRPElementQuantityIsFirm": lambda at: flag(rows["firm"][order][at]),
            "MRPElementIsReleased": lambda at: flag(rows["released"][order][at]),
            "MRPElementIsPartiallyDelivered": lambda at: flag(rows["partial"][order][at]),
            "MRPController": lambda _: same("001", length),
        },
    )


def _running(cells: Ints, amount: Floats) -> Floats:
    """Return the running sum within each cell; equal cells stand together."""
    total = np.cumsum(amount)
    heads = np.flatnonzero(np.r_[True, cells[1:] != cells[:-1]][: len(cells)])
    before = np.repeat((total - amount)[heads], np.diff(np.r_[heads, len(cells)]))
    running: Floats = np.round(total - before, 3)
    return running


def _elements(lens: Lens) -> Rows:
    rows = Rows(
        cell="i8",
        element="i1",
        number="i8",
        line="i4",
        schedule="i4",
        due="i4",
        quantity="f8",
        firm="?",
        released="?",
        partial="?",
    )
    world = lens.world
    every = np.arange(len(world.on_hand))
    fixed = {"number": -1, "line": -1, "schedule": -1, "firm": True, "released": True}
    rows.append(
        len(every),
        **fixed,
        cell=every,
        element=_STOCK,
        due=world.today,
        quantity=world.on_hand,
        partial=False,
    )
    _orders(lens, rows)
    _requests(lens, rows)
    _shipments(lens, rows)
    return rows


def _orders(lens: Lens, rows: Rows) -> None:
    """Add open schedule lines; what was received is taken from the earliest first."""
    documents = lens.world.documents
    schedule, lines = documents.schedule, documents.order_lines
    parent = schedule["order_line"]
    is_open = (lines["deleted"] == 0) & ~lines["complete"] & ~lines["returned"]
    is_open &= (lines["account"] == 0) & lines["expected"]
    chosen = np.flatnonzero(is_open[parent])
    chosen = chosen[np.lexsort((schedule["line"][chosen], parent[chosen]))]
    parent = parent[chosen]
    amount = schedule["quantity"][chosen] * lines["factor"][parent]
    before = _running(parent, amount) - amount
    remains = np.clip(amount - np.clip(lines["received"][parent] - before, 0, None), 0, amount)
    kept = np.flatnonzero(remains > 0)
    chosen, parent = chosen[kept], parent[kept]
    rows.append(
        len(kept),
        cell=lines["cell"][parent],
        element=_ORDER,
        number=lines["number"][parent],
        line=lines["line"][parent],
        schedule=schedule["line"][chosen],
        due=schedule["due"][chosen],
        quantity=remains[kept],
        firm=True,
        released=True,
        partial=lines["received"][parent] > 0,
    )


def _requests(lens: Lens, rows: Rows) -> None:
    """Add open requisitions, and the same as requirements at the plants they are asked of."""
    world = lens.world
    table = world.documents.requisitions
    open_rows = purchasing.open_rows(world)
    for asked_of_us in (False, True):
        chosen = open_rows[table["supplying"][open_rows] >= 0] if asked_of_us else open_rows
        cells = table["cell"][chosen].astype(np.int64)
        amount = table["quantity"][chosen] - table["ordered"][chosen]
        if asked_of_us:
            cells = lens.facts.item[cells] * lens.facts.nodes + table["supplying"][chosen]
        rows.append(
            len(chosen),
            cell=cells,
            element=_ASKED_OF_US if asked_of_us else _REQUEST,
            number=table["number"][chosen],
            line=table["line"][chosen],
            schedule=0,
            due=table["due"][chosen],
            quantity=-amount if asked_of_us else amount,
            firm=table["fixed"][chosen],
            released=table["released"][chosen] <= world.today,
            partial=table["ordered"][chosen] > 0,
        )


def _shipments(lens: Lens, rows: Rows) -> None:
    """Add goods on the way between our plants, under their delivery's number."""
    shipments = lens.world.documents.shipments
    chosen = np.flatnonzero(~shipments["done"])
    rows.append(
        len(chosen),
        cell=shipments["cell"][chosen],
        element=_SHIPPED,
        number=FIRST_DELIVERY + chosen,
        line=10,
        schedule=0,
        due=shipments["due"][chosen],
        quantity=shipments["quantity"][chosen],
        firm=True,
        released=True,
        partial=False,
    )


def mrp_materials(lens: Lens) -> Table:
    """Return A_MRPMaterial: one row holds nearly all parameters of a cell."""
    facts = lens.facts
    length = len(facts.item)
    return Table(
        _SETS["A_MRPMaterial"],
        length,
        {
            "Material": lambda at: lens.material(facts.item[at]),
            "MRPPlant": lambda at: lens.plant(facts.node[at]),
            "MRPArea": lambda at: lens.plant(facts.node[at]),
            "PlntMatlIsMarkedForDeletion": lambda at: flag(facts.discontinued[facts.item[at]]),
            "BaseUnit": lambda at: lens.unit(facts.item[at]),
            "MaterialABCClassification": lambda at: choice(("A", "B", "C"), facts.item[at] % 3),
            "PurchasingGroup": lambda at: lens.group(facts.item[at]),
            "MRPController": lambda _: same("001", length),
            "GoodsReceiptDuration": lambda at: quantity(facts.receipt_days[at], scale=0),
            "MaterialPlannedDeliveryDurn": lambda at: quantity(facts.delivery_days[at], scale=0),
            "TotalReplenishmentLeadDuration": lambda at: quantity(facts.lead_days[at], scale=0),
            "ReorderThresholdQuantity": lambda at: quantity(facts.reorder_point[at]),
            "SafetyStockQuantity": lambda at: quantity(facts.safety_stock[at]),
            "LotSizingProcedure": lambda at: choice(("HB", "FX"), facts.lot_fixed[at] > 0),
            "MinimumLotSizeQuantity": lambda at: quantity(facts.lot_minimum[at]),
            "MaximumLotSizeQuantity": lambda at: quantity(facts.lot_maximum[at]),
            "FixedLotSizeQuantity": lambda at: quantity(facts.lot_fixed[at]),
            "PurOrderQtyRoundingQty": lambda at: quantity(facts.lot_multiple[at]),
            "MaterialMaxStockLevelQuantity": lambda at: quantity(facts.maximum[at]),
            "Currency": lambda _: same("EUR", length),
            "MRPType": lambda at: choice(("ND", "VB"), lens.world.planned[facts.node[at]]),
        },
    )
