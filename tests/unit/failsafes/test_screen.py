from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from builders import NOW, many, one, previous_of, said, scene_of, spent_of

from connector.failsafes.catalogue import CATALOGUE
from connector.failsafes.guard import ORDER
from connector.failsafes.total_limits import Budget
from connector.failsafes.verdicts import FINDINGS, SCREENED, Action
from connector.inventory.state import STATE, State

COMPOSITION = "A1 B1 B2 B4 C13 C14 C10 C6 C2 C7 C1 C4 C9 B9 B5 B7 B8 A7 D2 D1"


def test_frames_keep_their_contract():
    for scene in (scene_of(), scene_of({"on_hand": -1.0}, {"node": "1020"})):
        screened = scene.screened()
        assert screened.lines.schema == SCREENED
        assert screened.findings.schema == FINDINGS
        assert screened.lines.select("node", "item").equals(
            scene.state.frame.select("node", "item")
        )


def test_an_empty_site_has_no_verdicts():
    scene = scene_of().but(state=State("site", scene_of().state.erp_date, STATE.to_frame()))
    scene = scene.asking(np.zeros(0), np.zeros(0)).seeing(stock=scene.snapshot.stock.clear())
    assert scene.screened().lines.is_empty()


def test_findings_stand_in_the_order_of_the_composition():
    place = {guard: k for k, guard in enumerate(COMPOSITION.split())}
    lines = [
        {"on_hand": -30.0, "inventory_position": 20.0},
        {"fault": "no unit"},
        {"blocked": True},
        {"own_missing": 5.0},
        {"lot_maximum": 7.0},
        {"inventory_position": 75.0},
        {"unit_cost": np.nan},
        {},
    ]
    scene = scene_of(*lines).seeing(taken_at=NOW - timedelta(days=1))
    scene = scene.but(blocked_nodes={"1010": "halted by ann"}, nodes=("1099",))
    scene = scene.asking(np.array([10, 10, 10, 10, 10, 10, 10, 5000.0]))
    scene = scene.limited(budget=Budget(line=1.0))
    guards = scene.screened().findings["guard"].to_list()
    assert len(set(guards)) >= 9
    assert [place[guard] for guard in guards] == sorted(place[guard] for guard in guards)


def guards_of(bits):
    return tuple(name for place, name in enumerate(ORDER) if bits >> place & 1)


def test_what_a_guard_says_is_a_bit_of_its_line_node_or_site():
    lines = [{"blocked": True}, {}, {"node": "1020"}]
    scene = scene_of(*lines).but(blocked_nodes={"1020": "halted"})
    bits = scene.screened().lines["guards"].to_list()
    assert [guards_of(each) for each in bits] == [("C13",), (), ("A1",)]
    stale = scene.seeing(taken_at=NOW - timedelta(days=1)).screened().lines["guards"].to_list()
    assert [guards_of(each) for each in stale] == [("B1", "C13"), ("B1",), ("A1", "B1")]


@pytest.mark.parametrize(
    ("reason", "guard", "action"),
    [
        ("halted by ann: stock count", "A1", Action.NODE_HALT),
        ("A6: our clock against the ERP's, s", "A6", Action.NODE_HOLD),
        ("A7: lines", "A7", Action.NODE_HOLD),
        ("C14: breaker", "C14", Action.NODE_HOLD),
        ("Z9: nobody knows", "A1", Action.NODE_HALT),
    ],
)
def test_a_blocked_node_orders_nothing_and_says_why(reason, guard, action):
    scene = scene_of({}, {"node": "1020"}).but(blocked_nodes={"1020": reason})
    screened = scene.screened()
    assert screened.lines["quantity"].to_list() == [10.0, 0.0]
    row = one(screened, guard)
    assert (row["node"], row["item"], row["action"], row["detail"]) == ("1020", "", action, reason)


@pytest.mark.parametrize(
    ("reason", "action"),
    [("halted", Action.GLOBAL_HALT), ("A4: earlier runs", Action.NODE_HOLD)],
)
def test_a_blocked_site_orders_nothing(reason, action):
    scene = scene_of({}, {"node": "1020"}).but(blocked_nodes={"": reason})
    lines = scene.screened().lines
    assert lines["quantity"].to_list() == [0.0, 0.0]
    assert set(lines["action"]) == {action}


