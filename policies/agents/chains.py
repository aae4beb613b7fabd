"""Running chains, in which all agents learn: how they begin, what is told, where they stand.

Chains never start afresh: a share of them becomes other instances now and then, the rest goes on.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Generator, Tensor, nn

from connector.twin.dynamics import Flows, Stock, coming
from policies.agents import ranks
from policies.checkpoint import chains_in, columns_of
from policies.family import Family
from policies.head import CappedBaseStock
from policies.instances import Instances, observed, tell
from policies.levels import excess_level
from policies.promises import Promises


@dataclass(kw_only=True)
class Chains:
    """The running chains of one family."""

    family: Family
    instances: Instances
    stock: Stock
    promises: Promises | None  # None where the true days of arrival are known

    def promised(self, days: Tensor) -> Tensor | None:
        """Return what is promised for when, see `Promises.told`."""
        return self.promises.told(days) if self.promises else None

    def rest(self, stock: Stock) -> None:
        """Stand where a window ended, without its past."""
        self.stock = stock.each(Tensor.detach)
        self.promises = self.promises.detach() if self.promises else None


class OnChains:
    """What every learner holds between two updates; see `policies.agents.learner.Learner`."""

    def __init__(
        self,
        recipe: Any,
        network: CappedBaseStock,
        families: tuple[Family, ...],
        *,
        normalised: bool = False,
    ) -> None:
        """Draw the first chains, where the network is; `normalised` leaves its inputs as they are.

        The first draws are the same in every process, the chains are each one's own.
        """
        self.recipe, self.network, self.done = recipe, network, 0
        self.family_names = tuple(family.name for family in families)
        self.chance = Generator(network.centre.device).manual_seed(recipe.seed)
        if not normalised:
            normalise(network, families, self.chance)
        self.kept = copy.deepcopy(network)
        self.modules: dict[str, nn.Module] = {"network": network, "kept": self.kept}
        self.optimizer = torch.optim.Adam(network.parameters())
        ranks.part_ways(self.chance, recipe.seed)
        self.running = [self.begun(family) for family in families]

    @property
    def optimizers(self) -> dict[str, torch.optim.Optimizer]:
        """Return the one optimizer."""
        return {"adam": self.optimizer}

    def begun(self, family: Family) -> Chains:
        """Return a family's first chains."""
        return started(family, self.recipe.chains, self.chance)

    def columns(self) -> dict[str, Tensor]:
        """Return where the chains stand."""
        return columns_of(self.running)

    def put_columns(self, columns: Mapping[str, Tensor]) -> None:
        """Put the chains where they stood."""
        self.running = chains_in(columns, self.running)


def normalise(network: CappedBaseStock, families: tuple[Family, ...], chance: Generator) -> None:
    """Put the families' centre and spread of situations into the network."""
    seen = []
    for family in families:
        some = family.drawn(8_192, chance)
        situation, _ = tell(family.topology, told(family, some, chance))
        seen.append(situation.flatten(0, 1))
    network.normalise(torch.cat(seen))


def told(family: Family, instances: Instances, chance: Generator) -> Instances:
    """Return the instances as a planner knows them: estimated, where the family says so."""
    if family.memory is None:
        return instances
    return observed(instances, instances.demand(family.memory, chance))


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


class Books:
    """Enters what leaves for whom as it is promised, and what is too much, period by period."""

    def __init__(self, chains: Chains, takes: Tensor, *, counts_excess: bool = False) -> None:
        """Watch a rollout of these chains, in which goods take `takes` [T, B, N] periods."""
        self._chains, self._takes = chains, takes
        topology, instances = chains.family.topology, chains.instances
        self._level = excess_level(topology, instances) if counts_excess else None
        self.excess: Tensor | float = 0.0

    def __call__(self, period: int, _: Stock, flows: Flows, __: Tensor) -> None:
        """Enter one period."""
        promises = self._chains.promises
        if promises is not None:
            self._chains.promises = promises.after(
                flows.shipped, self._takes[period], flows.ordered
            )
        if self._level is not None:
            self.excess = self.excess + torch.clamp(flows.on_hand - self._level, min=0.0)
