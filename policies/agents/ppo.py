"""PPO (Schulman et al. 2017) on the twin: continuous orders, average cost, no discount.

The network's order is the mean of a normal distribution in reviews of demand; what was drawn is
rounded to whole lots and ordered. Two things make it learn from few samples:

- Demand does not depend on what is ordered, so the critic may know the demand to come without
  making the gradient biased (an input-driven baseline, Mao et al. 2018). Most noise is gone then.
- Advantages are centred and scaled per instance, of which several chains run: lively demand does
  not drown calm demand. Centring also makes it the average cost that falls (Ma et al. 2021).
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import torch
from torch import Generator, Tensor, nn

from connector.policy.lines import decades
from connector.twin.dynamics import Flows, Stock, receive, uncrossed
from connector.twin.rollout import rollout
from policies.agents import ranks
from policies.agents.chains import Books, Chains, OnChains, refresh, started, told
from policies.agents.learner import annealed, keep_up, set_rate, step
from policies.family import Family
from policies.head import Begun, CappedBaseStock
from policies.instances import Instances, tell, tell_stock
from policies.lots import whole_lots
from policies.promises import promised_days

_SURE = 1e-3  # least spread of an instance's advantages, in relative cost
_PULL = 0.1  # of values to nothing per instance: only their differences count
_OUT = 2.0  # deviations below zero, from where no noise makes an order


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run, given its families."""

    seed: int = 1
    instances: int = 256
    replicas: int = 8  # chains of one instance
    window: int = 24  # periods per update
    updates: int = 600  # about ten minutes on one core
    fresh: float = 0.1  # share of instances that become others after each window
    learning_rate: float = 1e-3
    least_rate: float = 0.02  # of it, at the end
    noise: float = 0.3  # of an order, in reviews of demand
    least_noise: float = 0.4  # of it, at the end
    foresight: int = 12  # periods of demand that the critic knows
    trace: float = 0.9  # lambda
    clip: float = 0.2
    epochs: int = 4
    minibatches: int = 4
    target_kl: float = 0.02
    average: float = 0.98  # decay of the weights' running mean, which is what is kept


class Critic(CappedBaseStock):
    """The same body with one more input, the demand to come, and one output: relative value."""

    def __init__(self, foresight: int, width: int = 64, depth: int = 3) -> None:
        super().__init__(width, depth)
        self.ahead = nn.Linear(2 * foresight, width, bias=False)
        self.head = nn.Linear(width, 1)

    def value(self, begun: Tensor, stock: Tensor, ahead: Tensor) -> Tensor:
        """Return the cost still to come, beside the average [..]."""
        seen = torch.cat([stock, torch.tanh(stock)], dim=-1)
        coming = torch.cat([ahead, torch.tanh(ahead)], dim=-1)
        return self.head(self.body(begun + self.stock(seen) + self.ahead(coming)))[..., 0]


@dataclass(frozen=True, kw_only=True)
class Window:
    """What happened in one window: periods T, chains B, nodes N."""

    situation: Tensor  # [B, N, S]
    stock: Tensor  # [T + 1, B, N, STOCK]; the last is what the window leads to
    ahead: Tensor  # [T + 1, B, N, foresight]
    mean: Tensor  # [T, B, N], of the order, in reviews of demand
    drawn: Tensor  # [T, B, N]
    cost: Tensor  # [T, B], relative
    advantage: Tensor  # [T, B], how much dearer than usual
    value: Tensor  # [T, B], what the critic is to say


class Told(NamedTuple):
    """What a window is planned with: it stays as it is for so long."""

    situation: Tensor
    rate: Tensor  # units per review
    days: Tensor  # see `promised_days`


