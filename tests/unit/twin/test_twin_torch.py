"""The same dynamics in torch: equal figures, and gradients that are the slope of the cost."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest
from twin_networks import FORK, ONE, row, rules, shelf

from connector.errors import ConfigError
from connector.twin.dynamics import Stock
from connector.twin.rollout import rollout
from policies.baselines import BaseStock, CappedBaseStock, EchelonBaseStock
from policies.exact import LostSales, poisson
from policies.search import Trial, descend, search

torch = pytest.importorskip("torch")


def in_torch(value):
    if isinstance(value, Stock):
        return Stock(**{each.name: in_torch(getattr(value, each.name)) for each in fields(value)})
    if isinstance(value, tuple):
        return tuple(in_torch(each) for each in value)
    return None if value is None else torch.tensor(value)


@pytest.mark.parametrize("is_drawn", [False, True])
@pytest.mark.parametrize("waits", [False, True])
def test_numpy_and_torch_agree(waits, is_drawn):
    chance = np.random.default_rng(3)
    demand = chance.poisson(3.0, (40, 1, 3)).astype(np.float64)
    leads = chance.integers(0, 4, demand.shape).astype(np.float64)
    stock = shelf(FORK, 20, 9, 8, waits=waits)
    cost = rules(lost_share=0.0 if waits else 1.0, in_transit=0.1)
    level = row(40, 12, 15)

    def live(convert):
        return rollout(
            FORK,
            cost,
            convert(stock),
            demand=convert(demand),
            lead_time=convert(leads) if is_drawn else 2,
            policy=EchelonBaseStock(topology=FORK, level=convert(level)),
        )

    ours, theirs = live(lambda value: value), live(in_torch)
    np.testing.assert_allclose(theirs.cost.numpy(), ours.cost, rtol=1e-12)
    np.testing.assert_allclose(theirs.stock.on_hand.numpy(), ours.stock.on_hand, atol=1e-12)


def test_the_gradient_is_the_slope():
    demand = torch.tensor(np.random.default_rng(4).gamma(2.0, 2.5, (60, 50, 1)))
    begin = in_torch(
        shelf(ONE, 0, on_hand=np.full((50, 1), 9.0), pipeline=(np.full((50, 1), 4.0),) * 3)
    )

    def cost(level, cap):
        policy = CappedBaseStock(topology=ONE, level=level, cap=cap)
        done = rollout(ONE, rules(), begin, demand=demand, lead_time=2, policy=policy)
        return done.cost.mean()

    level = torch.tensor(16.0, dtype=torch.float64, requires_grad=True)
    cap = torch.tensor(6.0, dtype=torch.float64, requires_grad=True)
    slopes = torch.autograd.grad(cost(level, cap), (level, cap))
    tiny = 1e-6
    with torch.no_grad():
        by_level = (cost(level + tiny, cap) - cost(level - tiny, cap)) / (2 * tiny)
        by_cap = (cost(level, cap + tiny) - cost(level, cap - tiny)) / (2 * tiny)
    assert float(slopes[0]) == pytest.approx(float(by_level), rel=1e-4)
    assert float(slopes[1]) == pytest.approx(float(by_cap), rel=1e-4)


def test_two_libraries_in_one_rollout_are_refused_by_name():
    stock = shelf(ONE, 5)
    mixed = replace(stock, on_hand=torch.tensor(stock.on_hand))
    with pytest.raises(ConfigError, match=r"stock.pipeline\[0\] is numpy.ndarray"):
        rollout(ONE, rules(), mixed, demand=[row(1)], lead_time=1, policy=lambda stock, _: stock)


def test_a_search_in_torch_finds_what_one_in_numpy_finds():
    problem = LostSales(demand=poisson(5.0), lead_time=2, shortage=9.0)
    ours = Trial.of(problem, seed=1, replications=50, periods=200)
    theirs = replace(ours, stock=in_torch(ours.stock), demand=in_torch(ours.demand))

    def capped(level, cap):
        return CappedBaseStock(topology=ours.topology, level=level, cap=cap)

    axes = {"level": np.arange(17.0, 22.0), "cap": np.arange(4.0, 9.0)}
    here = search(ours, capped, **axes)
    there = search(theirs, capped, **{name: torch.tensor(axis) for name, axis in axes.items()})
    for name, value in here.parameters.items():
        assert there.parameters[name].tolist() == value.tolist()
    assert float(there.cost[0]) == pytest.approx(float(here.cost[0]))
    assert float(there.error[0]) == pytest.approx(float(here.error[0]))

    def base_stock(level):
        return BaseStock(topology=ours.topology, level=level)

    start = np.array([[15.0]])
    here = descend(ours, base_stock, start, (2.0, 1.0))
    there = descend(theirs, base_stock, torch.tensor(start), (2.0, 1.0))
    assert there.parameters["level"].tolist() == here.parameters["level"].tolist()
