"""Requisitions become purchase orders, or transfers between our own plants."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from connector.sandbox import movements
from connector.sandbox.documents import FIRST_ORDER, LINE_STEP, TRANSFER_ISSUE
from connector.twin.scenario import CENTRAL, GROUPS, UNITS, Floats, Ints

if TYPE_CHECKING:
    from connector.sandbox.chance import Mishaps
    from connector.sandbox.world import World

LINES_MOST = 50
SECOND_PART_DAYS = 5  # after the first, as agreed with the vendor
SHORT_SHARE = 0.95
REGION_DAYS = 2  # longer than to the central plant


def open_rows(world: World) -> Ints:
    """Return the requisition lines that will still bring stock."""
    table = world.documents.requisitions
    is_open = ~(table["deleted"] | table["closed"] | table["blocked"]) & (table["account"] == 0)
    return np.flatnonzero(is_open & (table["quantity"] > table["ordered"]))


def open_quantity(world: World) -> Floats:
    """Return the requested and not yet ordered quantity per cell."""
    table = world.documents.requisitions
    rows = open_rows(world)
    remaining = table["quantity"][rows] - table["ordered"][rows]
    total = np.bincount(table["cell"][rows], remaining, len(world.on_hand))
    return np.asarray(total, dtype=np.float64)


def convert(world: World, lead: Ints, mishaps: Mishaps) -> None:
    """Let the buyers convert every released requisition."""
    rows = open_rows(world)
    table = world.documents.requisitions
    rows = rows[table["released"][rows] <= world.today]
    inside = table["supplying"][rows] >= 0
    _transfer(world, rows[inside], lead)
    _buy(world, rows[~inside], lead, mishaps)


def _transfer(world: World, rows: Ints, lead: Ints) -> None:
    """Issue goods for transfers, first requested first served, as far as stock reaches."""
    table, nodes = world.documents.requisitions, world.scenario.nodes
    cells = table["cell"][rows].astype(np.int64)
    sources = world.scenario.item[cells] * nodes + table["supplying"][rows]
    wanted = table["quantity"][rows] - table["ordered"][rows]
    moved = _shared_out(world.on_hand, sources, wanted)
    grain = world.scenario.grain[world.scenario.item[cells]]
    # A carrier takes whole pieces, unless the request itself ends in a fraction
    moved = np.where(moved < wanted, np.floor(moved / grain) * grain, moved)
    going = np.flatnonzero(moved > 0)
    order = going[np.argsort(cells[going] % nodes, kind="stable")]
    rows, cells, sources, moved = rows[order], cells[order], sources[order], moved[order]
    table["ordered"][rows] += moved
    np.subtract.at(world.on_hand, sources, moved)
    np.add.at(world.in_transit, cells, moved)
    receiving = cells % nodes
    movements.post(world, TRANSFER_ISSUE, sources, moved, apart=receiving, partner=receiving)
    world.documents.shipments.append(
        len(rows),
        cell=cells,
        source=sources % nodes,
        due=world.today + lead[cells],
        quantity=moved,
        requisition=rows,
        done=False,
    )


def _shared_out(stock: Floats, sources: Ints, wanted: Floats) -> Floats:
    """Return what each request gets when each source serves its requests in order."""
    order = np.argsort(sources, kind="stable")
    grouped, ask = sources[order], wanted[order]
    running = np.cumsum(ask)
    begins = np.r_[True, grouped[1:] != grouped[:-1]] if len(grouped) else np.zeros(0, np.bool_)
    before = running - ask
    taken = before - np.maximum.accumulate(np.where(begins, before, 0.0))
    given = np.empty_like(wanted)
    given[order] = np.clip(stock[grouped] - taken, 0.0, ask)
    return given


def _buy(world: World, rows: Ints, lead: Ints, mishaps: Mishaps) -> None:
    """Order from vendors: one purchase order per plant and vendor, at most 50 lines."""
    if len(rows) == 0:
        return
    documents, facts = world.documents, world.scenario
    table = documents.requisitions
    apart = facts.node[table["cell"][rows]] * 1000 + facts.vendor[facts.item[table["cell"][rows]]]
    order = np.argsort(apart, kind="stable")
    rows, apart = rows[order], apart[order]
    document, line = movements.numbered(apart, LINES_MOST)
    cells = table["cell"][rows].astype(np.int64)
    first_order = _order_headers(world, cells, document)
    wanted = table["quantity"][rows] - table["ordered"][rows]
    box = facts.box[facts.item[cells]]
    boxed = (box > 0) & (np.mod(wanted, np.where(box > 0, box, 1.0)) == 0)
    factor = np.where(boxed, box, 1.0)
    say = documents.words.number
    units = np.asarray([say(unit) for unit in UNITS])[facts.unit[facts.item[cells]]]
    first = documents.order_lines.append(
        len(rows),
        number=FIRST_ORDER + first_order + document,
        line=line * LINE_STEP,
        order=first_order + document,
        cell=cells,
        quantity=wanted / factor,
        factor=factor,
        unit=np.where(boxed, say("BOX"), units),
        received=0.0,
        requisition=rows,
        deleted=0,
        account=0,
        complete=False,
        returned=False,
        expected=True,
    )
    table["ordered"][rows] += wanted
    table["order_line"][rows] = first + np.arange(len(rows))
    np.add.at(world.on_order, cells, wanted)
    _agree(world, first, cells, lead, mishaps)


def _order_headers(world: World, cells: Ints, document: Ints) -> int:
    """Add the purchase orders' headers and return the first row."""
    facts, say = world.scenario, world.documents.words.number
    heads = np.flatnonzero(np.r_[True, document[1:] != document[:-1]])
    items = facts.item[cells[heads]]
    groups = np.asarray([say(group) for group in GROUPS])
    return world.documents.orders.append(
        len(heads),
        number=FIRST_ORDER + len(world.documents.orders) + np.arange(len(heads)),
        created=world.today,
        vendor=facts.vendor[items],
        creator=say("BUYER01"),
        group=groups[facts.group[items]],
    )


