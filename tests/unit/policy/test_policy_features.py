"""The encoder's laws: finite, told in units of demand, indifferent to the order of lines."""

from __future__ import annotations

import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from policy_sites import DAY, QUANTITIES, network_state, reordered, state_of

from connector.errors import SnapshotUnfit
from connector.inventory.state import STATE, State
from connector.policy.echelon import downstream_cover
from connector.policy.features import (
    FEATURES,
    NAMES,
    demand_per_review,
    encode,
    in_range,
    schema,
    schema_digest,
)
from connector.policy.lines import UNDEFINED

ANYTHING = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.sampled_from([0.0, -1.0, 1e-300, 1e300, math.nan, math.inf, -math.inf]),
)
NUMBERS = [name for name, kind in STATE.items() if kind == pl.Float64]


def told(state: State, row: int = 0) -> dict[str, float]:
    return dict(zip(NAMES, encode(state)[row].tolist(), strict=True))


def test_a_line_is_told_in_reviews_of_its_own_demand():
    line = told(state_of({"lot_multiple": 20.0, "lot_maximum": 60.0}))
    assert line["demand_rate"] == pytest.approx(math.log10(20.0))  # 10 a day, every 2 days
    assert line["demand_cv"] == pytest.approx(0.5)
    assert line["demand_zero_share"] == pytest.approx(0.1)
    assert line["lead_time_mean"] == pytest.approx(3.0)
    assert line["lead_time_p90"] == pytest.approx(4.0)
    assert line["lead_time_cv"] == pytest.approx(0.25)
    assert line["lot_minimum"] == pytest.approx(math.log(3.0))  # 40 = 2 reviews
    assert line["lot_multiple"] == pytest.approx(math.log(2.0))
    assert line["lot_ceiling"] == pytest.approx(0.25)  # 1 / (1 + 60 / 20)
    assert line["stock_ceiling"] == 0.0
    assert line["on_hand"] == pytest.approx(math.log(4.0))
    assert line["arriving_3"] == pytest.approx(math.log(2.0))
    assert line["arriving_7"] == 0.0
    assert line["inventory_position"] == pytest.approx(math.log(5.0))
    assert line["supplied_inside"] == 1.0
    assert line["own_share"] == 1.0
    assert line["weekday_sin"] == pytest.approx(math.sin(2 * math.pi / 7))
    assert line["year_cos"] == pytest.approx(math.cos(2 * math.pi * 328 / 365.25))
    assert demand_per_review(state_of({}))[0] == 20.0


def test_negative_stock_keeps_its_sign():
    assert told(state_of({"on_hand": -20.0}))["on_hand"] == pytest.approx(-math.log(2.0))


def test_a_node_that_supplies_others_is_told_in_echelon_demand():
    central = {
        "node": "1000", "supplying_node": "", "level": 1.0, "demand_mean": 5.0, "demand_sd": 1.0,
        "echelon_demand_mean": 15.0, "echelon_demand_sd": 6.0, "demand_zero_share": 0.9,
    }  # fmt: skip
    state = state_of(central, {"node": "1010"})
    line = told(state)
    assert demand_per_review(state)[0] == 30.0
    assert line["demand_cv"] == pytest.approx(0.4)
    assert line["demand_zero_share"] == 0.0
    assert line["own_share"] == pytest.approx(1 / 3)
    # Two thirds of its demand wait 6 + 2 days below, its own waits none; a review is 2 days.
    assert line["downstream_cover"] == pytest.approx(8.0 * 2 / 3 / 2)


def test_cover_adds_up_over_three_echelons():
    top = {"node": "A", "supplying_node": "", "level": 2.0, "demand_mean": 0.0,
           "echelon_demand_mean": 10.0}  # fmt: skip
    middle = {"node": "B", "supplying_node": "A", "level": 1.0, "demand_mean": 0.0,
              "echelon_demand_mean": 10.0, "lead_time_mean": 4.0}  # fmt: skip
    shop = {"node": "C", "supplying_node": "B"}
    cover = downstream_cover(state_of(shop, middle, top))
    assert cover.tolist() == [0.0, 8.0, 14.0]  # 6 + 2, then 4 + 2 more


