"""What people decide is checked when it is said."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_frames import DC, NETWORK, OTHER, REGION, TEA, frame

from connector.errors import ConfigError
from connector.inventory.planning import Planning, ServiceTarget
from connector.inventory.quantity import millionths, total, units
from connector.inventory.snapshot import ITEMS
from connector.inventory.universe import Universe, below

KEYS = frame(ITEMS, [{"node": n, "item": TEA} for n in (DC, REGION, OTHER)]).select("node", "item")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("critical_ratio", 0.0),
        ("critical_ratio", 1.0),
        ("critical_ratio", math.nan),
        ("review_days", 0.0),
        ("review_days", math.inf),
        ("demand_window_days", 6),
        ("demand_days_minimum", 57),
        ("lead_time_prior_weight", 0.0),
        ("lead_time_prior_cv", -0.1),
        ("lead_time_days_maximum", math.nan),
        ("outlier_sd", 0.5),
    ],
)
def test_a_decision_that_no_review_can_plan_with_is_refused(name, value):
    with pytest.raises(ConfigError, match=rf"planning\.{name} is"):
        Planning(**{name: value})


def test_a_service_target_is_checked_alike():
    with pytest.raises(ConfigError, match=r"service_targets\.critical_ratio is 98"):
        ServiceTarget(critical_ratio=98.0)


def test_how_far_back_history_must_reach():
    planning = Planning(demand_window_days=56, lead_time_window_days=90)
    assert planning.history_days == 90
    assert planning.since(date(2026, 11, 24)) == date(2026, 8, 26)
    assert Planning(demand_window_days=180).history_days == 180


def test_rows_are_found_where_they_are_and_only_there():
    told = frame(ITEMS, [{"node": n, "item": i} for n, i in ((OTHER, TEA), ("9", TEA), (DC, "X"))])
    assert Universe(KEYS).locate(told).tolist() == [2, -1, -1]


def test_an_item_of_another_node_is_not_found_here():
    keys = pl.DataFrame({"node": ["A", "A", "B"], "item": ["1", "2", "2"]})
    asked = pl.DataFrame({"node": ["B", "B", "A", None], "item": ["1", "2", "1", "1"]})
    assert Universe(keys).locate(asked).tolist() == [-1, 2, 0, -1]
    assert Universe(keys.clear()).locate(asked).tolist() == [-1] * 4


def test_who_stands_above_whom():
    supplier = {node.name: node.supplied_by for node in NETWORK.nodes}
    assert [rows.tolist() for rows in Universe(KEYS).upstream(supplier)] == [[-1, 0, 0]]
    assert Universe(KEYS).upstream({DC: "", REGION: "", OTHER: ""}) == ()


def test_a_loop_of_suppliers_ends():
    assert len(Universe(KEYS).upstream({DC: REGION, REGION: DC})) == 2


def test_sums_below_leave_out_the_node_itself():
    rows = np.array([-1, 0, 0])
    assert below(np.array([1.0, 10.0, 100.0]), (rows,)).tolist() == [110.0, 0.0, 0.0]


@given(st.lists(st.decimals(-1000, 1000, places=3), max_size=40), st.randoms())
def test_sums_are_those_of_decimals_in_any_order(decimals, rng):
    shuffled = list(decimals)
    rng.shuffle(shuffled)
    rows = np.zeros(len(shuffled), dtype=np.int64)
    summed = total(rows, np.array([float(each) for each in shuffled]), 1)
    assert summed[0] == float(sum(decimals))


def test_what_is_no_number_counts_nothing():
    assert millionths(np.array([math.nan, math.inf, 1e11, 0.25])).tolist() == [0, 0, 0, 250_000]
    assert units(np.array([1_100_000])).tolist() == [1.1]