def _agree(world: World, first: int, cells: Ints, lead: Ints, mishaps: Mishaps) -> None:
    """Write the schedule lines as agreed and the deliveries as they will really come."""
    documents, facts = world.documents, world.scenario
    lines = documents.order_lines
    rows = first + np.arange(len(cells))
    quantity, factor = lines["quantity"][rows], lines["factor"][rows]
    split = mishaps.in_two_parts[cells] & (quantity >= 2)  # noqa: PLR2004 - cannot halve a piece
    early = np.where(split, np.ceil(quantity / 2), quantity)
    # Whoever orders from a vendor waits for the vendor; a regional plant lies further away
    vendor = facts.item[cells] * facts.nodes + CENTRAL
    extra = np.where(facts.node[cells] == CENTRAL, 0, REGION_DAYS)
    agreed = world.today + facts.lead_days[vendor].astype(np.int64) + extra
    real = world.today + lead[vendor] + extra
    part = np.r_[np.zeros(len(rows), np.int64), np.ones(int(split.sum()), np.int64)]
    which = np.r_[np.arange(len(rows)), np.flatnonzero(split)]
    which, part = (each[np.lexsort((part, which))] for each in (which, part))
    amount = np.where(part == 0, early[which], (quantity - early)[which])
    documents.schedule.append(
        len(which),
        order_line=rows[which],
        line=part + 1,
        due=agreed[which] + part * SECOND_PART_DAYS,
        quantity=amount,
    )
    is_last = (part == 1) | ~split[which]
    short = is_last & mishaps.falls_short[cells][which]
    base = amount * factor[which]
    comes = np.where(short & (base * SHORT_SHARE >= 1), np.floor(base * SHORT_SHARE), base)
    documents.deliveries.append(
        len(which),
        order_line=rows[which],
        due=real[which] + part * (SECOND_PART_DAYS + mishaps.gap_days[cells][which] - 2),
        quantity=comes,
        last=is_last,
        done=False,
    )
