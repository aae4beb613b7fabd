"""Why base-stock orders what it orders, in units and documents: the waterfall of one line.

The signed steps add up: demand and buffer above, stock and every open document below. What is left
is the raw order. The policy's own answer and the fail-safes come after it, elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import polars as pl

from connector.errors import CommandRefused
from connector.inventory import own
from connector.inventory.base_stock import base_stock, base_stock_levels
from connector.inventory.memory import Memory
from connector.inventory.network import Network
from connector.inventory.ordering import Lots, round_up
from connector.inventory.position import read_pipeline
from connector.inventory.snapshot import Snapshot
from connector.inventory.state import State
from connector.inventory.universe import Universe

RAW = "order before lots"
LOT = "order in whole lots"
_LEAST = 1e-9  # smaller steps are the floats' own


class Step(NamedTuple):
    """One bar: base units, signed; RAW and LOT are results, not parts of the sum."""

    label: str
    quantity: float
    source: str = ""  # the document or the formula behind it


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One item at all its nodes, and the row that is explained."""

    state: State  # of this item only
    row: int
    documents: pl.DataFrame  # open, cleaned: PIPELINE with source, sent, ordered, ours
    pending: pl.DataFrame  # OWN that no document shows
    below: tuple[str, ...]  # nodes

    @property
    def here(self) -> dict[str, Any]:
        """Return the state at the explained node."""
        return self.state.frame.row(self.row, named=True)


def units_waterfall(
    state: State, snapshot: Snapshot, memory: Memory, network: Network, *, node: str, item: str
) -> tuple[Step, ...]:
    """Return the steps from demand to the order in whole lots of one item-node.

    `snapshot` and `memory` are those the state was built from. Raises CommandRefused when the
    review has no such item-node.
    """
    line = _line(state, snapshot, memory, network, node=node, item=item)
    steps = [*_level(line), *_own(line), *_downstream(line)]
    _, raw = base_stock(line.state)
    lot = round_up(raw, Lots.of(line.state))
    results = Step(RAW, float(raw[line.row])), Step(LOT, float(lot[line.row]), _lot_rule(line.here))
    return (*(step for step in steps if abs(step.quantity) > _LEAST), *results)


def _line(
    state: State, snapshot: Snapshot, memory: Memory, network: Network, *, node: str, item: str
) -> _Line:
    frame = state.frame.filter(pl.col("item") == item)
    rows = (frame["node"] == node).arg_true()
    if len(rows) != 1:
        raise CommandRefused(
            f"item {item} at node {node} is not in this review of {state.site}",
            hint="name both as the report does, without leading zeros",
        )
    mine = memory.own.filter(pl.col("item") == item)
    shown = snapshot.pipeline.filter(
        pl.col("item") == item, pl.col("node").is_in(frame["node"].to_list())
    )
    found = own.recognise(shown, mine)
    coming = read_pipeline(
        Universe(frame.select("node", "item")),
        shown,
        network,
        snapshot.erp_date,
        lead_time_days=frame["lead_time_days"].to_numpy(),
        ours=found.ours,
    )
    documents = shown.with_columns(
        quantity=coming.quantity,
        source=coming.source,
        sent=coming.sent,
        ordered=coming.ordered,
        ours=coming.ours,
    )
    return _Line(
        state=State(state.site, state.erp_date, frame),
        row=int(rows[0]),
        documents=documents.sort("due", "document", "line", nulls_last=True),
        pending=own.pending(mine, found),
        below=network.downstream(node),
    )


def _level(line: _Line) -> Iterator[Step]:
    """Yield what the base-stock level is made of."""
    levels, row, here = base_stock_levels(line.state), line.row, line.here
    rate = here["echelon_demand_mean"] if here["level"] > 0 else here["demand_mean"]
    over = f"{rate:.4g} a day x {{:.4g}} days"
    yield Step(
        "demand over lead time",
        float(levels.over_lead_time[row]),
        over.format(here["lead_time_mean"]),
    )
    yield Step(
        "demand until the next review",
        float(levels.over_review[row]),
        over.format(here["review_days"]),
    )
    agreed = float(here["safety_stock"])
    kept = agreed > 0 and bool(np.isclose(levels.safety[row], agreed, rtol=1e-12))
    buffer = "the ERP's safety stock" if kept else f"critical ratio {here['critical_ratio']:.4g}"
    yield Step("safety", float(levels.safety[row]), buffer)
    above = f"maximum stock {here['maximum_stock']:.12g}"
    yield Step("above maximum stock", -float(levels.above_maximum[row]), above)
    own_part = levels.level - levels.downstream
    for k, node in enumerate(line.state.frame["node"].to_list()):
        if node in line.below:
            yield Step(f"level of {node} below", float(own_part[k]), "base-stock level there")


def _own(line: _Line) -> Iterator[Step]:
    """Yield, as negative steps, what the node itself has and awaits."""
    here = line.here
    yield from _stock(here, "")
    documents = line.documents.filter(pl.col("node") == here["node"])
    yield from map(_document, documents.iter_rows(named=True))
    unexplained = here["pipeline"] - float(documents["quantity"].sum())
    yield Step("in transit", -unexplained, "stock in transit that no open document explains")
    for own_line in (
        line.pending.filter(pl.col("node") == here["node"]).sort("key").iter_rows(named=True)
    ):
        source = f"ours, {own_line['state'].replace('_', ' ')}, key {own_line['key']}"
        yield Step("not visible in the ERP yet", -own_line["quantity"], source)


def _downstream(line: _Line) -> Iterator[Step]:
    """Yield, as negative steps, what the nodes below hold, are being sent and bought outside."""
    echelon = (line.here["node"], *line.below)
    for here in line.state.frame.filter(pl.col("node").is_in(line.below)).iter_rows(named=True):
        node = here["node"]
        yield from _stock(here, f" at {node}")
        documents = line.documents.filter(pl.col("node") == node)
        sent = documents.filter("sent")
        outside = documents.filter(~pl.col("sent") & ~pl.col("source").is_in(echelon))
        transfers = outside.filter("ordered")["quantity"].sum()
        more = here["in_transit"] - sent["quantity"].sum() - transfers
        for row in (*sent.iter_rows(named=True), *outside.iter_rows(named=True)):
            step = _document(row)
            yield step._replace(label=f"{step.label} to {node}")
        yield Step(f"in transit to {node}", -max(float(more), 0.0), "stock in transit")


def _stock(here: dict[str, Any], where: str) -> Iterator[Step]:
    yield Step(f"on hand{where}", -max(here["on_hand"], 0.0), "available stock")
    yield Step(f"in inspection{where}", -max(here["inspection"], 0.0), "quality inspection stock")


def _document(row: dict[str, Any]) -> Step:
    source = f"{row['document']}/{row['line']}" if row["line"] else row["document"]
    due = f", due {row['due']}" if row["due"] else ""
    owner = ", ours" if row["ours"] else ""
    return Step(row["kind"].replace("_", " "), -row["quantity"], f"{source}{due}{owner}")


def _lot_rule(here: dict[str, Any]) -> str:
    rules = (
        ("fixed lot", here["lot_fixed"], here["lot_fixed"] > 0),
        ("minimum", here["lot_minimum"], here["lot_minimum"] > 0),
        ("multiple of", here["lot_multiple"], here["lot_multiple"] > 0),
        ("maximum", here["lot_maximum"], np.isfinite(here["lot_maximum"])),
    )
    return ", ".join(f"{name} {value:.12g}" for name, value, applies in rules if applies)
