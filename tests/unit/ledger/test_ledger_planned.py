"""From columns to decimals: what is owed, what is held, what is counted."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_decisions import a_snapshot, a_state, screened
from ledger_fakes import START

from connector.errors import SnapshotUnfit
from connector.failsafes.aftermath import vitals_after
from connector.failsafes.limits import Limits
from connector.failsafes.verdicts import FINDINGS, Action
from connector.inventory.memory import VITALS
from connector.ledger.planned import PLANNED, counts_of, exact, plan_lines

RNG = np.random.default_rng(3)
TODAY = START.date()


@pytest.mark.parametrize(
    ("quantity", "decimal"),
    [
        (5.0, "5.000"),
        (0.1 + 0.2, "0.300"),
        (2.9999999999999996, "3.000"),  # a whole lot, but for the arithmetic
        (2.9996, "2.999"),  # never above what was allowed
        (0.0004, "0.000"),
        (1e-320, "0.000"),
        (123456789012.345, "123456789012.345"),
        (1e15, "1000000000000000.000"),
    ],
)
def test_a_quantity_becomes_the_decimal_the_erp_can_carry(quantity, decimal):
    assert str(exact(quantity)) == decimal


@given(thousandths=st.integers(0, 10**12))
def test_every_decimal_of_the_erp_survives_its_float(thousandths):
    decimal = Decimal(thousandths).scaleb(-3)
    assert exact(float(decimal)) == decimal


@given(quantity=st.floats(0, 1e12))
def test_no_quantity_grows(quantity):
    assert exact(quantity) <= Decimal(repr(quantity)) + Decimal("1e-9")


def planned(quantity, held, action, **columns):
    state = a_state(len(quantity), RNG, **columns)
    return plan_lines(state, screened(state, quantity, held, action), TODAY)


def test_only_lines_that_may_be_sent_are_owed_and_only_held_ones_are_held():
    sent = (Action.PASS, Action.WARN, Action.CLAMP, Action.FALLBACK)
    kept = (Action.HOLD, Action.SUPPRESS, Action.NODE_HOLD, Action.GLOBAL_HALT, Action.NODE_SHADOW)
    lines = planned(
        [5.0, 6.0, 7.0, 8.0, 0.0, 0.0, 9.0, 9.0, 9.0, 0.0, 9.0],
        [0.0, 0.0, 0.0, 0.0, 4.0, 4.0, 0.0, 4.0, 4.0, 3.0, 4.0],
        # A line held with its node by a sum (A7, D2) waits for a person; a stopped node's does not
        [*sent, *kept, Action.NODE_HOLD, Action.NODE_HALT],
    )
    assert lines.schema == PLANNED
    assert lines.select("item", "quantity", "held").rows() == [
        ("M0000000", "5.000", False),
        ("M0000001", "6.000", False),
        ("M0000002", "7.000", False),
        ("M0000003", "8.000", False),
        ("M0000004", "4.000", True),
        ("M0000009", "3.000", True),
    ]


def test_what_the_erp_cannot_carry_is_not_owed():
    assert planned([0.0004], [0.0], [Action.PASS]).height == 0


@pytest.mark.parametrize(("days", "due"), [(0.0, 1), (1.0, 1), (4.2, 5), (5.0, 5)])
def test_the_due_day_is_a_whole_lead_time_ahead(days, due):
    lines = planned([1.0], [0.0], [Action.PASS], lead_time_days=[days])
    assert lines["due"].to_list() == [TODAY + timedelta(days=due)]


@pytest.mark.parametrize("days", [-1.0, 4_000.0, float("nan"), float("inf")])
def test_an_impossible_lead_time_is_not_ordered_from(days):
    with pytest.raises(SnapshotUnfit, match="a lead time of"):
        planned([1.0], [0.0], [Action.PASS], lead_time_days=[days])


def test_a_held_line_says_which_guards_held_it_with_both_numbers():
    state = a_state(2, RNG)
    row = {"node": "1000", "item": "M0000000", "before": 9.0, "after": 0.0}
    findings = pl.DataFrame(
        [
            row | {"guard": "C4", "action": 3, "value": 9.0, "threshold": 3.0, "detail": ""},
            row | {"guard": "C2", "action": 2, "value": 9.0, "threshold": 5.0, "detail": ""},
            row | {"guard": "D1", "action": 3, "value": 1.23456, "threshold": 1.0, "detail": "day"},
        ],
        schema=FINDINGS,
    )
    verdict = screened(state, [0.0, 1.0], [9.0, 0.0], [Action.HOLD, Action.PASS], findings=findings)
    lines = plan_lines(state, verdict, TODAY)
    assert lines["reasons"].to_list() == ["C4: 9.0 against 3.0; D1: 1.235 against 1.0 (day)", ""]


def test_a_line_held_with_its_node_says_why_the_node_is_held():
    state = a_state(3, RNG, node=["1000", "1000", "1010"])
    about = {"before": 0.0, "after": 0.0, "detail": ""}
    whole = about | {"item": "", "guard": "D2", "value": 900.0, "threshold": 300.0}
    line = about | {"node": "1000", "guard": "C4", "action": 3, "value": 9.0, "threshold": 3.0}
    findings = pl.DataFrame(
        [
            line | {"item": "M0000001"},
            whole | {"node": "1000", "action": 6, "detail": "value of all orders"},
            whole | {"node": "1000", "action": 1, "guard": "A7"},  # only warned
            whole | {"node": "1010", "action": 6},
        ],
        schema=FINDINGS,
    )
    held = [Action.NODE_HOLD, Action.NODE_HOLD, Action.PASS]
    verdict = screened(state, [0.0, 0.0, 5.0], [4.0, 9.0, 0.0], held, findings=findings)
    node = "D2: 900.0 against 300.0 (value of all orders)"
    assert plan_lines(state, verdict, TODAY).select("item", "held", "reasons").rows() == [
        ("M0000000", True, node),
        ("M0000001", True, f"C4: 9.0 against 3.0; {node}"),
        ("M0000002", False, ""),
    ]


def test_an_unknown_cost_reserves_nothing_rather_than_nan():
    state = a_state(1, RNG)
    verdict = screened(state, [5.0], [0.0], [Action.PASS], value=[float("nan")])
    assert plan_lines(state, verdict, TODAY)["value"].to_list() == [0.0]


def test_nothing_to_order_is_an_empty_plan():
    assert planned([0.0], [0.0], [Action.PASS]).schema == PLANNED


def test_vitals_count_each_node_and_start_from_its_items():
    rows = 7
    state = a_state(rows, RNG, on_hand=[0.0, 1.0, 0.0, 2.0, 3.0, -1.0, 5.0], unit_cost=[2.0] * rows)
    verdict = screened(state, [2.0] + [0.0] * 6, [0.0] * 7, [Action.PASS] * 7)
    snapshot = a_snapshot(rows, RNG)
    vitals = vitals_after(
        slot="slot", state=state, snapshot=snapshot, limits=Limits(), screened=verdict
    )
    assert vitals.schema == VITALS
    first = vitals.row(0, named=True)
    assert first == {
        "slot": "slot",
        "weekday": 0,
        "node": "1000",
        "items": 1,
        "stock_rows": 1,
        "pipeline_rows": 1,
        "zero_share": 1.0,
        "lines": 1,
        "value": 4.0,
    }
    assert vitals["lines"].sum() == 1
    assert vitals["items"].sum() == rows


def test_counts_add_up():
    state = a_state(5, RNG)
    verdict = screened(
        state,
        [2.0, 0.0, 0.0, 0.0, 0.0],
        [0.0, 3.0, 0.0, 0.0, 5.0],
        [Action.PASS, Action.HOLD, Action.SUPPRESS, Action.PASS, Action.NODE_HOLD],
        requested=[2.0, 3.0, 4.0, float("nan"), 5.0],
    )
    counts = counts_of(verdict)
    assert (counts.items, counts.ordered, counts.held, counts.stopped) == (5, 1, 2, 1)
    assert (counts.value, counts.held_value) == (4.0, 16.0)
    assert counts.by_action == {"PASS": 2, "HOLD": 1, "SUPPRESS": 1, "NODE_HOLD": 1}


def test_the_day_is_the_erps_not_ours():
    assert planned([1.0], [0.0], [Action.PASS])["due"].dtype == pl.Date
    assert isinstance(TODAY, date)