class Learner(OnChains):
    """A PPO run between two updates."""

    algorithm = "ppo-1"
    recipe: Recipe

    def __init__(
        self, recipe: Recipe, network: CappedBaseStock, families: tuple[Family, ...]
    ) -> None:
        """Draw the first chains."""
        super().__init__(recipe, network, families)
        self.critic = _critic_beside(network, recipe)
        self.modules["critic"] = self.critic
        self.optimizer = torch.optim.Adam([*network.parameters(), *self.critic.parameters()])
        self.ahead = [c.instances.demand(recipe.foresight, self.chance) for c in self.running]

    def begun(self, family: Family) -> Chains:
        """Return a family's first chains, each instance several times."""
        count = self.recipe.instances * self.recipe.replicas
        return started(_replicated(family, self.recipe), count, self.chance)

    def columns(self) -> dict[str, Tensor]:
        """Return where the chains stand, and the demand that the critic was told of."""
        ahead = {f"{k}.ahead": demand for k, demand in enumerate(self.ahead)}
        return super().columns() | ahead

    def put_columns(self, columns: Mapping[str, Tensor]) -> None:
        """Put the chains where they stood."""
        self.ahead = [columns[f"{k}.ahead"] for k in range(len(self.running))]
        super().put_columns(columns)

    def update(self) -> float:
        """Take one window of every chain, learn from it, and return its mean relative cost."""
        recipe, done = self.recipe, self.done / self.recipe.updates
        set_rate(self.optimizer, recipe.learning_rate * annealed(done, recipe.least_rate))
        noise = recipe.noise * annealed(done, recipe.least_noise)
        which = self.done % len(self.running)
        window = self._window(which, noise)
        self._learn(window, noise)
        keep_up(self.kept, self.network, recipe.average, self.done)
        self._refresh(which)
        self.done += 1
        return ranks.mean(float(window.cost.mean()))

    @torch.no_grad()
    def _window(self, which: int, noise: float) -> Window:
        """Run every chain of a family for a window, and judge what was ordered."""
        chains, recipe = self.running[which], self.recipe
        new = chains.instances.demand(recipe.window, self.chance)
        demand = torch.cat([self.ahead[which], new])
        self.ahead[which] = demand[recipe.window :]
        known = told(chains.family, chains.instances, self.chance)
        situation, rate = tell(chains.family.topology, known)
        seen_as = Told(
            situation, rate, promised_days(known.promised_time, chains.family.topology.horizon)
        )
        stock, mean, drawn, cost = self._ordered(chains, seen_as, demand[: recipe.window], noise)
        ahead = decades(demand.unfold(0, recipe.foresight, 1) / rate[..., None])
        value = self.critic.value(self.critic.begin(situation).part, stock, ahead).sum(dim=-1)
        advantage = _advantages(cost, value, recipe)
        meant = value[:-1] + advantage
        return Window(
            situation=situation, stock=stock, ahead=ahead, mean=mean, drawn=drawn, cost=cost,
            advantage=_alike(advantage, recipe),
            value=meant - _PULL * _of_instance(meant, recipe)[0],
        )  # fmt: skip

    def _ordered(
        self, chains: Chains, told_of: Told, demand: Tensor, noise: float
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Move the chains on with noise in their orders; return stock, mean, drawn and cost."""
        topology, instances = chains.family.topology, chains.instances
        leads = uncrossed(instances.lead_times(len(demand), self.chance, topology.horizon))
        situation, rate, days = told_of
        begun, scale = self.network.begin(situation), chains.family.scale(instances)
        books = Books(chains, leads)
        stocks, means, draws, costs = [], [], [], []

        def policy(stock: Stock, _: int) -> Tensor:
            seen = tell_stock(topology, stock, rate, chains.promised(days))
            mean = _mean(self.network, begun, situation, seen, noise)
            draw = mean + noise * self._normal(mean)
            stocks.append(seen)
            means.append(mean)
            draws.append(draw)
            return whole_lots(torch.clamp(draw, min=0.0) * rate, instances)

        def watch(period: int, stock: Stock, flows: Flows, spent: Tensor) -> None:
            books(period, stock, flows, spent)
            costs.append(spent.sum(dim=1) / scale)

        chains.stock = rollout(
            topology, instances.rules(), chains.stock,
            demand=demand, lead_time=leads, policy=policy, watch=watch, checked=True,
        ).stock  # fmt: skip
        stocks.append(tell_stock(topology, receive(chains.stock), rate, chains.promised(days)))
        return torch.stack(stocks), torch.stack(means), torch.stack(draws), torch.stack(costs)

    def _normal(self, like: Tensor) -> Tensor:
        return torch.randn(like.shape, generator=self.chance, device=self.chance.device)

    def _learn(self, window: Window, noise: float) -> None:
        """Take gradient steps on minibatches of chains until the policy has moved enough."""
        chains, chance = window.cost.shape[1], self.chance
        for _ in range(self.recipe.epochs):
            moved, mixed = [], torch.randperm(chains, generator=chance, device=chance.device)
            for rows in mixed.split(chains // self.recipe.minibatches):
                loss, kl = self._loss(window, rows, noise)
                step(self.optimizer, loss, self.network, self.critic)
                moved.append(float(kl))
            if ranks.mean(sum(moved) / len(moved)) > self.recipe.target_kl:
                break

    def _loss(self, window: Window, rows: Tensor, noise: float) -> tuple[Tensor, Tensor]:
        """Return what is minimised, and how far the policy has moved: KL per order."""
        situation, seen = window.situation[rows], window.stock[:, rows]
        mean = _mean(self.network, self.network.begin(situation), situation, seen[:-1], noise)
        drawn, before = window.drawn[:, rows], window.mean[:, rows]
        log_ratio = ((drawn - before) ** 2 - (drawn - mean) ** 2) / (2.0 * noise**2)
        ratio = torch.exp(torch.clamp(log_ratio, max=10.0))
        dearer = window.advantage[:, rows, None]
        clipped = torch.clamp(ratio, 1.0 - self.recipe.clip, 1.0 + self.recipe.clip)
        surrogate = torch.maximum(ratio * dearer, clipped * dearer).mean()
        begun = self.critic.begin(situation).part
        value = self.critic.value(begun, seen[:-1], window.ahead[:-1, rows]).sum(dim=-1)
        wrong = nn.functional.smooth_l1_loss(value, window.value[:, rows])
        kl = ((mean - before) ** 2).detach().mean() / (2.0 * noise**2)
        return surrogate + wrong, kl

    def _refresh(self, which: int) -> None:
        """Replace the oldest share of the instances, all chains of each, by new ones."""
        chains, recipe = self.running[which], self.recipe
        count = int(recipe.fresh * recipe.instances) * recipe.replicas
        total = len(chains.instances)
        refresh(chains, (count + 0.5) / total, self.chance)
        rows = torch.arange(total - count, total, device=self.chance.device)
        newest = chains.instances.take(rows)
        drawn = newest.demand(recipe.foresight, self.chance)
        self.ahead[which] = torch.cat([self.ahead[which][:, count:], drawn], dim=1)


def _mean(
    network: CappedBaseStock,
    begun: Begun,
    situation: Tensor,
    seen: Tensor,
    noise: float,
) -> Tensor:
    """Return the mean order; where no noise would make an order, nothing is learned."""
    meant = network.order(begun, seen, network.position(situation, seen))
    return torch.clamp(meant, min=-_OUT * noise)


def _critic_beside(network: CappedBaseStock, recipe: Recipe) -> Critic:
    """Return a critic of the network's size that sees its inputs at the same scale."""
    depth = 1 + sum(isinstance(layer, nn.Linear) for layer in network.body)
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):  # the same on every device
        torch.manual_seed(recipe.seed)
        critic = Critic(recipe.foresight, network.where.out_features, depth)
    critic = critic.to(network.centre.device)
    critic.centre.copy_(network.centre)
    critic.spread.copy_(network.spread)
    return critic


