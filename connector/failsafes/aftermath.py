"""What the next review will compare with: PREVIOUS and VITALS, from what this one saw and said.

A reading that was not believed must not become the measure of the next one, else a stock read as 0
would be held for one review and ordered against in the second. So refused nodes and the lines that
B4, B7, B8 or B9 stopped keep what was known, moved on by the demand and receipts since. A line
that a person approved takes its new reading: the ledger, which knows of it, puts that in.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from connector.failsafes.answers import asks_nothing
from connector.failsafes.columns import Column, Lines, Mask, usable
from connector.failsafes.fitness import counted_rows
from connector.failsafes.limits import Limits
from connector.failsafes.recall import Recall
from connector.failsafes.totals import wanted
from connector.failsafes.verdicts import Action, Screened
from connector.inventory.memory import PREVIOUS, VITALS, Memory
from connector.inventory.snapshot import Snapshot
from connector.inventory.state import State

_DATA = ("B1", "B2", "B4", "B7", "B8")


def refused_nodes(screened: Screened) -> frozenset[str]:
    """Return the nodes whose picture was not believed; "" = the whole site's."""
    about_nodes = (pl.col("item") == "") & pl.col("guard").is_in(_DATA)
    refused = screened.findings.filter(about_nodes & (pl.col("action") >= Action.NODE_HOLD))
    return frozenset(refused["node"].to_list())


def previous_after(
    *,
    state: State,
    snapshot: Snapshot,
    memory: Memory,
    limits: Limits,
    screened: Screened,
) -> pl.DataFrame:
    """Return PREVIOUS for the next review, before any person said what is to be believed."""
    lines = Lines(state, limits)
    recall = Recall(lines, memory, snapshot)
    refused = _refused_lines(lines, screened) | _stopped_by(lines, screened, "B4")
    held = {guard: _stopped_by(lines, screened, guard) for guard in ("B7", "B8", "B9")}
    before = recall.previous
    received, demand = recall.received(on_the_day=True), lines.demand * before.days
    on_hand = np.maximum(before["on_hand"] + received - demand, 0.0)
    pipeline = np.maximum(before["pipeline"] + recall.filed - received, 0.0)
    masks = {
        "refused": refused,
        "keep_on_hand": before.known & (refused | held["B7"]),
        "keep_pipeline": before.known & (refused | held["B8"]),
        "keep_unit": before.known & (refused | held["B9"]),
        "known": before.known,
    }
    seen = [name for name in PREVIOUS if name in state.frame.columns]
    rows = (
        state.frame.select(seen)
        .join(memory.previous, on=("node", "item"), how="left", suffix="_before")
        .with_columns(pl.Series(name, mask) for name, mask in masks.items())
        .with_columns(
            moved_on_hand=on_hand,
            moved_pipeline=pipeline,
            starved_reviews=_starved(lines, screened, before["starved_reviews"]),
        )
    )
    return pl.concat([_settled(rows), _unseen(state, memory, screened)])


def _settled(rows: pl.DataFrame) -> pl.DataFrame:
    """Choose for each column between what is seen now and what was known before."""
    moved = {"on_hand": "moved_on_hand", "pipeline": "moved_pipeline"}
    keep = {"on_hand": "keep_on_hand", "pipeline": "keep_pipeline"}
    keep |= {"unit": "keep_unit", "lot_multiple": "keep_unit"}
    chosen = [
        pl.when(keep.get(name, "refused"))
        .then(moved.get(name, f"{name}_before"))
        .otherwise(name)
        .alias(name)
        for name in PREVIOUS
        if name not in {"node", "item", "starved_reviews"}
    ]
    # What an unbelieved picture shows for the first time is not known yet.
    believed = rows.filter(pl.col("known") | ~pl.col("refused"))
    return believed.with_columns(chosen).select(
        pl.col(name).cast(kind) for name, kind in PREVIOUS.items()
    )


def _unseen(state: State, memory: Memory, screened: Screened) -> pl.DataFrame:
    """Return what was known of refused nodes and is not in this picture at all."""
    refused = refused_nodes(screened)
    gone = memory.previous.join(state.frame, on=("node", "item"), how="anti")
    kept = gone if "" in refused else gone.filter(pl.col("node").is_in(sorted(refused)))
    return kept.select(pl.col(name).cast(kind) for name, kind in PREVIOUS.items())


def vitals_after(
    *, slot: str, state: State, snapshot: Snapshot, limits: Limits, screened: Screened
) -> pl.DataFrame:
    """Return VITALS of every node whose picture was believed.

    `lines` and `value` are what A7 and D2 judged: the orders as asked, also of nodes that they or
    a budget held, so that a hold does not lower what is usual.
    """
    lines = Lines(state, limits)
    stopped = pl.col("action").is_in([Action.HOLD, Action.SUPPRESS]) & (pl.col("guard") != "D1")
    going = ~_is_in(lines, screened.findings.filter(stopped & (pl.col("item") != "")))
    total = wanted(lines, screened.lines["rounded"].to_numpy(), going)
    empty = lines.count(lines["on_hand"] == 0)
    refused = refused_nodes(screened)
    believed = [("" not in refused) and node not in refused for node in lines.nodes]
    columns: dict[str, object] = {
        "slot": [slot] * len(lines.nodes),
        "weekday": [snapshot.erp_date.weekday()] * len(lines.nodes),
        "node": list(lines.nodes),
        "items": lines.per_node,
        "stock_rows": counted_rows(lines, snapshot.stock),
        "pipeline_rows": counted_rows(lines, snapshot.pipeline),
        "zero_share": empty / np.maximum(lines.per_node, 1.0),
        "lines": total.lines,
        "value": total.value,
    }
    frame = pl.DataFrame(columns).filter(pl.Series(believed, dtype=pl.Boolean))
    return frame.select(pl.col(name).cast(kind) for name, kind in VITALS.items())


def _starved(lines: Lines, screened: Screened, before: Column) -> Column:
    """Count the reviews in a row in which a line ran short and its own policy asked for nothing."""
    asked = usable(screened.lines["requested"].to_numpy())
    starved = lines.short & asks_nothing(lines, asked)
    return np.where(_refused_lines(lines, screened), before, np.where(starved, before + 1, 0.0))


def _refused_lines(lines: Lines, screened: Screened) -> Mask:
    refused = refused_nodes(screened)
    return np.array([("" in refused) or node in refused for node in lines.nodes])[lines.node]


def _stopped_by(lines: Lines, screened: Screened, guard: str) -> Mask:
    stopped = (pl.col("guard") == guard) & pl.col("action").is_in([Action.HOLD, Action.SUPPRESS])
    return _is_in(lines, screened.findings.filter(stopped & (pl.col("item") != "")))


def _is_in(lines: Lines, frame: pl.DataFrame) -> Mask:
    rows = lines.universe.locate(frame)
    found = np.zeros(len(lines), dtype=bool)
    found[rows[rows >= 0]] = True
    return found
