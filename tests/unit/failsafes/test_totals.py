from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from builders import (
    DAY,
    TODAY,
    many,
    one,
    ordered_of,
    said,
    scene_of,
    spent_of,
    vitals_of,
)

from connector.failsafes.control_limits import Throttle
from connector.failsafes.total_limits import Budget, FleetJump
from connector.failsafes.verdicts import Action
from connector.inventory.memory import ORDERED, SPENT

HOLD, NODE_HOLD, WARN = Action.HOLD, Action.NODE_HOLD, Action.WARN


def usual(scene, days=60, **columns):
    return scene.remembering(vitals=vitals_of(scene.state, days, **columns))


# A7


@pytest.mark.parametrize(("before", "says"), [(39, [NODE_HOLD]), (40, []), (41, [])])
def test_a7_more_lines_than_usual(before, says):
    screened = usual(scene_of(*many(60)), lines=before).screened()
    assert said(screened, "A7") == says
    assert (screened.lines["quantity"].sum() == 0) is bool(says)
    if says:
        assert one(screened, "A7")["value"] == 60.0


@pytest.mark.parametrize(("floor", "says"), [(59, [NODE_HOLD]), (60, []), (61, [])])
def test_a7_a_node_may_always_order_some(floor, says):
    scene = usual(scene_of(*many(60)), lines=1).limited(throttle=Throttle(lines=floor))
    assert said(scene.screened(), "A7") == says


@pytest.mark.parametrize(("growth", "says"), [(1.9, [NODE_HOLD]), (2.0, []), (2.1, [])])
def test_a7_by_its_growth(growth, says):
    scene = usual(scene_of(*many(60)), lines=30).limited(throttle=Throttle(growth=growth, lines=1))
    assert said(scene.screened(), "A7") == says


@pytest.mark.parametrize(
    ("days", "least", "says"),
    [(1, 1, [WARN]), (2, 1, [NODE_HOLD]), (4, 4, [WARN]), (5, 4, [NODE_HOLD])],
)
def test_a7_needs_a_history(days, least, says):
    # The first review has nothing before it: its rate is unknown.
    scene = usual(scene_of(*many(60)), days, lines=5).limited(throttle=Throttle(history=least))
    assert said(scene.screened(), "A7") == says


def test_a7_without_history_a_few_lines_are_no_news():
    assert said(usual(scene_of(*many(50)), 0).screened(), "A7") == []


def test_a7_takes_the_most_of_the_last_eight_same_weekdays():
    scene = scene_of(*many(60))
    busy = {age: 45 if age == 56 else 5 for age in range(1, 71)}
    assert said(usual(scene, 70, lines=busy).screened(), "A7") == []
    older = {age: 45 if age == 63 else 5 for age in range(1, 71)}
    assert said(usual(scene, 70, lines=older).screened(), "A7") == [NODE_HOLD]
    other_day = {age: 45 if age == 1 else 5 for age in range(1, 71)}
    assert said(usual(scene, 70, lines=other_day).screened(), "A7") == [NODE_HOLD]


def test_a7_after_a_pause_more_lines_may_come_at_once():
    scene = usual(scene_of(*many(60)), lines=25)
    assert said(scene.screened(), "A7") == [NODE_HOLD]
    paused = scene.remembering(
        ordered=ordered_of(scene.state).filter(pl.col("ordered_on") <= TODAY - 2 * DAY)
    )
    assert said(paused.screened(), "A7") == []


# D2: one node, 20 lines of 10 at 2 each


def fleet(value, **columns):
    return usual(scene_of(*many(20)), value=value, **columns)


TOTAL = 20 * 10 * 2.0


@pytest.mark.parametrize(("median", "says"), [(266.0, [NODE_HOLD]), (800 / 3, []), (268.0, [])])
def test_d2_one_and_a_half_medians(median, says):
    screened = fleet(median).screened()
    assert said(screened, "D2") == says
    assert (screened.lines["quantity"].sum() == 0) is bool(says)
    if says:
        row = one(screened, "D2")
        assert (row["node"], row["value"], row["threshold"]) == ("1010", TOTAL, 399.0)


@pytest.mark.parametrize(("times", "says"), [(1.9, [NODE_HOLD]), (2.0, []), (2.1, [])])
def test_d2_by_its_times(times, says):
    scene = fleet(TOTAL / 2).limited(fleet_jump=FleetJump(times=times))
    assert said(scene.screened(), "D2") == says


