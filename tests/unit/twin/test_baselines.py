"""The planners' rules, and the search that is fair to them."""

from __future__ import annotations

import numpy as np
import pytest
from twin_networks import FORK, ONE, row, shelf

from connector.errors import ConfigError
from connector.twin.dynamics import Stock
from connector.twin.network import Rules, Topology
from policies.baselines import (
    BaseStock,
    CappedBaseStock,
    EchelonBaseStock,
    Known,
    ReorderPoint,
    newsvendor_level,
    newsvendor_quantile,
    textbook_points,
)
from policies.exact import LostSales, Serial, clark_scarf, geometric, optimal_lost_sales, poisson
from policies.search import Trial, descend, search

BUSY = shelf(FORK, 8, 2, 1, pipeline=(row(3, 1, 0), row(0, 0, 2), row(0, 0, 0)))


def ordered(policy, stock=BUSY):
    return policy(stock, 0)[0].tolist()


def test_base_stock_orders_up_to_its_level():
    assert ordered(BaseStock(topology=FORK, level=row(15, 5, 2))) == [4.0, 2.0, 0.0]
    assert ordered(BaseStock(topology=FORK, level=row(15, 5, 2), lot=3.0)) == [6.0, 3.0, 0.0]


def test_a_cap_limits_one_order():
    assert ordered(CappedBaseStock(topology=FORK, level=row(15, 5, 9), cap=3.0)) == [3.0, 2.0, 3.0]


def test_an_echelon_counts_what_is_below():
    assert ordered(EchelonBaseStock(topology=FORK, level=row(20, 5, 2))) == [3.0, 2.0, 0.0]


def test_a_reorder_point_waits_until_it_is_reached():
    rule = ReorderPoint(topology=FORK, point=row(10, 3, 3), most=row(30, 30, 30))
    assert ordered(rule) == [0.0, 27.0, 27.0]


def test_a_reorder_point_orders_no_less_than_the_smallest_lot():
    rule = ReorderPoint(
        topology=FORK, point=row(10, 3, 3), most=row(30, 5, 5), lot=5.0, smallest=row(0, 12, 0)
    )
    assert ordered(rule) == [0.0, 15.0, 5.0]


def test_the_textbook_covers_lead_time_and_review():
    known = Known(mean=row(4.0), sd=row(3.0), lead_time=row(8.0), lead_time_sd=2.0)
    mean, deviation = known.over_cover()
    assert (mean[0, 0], deviation[0, 0]) == (36.0, pytest.approx(np.sqrt(81.0 + 64.0)))
    point, most = textbook_points(known, z=2.0, cover=5.0)
    assert (point[0, 0], most[0, 0]) == (61.0, 81.0)
    level = newsvendor_level(known, holding=1.0, shortage=39.0)
    assert level[0, 0] == pytest.approx(36.0 + 1.959964 * deviation[0, 0])


def lost_sales(demand, lead_time, shortage, **more):
    return LostSales(demand=demand, lead_time=lead_time, shortage=shortage, **more)


@pytest.mark.parametrize(
    ("demand", "lead_time", "shortage", "level", "cost"),
    [
        (poisson(5.0), 1, 4.0, 12.0, 4.1635),
        (poisson(5.0), 4, 39.0, 33.0, 11.0643),
        (geometric(5.0), 2, 4.0, 15.0, 10.706),
    ],
)
def test_the_best_base_stock_is_found_and_costs_what_is_known(
    demand, lead_time, shortage, level, cost
):
    problem = lost_sales(demand, lead_time, shortage)
    trial = Trial.of(problem, seed=1, replications=300)
    highest = newsvendor_quantile(demand, lead_time=lead_time, holding=1.0, shortage=shortage)
    levels = np.arange(highest - 10.0, highest + 3.0)
    found = search(
        trial, lambda level: BaseStock(topology=trial.topology, level=level), level=levels
    )
    assert found.tried == 13
    assert abs(found.parameters["level"][0] - level) <= 1.0
    at_known = BaseStock(topology=trial.topology, level=level)
    lived = Trial.of(problem, seed=3, replications=6_000, periods=500).costs(at_known)
    assert float(lived.mean[0, 0]) == pytest.approx(cost, rel=0.002)