def test_other_items_do_not_reach_into_a_cover():
    central = {"node": "1000", "supplying_node": "", "level": 1.0, "demand_mean": 0.0}
    other = {"node": "1010", "item": "other"}
    assert downstream_cover(state_of(central, other)).tolist() == [0.0, 0.0]


@given(st.lists(st.dictionaries(st.sampled_from(NUMBERS), ANYTHING, max_size=12), min_size=1))
def test_features_are_finite_whatever_the_state_holds(lines):
    state = state_of(*({"item": str(k)} | line for k, line in enumerate(lines)))
    features = encode(state)
    assert features.shape == (len(lines), len(FEATURES))
    assert features.dtype == np.float32
    assert np.isfinite(features).all()
    assert in_range(features).shape == (len(lines),)


@pytest.mark.parametrize("demand", [0.0, -3.0, math.nan])
def test_a_line_without_demand_is_out_of_range(demand):
    features = encode(state_of({"demand_mean": demand}))
    assert features[0, NAMES.index("on_hand")] == np.float32(UNDEFINED)
    assert in_range(features).tolist() == [False]


def test_a_usual_line_is_in_range():
    assert in_range(encode(state_of({}))).tolist() == [True]


@pytest.mark.parametrize("k", range(len(FEATURES)), ids=NAMES)
def test_each_bound_holds_at_and_breaks_beyond(k):
    features = np.repeat(encode(state_of({})), 4, axis=0)
    low, high = np.float32(FEATURES[k].low), np.float32(FEATURES[k].high)
    beyond = np.nextafter(low, np.float32(-np.inf)), np.nextafter(high, np.float32(np.inf))
    features[:, k] = [beyond[0], low, high, beyond[1]]
    assert in_range(features).tolist() == [False, True, True, False]


@given(st.randoms(use_true_random=False))
def test_lines_are_told_alike_in_any_order(random):
    state = network_state(items=4, regions=3)
    rows = list(range(len(state)))
    random.shuffle(rows)
    rows = np.array(rows)
    np.testing.assert_allclose(encode(reordered(state, rows)), encode(state)[rows], rtol=1e-6)


@given(st.floats(1e-3, 1e3))
def test_a_change_of_unit_changes_nothing_but_the_size(factor):
    state = network_state(items=3, regions=2)
    scaled = state.frame.with_columns(pl.col(QUANTITIES) * factor)
    before, after = encode(state), encode(State(state.site, DAY, scaled))
    size = NAMES.index("demand_rate")
    np.testing.assert_allclose(
        after[:, size], before[:, size] + math.log10(factor), rtol=1e-5, atol=1e-5
    )
    rest = [k for k in range(len(NAMES)) if k != size]
    np.testing.assert_allclose(after[:, rest], before[:, rest], rtol=1e-5, atol=1e-6)


def test_no_lines_give_no_features():
    empty = State("north", DAY, STATE.to_frame())
    assert encode(empty).shape == (0, len(FEATURES))


def test_the_declaration_is_whole_and_digested():
    declared = schema()
    assert [each["name"] for each in declared] == list(NAMES)
    assert len(set(NAMES)) == len(NAMES)
    assert all(each["unit"] and each["formula"] for each in declared)
    assert all(feature.low < feature.high for feature in FEATURES)
    assert len(schema_digest()) == 64


@pytest.mark.parametrize("name", ["demand_sd", "level", "lot_multiple"])
def test_a_state_that_lacks_a_column_is_refused_by_name(name):
    state = state_of({})
    with pytest.raises(SnapshotUnfit, match=f"lacks column '{name}'"):
        encode(State(site="S", erp_date=DAY, frame=state.frame.drop(name)))
