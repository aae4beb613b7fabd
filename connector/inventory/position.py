"""What is there and what is coming: pipeline, inventory position, echelon position.

An echelon counts every piece once. A transfer that its supplier has not issued yet is still on the
supplier's shelf, so below the echelon's own node it is left out; goods in transit left that shelf
and count, and so does what a node below bought from outside the echelon.

Goods in quality inspection count in the position: they were on order yesterday, will be available
tomorrow, and must not be ordered again in between.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import polars as pl

from connector.inventory import own
from connector.inventory.memory import Memory
from connector.inventory.network import Network
from connector.inventory.quantity import Column, Mask, Rows, is_believable, total
from connector.inventory.snapshot import Snapshot
from connector.inventory.state import ARRIVAL_EDGES, BUCKETS
from connector.inventory.universe import Universe

_STANDINGS = ("available", "in_transit", "inspection", "blocked")
# Not yet an order: the ERP may still choose the source, by default the node's own supplier.
_WISHES = ("requisition", "planned_order")


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """The open document rows inside the universe, in columns; quantities are never negative."""

    rows: Rows
    quantity: Column
    days: Column  # until due, negative = past due
    source: pl.Series  # supplying node, "" = outside
    sent: Mask  # has left its supplier
    ordered: Mask  # a transfer between nodes that is more than a wish
    requisition: Mask
    ours: Mask

    def total(self, which: Mask, size: int) -> Column:
        """Return the exact open quantity per item-node [size] of some of the rows."""
        return total(self.rows[which], self.quantity[which], size)


@dataclass(frozen=True, kw_only=True)
class Position:
    """Stock and pipeline per item-node [N], named as in STATE."""

    buckets: dict[str, Column]
    in_transit: Column
    pipeline: Column
    own_pending: Column
    own_confirmed: Column
    own_missing: Column
    foreign_requisitions: Column
    inventory_position: Column
    echelon_position: Column

    def columns(self) -> dict[str, Column]:
        """Return them as columns of STATE."""
        named = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name != "buckets"
        }
        return self.buckets | named


def stock_by_standing(universe: Universe, stock: pl.DataFrame) -> dict[str, Column]:
    """Return the quantity of each standing per item-node; absent rows are 0."""
    return {
        standing: universe.total(stock.filter(pl.col("standing") == standing))
        for standing in _STANDINGS
    }


def positions(
    universe: Universe,
    snapshot: Snapshot,
    memory: Memory,
    network: Network,
    *,
    stock: dict[str, Column],
    lead_time_days: Column,
    upstream: tuple[Rows, ...],
) -> Position:
    """Work out every position. Pipeline without a date arrives after the planned lead time."""
    size, today = len(universe), snapshot.erp_date
    found = own.recognise(snapshot.pipeline, memory.own)
    coming = read_pipeline(
        universe, snapshot.pipeline, network, today, lead_time_days=lead_time_days, ours=found.ours
    )
    sent = coming.total(coming.sent, size)
    # The ERP shows these as stock; whether a document explains them is worked out where it matters.
    more_sent = np.maximum(stock["in_transit"] - sent, 0.0)
    unexplained = np.maximum(more_sent - coming.total(coming.ordered & ~coming.sent, size), 0.0)
    buckets = _buckets(coming, unexplained, lead_time_days)
    pipeline = np.sum(list(buckets.values()), axis=0)
    held = np.maximum(stock["available"], 0.0) + np.maximum(stock["inspection"], 0.0)
    own_pending = universe.total(own.pending(memory.own, found))
    position = held + pipeline + own_pending
    downstream = _downstream(
        universe, coming, network, upstream=upstream, there=held + sent, more_sent=more_sent
    )
    return Position(
        buckets=buckets,
        in_transit=sent + more_sent,
        pipeline=pipeline,
        own_pending=own_pending,
        own_confirmed=coming.total(coming.ours, size),
        own_missing=own.missing(universe, memory, snapshot.history, found, today),
        foreign_requisitions=coming.total(coming.requisition & ~coming.ours, size),
        inventory_position=position,
        echelon_position=position + downstream,
    )


def read_pipeline(
    universe: Universe,
    pipeline: pl.DataFrame,
    network: Network,
    today: date,
    *,
    lead_time_days: Column,
    ours: Mask,
) -> Pipeline:
    """Return the open document rows of the universe with their days, sources and owners."""
    rows = universe.locate(pipeline)
    inside = rows >= 0
    frame, rows = pipeline.filter(pl.Series(inside)), rows[inside]
    quantity = frame["quantity"].to_numpy()
    days = (frame["due"] - today).dt.total_days().cast(pl.Float64).fill_null(np.nan).to_numpy()
    supplier = {node.name: node.supplied_by for node in network.nodes}
    default = pl.col("node").replace_strict(supplier, default="", return_dtype=pl.String)
    is_wish, is_outside = pl.col("kind").is_in(_WISHES), pl.col("supplying_node") == ""
    is_sent_transfer = (pl.col("kind") == "shipping_notice") & ~is_outside
    facts = frame.select(
        source=pl.when(is_wish & is_outside).then(default).otherwise("supplying_node"),
        sent=(pl.col("kind") == "in_transit") | is_sent_transfer,
        ordered=~is_wish & ~is_outside,
        requisition=pl.col("kind") == "requisition",
    )
    return Pipeline(
        rows=rows,
        quantity=np.where(is_believable(quantity), np.maximum(quantity, 0.0), 0.0),
        days=np.where(np.isnan(days), lead_time_days[rows], days),
        source=facts["source"],
        sent=facts["sent"].to_numpy(),
        ordered=facts["ordered"].to_numpy(),
        requisition=facts["requisition"].to_numpy(),
        ours=ours[inside],
    )


def _buckets(coming: Pipeline, undated: Column, lead_time_days: Column) -> dict[str, Column]:
    """Return the open quantity by arrival; what is past due is expected first."""
    slot = np.searchsorted(ARRIVAL_EDGES, coming.days)
    late = np.searchsorted(ARRIVAL_EDGES, lead_time_days)
    return {
        name: coming.total(slot == k, len(undated)) + np.where(late == k, undated, 0.0)
        for k, name in enumerate(BUCKETS)
    }


def _downstream(
    universe: Universe,
    coming: Pipeline,
    network: Network,
    *,
    upstream: tuple[Rows, ...],
    there: Column,
    more_sent: Column,
) -> Column:
    """Return per item-node what the nodes below it hold, are being sent and bought outside.

    `there` is stock and dispatched documents; `more_sent` are goods the ERP shows in transit beyond
    those: they belong to transfers from outside the echelon, counted as such, or else to inside.
    """
    size = len(universe)
    names = {name: k for k, name in enumerate(network.names)}
    within = _echelons(network, names)
    node = universe.keys["node"].replace_strict(names, return_dtype=pl.Int64).to_numpy()
    source = coming.source.replace_strict(names, default=len(names), return_dtype=pl.Int64)
    from_node = source.to_numpy()
    sums = np.zeros(size)
    for above in upstream:
        higher = above[coming.rows]
        outside = (higher >= 0) & ~coming.sent & ~within[from_node, node[higher]]
        transfers = coming.total(outside & coming.ordered, size)
        whole = there + coming.total(outside, size) + np.maximum(more_sent - transfers, 0.0)
        known = above >= 0
        sums += np.bincount(above[known], whole[known], minlength=size)
    return sums


def _echelons(network: Network, names: dict[str, int]) -> Mask:
    """Return whether a source [nodes + 1, the last is outside] lies in a node's echelon [nodes]."""
    within = np.zeros((len(names) + 1, len(names)), dtype=bool)
    for name, k in names.items():
        within[[k, *(names[each] for each in network.downstream(name))], k] = True
    return within