def test_a_cap_brings_the_best_base_stock_near_the_optimum():
    problem = lost_sales(poisson(5.0), 2, 4.0)
    trial = Trial.of(problem, seed=1, replications=300)

    def capped(level, cap):
        return CappedBaseStock(topology=trial.topology, level=level, cap=cap)

    found = search(trial, capped, level=np.arange(14.0, 20.0), cap=np.arange(3.0, 9.0))
    assert {name: float(value[0]) for name, value in found.parameters.items()} == {
        "level": 17.0,
        "cap": 5.0,
    }
    lived = Trial.of(problem, seed=2, replications=3_000).costs(found.policy)
    assert float(lived.mean[0, 0]) == pytest.approx(4.407, rel=0.002)
    assert float(lived.mean[0, 0]) > optimal_lost_sales(problem).cost


def test_the_best_reorder_point_with_a_fixed_cost_is_the_published_one():
    problem = lost_sales(poisson(5.0), 2, 14.0, fixed=5.0)
    trial = Trial.of(problem, seed=4, replications=300)
    found = search(
        trial,
        lambda point, more: ReorderPoint(topology=trial.topology, point=point, most=point + more),
        point=np.arange(13.0, 21.0),
        more=np.arange(1.0, 12.0),
    )
    lived = Trial.of(problem, seed=5, replications=2_000).costs(found.policy)
    assert float(lived.mean[0, 0]) == pytest.approx(11.62, rel=0.003)


def test_each_instance_gets_its_own_best_on_the_same_draws():
    problem = lost_sales(poisson(5.0), 1, 4.0)
    one = Trial.of(problem, seed=1, replications=100)
    shortage = np.array([4.0, 39.0]).reshape(2, 1, 1)

    def both(units):
        return np.broadcast_to(units, (*units.shape[:-3], 2, *units.shape[-2:]))

    two = Trial(
        topology=one.topology,
        rules=Rules(holding=1.0, shortage=shortage, lost_share=1.0),
        stock=Stock(on_hand=both(one.stock.on_hand), pipeline=(both(one.stock.pipeline[0]),)),
        demand=both(one.demand),
        lead_time=1,
        skip=one.skip,
    )

    def base_stock(level):
        return BaseStock(topology=one.topology, level=level)

    levels = np.arange(8.0, 20.0)
    together = search(two, base_stock, level=levels)
    alone = search(one, base_stock, level=levels)
    assert together.parameters["level"][0] == alone.parameters["level"][0]
    assert together.cost[0] == pytest.approx(float(alone.cost[0]))
    assert together.parameters["level"][1] > together.parameters["level"][0]
    # An axis of its own for each instance
    own = search(two, base_stock, level=np.stack([levels, levels + 3.0], axis=1))
    assert own.parameters["level"].tolist() == together.parameters["level"].tolist()


def test_descent_finds_the_levels_of_a_serial_system():
    system = Serial(lead_times=(1, 1), holding=(1.0, 2.0), shortage=20.0)
    chance = np.random.default_rng(8)
    demand = chance.poisson(5.0, (400, 1, 300, 1)) * np.array([0.0, 1.0])
    nothing = np.zeros((1, 300, 2))
    trial = Trial(
        topology=Topology(suppliers=(-1, 0), horizon=1),
        rules=Rules(
            holding=np.array(system.holding), shortage=np.array([0.0, 20.0]), lost_share=0.0
        ),
        stock=Stock(on_hand=nothing + 10.0, pipeline=(nothing,), waiting=nothing, owed=nothing),
        demand=demand,
        lead_time=1,
        skip=50,
    )
    found = descend(
        trial,
        lambda level: EchelonBaseStock(topology=trial.topology, level=level),
        np.array([[30.0, 8.0]]),
        steps=(4.0, 1.0),
    )
    best = clark_scarf(system, poisson(5.0))
    assert np.abs(found.parameters["level"][0] - np.array(best.levels)).max() <= 1.0
    assert float(found.cost[0]) == pytest.approx(best.cost, rel=0.02)


def test_nothing_to_try_is_refused():
    trial = Trial.of(lost_sales(poisson(5.0), 1, 4.0), seed=1, replications=2, periods=2, skip=0)
    with pytest.raises(ConfigError, match="nothing to try for level"):
        search(trial, lambda level: BaseStock(topology=ONE, level=level), level=np.zeros(0))
    with pytest.raises(ConfigError, match="no steps"):
        descend(trial, lambda level: BaseStock(topology=ONE, level=level), np.zeros((1, 1)), ())
