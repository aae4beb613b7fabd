"""Optimal costs against the literature, and against the twin living by the optimal policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from connector.errors import ConfigError
from connector.twin.dynamics import Stock
from connector.twin.network import Rules, Topology
from policies.baselines import EchelonBaseStock
from policies.exact import (
    LostSales,
    Serial,
    clark_scarf,
    geometric,
    normal,
    optimal_lost_sales,
    over_periods,
    poisson,
)
from policies.search import Trial

STEP = 0.02
# Zipkin (2008), by value iteration; the last with a fixed cost (Bijvank, Bhulai and Huh, 2015)
PUBLISHED = [
    (poisson(5.0), 1, 4.0, 0.0, 4.0408),
    (poisson(5.0), 2, 4.0, 0.0, 4.3954),
    (poisson(5.0), 2, 39.0, 0.0, 9.1064),
    (poisson(5.0), 3, 19.0, 0.0, 8.3626),
    (geometric(5.0), 1, 4.0, 0.0, 9.8176),
    (geometric(5.0), 1, 39.0, 0.0, 23.8658),
    (geometric(5.0), 2, 9.0, 0.0, 15.5030),
    (poisson(5.0), 2, 14.0, 5.0, 11.46305),
]
# Snyder and Shen, example 6.1: demand comes first, and the last node's lead time there is 1
BOOK = Serial(lead_times=(2, 1, 0), holding=(2.0, 4.0, 7.0), shortage=37.12)
BOOK_IN_TRANSIT = 2.0 * 5.0 + 4.0 * 5.0  # on the way to either node, at its supplier's rate
# The serial system of Alvo et al. (2023)
LONG = Serial(lead_times=(2, 4, 3, 4), holding=(0.1, 0.2, 0.5, 1.0), shortage=9.0)


@pytest.mark.parametrize(("demand", "lead_time", "shortage", "fixed", "cost"), PUBLISHED)
def test_lost_sales_cost_what_the_literature_says(demand, lead_time, shortage, fixed, cost):
    problem = LostSales(demand=demand, lead_time=lead_time, shortage=shortage, fixed=fixed)
    best = optimal_lost_sales(problem)
    assert best.within < 1e-5
    assert best.cost == pytest.approx(cost, abs=1.5e-4)


@pytest.mark.parametrize(
    "problem",
    [
        LostSales(demand=poisson(5.0), lead_time=1, shortage=4.0),
        LostSales(demand=geometric(5.0), lead_time=1, shortage=4.0),
        LostSales(demand=poisson(5.0), lead_time=2, shortage=14.0, fixed=5.0),
    ],
)
def test_the_twin_under_the_optimal_policy_costs_the_optimum(problem):
    best = optimal_lost_sales(problem)
    lived = Trial.of(problem, seed=11, replications=2_000).costs(best)
    assert abs(float(lived.mean[0, 0]) - best.cost) < 4.0 * float(lived.error[0, 0])
    assert float(lived.error[0, 0]) < 0.002 * best.cost


def test_demand_adds_up():
    for odds, mean in ((poisson(5.0), 5.0), (geometric(5.0), 5.0)):
        assert odds.sum() == pytest.approx(1.0)
        assert odds @ np.arange(len(odds)) == pytest.approx(mean, abs=1e-9)
    three = over_periods(poisson(5.0), 3)
    np.testing.assert_allclose(three[: len(poisson(15.0))], poisson(15.0)[: len(three)], atol=1e-12)
    cells = normal(5.0, 1.0, STEP)
    at = STEP * np.arange(len(cells))
    assert cells @ at == pytest.approx(5.0, abs=1e-6)
    assert cells @ at**2 - 25.0 == pytest.approx(1.0, abs=1e-3)


def test_the_books_serial_system_costs_what_the_book_says():
    best = clark_scarf(BOOK, normal(5.0, 1.0, STEP), STEP)
    assert 47.65 <= best.cost + BOOK_IN_TRANSIT <= 47.67
    local = -np.diff((*best.levels, 0.0))
    np.testing.assert_allclose(local, (10.69, 5.53, 6.49), atol=2 * STEP)


def test_a_long_serial_system_costs_what_is_known():
    # The figure is for demand that may be negative; a higher mean keeps the rest of it
    best = clark_scarf(LONG, normal(5.0 + 12.0, 2.0, STEP), STEP)
    assert best.cost == pytest.approx(10.760, abs=0.005)
    clipped = clark_scarf(LONG, normal(5.0, 2.0, STEP), STEP)
    np.testing.assert_allclose(clipped.levels, (83.18, 72.51, 49.01, 32.38), atol=0.4)
    assert clipped.in_transit == pytest.approx(5.004 * (0.1 * 4 + 0.2 * 3 + 0.5 * 4), abs=0.01)


def test_with_one_node_it_is_the_newsvendor():
    alone = Serial(lead_times=(2,), holding=(1.0,), shortage=9.0)
    best = clark_scarf(alone, poisson(5.0))
    cover = np.cumsum(over_periods(poisson(5.0), 3))
    assert best.levels == (float(np.searchsorted(cover, 0.9)),)


def test_other_levels_cost_more():
    demand = normal(5.0, 1.0, STEP)
    best = clark_scarf(BOOK, demand, STEP)
    again = clark_scarf(BOOK, demand, STEP, levels=best.levels)
    assert again.cost == pytest.approx(best.cost)
    for node in range(3):
        moved = tuple(level + (n == node) for n, level in enumerate(best.levels))
        assert clark_scarf(BOOK, demand, STEP, levels=moved).cost > best.cost + 0.01


def serial_trial(system: Serial, chance: np.random.Generator, mean: float, sd: float) -> Trial:
    """Draw demand at the last node of a system that starts well stocked."""
    nodes, periods, replications = len(system.holding), 700, 1_500
    last = np.arange(nodes) == nodes - 1
    demand = np.clip(chance.normal(mean, sd, (periods, 1, replications, 1)), 0.0, None) * last
    nothing = np.zeros((1, replications, nodes))
    topology = Topology(suppliers=tuple(range(-1, nodes - 1)), horizon=max(system.lead_times))
    return Trial(
        topology=topology,
        rules=Rules(
            holding=np.array(system.holding), shortage=system.shortage * last, lost_share=0.0
        ),
        stock=Stock(
            on_hand=nothing + 2.0 * mean,
            pipeline=(nothing,) * topology.horizon,
            waiting=nothing,
            owed=nothing,
        ),
        demand=demand,
        lead_time=[nothing + np.array(system.lead_times, dtype=np.float64)] * periods,
        skip=100,
    )


@pytest.mark.parametrize(
    ("system", "sd", "levels", "cost"),
    [
        (BOOK, 1.0, (6.49 + 5.53 + 10.69, 6.49 + 5.53, 6.49), 47.652 - BOOK_IN_TRANSIT),
        (LONG, 2.0, (83.18, 72.82, 49.00, 32.36), 10.734),
    ],
)
def test_the_twin_at_the_optimal_levels_costs_the_optimum(system, sd, levels, cost):
    trial = serial_trial(system, np.random.default_rng(5), 5.0, sd)
    policy = EchelonBaseStock(topology=trial.topology, level=np.array(levels))
    lived = trial.costs(policy)
    assert abs(float(lived.mean[0, 0]) - cost) < 4.0 * float(lived.error[0, 0])
    assert float(lived.error[0, 0]) < 0.003 * cost
    exact = clark_scarf(system, normal(5.0, sd, STEP), STEP, levels=levels)
    assert exact.cost == pytest.approx(cost, abs=0.01)


def test_what_cannot_be_worked_out_is_refused():
    problem = LostSales(demand=geometric(5.0), lead_time=1, shortage=4.0)
    with pytest.raises(ConfigError, match="lead time is 0"):
        optimal_lost_sales(replace(problem, lead_time=0))
    with pytest.raises(ConfigError, match="lead time 8 needs"):
        optimal_lost_sales(replace(problem, lead_time=8))
    with pytest.raises(ConfigError, match="bounds are"):
        optimal_lost_sales(problem, most_iterations=3)
    with pytest.raises(ConfigError, match="2 lead times and 1 holding costs"):
        clark_scarf(Serial(lead_times=(1, 1), holding=(1.0,), shortage=9.0), poisson(5.0))
