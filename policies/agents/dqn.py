"""DQN (Mnih et al. 2015) on the twin: a grid of multipliers of what base-stock would order.

    order = multiplier x (level - inventory position)+,  level generously above the classical one

The network says what each multiplier would cost from here on, beside the average; the least is
ordered. Demand does not depend on what is ordered, so several multipliers are tried in the same
state against the same demand, each followed for some periods: what differs is what they caused,
and nothing tried long ago needs to be replayed. Values are relative to a state of each instance's
own (relative value iteration), not discounted. The running mean of the weights is the target
network, and what is kept.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from connector.errors import ConfigError
from connector.twin.dynamics import Flows, Stock, receive, uncrossed
from connector.twin.network import Topology
from connector.twin.rollout import rollout
from policies.agents import ranks
from policies.agents.chains import Chains, OnChains, refresh, told
from policies.agents.hindsight import ordering
from policies.agents.learner import annealed, keep_up, set_rate, step
from policies.family import Family
from policies.head import Begun, CappedBaseStock
from policies.instances import Instances, tell, tell_stock
from policies.lots import whole_lots

_GENEROUS = 1.25  # times the classical level: skewed demand wants more than it
_FINER = 1.5  # the grid is finer near no order


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run, given its families."""

    seed: int = 1
    chains: int = 1_024
    updates: int = 6_000  # about ten minutes on one core
    period: int = 40  # updates, one period each, until chains are refreshed
    fresh: float = 0.1  # share of chains that become another instance then
    tries: int = 4  # orders tried in each state
    steps: int = 12  # periods that each is followed for
    explore: float = 0.2  # share of chains that go on from any order tried
    learning_rate: float = 2e-3
    least_rate: float = 0.01  # of it, at the end
    average: float = 0.99  # decay of the weights' running mean


class MultiplierGrid(CappedBaseStock):
    """The same body with a value for each multiplier; it answers as every other policy does."""

    def __init__(self, width: int = 64, depth: int = 3, multipliers: int = 16) -> None:
        super().__init__(width, depth)
        self.grid: Tensor
        self.register_buffer("grid", torch.linspace(0.0, 1.0, multipliers) ** _FINER)
        self.head = nn.Linear(width, multipliers + 1)

    def values(self, begun: Begun, stock: Tensor) -> Tensor:
        """Return the cost to come with each multiplier [.., K], beside the average."""
        inputs = torch.cat([stock, torch.tanh(stock)], dim=-1)
        said = self.head(self.body(begun.part + self.stock(inputs)))
        beside = said[..., 1:]
        return said[..., :1] + beside - beside.mean(dim=-1, keepdim=True)

    def order(self, begun: Begun, stock: Tensor, position: Tensor, *, soft: bool = False) -> Tensor:
        """Return the cheapest order, in reviews of demand; there is no soft one."""
        del soft
        values = self.values(begun, stock)
        # Not argmin: an exported policy may only use the operators that the connector allows
        best = torch.where(values <= values.amin(dim=-1, keepdim=True), self.grid, 0.0)
        return self.bounded(begun, best.amax(dim=-1) * self.short(begun, position), position)

    def short(self, begun: Begun, position: Tensor) -> Tensor:
        """Return what the grid is a grid of, in reviews of demand."""
        return torch.clamp(_GENEROUS * begun.classical - position, min=0.0)


