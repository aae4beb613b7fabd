"""The published problem in the twin: base-stock costs as Palm says, ages told, arrival days not."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from connector.twin.dynamics import Stock, inventory_position  # noqa: E402
from policies.benchmarks.crossover import decisions, instances, simulated  # noqa: E402
from policies.benchmarks.crossover_exact import MOST_UNITS, Crossed, cost_of  # noqa: E402
from policies.benchmarks.crossover_policy import (  # noqa: E402
    RECIPE,
    CrossingBaseStock,
    Learner,
    Placing,
    base_stock,
)
from policies.benchmarks.crossover_protocol import (  # noqa: E402
    AHEAD,
    KINDS,
    Road,
    World,
    arrival_odds,
    crossing,
    lead_times,
    odds_of,
    under_way_odds,
)

FAST = Crossed(customers=1.0, holding=1.0, shortage=1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_the_twin_gives_palms_cost_of_a_base_stock_policy(kind: str) -> None:
    some = instances(FAST, kind, 400)
    cost, error = simulated(some, kind, base_stock(some), periods=200, horizon=40)
    assert error < 0.01
    assert cost == pytest.approx(FAST.base_stock[1], abs=4 * error + 0.005)


@pytest.mark.parametrize("kind", range(3))
def test_a_unit_is_under_way_for_two_time_units_on_average(kind: int) -> None:
    drawn = lead_times(kind, (torch.arange(200_000) + 0.5) / 200_000)
    assert float(drawn.mean()) == pytest.approx(2.0, rel=0.02)
    # so it misses 2 x customers of them: the sum of P(N >= n) over n >= 1
    missed = under_way_odds(kind, 3.0, 2_000)[1:].sum()
    assert float(missed) == pytest.approx(6.0, rel=0.02)


def test_expected_arrivals_depend_on_age_alone() -> None:
    exponential, uniform, pareto = (arrival_odds(kind, 5.0, 12) for kind in range(3))
    for odds in (exponential, uniform, pareto):
        torch.testing.assert_close(odds.sum(dim=-1), torch.ones(12))
    # next period: memoryless, ever likelier, ever less likely
    soon = torch.stack([exponential[:, 0], uniform[:, 0], pareto[:, 0]])
    torch.testing.assert_close(soon[0], soon[0, :1].expand(12))
    assert bool((soon[1].diff() > 0).all())
    assert bool((soon[2].diff() < 0).all())
    assert float(soon[0, 0]) == pytest.approx(0.5 / (5.0 + 0.5), abs=2e-3)


def test_a_road_counts_units_by_age_until_they_arrive() -> None:
    road = Road.empty(1, 3).after(torch.tensor([[3.0]]), torch.tensor([[1.0, 2.0, 3.0, 9, 9, 9]]))
    assert road.by_age(torch.zeros(1, 4)).tolist() == [
        [2.0, 0.0, 0.0]
    ]  # the first is on hand at the next look
    road = road.after(torch.zeros(1, 1), torch.full((1, MOST_UNITS), 9.0))
    assert road.by_age(torch.zeros(1, 4)).tolist() == [[0.0, 1.0, 0.0]]


def test_the_policy_is_told_the_same_whatever_lead_times_were_drawn() -> None:
    some = instances(FAST, "uniform", 64)
    known = odds_of(1, 1.0, 40, 64)
    seen = []
    for seed in (1, 2):
        world = World.empty(some, known, torch.Generator().manual_seed(seed))
        told: list[torch.Tensor] = []

        def order_once(stock: Stock, expected: torch.Tensor, period: int) -> torch.Tensor:
            told.append(expected.clone())  # noqa: B023 - called before the next seed
            return torch.full_like(stock.on_hand, 2.0 * (period == 0))

        world.live(2, order_once, torch.Generator().manual_seed(seed))
        # Two units ordered: of those still out, only how many and since when is told
        out = world.road.by_age(known[1])[:, 1]
        seen.append(told[1])
        assert {0.0, 1.0, 2.0} >= set(out.tolist())
    rows = {tuple(row) for both in seen for row in both.flatten(1).tolist()}
    assert len(rows) <= 3


def test_orders_keep_to_six_units_and_to_the_band() -> None:
    item = Crossed(customers=10.0, holding=1.0, shortage=1.0)
    low, high = item.band
    some = instances(item, "exponential", 4)
    world = World.empty(some, odds_of(0, 10.0, 5, 4), torch.Generator())
    level = torch.tensor([[low - 3.0], [low - 20.0], [high - 2.0], [high + 4.0]]) + AHEAD
    world.stock = Stock(
        on_hand=level.clamp(min=0.0),
        pipeline=world.stock.pipeline,
        waiting=(-level).clamp(min=0.0),
        owed=None,
    )
    least = world.allowed(torch.zeros(4, 1))
    most = world.allowed(torch.full((4, 1), 50.0))
    assert least[:, 0].tolist() == [3.0, 6.0, 0.0, 0.0]
    assert most[:, 0].tolist() == [6.0, 6.0, 2.0, 0.0]


def test_simulated_and_exact_costs_of_a_network_agree() -> None:
    torch.manual_seed(3)
    network = CrossingBaseStock()
    some = instances(FAST, "exponential", 400)
    cost, error = simulated(some, "exponential", Placing(network, some), periods=200, horizon=40)
    exact = cost_of(FAST, decisions(network, FAST))
    assert cost == pytest.approx(exact, abs=4 * error + 0.003)


def test_two_updates_learn_from_whole_units() -> None:
    torch.manual_seed(1)
    learner = Learner(replace(RECIPE, chains=24, window=30, updates=2), CrossingBaseStock())
    before = [weights.clone() for weights in learner.network.parameters()]
    assert learner.update() > 0
    after = list(learner.network.parameters())
    moved = [not torch.equal(old, new) for old, new in zip(before, after, strict=True)]
    assert sum(moved) >= len(moved) - 1  # all but log_std, which only PPO learns
    stock = learner.world.stock
    position = inventory_position(learner.world.topology, stock)
    assert bool(torch.isfinite(position).all())


def test_instances_tell_what_the_twin_plays() -> None:
    one = torch.ones(1, 1)
    told = crossing(torch.tensor([[2]]), 10.0 * one, one, 9.0 * one)
    assert float(told.lead_time) == 21.0
    assert float(told.base_stock) == 26.0
