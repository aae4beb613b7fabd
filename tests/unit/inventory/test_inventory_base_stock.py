"""Base-stock against numbers worked out by hand."""

from __future__ import annotations

import math
from dataclasses import fields
from statistics import NormalDist

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_frames import DC, OTHER, REGION, TEA, TODAY

from connector.inventory.base_stock import Levels, base_stock, base_stock_levels
from connector.inventory.gamma import gamma_quantile
from connector.inventory.state import STATE, State

_BLANK = {
    pl.String: "",
    pl.Float64: 0.0,
    pl.Boolean: False,
}


def line(node=REGION, name=TEA, **said):
    """A row of a state: 10 a day, exactly, 4 + 1 days."""
    unsaid = {column: _BLANK[kind] for column, kind in STATE.items()}
    usual = {
        "node": node,
        "item": name,
        "demand_mean": 10.0,
        "lead_time_mean": 4.0,
        "review_days": 1.0,
        "critical_ratio": 0.98,
        "maximum_stock": math.inf,
    }
    return {**unsaid, **usual, **said}


def site(*rows):
    frame = pl.DataFrame(rows, schema=STATE).sort("node", "item")
    return State("dc-1", TODAY, frame)


def order(**said):
    level, quantity = base_stock(site(line(**said)))
    return float(level[0]), float(quantity[0])


def test_steady_demand_is_covered_over_lead_time_and_review():
    assert order() == (50.0, 50.0)
    assert order(inventory_position=30.0) == (50.0, 20.0)
    assert order(inventory_position=80.0) == (50.0, 0.0)


def test_exponential_demand_by_hand():
    """cv 1 is the exponential distribution: P(D > S) = exp(-S / 50) = 0.02 at S = -50 ln 0.02."""
    level, _ = order(demand_sd=50.0 / math.sqrt(5))
    assert level == pytest.approx(-50 * math.log(0.02), rel=3e-4)  # 195.6


def test_erlang_demand_by_hand():
    """cv 1/sqrt(2) is Erlang with two phases: P(D > S) = (1 + x) exp(-x) with x = 2 S / mean.

    At a critical ratio of 0.9, (1 + x) exp(-x) = 0.1 gives x = 3.8897 (tabled as 7.7794 = 2 x for
    chi-square with 4 degrees of freedom, Abramowitz and Stegun, table 26.8).
    """
    level, _ = order(demand_sd=50.0 / math.sqrt(2) / math.sqrt(5), critical_ratio=0.9)
    assert level == pytest.approx(50 * 7.7794 / 4, rel=3e-4)


def test_nearly_normal_demand_by_hand():
    """Newsvendor with normal demand: S = mean + z sd, z(0.98) = 2.0537 (any table of the normal).

    Mean 50 000, sd 500 over 5 days; the gamma's own skewness adds sd cv (z^2 - 1) / 3 = 5.4.
    """
    level, _ = order(demand_mean=10_000.0, demand_sd=500.0 / math.sqrt(5))
    assert level == pytest.approx(50_000 + 2.0537 * 500 + 5.36, abs=0.1)


def test_lead_time_variance_by_hand():
    """Silver, Pyke, Thomas: sd^2 = (L + R) s^2 + f^2 l^2 = 5 x 16 + 100 x 4 = 480, cv = 0.43818.

    Wilson and Hilferty: 50 (1 - cv^2 / 9 + 2.0537 cv / 3)^3 = 50 x 1.27863^3 = 104.52.
    """
    level, _ = order(demand_sd=4.0, lead_time_sd=2.0)
    assert level == pytest.approx(104.52, rel=5e-4)


@pytest.mark.parametrize("cv", [0.01, 0.05, 0.09, 0.11, 0.3, 0.7, 1.0, 2.0, 5.0])
@pytest.mark.parametrize("probability", [0.5, 0.8, 0.95, 0.98, 0.995])
def test_the_quantile_leaves_the_right_tail(probability, cv):
    """Integrates the gamma density itself, with the substitution x = e^y."""
    shape = cv**-2
    x = float(gamma_quantile(np.array([probability]), np.array([cv]))[0]) * shape
    top = math.log(x)
    y = np.linspace(top - 60 * max(cv, 1.0) ** 2 * (1 if cv >= 0.3 else 0.2), top, 400_001)
    density = np.exp(shape * y - np.exp(y) - math.lgamma(shape))
    assert np.trapezoid(density, y) == pytest.approx(probability, abs=2e-4)


