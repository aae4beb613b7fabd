"""Hindsight: gradients of the cost itself, through the twin, along demand that is already drawn.

Demand and lead times do not depend on what is ordered, so a drawn path is a differentiable function
of the policy (the HDPO idea of Alvo et al.). Chains never start afresh: each window goes on where
the last one ended, so that the policy is judged where it really lives.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import Generator, Tensor, nn

from connector.twin.dynamics import Flows, Stock, coming, inventory_position, uncrossed
from connector.twin.network import Topology
from connector.twin.rollout import rollout
from policies.admission import require_torch
from policies.agents import ranks
from policies.agents.learner import annealed, keep_up, set_rate
from policies.checkpoint import chains_in, columns_of
from policies.family import Family
from policies.head import CappedBaseStock
from policies.instances import Instances, observed, tell, tell_stock
from policies.levels import Cap, excess_level
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
    cap_sigmas: float = 0.0  # of `Cap`, which orders keep to; 0 times = none
    cap_times: float = 0.0

    @property
    def cap(self) -> Cap | None:
        """Return what no order goes beyond."""
        return Cap(sigmas=self.cap_sigmas, times=self.cap_times) if self.cap_times else None


def recipe_in(told: Mapping[str, Any]) -> Recipe:
    """Return the recipe that a run's card tells of."""
    return Recipe(**told)


@dataclass(kw_only=True)
class Chains:
    """The running chains of one family."""

    family: Family
    instances: Instances
    stock: Stock
    promises: Promises | None  # None where the true days of arrival are known

    def rest(self, stock: Stock) -> None:
        """Stand where a window ended, without its past."""
        self.stock = stock.each(Tensor.detach)
        self.promises = self.promises.detach() if self.promises else None


class Learner:
    """A run between two updates."""

    algorithm = "hindsight-1"

    def __init__(
        self, recipe: Recipe, network: CappedBaseStock, families: tuple[Family, ...]
    ) -> None:
        """Draw the first chains, where the network is."""
        self.recipe, self.network, self.done = recipe, network, 0
        self.family_names = tuple(family.name for family in families)
        self.chance = Generator(network.centre.device).manual_seed(recipe.seed)
        if not recipe.start:
            normalise(network, families, self.chance)
        self.kept = copy.deepcopy(network)
        self.modules = {"network": network, "kept": self.kept}
        self.optimizer = torch.optim.Adam(network.parameters())
        self.optimizers = {"adam": self.optimizer}
        ranks.part_ways(self.chance, recipe.seed)
        self.running = [started(family, recipe.chains, self.chance) for family in families]

    def columns(self) -> dict[str, Tensor]:
        """Return where the chains stand."""
        return columns_of(self.running)

    def put_columns(self, columns: Mapping[str, Tensor]) -> None:
        """Put the chains where they stood."""
        self.running = chains_in(columns, self.running)

    def update(self) -> float:
        """Take one step against the cost of the next window, and return that cost."""
        recipe, done = self.recipe, self.done / self.recipe.updates
        set_rate(self.optimizer, recipe.learning_rate * annealed(done, _LEAST_RATE))
        chains = self.running[self.done % len(self.running)]
        loss = window_cost(recipe, self.network, chains, self.chance, known=done < recipe.known)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        ranks.average_gradients(self.network)
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        keep_up(self.kept, self.network, recipe.average, self.done)
        refresh(chains, recipe.fresh, self.chance)
        self.done += 1
        return ranks.mean(loss.item())


def normalise(network: CappedBaseStock, families: tuple[Family, ...], chance: Generator) -> None:
    """Put the families' centre and spread of situations into the network."""
    seen = []
    for family in families:
        some = family.drawn(8_192, chance)
        situation, _ = tell(family.topology, told(family, some, chance))
        seen.append(situation.flatten(0, 1))
    network.normalise(torch.cat(seen))


