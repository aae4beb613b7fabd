"""A7's line count, D1 and D2: a thousand modest orders pass every test of one line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connector.failsafes.columns import Column, Lines, Mask
from connector.failsafes.docket import Docket
from connector.failsafes.fitness import no_history
from connector.failsafes.recall import Recall
from connector.failsafes.rhythm import days_since_order, ordering_reviews, spent, usual_orders
from connector.failsafes.verdicts import Action, Finding

_WINDOW_DAYS = 28


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What the nodes ask for before any sum is limited: lines, and value at known costs."""

    lines: Column
    value: Column


def wanted(lines: Lines, asked: Column, going: Mask) -> Wanted:
    """Add up the orders as asked, before cuts, of the lines that nothing holds or suppresses."""
    asks = going & (asked > 0)
    return Wanted(
        lines=lines.count(asks), value=lines.add(np.where(asks, asked * lines.unit_cost, 0.0))
    )


def judge_jumps(docket: Docket, recall: Recall, asked: Column) -> None:
    """A7 and D2: hold nodes that order far more lines or value than they usually do.

    The picture may well be right, so a person may let single lines go.
    """
    lines, throttle, jump = (
        recall.lines,
        recall.lines.limits.throttle,
        recall.lines.limits.fleet_jump,
    )
    total = wanted(lines, asked, docket.action < Action.HOLD)
    days = days_since_order(recall, jump.backlog)
    ordering = ordering_reviews(recall)
    lately = usual_orders(recall, ordering, throttle.history)
    most = np.maximum(float(throttle.lines), throttle.growth * lately["lines"] * days)
    many = (lately.reviews > 0) & (total.lines > most)
    docket.nodes("A7", Action.NODE_HOLD, Finding(
        tripped=many, value=total.lines, threshold=most, detail="lines of the node"
    ), approvable=True)  # fmt: skip
    no_history(docket, "A7", (lately.reviews == 0) & (total.lines > throttle.lines))
    usual = usual_orders(recall, ordering, jump.history)
    by_spread = usual["value"] + jump.mads * usual["value_mad"]
    most = np.maximum(by_spread, jump.times * usual["value"]) * days
    high = (usual.reviews > 0) & ~(total.value <= most)
    docket.nodes("D2", Action.NODE_HOLD, Finding(
        tripped=high, value=total.value, threshold=most, detail="value of the node"
    ), approvable=True)  # fmt: skip
    no_history(docket, "D2", (usual.reviews == 0) & (total.lines > 0))


def judge_budgets(docket: Docket, recall: Recall) -> None:
    """D1: give the money to the most urgent lines; from the first that does not fit on, hold.

    Nobody behind it in the queue overtakes: so a larger budget never orders less of any line. The
    site's budget also counts what a node's budget holds, because a person may still approve it.
    """
    lines, budget = recall.lines, recall.lines.limits.budget
    caps = (budget.line, budget.node_day, budget.node_review, budget.node_28_days)
    if all(cap is None for cap in (*caps, budget.site_review)):
        return
    going = docket.live
    unknown = going & ~(lines.unit_cost > 0)
    zero = np.zeros(len(lines))
    docket.hold("D1", Finding(
        tripped=unknown, value=zero, threshold=zero, detail="unit cost unknown: no cap can be kept"
    ))  # fmt: skip
    value = docket.quantity * lines.unit_cost
    if budget.line is not None:
        dear = going & ~unknown & ~(value <= budget.line)
        docket.hold("D1", _over(dear, value, budget.line, "money of one line"))
    queued = docket.live
    rows = _by_urgency(lines, queued)
    for cap, before, detail in _node_caps(recall):
        reserved = before[lines.node] + _queued(rows, value, lines.node)
        over = queued & ~(reserved <= cap)
        docket.hold("D1", _over(over & docket.live, reserved, cap, detail))
    if budget.site_review is not None:
        reserved = _queued(rows, value, np.zeros(len(lines), dtype=np.int64))
        over = queued & ~(reserved <= budget.site_review)
        detail = "money of the site in this review"
        docket.hold("D1", _over(over & docket.live, reserved, budget.site_review, detail))


def _node_caps(recall: Recall) -> list[tuple[float, Column, str]]:
    budget, none = recall.lines.limits.budget, np.zeros(len(recall.lines.nodes))
    caps = (
        (budget.node_review, none, "money of the node in this review"),
        (budget.node_day, spent(recall, 1), "money of the node today"),
        (budget.node_28_days, spent(recall, _WINDOW_DAYS), "money of the node in 28 days"),
    )
    return [(cap, before, detail) for cap, before, detail in caps if cap is not None]


def _over(tripped: Mask, value: Column, cap: float, detail: str) -> Finding:
    return Finding(tripped=tripped, value=value, threshold=np.full(len(value), cap), detail=detail)


def _by_urgency(lines: Lines, queued: Mask) -> NDArray[np.int64]:
    """Return the queued rows, the one that covers least of its lead time first."""
    needed = lines.demand * lines.lead_time
    cover = np.divide(lines.position, needed, out=np.full(len(lines), np.inf), where=needed > 0)
    rows = np.flatnonzero(queued)
    names = lines.universe.keys[rows].with_columns(row=rows, cover=cover[rows])
    # Names settle a tie, so that the order of rows never decides who gets the money.
    return names.sort("cover", "node", "item")["row"].to_numpy()


def _queued(rows: NDArray[np.int64], value: Column, group: NDArray[np.int64]) -> Column:
    """Return for each queued row the value of its group up to and with it."""
    reserved = np.zeros(len(value))
    groups = group[rows]
    for each in np.unique(groups):
        members = rows[groups == each]
        reserved[members] = np.cumsum(value[members])
    return reserved
