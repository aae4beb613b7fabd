"""Years drawn before anybody plans them: the same customers and carriers for everybody."""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from connector.twin.demand import Moves
from connector.twin.scenario import Scenario
from policies.benchmarks.network import MEMORY, STEADY, draw_year, opening
from policies.distribution import World, tree
from policies.levels import excess_level


@dataclass(frozen=True, kw_only=True)
class Year:
    """Some years of a scenario, side by side as so many more items, in base units.

    B = years x items that anybody asks for, by name; N = nodes.
    """

    facts: Scenario
    years: int
    names: NDArray[np.str_]  # [B], ascending
    before: NDArray[np.float64]  # [MEMORY, B, N] demand of the days before the first
    demand: NDArray[np.float64]  # [T, B, N]
    takes: NDArray[np.int64]  # [T, B, N] days that goods sent on a day take
    start: NDArray[np.float64]  # [B, N] on hand at the first
    excess_level: NDArray[np.float64]  # [B, N] stock above it is excess
    price: NDArray[np.float64]  # [B, 1] of a base unit
    kind: NDArray[np.int64]  # [B] demand class

    def of_items(self, column: NDArray[Any]) -> NDArray[Any]:
        """Return a scenario's column [items] for the items of these years [B]."""
        return np.tile(column[~self.facts.discontinued], self.years)

    def cells(self, column: NDArray[Any]) -> NDArray[Any]:
        """Return a scenario's column [items x nodes] for the items of these years [B, N]."""
        whole = column.reshape(self.facts.items, self.facts.nodes)
        return np.tile(whole[~self.facts.discontinued], (self.years, 1))

    def first(self, days: int) -> Year:
        """Return the years' first days only."""
        return replace(self, demand=self.demand[:days], takes=self.takes[:days])


def drawn(facts: Scenario, *, years: int, seed: int, moves: Moves = STEADY) -> Year:
    """Draw years: 8 weeks of sales that are known, 12 weeks to settle and 52 that count."""
    alive = ~facts.discontinued
    price = np.tile(facts.price[alive], years)[:, None]
    grain = np.tile(facts.grain[alive], years)[:, None]
    topology = tree(facts.nodes - 1)
    told = draw_year(
        World.of(facts), torch.ones(int(alive.sum()), 1), replications=years, seed=seed, moves=moves
    )

    def units(grains: torch.Tensor) -> NDArray[np.float64]:
        return np.asarray(grains.double().numpy() * grain, dtype=np.float64)

    items = np.asarray(facts.materials)[alive]
    return Year(
        facts=facts,
        years=years,
        names=np.asarray([f"{year}-{name}" for year in range(years) for name in items]),
        before=units(told.demand[:MEMORY]),
        demand=units(told.demand[MEMORY:]),
        takes=told.lead_times.numpy().astype(np.int64),
        start=units(opening(topology, told.truth).on_hand),
        excess_level=units(excess_level(topology, told.truth)),
        price=price,
        kind=np.tile(facts.kind[alive], years),
    )
