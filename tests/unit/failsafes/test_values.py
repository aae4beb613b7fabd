from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from builders import many, one, recommendation_of, said, scene_of

from connector.errors import PolicyUnusable
from connector.failsafes.data_limits import UnusableValue
from connector.failsafes.values import bounds_of
from connector.failsafes.verdicts import Action
from connector.inventory.state import STATE, State

NUMBERS = [name for name, kind in STATE.items() if kind == pl.Float64]
ANSWERS = ("order_up_to", "quantity", "base_stock_level", "base_stock_quantity")
BROKEN = (float("nan"), float("inf"), float("-inf"))


def with_column(scene, name, value, row=0):
    column = scene.state.column(name).copy()
    column[row] = value
    return scene.but(
        state=State(
            "site", scene.state.erp_date, scene.state.frame.with_columns(pl.Series(name, column))
        )
    )


def test_every_number_of_the_state_has_bounds():
    assert set(bounds_of(UnusableValue())) == set(NUMBERS)


def with_cells(cells):
    """Build a scene with one line for each (column, value), broken in that column alone."""
    lines = [{"item": f"M{k:04}", name: value} for k, (name, value) in enumerate(cells)]
    return scene_of(*lines)


def details(scene):
    found = scene.screened().findings.filter((pl.col("guard") == "B4") & (pl.col("item") != ""))
    assert set(found["action"]) <= {Action.SUPPRESS}
    return dict(
        zip(found["item"], zip(found["detail"], found["threshold"], strict=True), strict=True)
    )


def test_b4_no_column_may_hold_what_is_no_number():
    allowed = {("lot_maximum", np.inf), ("maximum_stock", np.inf)}
    cells = [
        (name, value)
        for name in NUMBERS
        for value in BROKEN
        if (name, value) not in allowed and not (name == "unit_cost" and np.isnan(value))
    ]
    scene = with_cells(cells)
    found = details(scene)
    assert [found[f"M{k:04}"][0] for k in range(len(cells))] == [name for name, _ in cells]
    assert scene.screened().ordered().is_empty()


def test_b4_columns_stop_at_their_bounds():
    bounds = bounds_of(UnusableValue())
    ends = [(name, end) for name, pair in bounds.items() for end in pair]
    assert details(with_cells(ends)) == {}
    beyond = [(name, low - max(1e-6, 1e-9 * abs(low)), low) for name, (low, _) in bounds.items()]
    beyond += [
        (name, high * (1 + 1e-9) + 1e-6, high)
        for name, (_, high) in bounds.items()
        if np.isfinite(high)
    ]
    found = details(with_cells([(name, value) for name, value, _ in beyond]))
    assert [found[f"M{k:04}"] for k in range(len(beyond))] == [
        (name, bound) for name, _, bound in beyond
    ]


def test_b4_a_null_is_no_number():
    scene = scene_of()
    frame = scene.state.frame.with_columns(demand_sd=pl.lit(None, dtype=pl.Float64))
    screened = scene.but(state=State("site", scene.state.erp_date, frame)).screened()
    assert one(screened, "B4")["detail"] == "demand_sd"


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("value", [*BROKEN, -1.0, 1.1e10])
def test_b4_no_answer_may_be_unusable(name, value):
    scene = scene_of({}, {})
    column = np.array([value, 10.0])
    screened = scene.but(recommendation=replace(scene.recommendation, **{name: column})).screened()
    assert screened.lines["quantity"].to_list() == [0.0, 10.0]
    assert one(screened, "B4")["detail"] == name


def test_b4_the_level_of_a_policy_that_did_not_answer_is_not_looked_at():
    scene = scene_of()
    answer = recommendation_of(
        scene.state, order_up_to=np.array([np.nan]), fell_back=np.array([True])
    )
    assert scene.but(recommendation=answer).quantities() == [10.0]


