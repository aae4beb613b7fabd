"""Small worlds, and the laws every one of them must keep."""

from __future__ import annotations

import numpy as np

from connector.sandbox import purchasing
from connector.sandbox.documents import (
    ISSUE,
    ISSUE_REVERSED,
    RECEIPT,
    RECEIPT_REVERSED,
    TRANSFER_ISSUE,
)
from connector.sandbox.filing import NewLine
from connector.sandbox.world import World
from connector.twin.scenario import WorldOptions

SIGNS = {RECEIPT: 1, RECEIPT_REVERSED: -1, ISSUE: -1, ISSUE_REVERSED: 1, TRANSFER_ISSUE: -1}


def world(**said):
    return World(WorldOptions(**{"items": 20, "regions": 2, "history_days": 20, **said}))


def file(some_world, cell, quantity, **said):
    facts = some_world.scenario
    given = {
        "line": 10,
        "cell": cell,
        "quantity": quantity,
        "due": some_world.today + 3,
        "group": "001",
        "supplying": -1 if facts.node[cell] == 0 else 0,
        **said,
    }
    return some_world.file([NewLine(**given)], document_type="NB", description="", by="TEST")


def posted(some_world):
    """Return what the material documents say was added to each cell's stock."""
    table = some_world.documents.movement_lines
    sign = np.asarray([SIGNS[kind] for kind in table["kind"].tolist()])
    return np.bincount(table["cell"], sign * table["quantity"], minlength=len(some_world.on_hand))


def expect_the_laws(some_world, opening):
    """Assert what no day may break."""
    documents = some_world.documents
    assert (some_world.on_hand >= 0).all()
    assert np.allclose(opening + posted(some_world), some_world.on_hand)
    shipments = documents.shipments
    under_way = np.flatnonzero(~shipments["done"])
    travelling = np.bincount(
        shipments["cell"][under_way],
        shipments["quantity"][under_way],
        minlength=len(some_world.on_hand),
    )
    assert np.allclose(travelling, some_world.in_transit)
    requests = documents.requisitions
    assert (requests["ordered"] <= requests["quantity"] + 1e-9).all()
    assert (purchasing.open_quantity(some_world) >= 0).all()
    lines = documents.order_lines
    base = lines["quantity"] * lines["factor"]
    assert (lines["received"] <= base + 1e-9).all()
    real = (lines["deleted"] == 0) & (lines["account"] == 0) & ~lines["returned"]
    coming = np.where(real & ~lines["complete"], base - lines["received"], 0.0)
    expected = np.bincount(lines["cell"], coming, minlength=len(some_world.on_hand))
    assert np.allclose(expected, some_world.on_order)
