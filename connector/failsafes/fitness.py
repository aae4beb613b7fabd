"""B1 and B2: whether the picture of the site is fresh and whole enough to order from at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from connector.failsafes.columns import Column, Lines, Mask, beside_nodes
from connector.failsafes.docket import SITE, Docket
from connector.failsafes.recall import Recall
from connector.failsafes.rhythm import last_pipeline_rows, usual_counts
from connector.failsafes.verdicts import Action, Finding
from connector.inventory.snapshot import Feed, Snapshot

_HOUR = 3600.0


@dataclass(frozen=True)
class Fact:
    """What was measured, what was allowed, and in words what it is."""

    value: float
    threshold: float
    detail: str


def judge_fitness(docket: Docket, recall: Recall, now: datetime, configured: Sequence[str]) -> None:
    """Hold the site or its nodes when the snapshot cannot be ordered from."""
    _judge_freshness(docket, recall.lines, recall.snapshot, now)
    for feed in recall.snapshot.feeds:
        _judge_feed(docket, feed)
    if not recall.snapshot.feeds:
        one_finding(
            docket, "B2", Action.WARN, Fact(0.0, 1.0, "no read said whether it was complete")
        )
    _judge_presence(docket, recall, configured)
    _judge_rows(docket, recall)
    _judge_keys(docket, recall)


def one_finding(docket: Docket, guard: str, action: Action, fact: Fact, node: str = SITE) -> None:
    """Say one thing about the site, or about a node that has no line."""
    finding = Finding(
        tripped=np.array([True]),
        value=np.array([fact.value], dtype=np.float64),
        threshold=np.array([fact.threshold], dtype=np.float64),
        detail=fact.detail,
    )
    docket.elsewhere(guard, action, finding, [node])


def oldest_hours(lines: Lines) -> float:
    """Return the age in hours beyond which a picture is stale."""
    limits, review = lines.limits.stale_data, lines.review[lines.review > 0]
    by_rhythm = limits.reviews * float(review.min()) * 24 if len(review) else np.inf
    return min(limits.hours, by_rhythm)


def _judge_freshness(docket: Docket, lines: Lines, snapshot: Snapshot, now: datetime) -> None:
    oldest, ahead = oldest_hours(lines), lines.limits.stale_data.ahead_seconds / _HOUR
    read = {
        "snapshot": snapshot.taken_at,
        **{each.name: each.started_at for each in snapshot.feeds},
    }
    for name, moment in read.items():
        age = (now - moment).total_seconds() / _HOUR
        if age > oldest:
            one_finding(docket, "B1", Action.NODE_HOLD, Fact(age, oldest, f"{name}: hours old"))
        elif age < -ahead:
            detail = f"{name}: hours in the future"
            one_finding(docket, "B1", Action.NODE_HOLD, Fact(-age, ahead, detail))


def _judge_feed(docket: Docket, feed: Feed) -> None:
    if feed.expected is not None and feed.rows != feed.expected:
        detail = f"{feed.name}: rows read against the ERP's own count"
        one_finding(docket, "B2", Action.NODE_HOLD, Fact(feed.rows, feed.expected, detail))
    elif feed.duplicates and feed.expected is None:
        # Pages that overlap may also leave gaps, and here no count proves that they did not.
        detail = f"{feed.name}: rows came twice and the ERP gave no count"
        one_finding(docket, "B2", Action.NODE_HOLD, Fact(feed.duplicates, 0.0, detail))
    elif feed.duplicates:
        detail = f"{feed.name}: rows came twice; the count is right"
        one_finding(docket, "B2", Action.WARN, Fact(feed.duplicates, 0.0, detail))


def _judge_presence(docket: Docket, recall: Recall, configured: Sequence[str]) -> None:
    """Hold empty nodes: a missing authorisation is far more frequent than an empty warehouse."""
    lines = recall.lines
    for node in configured:
        if node not in lines.nodes:
            detail = "the configured node has no item"
            one_finding(docket, "B2", Action.NODE_HOLD, Fact(0.0, 1.0, detail), node)
    rows = counted_rows(lines, recall.snapshot.stock)
    detail = "no stock row at all: is the node readable for our user?"
    docket.nodes("B2", Action.NODE_HOLD, _per_node(rows < 1, rows, 1.0, detail))


def counted_rows(lines: Lines, frame: pl.DataFrame) -> Column:
    """Return the rows of a frame per node."""
    return beside_nodes(lines, frame["node"].value_counts(name="rows"), "rows")


def _judge_rows(docket: Docket, recall: Recall) -> None:
    lines, limits = recall.lines, recall.lines.limits.partial_data
    usual = usual_counts(recall, limits.history)
    rows = {"items": lines.per_node, "stock_rows": counted_rows(lines, recall.snapshot.stock)}
    for name, count in rows.items():
        # Stock rows come and go with stock; a small node's vary by more than its share.
        spread = limits.sigmas * np.sqrt(usual[name]) if name == "stock_rows" else 0.0
        least = limits.low * usual[name] - limits.rows - spread
        most = limits.high * usual[name] + limits.rows + spread
        few = _per_node(count < least, count, least, f"{name}: fewer than usual")
        many = _per_node(count > most, count, most, f"{name}: more than usual")
        for finding in (few, many):
            docket.nodes("B2", Action.NODE_HOLD, _where(finding, usual.reviews > 0))
    last = last_pipeline_rows(recall)
    count, least = counted_rows(lines, recall.snapshot.pipeline), limits.pipeline_low * last
    fell = (last >= limits.pipeline_rows) & (count < least)
    detail = "open document rows: fewer than last time"
    docket.nodes("B2", Action.NODE_HOLD, _per_node(fell, count, least, detail))
    no_history(docket, "B2", usual.reviews == 0)


def _judge_keys(docket: Docket, recall: Recall) -> None:
    """Compare the item-nodes with those of the previous review."""
    lines, limits, previous = recall.lines, recall.lines.limits.partial_data, recall.previous
    seen = lines.count(previous.known)
    changed = (previous.per_node - seen) + (lines.per_node - seen)
    most = np.maximum(limits.keys * previous.per_node, limits.keys_few)
    moved = (previous.per_node > 0) & (changed > most)
    detail = "item-nodes that came or went since the last review"
    docket.nodes("B2", Action.NODE_HOLD, _per_node(moved, changed, most, detail))


def no_history(docket: Docket, guard: str, missing: Mask) -> None:
    """Warn where a fail-safe had nothing to compare with: once for the site, or by node."""
    detail = "no history to compare with yet"
    if missing.any() and missing.all():
        one_finding(docket, guard, Action.WARN, Fact(0.0, 1.0, detail))
    else:
        docket.nodes(guard, Action.WARN, _per_node(missing, np.zeros(len(missing)), 1.0, detail))


def _per_node(tripped: Mask, value: Column, threshold: Column | float, detail: str) -> Finding:
    return Finding(
        tripped=tripped,
        value=value,
        threshold=np.broadcast_to(np.float64(threshold), tripped.shape),
        detail=detail,
    )


def _where(finding: Finding, condition: Mask) -> Finding:
    return Finding(
        tripped=finding.tripped & condition,
        value=finding.value,
        threshold=finding.threshold,
        detail=finding.detail,
    )
