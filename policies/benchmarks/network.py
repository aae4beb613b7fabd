"""The demo's network, a year of it: the policy beside the reorder-point rule of the textbook.

Both are told the same and no more: means and variances of the last eight weeks, planned lead times
and their spread. Both meet the same customers and carriers. Nobody is told season or weekday.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from connector.twin.demand import WEEK, Moves, season
from connector.twin.dynamics import Flows, Stock, uncrossed
from connector.twin.network import Topology
from connector.twin.rollout import rollout
from policies.agents.hindsight import ordering
from policies.baselines import ReorderPoint, textbook_points
from policies.distribution import NODES, TREE, World, asking
from policies.head import CappedBaseStock
from policies.instances import Instances, observed
from policies.levels import excess_level, known
from policies.lots import whole_lots
from policies.promises import Promises

MEMORY = 56  # days that estimates look back
SETTLE = 84  # days lived through before anything counts
YEAR = 364
STEADY = Moves()
_TELL_EVERY = 7  # days between two estimates

# what was told -> stock, promises -> orders
Planner = Callable[[Instances], Callable[[Stock, Promises], Tensor]]


@dataclass(frozen=True, kw_only=True)
class Year:
    """One drawn year of a world, some replications of every item: what nobody can change."""

    truth: Instances  # [B, N]; the mean without its season
    demand: Tensor  # [MEMORY + SETTLE + YEAR, B, N]
    lead_times: Tensor
    value: Tensor  # [B, 1] of one unit
    kind: Tensor  # [B] demand class


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What a year came to, by item [B]; stocks are daily averages, all nodes together."""

    demand: Tensor
    served: Tensor
    stock: Tensor
    excess: Tensor
    orders: Tensor  # order lines
    value: Tensor

    def fill(self, some: Tensor | None = None) -> float:
        """Return the share of demand served at once (beta service, by value)."""
        return self._of(self.served, some) / self._of(self.demand, some)

    def turns(self, some: Tensor | None = None) -> float:
        """Return how often a year's sales turn the average stock."""
        return self._of(self.served, some) / self._of(self.stock, some)

    def stock_value(self, some: Tensor | None = None) -> float:
        """Return the average value on hand."""
        return self._of(self.stock, some)

    def excess_value(self, some: Tensor | None = None) -> float:
        """Return the average value above 1.5 times the order-up-to level of 98 %."""
        return self._of(self.excess, some)

    def order_lines(self, some: Tensor | None = None) -> float:
        """Return order lines per item and year."""
        rows = self.orders if some is None else self.orders[some]
        return float(rows.mean())

    def _of(self, column: Tensor, some: Tensor | None) -> float:
        worth = column * self.value
        return float((worth if some is None else worth[some]).sum())


def draw_year(
    world: World, price: Tensor, *, replications: int, seed: int, moves: Moves = STEADY
) -> Year:
    """Draw a year; seeds of evaluation are apart from every training seed."""
    chance = torch.Generator().manual_seed(seed)
    rows = torch.arange(len(world.mean)).repeat(replications)
    truth = world.instances(0.98).take(rows)
    days = MEMORY + SETTLE + YEAR
    first = torch.randint(0, YEAR, (len(rows), 1), generator=chance)
    phase = torch.from_numpy(world.phase).float()[rows]
    amplitude = torch.from_numpy(world.amplitude).float()[rows]
    moved = moves.factors((days, *truth.mean.shape), np.random.default_rng(seed))
    usual = truth.mean * torch.from_numpy(moved).to(truth.mean.dtype)
    demand = torch.stack(
        [
            replace(truth, mean=usual[day] * _season(amplitude, phase, first + day, day)).demand(
                1, chance
            )[0]
            for day in range(days)
        ]
    )
    return Year(
        truth=truth,
        demand=demand,
        lead_times=uncrossed(truth.lead_times(SETTLE + YEAR, chance, TREE.horizon)),
        value=price[rows],
        kind=torch.from_numpy(world.kind)[rows],
    )


def _season(amplitude: Tensor, phase: Tensor, on: Tensor, day: int) -> Tensor:
    factor: Tensor = season(amplitude, phase, on) * WEEK[day % len(WEEK)]
    return factor


@torch.no_grad()
def live(year: Year, planner: Planner, ratio: float) -> Figures:
    """Live through a year and count its last 52 weeks."""
    told = estimated(year, 0, ratio)
    chosen, sent = [planner(told)], [Promises.none(told.mean, TREE.horizon)]

    def policy(stock: Stock, day: int) -> Tensor:
        if day % _TELL_EVERY == 0:
            chosen[0] = planner(estimated(year, day, ratio))
        return chosen[0](stock, sent[0])

    level = excess_level(TREE, year.truth)
    sums = {name: torch.zeros(len(year.kind)) for name in ("served", "stock", "excess", "orders")}

    def watch(day: int, _: Stock, flows: Flows, __: Tensor) -> None:
        sent[0] = sent[0].after(flows.shipped, year.lead_times[day], flows.ordered)
        if day < SETTLE:
            return
        sums["served"] += (flows.demand - flows.unmet).sum(dim=1)
        sums["stock"] += flows.on_hand.sum(dim=1) / YEAR
        sums["excess"] += torch.clamp(flows.on_hand - level, min=0.0).sum(dim=1) / YEAR
        sums["orders"] += (flows.ordered > 0).float().sum(dim=1)

    rollout(
        TREE,
        year.truth.rules(),
        opening(TREE, told),
        demand=year.demand[MEMORY:],
        lead_time=year.lead_times,
        policy=policy,
        watch=watch,
    )
    asked = year.demand[MEMORY + SETTLE :].sum(dim=(0, 2))
    return Figures(demand=asked, value=year.value[:, 0], **sums)


def estimated(year: Year, day: int, ratio: float) -> Instances:
    """Return what is known on a day: truth nowhere, the last weeks' mean and variance instead."""
    told = observed(year.truth, year.demand[day : day + MEMORY])
    return asking(told, torch.tensor(ratio))


def learned(network: CappedBaseStock) -> Planner:
    """Return the policy, in whole lots."""

    def planner(told: Instances) -> Callable[[Stock, Promises], Tensor]:
        orders = ordering(network, TREE, told)
        return lambda stock, sent: whole_lots(orders(stock, sent), told)

    return planner


def reorder_point(safety: float, cover: tuple[float, float]) -> Planner:
    """Return the textbook's rule: at s or below, up to S = s + `cover` days (regions, centre)."""
    days = torch.tensor([cover[1], *(cover[0] for _ in range(NODES - 1))])

    def planner(told: Instances) -> Callable[[Stock, Promises], Tensor]:
        point, most = textbook_points(known(TREE, told), z=safety, cover=days)
        lot, least = told.steps
        rule = ReorderPoint(topology=TREE, point=point, most=most, lot=lot, smallest=least)
        return lambda stock, _: rule(stock, 0)

    return planner


def opening(topology: Topology, told: Instances) -> Stock:
    """Return a first state: demand over the cover and one deviation, nothing on order."""
    mean, deviation = known(topology, told).over_cover()
    nothing = torch.zeros_like(mean)
    return Stock(
        on_hand=torch.round(mean + deviation),
        pipeline=tuple(nothing for _ in range(topology.horizon)),
        waiting=None,
        owed=nothing,
    )
