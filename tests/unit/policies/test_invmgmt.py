"""The twin of gym-invmgmt's networks against the real environment, and the protocol's figures."""

from __future__ import annotations

from importlib.util import find_spec
from statistics import fmean

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from connector.errors import EXIT_CONFIG  # noqa: E402
from policies.benchmarks.invmgmt import (  # noqa: E402
    NETWORKS,
    demands,
    environment,
    forecast,
    main,
    observed,
)
from policies.benchmarks.invmgmt_oracle import oracle_profit  # noqa: E402
from policies.benchmarks.invmgmt_policy import NeedOrders, Recipe, profits, train  # noqa: E402
from policies.benchmarks.invmgmt_scenarios import PERIODS, SCENARIOS, gap, playable  # noqa: E402
from policies.benchmarks.invmgmt_twin import SERIAL, Dynamics, bounded  # noqa: E402

by_name = pytest.mark.parametrize("scenario", playable(), ids=lambda each: each.name)


@pytest.fixture
def real():
    pytest.importorskip("gym_invmgmt")


@by_name
def test_the_twin_is_the_environment_step_by_step(real, scenario):
    chance = np.random.default_rng(3)
    network, env = NETWORKS[scenario.network], environment(scenario)
    seen, _ = env.reset(seed=42)
    one = torch.ones(1, dtype=torch.float64)
    dynamics = Dynamics(network, one * scenario.backlog, one * scenario.goodwill)
    state = dynamics.begin()
    for period in range(PERIODS):
        orders = chance.exponential(25.0, len(network.links)) * (chance.random() < 0.7)
        expected = forecast(env, period)[0, 0]
        assert expected.item() == pytest.approx(
            max(scenario.mean[period], 0.0) * state.goodwill.item(), rel=1e-6
        )
        seen, earned, *_ = env.step(orders)
        shipped = dynamics.filled(state, torch.tensor(orders)[None])
        goodwill = dynamics.next_goodwill(state) if period else state.goodwill
        state, profit = dynamics.step(state, shipped, goodwill, torch.tensor(env.D[period]))
        assert profit.item() == pytest.approx(earned, abs=1e-9)
        told = observed(network, seen)
        for mine, its in (
            (state.on_hand, told.on_hand),
            (state.pipeline, told.pipeline),
            (state.owed, told.owed),
            (state.goodwill, told.goodwill),
        ):
            torch.testing.assert_close(mine.float(), its, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("at", [0, 9, 21])
def test_the_oracle_on_our_demand_is_the_published_one(real, at):
    scenario = SCENARIOS[at]
    if scenario not in playable():
        pytest.skip("the M5 file is not named")
    env = environment(scenario)
    env.reset(seed=42)
    for _ in range(PERIODS):
        env.step(np.zeros(env.action_space.shape))
    profit = oracle_profit(NETWORKS[scenario.network], env.D[:, 0], backlog=scenario.backlog)
    assert profit == pytest.approx({0: 2039.4, 9: 857.9, 21: 942.4}[at], abs=0.06)


def test_the_forecast_does_not_depend_on_the_demand_that_will_come(real):
    told = []
    for seed in (42, 123):
        env = environment(SCENARIOS[0])
        env.reset(seed=seed)
        told.append(forecast(env, 0))
    assert torch.equal(*told)


def test_the_published_profits_give_the_leaderboards_own_gaps():
    assert len(SCENARIOS) == 22
    assert fmean(gap(each.oracle, each.learned) for each in SCENARIOS) == pytest.approx(
        0.255, abs=5e-4
    )
    assert fmean(gap(each.oracle, each.program) for each in SCENARIOS) == pytest.approx(
        0.051, abs=5e-4
    )


def test_the_gradient_is_the_slope_of_profit():
    one = torch.ones(1, dtype=torch.float64)
    dynamics = Dynamics(SERIAL, one, 0.0 * one)
    plan = torch.full((PERIODS, 1, 3), 17.0, dtype=torch.float64, requires_grad=True)
    demand = torch.linspace(5.0, 31.0, PERIODS, dtype=torch.float64)

    def earned(orders):
        state, total = dynamics.begin(), 0.0
        for period in range(PERIODS):
            shipped = dynamics.filled(state, orders[period])
            state, profit = dynamics.step(state, shipped, state.goodwill, demand[period])
            total = total + profit.sum()
        return total

    (slope,) = torch.autograd.grad(earned(plan), plan)
    chance = torch.Generator().manual_seed(1)
    step = 1e-5 * torch.randn(plan.shape, generator=chance, dtype=torch.float64)
    rise = (earned(plan + step) - earned(plan - step)) / 2.0
    assert rise.item() == pytest.approx((slope * step).sum().item(), rel=1e-6)


def test_beyond_a_bound_the_slope_only_leads_back():
    values = torch.tensor([-1.0, 0.5, 3.0, -1.0, 0.5, 3.0], requires_grad=True)
    bound = bounded(values, torch.zeros(6), torch.full((6,), 2.0))
    assert bound.tolist() == [0.0, 0.5, 2.0, 0.0, 0.5, 2.0]
    cost_rises = torch.tensor([1.0, 1.0, 1.0, -1.0, -1.0, -1.0])
    bound.backward(cost_rises)
    # Descent would take the first further below and the last further above
    assert values.grad.tolist() == [0.0, 1.0, 1.0, -1.0, -1.0, 0.0]


def test_a_little_training_closes_half_of_the_gap():
    some = demands([each for each in playable() if each.network == "serial"])

    def measured(policy):
        many = some.repeated(100)
        with torch.no_grad():
            earned = profits(policy, SERIAL, many, torch.Generator().manual_seed(5))
        return 1.0 - (earned / many.worth).mean().item()

    torch.manual_seed(1)
    learned = train(Recipe(updates=80, replications=4), SERIAL, some, lambda *_: None)
    assert measured(learned) < 0.5 * measured(NeedOrders(SERIAL))


def test_a_missing_package_is_named_before_anything_is_trained(capsys):
    if find_spec("gym_invmgmt") is not None:
        pytest.skip("the package is installed here")
    with pytest.raises(SystemExit) as stopped:
        main([])
    assert stopped.value.code == EXIT_CONFIG
    said = capsys.readouterr()
    assert "gym_invmgmt" in said.err
    assert "pip install gym-invmgmt" in said.err
    assert said.out == ""
