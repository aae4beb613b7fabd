"""Faster sums change nothing: what was seen stays as it was, and costs are the same."""

from __future__ import annotations

import numpy as np
import pytest
from twin_networks import FORK, ONE, PAIR, row, rules, shelf

from connector.twin.dynamics import Stock, inventory_position
from connector.twin.rollout import rollout
from connector.twin.sums import onto, summed
from policies.baselines import BaseStock

ALL = {"in_transit": 0.5, "fixed": 7.0, "per_unit": 0.25}


def arrays(stock):
    return stock.on_hand, *stock.pipeline, stock.waiting, stock.owed


def copied(stock):
    return [None if each is None else np.asarray(each).copy() for each in arrays(stock)]


def same(stock, copies):
    for each, copy in zip(arrays(stock), copies, strict=True):
        assert (each is None) == (copy is None)
        assert each is None or np.array_equal(np.asarray(each), copy)


def in_library(library, units):
    return units if library == "numpy" else pytest.importorskip("torch").tensor(units)


@pytest.mark.parametrize("library", ["numpy", "torch"])
@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("topology", [ONE, FORK])
def test_nothing_that_a_policy_saw_is_written_over(topology, waits, library):
    chance = np.random.default_rng(5)
    demand = in_library(library, chance.poisson(3.0, (12, 4, topology.nodes)).astype(float))
    begin = shelf(topology, *([9.0] * topology.nodes), waits=waits)
    begin = begin.each(lambda units: in_library(library, np.repeat(units, 4, axis=0)))
    seen = [(begin, copied(begin))]

    def policy(stock, _):
        orders = (12.0 - inventory_position(topology, stock)).clip(min=0.0)
        seen.append((stock, copied(stock)))
        seen.append((Stock(on_hand=orders, pipeline=()), [np.asarray(orders).copy(), None, None]))
        return orders

    done = rollout(topology, rules(**ALL), begin, demand=demand, lead_time=2, policy=policy)
    assert len(seen) == 25
    for stock, copies in seen:
        same(stock, copies)
    again = rollout(topology, rules(**ALL), begin, demand=demand, lead_time=2, policy=policy)
    assert np.array_equal(np.asarray(done.cost), np.asarray(again.cost))


def test_a_watcher_may_keep_all_it_is_told():
    told = []

    def watch(_, stock, flows, spent):
        told.append((stock, copied(stock), flows, [np.array(each) for each in flows[:-1]]))
        costs.append(np.array(spent))

    costs = []
    demand = np.random.default_rng(6).poisson(4.0, (15, 3, 2)).astype(float)
    begin = shelf(PAIR, 8, 8).each(lambda units: np.repeat(units, 3, axis=0))
    policy = BaseStock(topology=PAIR, level=np.array([20.0, 14.0]))

    def live(**more):
        return rollout(
            PAIR, rules(**ALL), begin, demand=demand, lead_time=1, policy=policy, skip=4, **more
        )

    done = live(watch=watch)
    for stock, copies, flows, figures in told:
        same(stock, copies)
        for each, figure in zip(flows, figures, strict=False):
            assert np.array_equal(each, figure)
    # Summed first and priced once, or priced every period and summed
    np.testing.assert_allclose(done.cost, sum(costs), rtol=1e-12)
    np.testing.assert_allclose(live().cost, done.cost, rtol=1e-12)


def test_each_price_meets_its_own_sum():
    done = rollout(
        ONE,
        rules(**ALL),
        shelf(ONE, 10),
        demand=[row(3.0)] * 2,
        lead_time=3,
        policy=lambda _, __: row(4.0),
    )
    # On hand 7 + 4, under way 4 + 8, two orders, 8 shipped
    assert done.cost[0, 0] == 11.0 + 12 * 0.5 + 2 * 7.0 + 8 * 0.25


@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_a_policy_may_be_wider_than_the_stock_it_starts_from(library):
    demand = [in_library(library, row(5.0))] * 9
    begin = shelf(ONE, 6.0).each(lambda units: in_library(library, units))

    def cost(level):
        policy = BaseStock(topology=ONE, level=in_library(library, level))
        return rollout(ONE, rules(**ALL), begin, demand=demand, lead_time=2, policy=policy).cost

    levels = np.array([8.0, 12.0, 17.0]).reshape(3, 1, 1)
    alone = [float(cost(level)[0, 0]) for level in levels]
    assert len(set(alone)) == 3
    np.testing.assert_allclose(np.asarray(cost(levels)).ravel(), alone)


def test_whole_numbers_on_hand_may_meet_fractions():
    begin = shelf(ONE, 5).each(lambda units: units.astype(int))
    done = rollout(
        ONE, rules(), begin, demand=[row(0.5)] * 4, lead_time=1, policy=lambda _, __: row(0.25)
    )
    assert done.stock.on_hand[0, 0] == 5.0 - 4 * 0.5 + 3 * 0.25


def test_a_sum_is_made_in_place_only_where_that_harms_nobody():
    total = np.zeros(3)
    assert onto(total, np.ones(3)) is total
    assert onto(np.zeros(3), np.ones((2, 3))).shape == (2, 3)
    assert onto(np.zeros(3, dtype=int), np.full(3, 0.5)).tolist() == [0.5] * 3
    first = np.ones(3)
    assert summed(first, [None]) is first
    many = summed(first, [np.ones(3), None] * 20)
    assert many.tolist() == [21.0] * 3
    assert summed(first, [np.ones(3), np.ones(3)]).tolist() == [3.0] * 3
    assert first.tolist() == [1.0] * 3


def test_no_sum_is_made_in_place_where_a_gradient_goes_through():
    torch = pytest.importorskip("torch")
    plain, known = torch.zeros(2), torch.ones(2, requires_grad=True)
    assert onto(plain, known) is not plain
    total = 2.0 * known
    assert onto(total, torch.ones(2)) is not total
    assert plain.tolist() == [0.0, 0.0]
    assert total.tolist() == [2.0, 2.0]
    with torch.no_grad():
        assert onto(plain, torch.ones(2)) is plain


def test_functional_gradients_and_batches_of_them_still_work():
    torch = pytest.importorskip("torch")
    demand = torch.tensor(np.random.default_rng(4).gamma(2.0, 2.5, (30, 20, 1)))
    begin = shelf(ONE, 9.0).each(lambda units: torch.tensor(np.repeat(units, 20, axis=0)))

    def cost(level):
        policy = BaseStock(topology=ONE, level=level)
        done = rollout(ONE, rules(), begin, demand=demand, lead_time=2, policy=policy, checked=True)
        return done.cost.mean()

    levels = torch.tensor([12.0, 18.0], dtype=torch.float64)
    each = [torch.func.grad(cost)(level) for level in levels]
    by_hand = [(cost(level + 1e-6) - cost(level - 1e-6)) / 2e-6 for level in levels]
    assert [float(slope) for slope in each] == pytest.approx(
        [float(slope) for slope in by_hand], rel=1e-4
    )
    torch.testing.assert_close(torch.func.vmap(torch.func.grad(cost))(levels), torch.stack(each))
