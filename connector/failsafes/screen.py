"""The composition: every fail-safe, in its fixed order, over all lines at once.

    A blocked nodes -> B data -> whose answer (B4, C13, C14) -> C10 whole lots -> C6, C2, C7 cuts,
    each down to whole lots -> C1, C4, C9 and B holds, on the order before any cut
    -> A7, D2 -> D1 with its reservations -> verdicts

A fail-safe lowers a quantity and nothing else; only whole lots (C10) and base-stock's own answer
(C14) can be more than was asked. Screening what was screened changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

import numpy as np
import polars as pl

from connector.failsafes import spikes
from connector.failsafes.answers import (
    Answers,
    answers_of,
    judge_cut_lots,
    judge_lots,
    judge_under_order,
)
from connector.failsafes.catalogue import CATALOGUE
from connector.failsafes.columns import Column, Lines
from connector.failsafes.docket import SITE, Docket
from connector.failsafes.duplicates import duplicate_open
from connector.failsafes.fitness import Fact, judge_fitness, no_history, one_finding
from connector.failsafes.limits import Limits
from connector.failsafes.movements import (
    judge_movements,
    judge_negative_stock,
    unit_or_pack_changed,
)
from connector.failsafes.past import Past, past_of
from connector.failsafes.recall import Recall
from connector.failsafes.totals import judge_budgets, judge_jumps
from connector.failsafes.values import answers_as_numbers, judge_status, judge_values
from connector.failsafes.verdicts import SCREENED, Action, Finding, Screened
from connector.inventory.memory import Memory
from connector.inventory.recommendation import Recommendation
from connector.inventory.snapshot import Snapshot
from connector.inventory.state import State

_NO_NODES: Mapping[str, str] = MappingProxyType({})


def screen(
    *,
    state: State,
    recommendation: Recommendation,
    snapshot: Snapshot,
    memory: Memory,
    limits: Limits,
    now: datetime,
    blocked_nodes: Mapping[str, str] = _NO_NODES,
    nodes: Sequence[str] = (),
) -> Screened:
    """Return a verdict on every line. Pure: equal arguments give equal verdicts.

    `blocked_nodes` says why a node (or "" = the site) may not order; a reason that begins with a
    catalogue id ("A6: ...") is that fail-safe's, any other is an operator's halt (A1). `nodes` are
    the configured nodes: one without any item is held as unreadable. `now` is aware UTC.
    Raises PolicyUnusable when the recommendation does not fit the state's lines at all.
    """
    lines = Lines(state, limits)
    recall = Recall(lines, memory, snapshot)
    docket = Docket(lines)
    _judge_blocked(docket, lines, blocked_nodes)
    judge_fitness(docket, recall, now, nodes)
    answered = answers_as_numbers(recommendation, len(lines))
    docket.ask(np.nan_to_num(answered["quantity"]))
    judge_values(docket, lines, answered)
    judge_status(docket, lines)
    answers = answers_of(lines, recommendation, answered)
    docket.ask(answers.policy)
    judge_under_order(docket, recall, answers)
    asked = judge_lots(docket, lines)
    past = past_of(recall, asked > 0)
    _cut(docket, past, asked, answers)
    _hold(docket, recall, past, asked)
    judge_jumps(docket, recall, asked)
    judge_budgets(docket, recall)
    return _verdicts(docket, lines, answers, answered["quantity"], asked)


def _judge_blocked(docket: Docket, lines: Lines, blocked: Mapping[str, str]) -> None:
    for node, reason in blocked.items():
        named = reason.partition(":")[0]
        guard = named if named in CATALOGUE else "A1"
        milder = Action.NODE_HALT if node != SITE else Action.GLOBAL_HALT
        action = milder if guard == "A1" else max(CATALOGUE[guard].action, Action.NODE_HOLD)
        if node in lines.nodes:
            here = np.array([each == node for each in lines.nodes])
            one = np.ones(len(here))
            finding = Finding(tripped=here, value=one, threshold=0 * one, detail=reason)
            docket.nodes(guard, action, finding)
        else:
            one_finding(docket, guard, action, Fact(1.0, 0.0, reason), node)


def _cut(docket: Docket, past: Past, asked: Column, answers: Answers) -> None:
    """Cut what is too large, and hold what is absurdly too large."""
    lines, base_stock = past.lines, answers.base_stock
    docket.warn("C6", spikes.below_collar(lines, asked, base_stock))
    docket.cut(
        "C6",
        spikes.collar(lines, docket.quantity, base_stock),
        spikes.far_beyond_collar(lines, asked, base_stock),
    )
    docket.cut(
        "C2",
        spikes.position_cap(lines, docket.quantity),
        spikes.far_beyond_position_cap(lines, asked),
    )
    docket.cut_or_hold("C7", spikes.cumulative(past, docket.quantity))
    judge_cut_lots(docket, lines, asked)


def _hold(docket: Docket, recall: Recall, past: Past, asked: Column) -> None:
    """Hold or suppress anomalies, judged on the order before any cut."""
    lines = recall.lines
    docket.suppress("C1", spikes.fat_finger(lines, asked))
    docket.hold("C4", spikes.relative_jump(past, asked))
    if past.any_order:
        docket.warn("C4", spikes.no_earlier_orders(past, asked))
    else:
        no_history(docket, "C4", np.ones(len(lines.nodes), dtype=bool))
    # A cut can bring an order near to a factor or a document that it was not near to before.
    duplicate, documents = duplicate_open(recall, asked, docket.quantity)
    docket.suppress("C9", duplicate, documents)
    for quantity in (asked, docket.quantity):
        docket.hold("B9", spikes.known_factor(past, quantity))
    docket.hold("B9", unit_or_pack_changed(recall))
    judge_negative_stock(docket, lines)
    for guard, finding in zip(("B7", "B8"), judge_movements(docket, recall), strict=True):
        docket.hold(guard, finding)


def _verdicts(
    docket: Docket, lines: Lines, answers: Answers, requested: Column, asked: Column
) -> Screened:
    action = docket.verdicts()
    whole = np.where(np.isfinite(docket.quantity), np.maximum(docket.quantity, 0.0), 0.0)
    quantity = np.where(docket.live, whole, 0.0)
    waits = (action == Action.HOLD) | docket.approvable
    held = np.where(waits, whole, 0.0)
    cost = np.where(lines.unit_cost > 0, lines.unit_cost, np.nan)
    amount = quantity + held
    ours = docket.fell_back | answers.from_base_stock
    columns = {
        "requested": requested,
        "rounded": asked,
        "quantity": quantity,
        "held": held,
        "value": np.where(amount > 0, amount * cost, 0.0),
        "action": action,
        "guards": docket.bits(),
        "source": np.where(ours, "base_stock", "policy"),
    }
    frame = lines.state.frame.select("node", "item").with_columns(
        pl.Series(name, column, dtype=SCREENED[name]) for name, column in columns.items()
    )
    return Screened(lines=frame, findings=docket.findings())
