"""PPO and DQN: the same network body, no gradient through the twin."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch")

from connector.errors import ConfigError  # noqa: E402
from policies.agents import dqn, ppo  # noqa: E402
from policies.agents.chains import started  # noqa: E402
from policies.agents.hindsight import ordering  # noqa: E402
from policies.agents.learner import follow  # noqa: E402
from policies.benchmarks.zipkin import costs_of, instances  # noqa: E402
from policies.distribution import DISTRIBUTION  # noqa: E402
from policies.family import LOST_SALES  # noqa: E402
from policies.head import CappedBaseStock  # noqa: E402
from policies.instances import tell, tell_stock  # noqa: E402

SOME = {("poisson", 4): (4.7286, 6.8360, 8.8873, 10.7945)}


def few(count, chance):
    """Draw from four instances only: what takes minutes on a whole family takes seconds."""
    return instances(SOME).take(torch.randint(4, (count,), generator=chance))


FEW = replace(LOST_SALES, draw=few)


def gaps(network):
    costs = costs_of(network, instances(SOME), chains=100, periods=300, skip=100, seed=8)
    return costs.mean(dim=1) / torch.tensor(SOME[("poisson", 4)]) - 1.0


def test_ppo_learns_what_the_classical_level_does_not_know():
    torch.manual_seed(5)
    network = CappedBaseStock(width=16, depth=2)
    before = gaps(network)
    recipe = ppo.Recipe(instances=16, replicas=8, updates=50, learning_rate=3e-3, average=0.9)
    costs = []
    learner = ppo.Learner(recipe, network, (FEW,))
    follow(learner, lambda _, cost: costs.append(cost))
    after = gaps(learner.kept)
    assert len(costs) == 50
    assert before.mean() > 0.10
    assert after.mean() < 0.5 * before.mean()


def test_dqn_learns_from_nothing():
    torch.manual_seed(5)
    network = dqn.MultiplierGrid(width=16, depth=2)
    before = gaps(network)
    recipe = dqn.Recipe(chains=128, steps=8, updates=200, learning_rate=4e-3, average=0.97)
    learner = dqn.Learner(recipe, network, (FEW,))
    follow(learner, lambda *_: None)
    after = gaps(learner.kept)
    assert before.mean() > 0.30
    assert after.mean() < 0.15


def test_ppo_weighs_calm_and_lively_instances_alike():
    recipe = ppo.Recipe(instances=3, replicas=4)
    chance = torch.Generator().manual_seed(1)
    lively = torch.tensor([0.1, 1.0, 30.0]).repeat_interleave(4)
    told = ppo._alike(torch.randn(24, 12, generator=chance) * lively + lively, recipe)
    for each in told.view(24, 3, 4).unbind(dim=1):
        assert abs(float(each.mean())) < 1e-5
        assert abs(float(each.std()) - 1.0) < 0.02


def test_ppo_stops_a_window_that_moved_the_policy_enough():
    def moved(target_kl):
        torch.manual_seed(5)
        recipe = ppo.Recipe(
            instances=16, replicas=4, updates=1, learning_rate=0.02, target_kl=target_kl, epochs=6
        )
        learner = ppo.Learner(recipe, CappedBaseStock(width=16, depth=2), (FEW,))
        before = torch.nn.utils.parameters_to_vector(learner.network.parameters()).detach()
        learner.update()
        after = torch.nn.utils.parameters_to_vector(learner.network.parameters()).detach()
        steps = int(learner.optimizer.state_dict()["state"][1]["step"])
        return steps, float((after - before).norm())

    (some, little), (many, far) = moved(1e-6), moved(1e9)
    assert (some, many) == (4, 24)  # minibatches of one epoch, and of six
    assert 0.0 < little < far


def test_ppo_goes_on_from_the_demand_that_its_critic_was_told_of():
    recipe = ppo.Recipe(instances=4, replicas=2, window=5, foresight=3, fresh=0.5)
    learner = ppo.Learner(recipe, CappedBaseStock(width=8, depth=2), (FEW,))
    told = learner.ahead[0].clone()
    window = learner._window(0, 0.3)
    rate = learner.running[0].instances.mean
    first = torch.expm1(window.ahead[0]) * rate[..., None]
    torch.testing.assert_close(first.permute(2, 0, 1), told, rtol=1e-4, atol=1e-3)
    last = torch.expm1(window.ahead[-1]) * rate[..., None]
    torch.testing.assert_close(last.permute(2, 0, 1), learner.ahead[0], rtol=1e-4, atol=1e-3)
    kept = learner.ahead[0][:, 4:].clone()
    learner._refresh(0)
    assert torch.equal(learner.ahead[0][:, :4], kept)  # half of the instances were replaced


def test_dqn_compares_orders_on_the_same_demand():
    """The same order tried twice must lead to the same, to the last bit."""
    recipe = dqn.Recipe(chains=32, steps=6)
    learner = dqn.Learner(recipe, dqn.MultiplierGrid(width=8, depth=2), (FEW,))
    chains = learner.running[0]
    orders = torch.tensor([0.0, 5.0, 5.0]).expand(32, 3)[..., None]
    known = dqn._widened(chains.instances)
    after, costs, target = learner._followed(chains, known, orders)
    assert torch.equal(target[:, 1], target[:, 2])
    assert not torch.equal(target[:, 0], target[:, 1])
    assert torch.equal(costs[:, 0], costs[:, 1])  # four periods under way: no cost yet
    assert torch.equal(after.pipeline[3][:, 1, 0], torch.full((32,), 5.0))


def test_dqn_orders_a_multiple_of_what_base_stock_would_order():
    network = dqn.MultiplierGrid(width=8, depth=2)
    chance = torch.Generator().manual_seed(3)
    chains = started(LOST_SALES, 300, chance)
    situation, rate = tell(LOST_SALES.topology, chains.instances)
    seen = tell_stock(LOST_SALES.topology, chains.stock, rate)
    with torch.no_grad():
        begun = network.begin(situation)
        short = network.short(begun, network.position(situation, seen)) * rate
        orders = ordering(network, LOST_SALES.topology, chains.instances)(chains.stock)
        values = network.values(begun, seen)
    some = short > 0
    multiplier = (orders / short)[some]
    torch.testing.assert_close(multiplier, network.grid[values.argmin(dim=-1)][some])
    assert (orders[~some] == 0).all()
    assert float(network.grid.min()) == 0.0
    assert float(network.grid.max()) == 1.0


def test_dqn_refuses_a_network_of_several_nodes():
    with pytest.raises(ConfigError, match="nodes"):
        dqn.Learner(dqn.Recipe(chains=8), dqn.MultiplierGrid(8, 2), (DISTRIBUTION,))


def test_ppo_trains_a_network_of_several_nodes():
    recipe = ppo.Recipe(instances=4, replicas=2, window=6, updates=2)
    costs = []
    learner = ppo.Learner(recipe, CappedBaseStock(8, 2), (DISTRIBUTION,))
    follow(learner, lambda _, cost: costs.append(cost))
    assert len(costs) == 2
    assert all(0.0 < cost < 1e6 for cost in costs)