@pytest.mark.parametrize(("mads", "says"), [(5.9, [NODE_HOLD]), (6.0, []), (6.1, [])])
def test_d2_by_its_spread(mads, says):
    # Tuesdays alternate between 190 and 210: median 200, MAD 10; 200 + 6 x ... = TOTAL
    spread = {age: 200.0 + (1 if age // 7 % 2 else -1) * 200 / 6 for age in range(1, 71)}
    scene = usual(scene_of(*many(20)), 70, value=spread)
    scene = scene.limited(fleet_jump=FleetJump(mads=mads, times=1.0))
    assert said(scene.screened(), "D2") == says


@pytest.mark.parametrize(("least", "says"), [(4, [NODE_HOLD]), (5, [NODE_HOLD]), (6, [WARN])])
def test_d2_needs_a_history(least, says):
    scene = usual(scene_of(*many(20)), 6, value=1.0).limited(fleet_jump=FleetJump(history=least))
    assert said(scene.screened(), "D2") == says


def test_d2_compares_with_the_same_weekday():
    tuesdays = {age: TOTAL if age % 7 == 0 else 1.0 for age in range(1, 61)}
    assert said(fleet(tuesdays).screened(), "D2") == []
    others = {age: 1.0 if age % 7 == 0 else TOTAL for age in range(1, 61)}
    assert said(fleet(others).screened(), "D2") == [NODE_HOLD]


@pytest.mark.parametrize(("days", "says"), [(1, [NODE_HOLD]), (2, [])])
def test_d2_judges_the_value_per_day_since_the_last_order(days, says):
    scene = fleet(TOTAL / 2)
    placed = ordered_of(scene.state).filter(pl.col("ordered_on") <= TODAY - days * DAY)
    assert said(scene.remembering(ordered=placed).screened(), "D2") == says


@pytest.mark.parametrize(("most", "says"), [(3.0, [NODE_HOLD]), (4.0, []), (5.0, [])])
def test_d2_catches_up_no_longer_than_its_backlog(most, says):
    scene = fleet(TOTAL / 6).limited(fleet_jump=FleetJump(backlog=most))
    placed = ordered_of(scene.state, 40).filter(pl.col("ordered_on") <= TODAY - 30 * DAY)
    assert said(scene.remembering(ordered=placed).screened(), "D2") == says


def test_d2_a_hold_ends_when_the_need_is_ordinary_and_not_before():
    # A need of one ordinary day every day: a first day that is doubled by chance, then nothing odd.
    scene = usual(scene_of(*many(20)), value=TOTAL)
    for held_days in range(1, 8):
        need = 1.0 + held_days  # days of need after as many held reviews, the first one doubled
        placed = ordered_of(scene.state, 60).filter(pl.col("ordered_on") < TODAY - held_days * DAY)
        there = scene.remembering(ordered=placed).asking(np.full(20, 10.0 * need) - 1e-3, 500.0)
        says = said(there.screened(), "D2")
        assert says == ([NODE_HOLD] if need > 1.5 * (held_days + 1) else [])


def test_d2_judges_what_was_asked_not_what_cuts_left():
    scene = usual(scene_of(*many(20)), value=TOTAL)
    scene = scene.remembering(ordered=ordered_of(scene.state, 12, 20.0))
    screened = scene.asking(42.0).screened()  # the collar would leave 21
    assert one(screened, "D2")["value"] == 20 * 42 * 2.0


def test_d2_held_lines_do_not_count():
    scene = usual(scene_of(*many(20)), value=TOTAL)
    asked = np.where(np.arange(20) == 0, 5000.0, 10.0 - np.arange(20) / 1000)
    screened = scene.asking(asked).screened()
    assert said(screened, "D2") == []
    assert screened.lines["quantity"].to_list() == [0.0] + [10.0] * 19


def test_d2_holds_exactly_its_node():
    lines = [*many(20), *many(20, node="1020")]
    scene = scene_of(*lines)
    vitals = vitals_of(scene.state).with_columns(
        value=pl.when(pl.col("node") == "1010").then(1.0).otherwise(TOTAL)
    )
    lines = scene.remembering(vitals=vitals).screened().lines
    assert lines["quantity"].to_list() == [0.0] * 20 + [10.0] * 20
    assert lines["held"].to_list() == [10.0] * 20 + [0.0] * 20  # a person may let single ones go
    assert set(lines["action"].head(20)) == {NODE_HOLD}


def test_what_the_data_holds_nobody_can_approve():
    scene = usual(scene_of(*many(20)), value=1.0, items=500)
    screened = scene.screened()
    assert said(screened, "B2") == said(screened, "D2") == [NODE_HOLD]
    assert screened.lines["held"].sum() == 0.0


def test_reviews_of_other_time_zones_keep_their_day():
    # A slot late on Monday in UTC is Tuesday in Tokyo; one early on Tuesday is Monday in Lima.
    scene = fleet(TOTAL)
    for shift in (-1, 1):
        vitals = scene.memory.vitals.with_columns(weekday=(pl.col("weekday") + shift) % 7)
        assert said(scene.remembering(vitals=vitals).screened(), "D2") == []


# D1: lines of 20 each


def paying(*lines, **caps):
    return scene_of(*lines).limited(budget=Budget(**caps))


@pytest.mark.parametrize(("cap", "says"), [(19.9, [HOLD]), (20.0, []), (20.1, [])])
@pytest.mark.parametrize("name", ["line", "node_day", "node_review", "node_28_days", "site_review"])
def test_d1_each_cap_holds_what_exceeds_it(name, cap, says):
    screened = paying({}, **{name: cap}).screened()
    assert said(screened, "D1") == says
    assert screened.lines["quantity"].to_list() == [0.0 if says else 10.0]
    assert screened.lines["held"].to_list() == [10.0 if says else 0.0]
    assert screened.lines["value"].to_list() == [20.0]


@pytest.mark.parametrize(("name", "days"), [("node_day", 1), ("node_28_days", 28)])
@pytest.mark.parametrize(("spent", "says"), [(79.9, []), (80.0, []), (80.1, [HOLD])])
def test_d1_what_was_spent_counts_while_its_window_lasts(name, days, spent, says):
    scene = paying({}, **{name: 100.0})
    inside = scene.remembering(spent=spent_of(("1010", days - 1, spent)))
    assert said(inside.screened(), "D1") == says
    outside = scene.remembering(spent=spent_of(("1010", days, 1e6), ("1020", 0, 1e6)))
    assert said(outside.screened(), "D1") == []


def test_d1_a_review_cap_looks_at_this_review_only():
    scene = paying({}, node_review=20.0).remembering(spent=spent_of(("1010", 0, 1e6)))
    assert said(scene.screened(), "D1") == []


@pytest.mark.parametrize("value", [np.nan, -1.0, np.inf, None])
def test_d1_unreadable_spending_leaves_no_money(value):
    spent = spent_of(("1010", 0, 0.0)).with_columns(value=pl.lit(value, dtype=pl.Float64))
    assert spent.schema == SPENT
    scene = paying({}, node_day=1e9).remembering(spent=spent)
    assert said(scene.screened(), "D1") == [HOLD]


@pytest.mark.parametrize("cost", [np.nan, 0.0])
def test_d1_an_unknown_cost_keeps_no_cap(cost):
    screened = paying({"unit_cost": cost}, node_day=1e9).screened()
    assert said(screened, "D1") == [HOLD]
    assert scene_of({"unit_cost": cost}).quantities() == [10.0]


def test_d1_gives_the_money_to_who_runs_short_first():
    positions = [58.0, 52.0, 55.0, 51.0]
    lines = [{"inventory_position": position} for position in positions]
    screened = paying(*lines, node_review=40.0).screened()
    assert screened.lines["quantity"].to_list() == [0.0, 10.0, 0.0, 10.0]
    assert screened.lines["held"].to_list() == [10.0, 0.0, 10.0, 0.0]


def test_d1_nobody_overtakes_the_line_that_did_not_fit():
    lines = [{"inventory_position": 51.0, "unit_cost": 5.0}, {"unit_cost": 1.0}]
    assert paying(*lines, node_review=49.0).quantities() == [0.0, 0.0]


def test_d1_a_line_that_is_held_for_itself_takes_no_money():
    lines = [{"inventory_position": 51.0, "unit_cost": 50.0}, {"unit_cost": 1.0}]
    assert paying(*lines, line=100.0, node_review=49.0).quantities() == [0.0, 10.0]


def test_d1_nodes_have_their_own_purses_and_the_site_has_one():
    lines = [{"node": node} for node in ("1010", "1020", "1030")]
    assert paying(*lines, node_review=20.0).quantities() == [10.0, 10.0, 10.0]
    assert paying(*lines, site_review=40.0).quantities() == [10.0, 10.0, 0.0]


def test_d1_ties_are_settled_by_name():
    lines = [{"node": "1020"}, {"node": "1010"}]
    screened = paying(*lines, site_review=20.0).screened()
    assert screened.ordered()["node"].to_list() == ["1010"]


def test_d1_lines_without_demand_come_last():
    calm = {"demand_mean": 0.0, "demand_sd": 0.0, "inventory_position": 0.0}
    scene = paying({**calm, "item": "A"}, {"item": "B"}, site_review=20.0)
    scene = scene.remembering(ordered=ORDERED.to_frame())
    assert scene.quantities() == [0.0, 10.0]


def test_d1_without_caps_says_nothing():
    assert scene_of({"unit_cost": np.nan}).screened().findings.is_empty()


def test_d1_records_the_balance():
    lines = [{"inventory_position": 51.0}, {}]
    row = one(paying(*lines, node_day=30.0).screened(), "D1")
    assert (row["item"], row["value"], row["threshold"]) == ("M1", 40.0, 30.0)
    assert row["detail"] == "money of the node today"
