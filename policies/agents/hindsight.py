"""Hindsight: gradients of the cost itself, through the twin, along demand that is already drawn.

Demand and lead times do not depend on what is ordered, so a drawn path is a differentiable function
of the policy (the HDPO idea of Alvo et al.). Chains never start afresh: each window goes on where
the last one ended, so that the policy is judged where it really lives.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from connector.twin.dynamics import Stock, coming, uncrossed
from connector.twin.network import Topology
from connector.twin.rollout import rollout
from policies.agents.learner import Progress, keep_up, set_rate
from policies.family import Family
from policies.head import CappedBaseStock
from policies.instances import Instances, observed, tell, tell_stock

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


@dataclass(kw_only=True)
class Chains:
    """The running chains of one family."""

    family: Family
    instances: Instances
    stock: Stock


def train(
    recipe: Recipe,
    network: CappedBaseStock,
    families: tuple[Family, ...],
    progress: Progress,
    seconds: float = math.inf,
) -> CappedBaseStock:
    """Return the running mean of the weights after all updates, or after `seconds`."""
    chance = torch.Generator().manual_seed(recipe.seed)
    normalise(network, families, chance)
    kept = copy.deepcopy(network)
    running = [started(family, recipe.chains, chance) for family in families]
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    began = time.monotonic()
    for update in range(recipe.updates):
        done = max(update / recipe.updates, (time.monotonic() - began) / seconds)
        if done >= 1.0:
            break
        set_rate(optimizer, recipe.learning_rate * _annealed(done))
        chains = running[update % len(running)]
        loss = window_cost(recipe, network, chains, chance)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        keep_up(kept, network, recipe.average, update)
        refresh(chains, recipe.fresh, chance)
        progress(update, loss.item())
    return kept


def _annealed(done: float) -> float:
    return max(0.5 * (1.0 + math.cos(math.pi * done)), _LEAST_RATE)


def normalise(network: CappedBaseStock, families: tuple[Family, ...], chance: Generator) -> None:
    """Put the families' centre and spread of situations into the network."""
    seen = []
    for family in families:
        some = family.draw(8_192, chance)
        situation, _ = tell(family.topology, told(family, some, chance))
        seen.append(situation.flatten(0, 1))
    network.normalise(torch.cat(seen))


def window_cost(
    recipe: Recipe, network: CappedBaseStock, chains: Chains, chance: Generator
) -> Tensor:
    """Return the mean relative cost of the next window, and move the chains to its end."""
    instances, topology = chains.instances, chains.family.topology
    demand = instances.demand(recipe.window, chance)
    leads = uncrossed(instances.lead_times(recipe.window, chance, topology.horizon))
    seen = recipe.window - _reach(topology, instances)
    orders = ordering(network, topology, told(chains.family, instances, chance), soft=True)

    def policy(stock: Stock, period: int) -> Tensor:
        order = orders(stock)
        if chains.family.rounds:
            order = order + (whole_lots(order, instances.lot) - order).detach()
        return torch.where(period < seen, order, order.detach())

    done = rollout(
        topology,
        instances.rules(),
        chains.stock,
        demand=demand,
        lead_time=leads,
        policy=policy,
        checked=True,  # all of it was drawn here, and a look at it every window is not free
    )
    chains.stock = done.stock.each(Tensor.detach)
    relative = done.cost.sum(dim=1) / (done.periods * chains.family.scale(instances))
    return relative.mean()


def told(family: Family, instances: Instances, chance: Generator) -> Instances:
    """Return the instances as a planner knows them: estimated, where the family says so."""
    if family.memory is None:
        return instances
    return observed(instances, instances.demand(family.memory, chance))


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


def whole_lots(order: Tensor, lot: Tensor) -> Tensor:
    """Return the nearest whole number of lots."""
    return torch.floor(order / lot + 0.5) * lot


def ordering(
    network: CappedBaseStock, topology: Topology, instances: Instances, *, soft: bool = False
) -> Callable[[Stock], Tensor]:
    """Return the policy of a network for these instances: stock -> orders [B, N] in units."""
    situation, rate = tell(topology, instances)
    begun = network.begin(situation)

    def orders(stock: Stock) -> Tensor:
        told = tell_stock(topology, stock, rate)
        position = network.position(situation, told)
        meant = network.order(begun, told, position, soft=soft) * rate
        return torch.clamp(meant, min=0.0)

    return orders


def started(family: Family, count: int, chance: Generator) -> Chains:
    """Return chains at their beginning: some stock, some of it on its way."""
    instances = family.draw(count, chance)
    return Chains(family=family, instances=instances, stock=family.begin(instances, chance))


def refresh(chains: Chains, share: float, chance: Generator) -> None:
    """Replace the oldest share of the chains by new instances."""
    count = int(share * len(chains.instances))
    new = started(chains.family, count, chance)
    chains.instances = chains.instances.take(torch.arange(count, len(chains.instances))).joined(
        new.instances
    )
    old = chains.stock

    def moved(kept: Tensor | None, added: Tensor | None) -> Tensor | None:
        return None if kept is None or added is None else torch.cat([kept[count:], added])

    chains.stock = Stock(
        on_hand=torch.cat([old.on_hand[count:], new.stock.on_hand]),
        pipeline=tuple(
            torch.cat([a[count:], b]) for a, b in zip(coming(old), coming(new.stock), strict=True)
        ),
        waiting=moved(old.waiting, new.stock.waiting),
        owed=moved(old.owed, new.stock.owed),
    )