class Learner(OnChains):
    """A DQN run between two updates."""

    algorithm = "dqn-1"
    recipe: Recipe
    network: MultiplierGrid
    kept: MultiplierGrid

    def __init__(
        self, recipe: Recipe, network: MultiplierGrid, families: tuple[Family, ...]
    ) -> None:
        """Draw the first chains; raise ConfigError for a family of several nodes."""
        for family in families:
            if family.topology.nodes > 1:
                raise ConfigError(
                    f"family {family.name} has {family.topology.nodes} nodes; DQN tries every "
                    "order of one node",
                    hint="train it with hindsight or ppo",
                )
        super().__init__(recipe, network, families)

    def update(self) -> float:
        """Learn from one period of every chain; return its mean relative cost."""
        recipe, done = self.recipe, self.done / self.recipe.updates
        set_rate(self.optimizer, recipe.learning_rate * annealed(done, recipe.least_rate))
        chains = self.running[self.done % len(self.running)]
        loss, spent = self._period(chains)
        step(self.optimizer, loss, self.network)
        keep_up(self.kept, self.network, recipe.average, self.done)
        self.done += 1
        if self.done // len(self.running) % recipe.period == 0:
            refresh(chains, recipe.fresh, self.chance)
        return ranks.mean(spent)

    def _period(self, chains: Chains) -> tuple[Tensor, float]:
        """Return how wrong the values of this period are, and move the chains one period on."""
        topology, chance = chains.family.topology, self.chance
        known = told(chains.family, chains.instances, chance)
        situation, rate = tell(topology, known)
        seen = tell_stock(topology, receive(chains.stock), rate)
        begun = self.network.begin(situation)
        values = self.network.values(begun, seen)[:, 0]
        tries = self._tries(values.detach())
        short = self.network.short(begun, self.network.position(situation, seen)).detach()
        orders = short * self.network.grid[tries] * rate
        after, spent, target = self._followed(chains, _widened(known), orders[..., None])
        said = values.gather(1, tries)
        beside = (said - said[:, :1]) - (target - target[:, :1])
        loss = (beside**2).mean() + nn.functional.smooth_l1_loss(said[:, 0], target[:, 0])
        count, here = (len(tries),), chance.device
        other = torch.randint(tries.shape[1], count, generator=chance, device=here)
        strays = torch.rand(count, generator=chance, device=here) < self.recipe.explore
        chains.stock = _chosen(after, torch.where(strays, other, 0))
        return loss, float(spent[:, 0].mean())

    def _tries(self, values: Tensor) -> Tensor:
        """Return multipliers to try [B, K]: the best, one near it, and any."""
        best = values.argmin(dim=-1, keepdim=True)
        most = values.shape[-1] - 1

        def drawn(low: int, high: int, columns: int) -> Tensor:
            size, chance = (len(best), columns), self.chance
            return torch.randint(low, high + 1, size, generator=chance, device=chance.device)

        step, sign = drawn(1, 2, 1), drawn(0, 1, 1) * 2 - 1
        near = torch.clamp(best + step * sign, 0, most)
        return torch.cat([best, near, drawn(0, most, self.recipe.tries - 2)], dim=1)

    @torch.no_grad()
    def _followed(
        self, chains: Chains, known: Instances, first: Tensor
    ) -> tuple[Stock, Tensor, Tensor]:
        """Return the states after each first order, their costs, and what each leads to [B, K].

        The kept network goes on from each for some periods, all against the same demand.
        """
        steps, topology, wide = (
            self.recipe.steps,
            chains.family.topology,
            _widened(chains.instances),
        )
        orders = ordering(self.kept, topology, known)
        reached: list[Stock] = []
        costs: list[Tensor] = []

        def policy(stock: Stock, period: int) -> Tensor:
            return whole_lots(orders(stock) if period else first, wide)

        def watch(_: int, stock: Stock, __: Flows, spent: Tensor) -> None:
            reached.append(stock)
            costs.append(spent[..., 0] / chains.family.scale(chains.instances)[:, None])

        leads = uncrossed(wide.lead_times(steps, self.chance, topology.horizon))
        rollout(
            topology, wide.rules(), chains.stock.each(lambda column: column[:, None]),
            demand=wide.demand(steps, self.chance), lead_time=leads, policy=policy, watch=watch,
            checked=True,
        )  # fmt: skip
        to_come = self._least(topology, known, receive(reached[-1]))
        usual = self._least(topology, known, _steady(wide, topology))
        return reached[0], costs[0], torch.stack(costs).sum(dim=0) + to_come - steps * usual

    def _least(self, topology: Topology, known: Instances, stock: Stock) -> Tensor:
        """Return what is to come of each state [B, K] with the best orders from there."""
        situation, rate = tell(topology, known)
        seen = tell_stock(topology, stock, rate)
        return self.kept.values(self.kept.begin(situation), seen).amin(dim=-1)[..., 0]


def _widened(instances: Instances) -> Instances:
    """Return the instances with room for several states of each: [B, 1, 1]."""
    return instances.each(lambda _, column: column[:, None])


def _steady(instances: Instances, topology: Topology) -> Stock:
    """Return a state that every chain passes near: a period's demand on hand and under way."""
    ahead = range(1, topology.horizon + 1)
    return Stock(
        on_hand=instances.mean,
        pipeline=tuple(instances.mean * (instances.lead_time > periods) for periods in ahead),
    )


def _chosen(after: Stock, which: Tensor) -> Stock:
    """Return the state [B, 1] after one of the orders of each chain."""
    rows = torch.arange(len(which), device=which.device)
    return after.each(lambda column: column[rows, which])