def test_the_table_meets_the_cube_root():
    near = gamma_quantile(np.full(2, 0.98), np.array([0.0999999, 0.1]))
    assert near[0] == pytest.approx(near[1], rel=1e-4)


def test_the_gamma_of_steady_demand_is_normal():
    z = NormalDist().inv_cdf(0.98)
    assert gamma_quantile(np.array([0.98]), np.array([0.001]))[0] == pytest.approx(
        1 + 0.001 * z, abs=2e-6
    )


def test_without_demand_the_level_is_the_safety_stock():
    assert order(demand_mean=0.0) == (0.0, 0.0)
    assert order(demand_mean=0.0, reorder_point=40.0) == (0.0, 0.0)
    assert order(demand_mean=0.0, safety_stock=8.0) == (8.0, 8.0)


def test_the_planners_safety_stock_is_the_least_buffer():
    assert order(safety_stock=20.0) == (70.0, 70.0)
    assert order(safety_stock=1.0, demand_sd=20.0)[0] == order(demand_sd=20.0)[0]


def test_no_level_exceeds_the_maximum_stock():
    assert order(maximum_stock=35.0) == (35.0, 35.0)


def network(**dc):
    below = {"supplying_node": DC, "demand_mean": 10.0, "inventory_position": 45.0}
    return site(
        line(DC, level=1.0, **{"demand_mean": 0.0, "echelon_demand_mean": 20.0, **dc}),
        line(REGION, **below),
        line(OTHER, **{**below, "safety_stock": 5.0}),
    )


def test_an_echelon_level_is_the_sum_of_its_installations():
    """20 a day over 4 + 1 days = 100 of its own, 50 at one region, 50 + 5 at the other."""
    level, quantity = base_stock(network(echelon_position=150.0))
    assert level.tolist() == [205.0, 50.0, 55.0]
    assert quantity.tolist() == [55.0, 5.0, 10.0]


def test_an_echelon_is_buffered_against_the_spread_of_its_echelon():
    calm = base_stock_levels(network(demand_sd=99.0)).safety
    wild = base_stock_levels(network(echelon_demand_sd=100.0 / math.sqrt(5))).safety
    assert calm.tolist() == [0.0, 0.0, 5.0]
    assert wild[0] == pytest.approx(-100 * math.log(0.02) - 100, rel=5e-4)


def test_the_parts_of_a_level():
    levels = base_stock_levels(network(maximum_stock=90.0))
    parts = {each.name: float(getattr(levels, each.name)[0]) for each in fields(Levels)}
    assert parts == {
        "over_lead_time": 80.0,
        "over_review": 20.0,
        "safety": 0.0,
        "above_maximum": 10.0,
        "downstream": 105.0,
    }
    assert levels.level[0] == 195.0


def test_a_higher_critical_ratio_or_more_spread_never_lowers_a_level():
    spread = [
        order(demand_sd=sd, critical_ratio=p)[0] for sd in (1, 5, 20) for p in (0.6, 0.9, 0.98)
    ]
    by_sd = np.array(spread).reshape(3, 3)
    assert (np.diff(by_sd, axis=1) > 0).all()
    assert (np.diff(by_sd[:, 1:], axis=0) > 0).all()


odd = st.one_of(st.floats(), st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -1.0, 1e300]))
numbers = [
    "demand_mean",
    "demand_sd",
    "echelon_demand_mean",
    "echelon_demand_sd",
    "lead_time_mean",
    "lead_time_sd",
    "review_days",
    "critical_ratio",
    "safety_stock",
    "maximum_stock",
    "inventory_position",
    "echelon_position",
]


@given(st.fixed_dictionaries(dict.fromkeys(numbers, odd)), st.sampled_from([0.0, 1.0]))
def test_whatever_the_state_holds_the_answer_is_finite_and_not_negative(values, level):
    answers = base_stock(
        site(line(level=level, **values), line(OTHER, supplying_node=REGION, **values))
    )
    for answer in answers:
        assert np.isfinite(answer).all()
        assert (answer >= 0).all()