def test_a_blocked_node_outside_the_review_is_still_told():
    screened = scene_of().but(blocked_nodes={"1099": "halted"}).screened()
    assert one(screened, "A1")["node"] == "1099"
    assert screened.lines["quantity"].to_list() == [10.0]


def test_the_highest_action_wins():
    # clamped, then held, in a node that is held
    line = {"inventory_position": 75.0, "own_missing": 3.0}
    scene = scene_of(line, quantity=35.0, base_stock=50.0)
    assert scene.screened().lines["action"].to_list() == [Action.HOLD]
    halted = scene.but(blocked_nodes={"1010": "halted"}).screened()
    assert halted.lines["action"].to_list() == [Action.NODE_HALT]
    assert halted.lines["held"].to_list() == [0.0]


def test_a_person_approves_no_more_than_the_cuts_allow():
    scene = scene_of({"inventory_position": 75.0, "own_missing": 3.0}, base_stock=50.0)
    screened = scene.asking(34.0).screened()
    assert {"C2", "C7", "B8"} <= set(screened.findings["guard"])
    cut = min(one(screened, guard)["after"] for guard in ("C2", "C7"))
    assert screened.lines["held"].to_list() == [cut]
    assert screened.held().height == 1
    assert screened.lines["value"].to_list() == [cut * 2.0]


def test_suppressed_lines_are_not_judged_further():
    screened = scene_of({"fault": "no unit", "on_hand": -100.0}, quantity=5000.0).screened()
    assert set(screened.findings["guard"]) == {"B4"}


def test_both_numbers_and_both_quantities_are_recorded():
    scene = scene_of({"inventory_position": 90.0, "demand_sd": 0.0}, quantity=1.0)
    row = one(scene.screened(), "C2")
    assert (row["value"], row["before"], row["after"]) == (91.0, 1.0, 0.0)
    assert row["threshold"] == pytest.approx(1.2 * 61)


def test_the_budget_counts_what_cuts_left():
    scene = scene_of({"inventory_position": 75.0, "demand_sd": 0.0}, quantity=10.0)
    scene = scene.limited(budget=Budget(line=0.0)).remembering(spent=spent_of())
    assert scene.quantities() == [0.0]
    assert said(scene.screened(), "D1") == []  # nothing was left to pay for


def test_equal_arguments_give_equal_verdicts():
    lines = [*many(30), *many(30, node="1020", inventory_position=80.0)]
    first, second = scene_of(*lines).screened(), scene_of(*lines).screened()
    assert first.lines.equals(second.lines)
    assert first.findings.equals(second.findings)


def test_every_guard_of_a_line_can_be_reached():
    """No declared guard of layers B to D is dead code: each is said by some scene of this room."""
    seen = set()
    base = scene_of(*many(3))
    scenes = [
        base.seeing(taken_at=NOW - timedelta(days=1)),
        base.but(nodes=("1099",)),
        base.asking(np.array([np.nan, 10, 10])),
        scene_of({"on_hand": -1.0}),
        scene_of({"own_missing": 1.0}),
        scene_of({"blocked": True}),
        base.remembering(previous=previous_of(base.state, unit="CS", on_hand=500.0)),
        base.asking(np.array([5000.0, 25.0, 0.2])),
    ]
    for scene in scenes:
        seen |= set(scene.screened().findings["guard"])
    assert {"B1", "B2", "B4", "B5", "B7", "B8", "B9", "C1", "C6", "C10", "C13"} <= seen
    assert seen <= set(CATALOGUE)


def test_unknown_cost_has_no_value_and_no_order_has_none_either():
    lines = scene_of({"unit_cost": np.nan}, {"blocked": True}).screened().lines
    assert lines["value"].is_nan().to_list() == [True, False]
    assert lines["value"].to_list()[1] == 0.0


def test_rows_in_any_order_get_the_same_verdict():
    lines = [*many(10), *many(10, node="1020", inventory_position=80.0)]
    scene = scene_of(*lines)
    turned = State("site", scene.state.erp_date, scene.state.frame.reverse())
    there = scene.screened().lines
    back = scene.but(state=turned).screened().lines
    assert back.sort("node", "item").drop("requested").equals(there.drop("requested"))
    assert there["quantity"].sum() > 0
    assert pl.Series(there["node"]).n_unique() == 2