@pytest.mark.parametrize(
    ("limits", "name", "below", "above"),
    [
        (UnusableValue(quantity=50.0), "on_hand", 50.0, 50.1),
        (UnusableValue(days=100.0), "lead_time_mean", 100.0, 100.1),
        (UnusableValue(cost=5.0), "unit_cost", 5.0, 5.1),
    ],
)
def test_b4_bounds_by_its_parameters(limits, name, below, above):
    scene = scene_of({"inventory_position": 30.0, "echelon_position": 30.0, "demand_days": 50.0})
    scene = scene.limited(unusable_value=limits)
    answer = recommendation_of(
        scene.state, order_up_to=np.array([40.0]), base_stock_level=np.array([40.0])
    )
    scene = scene.but(recommendation=answer)
    assert said(with_column(scene, name, below).screened(), "B4") == []
    assert said(with_column(scene, name, above).screened(), "B4") == [Action.SUPPRESS]


@pytest.mark.parametrize(("broken", "halts"), [(2, False), (3, True)])
def test_b4_a_few_broken_lines_never_halt_a_small_node(broken, halts):
    scene = scene_of(*many(50))
    answer = recommendation_of(scene.state, np.where(np.arange(50) < broken, np.nan, 10.0))
    screened = scene.but(recommendation=answer).screened()
    assert said(screened, "B4") == [Action.SUPPRESS] * broken + [Action.NODE_HALT] * halts
    assert (screened.lines["quantity"].sum() == 0.0) is halts


@pytest.mark.parametrize(("broken", "halts"), [(4, False), (5, False), (6, True)])
def test_b4_halts_a_node_beyond_its_share(broken, halts):
    limits = UnusableValue(lines=0.1, few=0)
    scene = scene_of(*many(50)).limited(unusable_value=limits)
    answer = recommendation_of(scene.state, np.where(np.arange(50) < broken, np.nan, 10.0))
    screened = scene.but(recommendation=answer).screened()
    assert said(screened, "B4")[broken:] == [Action.NODE_HALT] * halts


def test_b4_a_halt_stays_in_its_node():
    lines = [*many(5), *many(5, node="1020")]
    scene = scene_of(*lines)
    answer = recommendation_of(scene.state, np.where(np.arange(10) < 5, np.nan, 10.0))
    lines = scene.but(recommendation=answer).screened().lines
    assert lines["quantity"].to_list() == [0.0] * 5 + [10.0] * 5
    assert lines["action"].to_list() == [Action.NODE_HALT] * 5 + [Action.PASS] * 5


def test_b4_faults_suppress_their_lines_and_halt_nothing():
    scene = scene_of(*many(6, fault="unit CS has no factor to EA"), *many(4, node="1020"))
    screened = scene.screened()
    assert screened.lines["quantity"].to_list() == [0.0] * 6 + [10.0] * 4
    found = screened.findings.filter(pl.col("guard") == "B4")
    assert set(found["detail"]) == {"unit CS has no factor to EA"}
    assert set(found["action"]) == {Action.SUPPRESS}


def test_b4_a_missing_fault_column_value_is_a_fault():
    scene = scene_of()
    frame = scene.state.frame.with_columns(fault=pl.lit(None, dtype=pl.String))
    assert scene.but(state=State("site", scene.state.erp_date, frame)).quantities() == [0.0]


def test_an_unknown_unit_cost_is_no_fault():
    assert scene_of({"unit_cost": np.nan}).quantities() == [10.0]


@pytest.mark.parametrize(
    "answer",
    [
        {"quantity": np.array([1.0, 2.0])},
        {"base_stock_quantity": np.array([[1.0]])},
        {"order_up_to": np.array(["a"])},
        {"fell_back": np.array([], dtype=bool)},
    ],
)
def test_answers_that_do_not_fit_the_lines_are_refused_with_a_word(answer):
    scene = scene_of()
    with pytest.raises(PolicyUnusable, match=next(iter(answer))):
        scene.but(recommendation=replace(scene.recommendation, **answer)).screened()


@pytest.mark.parametrize(("blocked", "quantity"), [(False, 10.0), (True, 0.0), (None, 0.0)])
def test_c13_status_forbids_procurement(blocked, quantity):
    scene = scene_of({"blocked": blocked})
    screened = scene.screened()
    assert screened.lines["quantity"].to_list() == [quantity]
    assert said(screened, "C13") == [Action.SUPPRESS] * (quantity == 0.0)
