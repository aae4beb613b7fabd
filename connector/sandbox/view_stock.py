"""Stock as the stock service shows it: one row per place and kind, nothing for nothing."""

from __future__ import annotations

import numpy as np

from connector.sandbox.lens import Lens, choice, digits, quantity
from connector.sandbox.odata_schema import SERVICES
from connector.sandbox.odata_table import Table
from connector.sandbox.rows import Rows
from connector.twin.scenario import CENTRAL

_SETS = SERVICES["API_MATERIAL_STOCK_SRV"].sets
_PLACES = ("", "0001", "0002")
_KINDS = ("01", "02", "06", "07")
_FREE, _INSPECTION, _TRANSIT, _BLOCKED = range(4)
_OWN, _CONSIGNED = range(2)
_PLACE_TWO_SHARE = 0.3  # of the stock of items kept in two places


def material_stock(lens: Lens) -> Table:
    """Return A_MaterialStock: every material."""
    items = np.arange(lens.facts.items)
    return Table(
        _SETS["A_MaterialStock"],
        len(items),
        {
            "Material": lambda at: lens.material(items[at]),
            "MaterialBaseUnit": lambda at: lens.unit(items[at]),
        },
    )


def stock(lens: Lens) -> Table:
    """Return A_MatlStkInAcctMod."""
    rows = _rows(lens)
    order = np.lexsort((rows["kind"], rows["special"], rows["place"], rows["cell"]))
    cells = rows["cell"][order]
    batched = lens.facts.item[cells] % 13 == 4  # noqa: PLR2004 - which items, not how many
    consigned = rows["special"][order] == _CONSIGNED
    vendors = np.where(consigned, lens.facts.vendor[lens.facts.item[cells]], -1)
    zeros = np.zeros(len(order), np.int8)
    return Table(
        _SETS["A_MatlStkInAcctMod"],
        len(order),
        {
            "Material": lambda at: lens.material_of(cells[at]),
            "Plant": lambda at: lens.plant_of(cells[at]),
            "StorageLocation": lambda at: choice(_PLACES, rows["place"][order][at]),
            "Batch": lambda at: choice(("", "B2026A"), batched[at]),
            "Supplier": lambda at: lens.vendor(vendors[at]),
            "SDDocumentItem": lambda at: digits(zeros[at], 6),
            "WBSElementInternalID": lambda at: digits(zeros[at], 8),
            "InventorySpecialStockType": lambda at: choice(("", "K"), rows["special"][order][at]),
            "InventoryStockType": lambda at: choice(_KINDS, rows["kind"][order][at]),
            "MaterialBaseUnit": lambda at: lens.unit_of(cells[at]),
            "MatlWrhsStkQtyInMatlBaseUnit": lambda at: quantity(
                rows["quantity"][order][at], scale=14
            ),
        },
    )


def _rows(lens: Lens) -> Rows:
    """Collect what is where. Blocked, inspected and consigned stock is there to be left alone."""
    world, facts = lens.world, lens.facts
    rows = Rows(cell="i8", place="i1", kind="i1", special="i1", quantity="f8")
    two_places = (facts.item % 6 == 1) & (world.on_hand > 0)
    second = np.where(two_places, np.floor(world.on_hand * _PLACE_TWO_SHARE), 0.0)
    at_centre = facts.node == CENTRAL
    chosen = [np.where(at_centre & (facts.item % 29 == n), 4.0 + n, 0.0) for n in range(3)]
    for place, kind, special, amount in (
        (1, _FREE, _OWN, world.on_hand - second),
        (2, _FREE, _OWN, second),
        (0, _TRANSIT, _OWN, world.in_transit),
        (1, _BLOCKED, _OWN, chosen[0]),
        (1, _INSPECTION, _OWN, chosen[1]),
        (1, _FREE, _CONSIGNED, chosen[2]),
    ):
        cells = np.flatnonzero(np.round(amount, 3))
        rows.append(
            len(cells),
            cell=cells,
            place=place,
            kind=kind,
            special=special,
            quantity=np.round(amount[cells], 3),
        )
    return rows
