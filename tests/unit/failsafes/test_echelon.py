from __future__ import annotations

import numpy as np
import pytest
from builders import one, said, scene_of, state_of

from connector.failsafes.columns import Lines
from connector.failsafes.limits import Limits
from connector.failsafes.verdicts import Action

# Central node 1000 above 1010 and 1020; the echelon plans on 30 a day and holds 400.
CENTRAL = {
    "node": "1000",
    "item": "A",
    "level": 1.0,
    "demand_mean": 0.0,
    "demand_sd": 0.0,
    "echelon_demand_mean": 30.0,
    "echelon_demand_sd": 0.0,
    "lead_time_p90": 9.0,
    "inventory_position": 100.0,
    "echelon_position": 400.0,
}
BELOW = {"item": "A", "supplying_node": "1000", "demand_sd": 0.0}
TREE = (
    CENTRAL,
    {**BELOW, "node": "1010", "demand_mean": 20.0, "lead_time_p90": 2.0},
    {**BELOW, "node": "1020", "demand_mean": 10.0, "lead_time_p90": 5.0},
)


def lines_of(*rows):
    return Lines(state_of(*rows), Limits())


def test_an_echelon_plans_on_what_stands_below():
    lines = lines_of(*TREE)
    assert lines.demand.tolist() == [30.0, 20.0, 10.0]
    assert lines.position.tolist() == [400.0, 60.0, 60.0]
    # 9 days to the central node; below, (2 + 1) days for two thirds and (5 + 1) for one third
    assert lines.lead_time.tolist() == [13.0, 2.0, 5.0]
    assert lines.cap[0] == 30.0 * (13.0 + 1.0) + 1.0
    assert lines.short.tolist() == [False, False, False]


def test_covers_add_up_over_levels():
    top = {**CENTRAL, "node": "0900", "level": 2.0, "lead_time_p90": 20.0}
    middle = {**CENTRAL, "supplying_node": "0900"}
    lines = lines_of(top, middle, *TREE[1:])
    # 0900, 1000, 1010, 1020: 20 + (9 + 1 + 4)
    assert lines.lead_time.tolist() == [34.0, 13.0, 2.0, 5.0]


def test_items_that_are_stocked_in_one_place_only_have_nobody_below():
    lines = lines_of({**CENTRAL, "item": "B"}, *TREE[1:])
    assert lines.lead_time.tolist() == [9.0, 2.0, 5.0]
    assert lines.echelon.upstream.tolist() == [-1, -1, -1]


def test_without_demand_below_nothing_is_covered():
    rows = [CENTRAL, *({**row, "demand_mean": 0.0} for row in TREE[1:])]
    assert lines_of(*rows).lead_time.tolist()[0] == 9.0


@pytest.mark.parametrize(
    ("position", "says"),
    [(475.0, []), (476.0, [Action.CLAMP]), (601.0, [Action.CLAMP]), (602.0, [Action.HOLD])],
)
def test_c2_caps_the_echelons_position(position, says):
    # cap 421; cut at 505.2, held beyond 631.5; 29.5 asked: 30
    rows = ({**CENTRAL, "echelon_position": position}, *TREE[1:])
    scene = scene_of(*rows).asking(np.array([29.5, 0.0, 0.0]), 30.0)
    assert said(scene.screened(), "C2") == says


def test_a_full_central_shelf_alone_is_no_reason():
    rows = ({**CENTRAL, "inventory_position": 5000.0, "on_hand": 5000.0}, *TREE[1:])
    scene = scene_of(*rows).asking(np.array([30.0, 0.0, 0.0]), 30.0)
    assert scene.quantities() == [30.0, 0.0, 0.0]


@pytest.mark.parametrize(("position", "short"), [(389.0, True), (390.0, False)])
def test_an_echelon_runs_short_when_its_position_does(position, short):
    rows = ({**CENTRAL, "echelon_position": position}, *TREE[1:])
    assert lines_of(*rows).short.tolist() == [short, False, False]


def test_fat_fingers_are_measured_in_echelon_demand():
    scene = scene_of(*TREE)
    asked = np.array([1801.0, 10.0, 10.0])
    row = one(scene.asking(asked).screened(), "C1")
    assert (row["node"], row["threshold"]) == ("1000", 1800.0)