def window_cost(
    recipe: Recipe,
    network: CappedBaseStock,
    chains: Chains,
    chance: Generator,
    *,
    known: bool = False,
) -> Tensor:
    """Return the mean relative cost of the next window, and move the chains to its end.

    `known` tells demand as it is instead of estimates, whose noise hides what stock costs. Excess
    is counted against the true demand, orders are made and capped by what is told of it.
    """
    instances, topology = chains.instances, chains.family.topology
    demand = instances.demand(recipe.window, chance)
    leads = uncrossed(instances.lead_times(recipe.window, chance, topology.horizon))
    seen = recipe.window - _reach(topology, instances)
    seen_as = instances if known else told(chains.family, instances, chance)
    orders = ordering(network, topology, seen_as, soft=True, cap=recipe.cap)
    books = _Books(chains, leads, counts_excess=recipe.excess > 0)

    def policy(stock: Stock, period: int) -> Tensor:
        order = orders(stock, chains.promises)
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
        watch=books,
        checked=True,  # all of it was drawn here, and a look at it every window is not free
    )
    chains.rest(done.stock)
    cost = (done.cost + recipe.excess * instances.holding * books.excess).sum(dim=1)
    return (cost / (done.periods * chains.family.scale(instances))).mean()


class _Books:
    """Enters what leaves for whom as it is promised, and what is too much, period by period."""

    def __init__(self, chains: Chains, takes: Tensor, *, counts_excess: bool) -> None:
        self._chains, self._takes = chains, takes
        topology, instances = chains.family.topology, chains.instances
        self._level = excess_level(topology, instances) if counts_excess else None
        self.excess: Tensor | float = 0.0

    def __call__(self, period: int, _: Stock, flows: Flows, __: Tensor) -> None:
        promises = self._chains.promises
        if promises is not None:
            self._chains.promises = promises.after(flows.shipped, self._takes[period])
        if self._level is not None:
            self.excess = self.excess + torch.clamp(flows.on_hand - self._level, min=0.0)


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
    network: CappedBaseStock,
    topology: Topology,
    instances: Instances,
    *,
    soft: bool = False,
    cap: Cap | None = None,
) -> Ordering:
    """Return the policy of a network for these instances: stock -> orders [B, N] in units.

    Where promises are given, goods under way are told by them; `cap` is kept to by every order.
    Both refuse arrays of another library than torch by ConfigError.
    """
    require_torch("mean demand", instances.mean)
    situation, rate = tell(topology, instances)
    begun = network.begin(situation)
    days = promised_days(instances.lead_time, topology.horizon)
    room = cap.room(topology, instances) if cap else None

    def orders(stock: Stock, promises: Promises | None = None) -> Tensor:
        require_torch("stock on hand", stock.on_hand)
        promised = promises.told(days) if promises else None
        told = tell_stock(topology, stock, rate, promised)
        position = network.position(situation, told)
        meant = network.order(begun, told, position, soft=soft) * rate
        if room is not None:
            meant = torch.minimum(meant, room - inventory_position(topology, stock))
        return torch.clamp(meant, min=0.0)

    return orders


def started(family: Family, count: int, chance: Generator) -> Chains:
    """Return chains at their beginning: some stock, some of it on its way."""
    instances = family.drawn(count, chance)
    promises = Promises.none(instances.mean, family.topology.horizon) if family.memory else None
    stock = family.begin(instances, chance)
    return Chains(family=family, instances=instances, stock=stock, promises=promises)


def refresh(chains: Chains, share: float, chance: Generator) -> None:
    """Replace the oldest share of the chains by new instances."""
    count = int(share * len(chains.instances))
    new = started(chains.family, count, chance)
    rest = torch.arange(count, len(chains.instances), device=chance.device)
    chains.instances = chains.instances.take(rest).joined(new.instances)
    old = chains.stock
    if chains.promises and new.promises:
        chains.promises = chains.promises.moved_on(count, new.promises)

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
