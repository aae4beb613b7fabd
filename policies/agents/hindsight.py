"""Hindsight: gradients of the cost itself, through the twin, along demand that is already drawn.

Demand and lead times do not depend on what is ordered, so a drawn path is a differentiable function
of the policy (the HDPO idea of Alvo et al.). Chains never start afresh: each window goes on where
the last one ended, so that the policy is judged where it really lives.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Generator, Tensor

from connector.twin.dynamics import Stock, uncrossed
from connector.twin.network import Topology
from connector.twin.rollout import rollout
from policies.admission import require_torch
from policies.agents import ranks
from policies.agents.chains import Books, Chains, OnChains, refresh, told
from policies.agents.learner import annealed, keep_up, set_rate, step
from policies.family import Family
from policies.head import CappedBaseStock
from policies.instances import Instances, shown, tell, tell_stock
from policies.lots import whole_lots
from policies.promises import Promises, promised_days

# stock, promises -> orders [B, N] in units
Ordering: TypeAlias = Callable[..., Tensor]
_LEAST_RATE = 1e-3  # of the first learning rate, at the end of the schedule


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run, given its families."""

    seed: int = 1
    chains: int = 2_048
    window: int = 40  # periods per update
    updates: int = 3_000
    fresh: float = 0.1  # share of chains that become another instance after each window
    learning_rate: float = 4e-3
    average: float = 0.995  # decay of the weights' running mean, which is what is kept
    start: str = ""  # sha256 of the weights of an earlier run that this one goes on from
    known: float = 0.0  # share of the updates, the first, in which demand is told as it is
    excess: float = 0.0  # what a day of excess costs on top, in days of holding
    cap_sigmas: float = 0.0  # of `Bounds`, which orders keep to; 0 times = none
    cap_times: float = 0.0
    collar: float = 0.0


class Learner(OnChains):
    """A run between two updates."""

    algorithm = "hindsight-1"
    recipe: Recipe

    def __init__(
        self, recipe: Recipe, network: CappedBaseStock, families: tuple[Family, ...]
    ) -> None:
        """Draw the first chains, where the network is."""
        super().__init__(recipe, network, families, normalised=bool(recipe.start))

    def update(self) -> float:
        """Take one step against the cost of the next window, and return that cost."""
        recipe, done = self.recipe, self.done / self.recipe.updates
        set_rate(self.optimizer, recipe.learning_rate * annealed(done, _LEAST_RATE))
        chains = self.running[self.done % len(self.running)]
        loss = window_cost(recipe, self.network, chains, self.chance, known=done < recipe.known)
        step(self.optimizer, loss, self.network)
        keep_up(self.kept, self.network, recipe.average, self.done)
        refresh(chains, recipe.fresh, self.chance)
        self.done += 1
        return ranks.mean(loss.item())


def window_cost(
    recipe: Recipe,
    network: CappedBaseStock,
    chains: Chains,
    chance: Generator,
    *,
    known: bool = False,
) -> Tensor:
    """Return the mean relative cost of the next window, and move the chains to its end.

    `known` tells demand as it is, not by estimates, whose noise hides what stock costs. Excess
    is counted against the true demand, orders are made and capped by what is told of it.
    """
    instances, topology = chains.instances, chains.family.topology
    demand = instances.demand(recipe.window, chance)
    leads = uncrossed(instances.lead_times(recipe.window, chance, topology.horizon))
    seen = recipe.window - _reach(topology, instances)
    seen_as = shown(instances) if known else told(chains.family, instances, chance)
    orders = ordering(network, topology, seen_as, soft=True)
    books = Books(chains, leads, counts_excess=recipe.excess > 0)

    def policy(stock: Stock, period: int) -> Tensor:
        order = orders(stock, chains.promises)
        if chains.family.rounds:
            order = order + (whole_lots(order, instances) - order).detach()
        return torch.where(period < seen, order, order.detach())

    done = rollout(
        topology,
        instances.rules(),
        chains.stock,
        demand=demand,
        lead_time=leads,
        policy=policy,
        watch=books,
        checked=True,  # all of it was drawn here, and a look at it every window is not free
    )
    chains.rest(done.stock)
    cost = (done.cost + recipe.excess * instances.holding * books.excess).sum(dim=1)
    return (cost / (done.periods * chains.family.scale(instances))).mean()


def _reach(topology: Topology, instances: Instances) -> Tensor:
    """Return the periods [B, 1] until an order's consequences are over.

    An order whose consequences lie behind the window would only be seen to cost, so it is not
    learned from.
    """
    late = instances.lead_time * (1.0 + instances.lead_cv)
    longest = torch.zeros_like(late[:, 0])
    for node in range(topology.nodes):
        path = [n for n in range(topology.nodes) if node in topology.downstream(n)]
        longest = torch.maximum(longest, late[:, path].sum(dim=1))
    periods = 2.0 * longest + 2.0 if topology.is_single_echelon else 1.3 * longest + 6.0
    return periods[:, None]


def ordering(
    network: CappedBaseStock,
    topology: Topology,
    instances: Instances,
    *,
    soft: bool = False,
) -> Ordering:
    """Return the policy of a network for these instances: stock -> orders [B, N] in units.

    Where promises are given, goods under way are told by them. ConfigError for arrays of another
    library than torch.
    """
    require_torch("mean demand", instances.mean)
    situation, rate = tell(topology, instances)
    begun = network.begin(situation)
    days = promised_days(instances.promised_time, topology.horizon)

    def orders(stock: Stock, promises: Promises | None = None) -> Tensor:
        require_torch("stock on hand", stock.on_hand)
        promised = promises.told(days) if promises else None
        told = tell_stock(topology, stock, rate, promised)
        position = network.position(situation, told)
        meant = network.order(begun, told, position, soft=soft) * rate
        return torch.clamp(meant, min=0.0)

    return orders
