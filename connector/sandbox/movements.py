"""Goods movements: receipts, issues, transfers, reversals, posted as material documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from connector.sandbox.documents import (
    ISSUE,
    ISSUE_REVERSED,
    RECEIPT,
    RECEIPT_REVERSED,
    TRANSFER_ISSUE,
)
from connector.twin.scenario import Floats, Ints

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from connector.sandbox.chance import Mishaps
    from connector.sandbox.world import World

LINES_MOST = 50
BACKDATED_EVERY = 37  # one issue document in so many is posted to the day before
_CODES = {RECEIPT: 1, RECEIPT_REVERSED: 1, ISSUE: 3, ISSUE_REVERSED: 3, TRANSFER_ISSUE: 4}
_NOBODY = -1


def numbered(apart: Ints, most: int) -> tuple[Ints, Ints]:
    """Return document numbers (from 0) and line numbers (from 1), parted by `apart` and `most`."""
    here = np.arange(len(apart))
    begins = np.r_[True, apart[1:] != apart[:-1]] if len(apart) else np.zeros(0, np.bool_)
    within = here - np.maximum.accumulate(np.where(begins, here, 0))
    return np.cumsum(within % most == 0) - 1, within % most + 1


def post(
    world: World,
    kind: int,
    cells: Ints,
    quantity: Floats,
    *,
    apart: Ints,
    order_line: ArrayLike = _NOBODY,
    partner: ArrayLike = _NOBODY,
    reverses: ArrayLike = _NOBODY,
    final: ArrayLike = False,
) -> Ints:
    """Post one movement per row, documents parted by `apart`; return the rows. Moves no stock."""
    documents = world.documents
    if len(cells) == 0:
        return np.zeros(0, dtype=np.int64)
    document, line = numbered(apart, LINES_MOST)
    count = int(document[-1]) + 1
    head = len(documents.movements) + np.arange(count)
    early = (kind == ISSUE) & (head % BACKDATED_EVERY == BACKDATED_EVERY - 1)
    first_head = documents.movements.append(
        count, created=world.today, posted=world.today - early, code=_CODES[kind]
    )
    first = documents.movement_lines.append(
        len(cells),
        movement=first_head + document,
        line=line,
        cell=cells,
        kind=kind,
        quantity=quantity,
        order_line=order_line,
        partner=partner,
        reverses=reverses,
        cancelled=False,
        final=final,
    )
    return first + np.arange(len(cells))


def receive(world: World, mishaps: Mishaps) -> Floats:
    """Take in what arrives today, from vendors and from our own plants; return it per cell."""
    received = np.zeros(len(world.on_hand))
    _receive_orders(world, mishaps, received)
    _receive_transfers(world, received)
    world.on_hand += received
    return received


def _receive_orders(world: World, mishaps: Mishaps, received: Floats) -> None:
    documents = world.documents
    deliveries, lines = documents.deliveries, documents.order_lines
    due = np.flatnonzero(~deliveries["done"] & (deliveries["due"] <= world.today))
    due = due[np.argsort(deliveries["order_line"][due], kind="stable")]
    deliveries["done"][due] = True
    rows = deliveries["order_line"][due]
    kept = (lines["deleted"][rows] == 0) & ~lines["complete"][rows]
    due, rows = due[kept], rows[kept]
    cells, quantity = lines["cell"][rows].astype(np.int64), deliveries["quantity"][due]
    last = deliveries["last"][due]
    final = last & (lines["received"][rows] + quantity > 0)
    np.add.at(received, cells, quantity)
    np.add.at(lines["received"], rows, quantity)
    lines["complete"][rows[last]] = True
    np.subtract.at(world.on_order, cells, quantity)
    # What a short delivery leaves out will not come any more
    missing = lines["quantity"][rows] * lines["factor"][rows] - lines["received"][rows]
    np.subtract.at(world.on_order, cells[last], missing[last])
    apart = lines["order"][rows].astype(np.int64)
    posted = post(world, RECEIPT, cells, quantity, apart=apart, order_line=rows, final=final)
    wrong = mishaps.is_reversed[cells]
    _correct(world, RECEIPT, RECEIPT_REVERSED, posted[wrong])


def _receive_transfers(world: World, received: Floats) -> None:
    documents, nodes = world.documents, world.scenario.nodes
    shipments = documents.shipments
    due = np.flatnonzero(~shipments["done"] & (shipments["due"] <= world.today))
    due = due[np.argsort(shipments["cell"][due] % nodes, kind="stable")]
    shipments["done"][due] = True
    cells, quantity = shipments["cell"][due].astype(np.int64), shipments["quantity"][due]
    np.subtract.at(world.in_transit, cells, quantity)
    np.add.at(received, cells, quantity)
    post(world, RECEIPT, cells, quantity, apart=cells % nodes, partner=shipments["source"][due])


def issue(world: World, wanted: Floats, mishaps: Mishaps) -> Floats:
    """Serve the day's demand from stock; what is not there is lost. Returns what was served."""
    served: Floats = np.minimum(wanted, np.maximum(world.on_hand, 0.0))
    world.on_hand -= served
    cells = np.flatnonzero(served > 0)
    cells = cells[np.argsort(world.scenario.node[cells], kind="stable")]
    posted = post(world, ISSUE, cells, served[cells], apart=world.scenario.node[cells])
    _correct(world, ISSUE, ISSUE_REVERSED, posted[mishaps.is_reversed[cells]])
    return served


def _correct(world: World, kind: int, undo: int, rows: Ints) -> None:
    """Reverse these movements and post them again, as clerks do: the sum stays the same."""
    lines = world.documents.movement_lines
    if len(rows) == 0:
        return
    cells, quantity = lines["cell"][rows].astype(np.int64), lines["quantity"][rows].copy()
    order_line, final = lines["order_line"][rows].copy(), lines["final"][rows].copy()
    apart = lines["movement"][rows].astype(np.int64)
    lines["cancelled"][rows] = True
    post(world, undo, cells, quantity, apart=apart, order_line=order_line, reverses=rows)
    post(world, kind, cells, quantity, apart=apart, order_line=order_line, final=final)