def _replicated(family: Family, recipe: Recipe) -> Family:
    """Return the family with every instance drawn `replicas` times in a row."""

    def draw(count: int, chance: Generator) -> Instances:
        each = torch.arange(count // recipe.replicas).repeat_interleave(recipe.replicas)
        return family.draw(len(each) // recipe.replicas, chance).take(each)

    return replace(family, draw=draw)


def _advantages(cost: Tensor, value: Tensor, recipe: Recipe) -> Tensor:
    """Return generalised advantages [T, B] of costs beside each instance's average."""
    surprise = cost + value[1:] - value[:-1]
    surprise = surprise - _of_instance(surprise, recipe)[0]
    advantage, later = [], torch.zeros_like(cost[0])
    for now in reversed(surprise.unbind()):
        later = now + recipe.trace * later
        advantage.append(later)
    return torch.stack(advantage[::-1])


def _alike(advantage: Tensor, recipe: Recipe) -> Tensor:
    """Return advantages centred and scaled per instance."""
    centre, spread = _of_instance(advantage, recipe)
    return (advantage - centre) / (spread + _SURE)


def _of_instance(column: Tensor, recipe: Recipe) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation over periods and chains of each chain's instance [B]."""
    each = column.view(len(column), -1, recipe.replicas)
    both = each.mean(dim=(0, 2)), each.std(dim=(0, 2))
    mean, spread = (part.repeat_interleave(recipe.replicas) for part in both)
    return mean, spread
