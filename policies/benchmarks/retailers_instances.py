"""Instances of one warehouse with three retailers: Kaynov et al. (2024), and a range around them.

Instances 1 to 10 of their table A.3: holding 0.5 at the warehouse and 1 at the retailers, shortage
9, totals of 100 periods without discount. 11 to 14 need emergency shipments from the warehouse to
customers, which the twin does not have.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False
# mypy: disallow-subclassing-any=False

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from connector.twin.network import Topology
from policies.family import Family
from policies.instances import Instances

RETAILERS, PERIODS = 3, 100
TREE = Topology(suppliers=(-1, 0, 0, 0), horizon=5)
POISSON, UNIFORM, NORMAL = range(3)
_MOST = 61  # demand of a retailer in a period is below
_HELD = (0.5, 1.0, 1.0, 1.0)

# kind, its two figures; the rounded normal is cut at 0
Demand = tuple[int, float, float]
_P3: Demand = (POISSON, 3.0, 0.0)
_MIXED: tuple[Demand, ...] = ((UNIFORM, 0.0, 6.0), (NORMAL, 3.0, 1.0), _P3)
_WILD: tuple[Demand, ...] = ((NORMAL, 1.0, 5.0), (NORMAL, 5.0, 1.0), (POISSON, 0.5, 0.0))


@dataclass(frozen=True, kw_only=True)
class Published:
    """An instance, and its published totals."""

    number: int
    waits: bool
    lead_times: tuple[float, float, float, float]  # warehouse first
    demand: tuple[Demand, ...]
    base_stock: float  # the better of both rules of sharing
    learned: float  # PPO


INSTANCES = (
    Published(number=1, waits=True, lead_times=(2, 1, 1, 1), demand=(_P3,) * 3,
              base_stock=1609.47, learned=1637.2),
    Published(number=2, waits=True, lead_times=(2, 1, 1, 1), demand=_MIXED,
              base_stock=1383.88, learned=1417.46),
    Published(number=3, waits=True, lead_times=(2, 1, 1, 1), demand=_WILD,
              base_stock=1776.04, learned=1731.67),
    Published(number=4, waits=True, lead_times=(2, 1, 2, 3), demand=(_P3,) * 3,
              base_stock=1857.3, learned=1908.95),
    Published(number=5, waits=True, lead_times=(5, 3, 3, 3), demand=_WILD,
              base_stock=2246.84, learned=2331.07),
    Published(number=6, waits=False, lead_times=(1, 1, 1, 1), demand=(_P3,) * 3,
              base_stock=1366.51, learned=1347.34),
    Published(number=7, waits=False, lead_times=(2, 1, 1, 1), demand=(_P3,) * 3,
              base_stock=1406.27, learned=1405.08),
    Published(number=8, waits=False, lead_times=(5, 1, 1, 1), demand=(_P3,) * 3,
              base_stock=1508.12, learned=1495.49),
    Published(number=9, waits=False, lead_times=(2, 1, 2, 3), demand=(_P3,) * 3,
              base_stock=1535.96, learned=1511.68),
    Published(number=10, waits=False, lead_times=(5, 3, 3, 3), demand=_WILD,
              base_stock=1736.55, learned=1674.54),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Whole(Instances):
    """Instances whose customers ask for whole units, each node by a law of its own [B, N]."""

    kind: Tensor
    first: Tensor
    second: Tensor

    @property
    def variance(self) -> Tensor:
        """Variance of one period's demand."""
        below = demand_below(self.kind, self.first, self.second)
        odds = torch.diff(below, prepend=torch.zeros_like(below[..., :1]))
        return (odds * torch.arange(_MOST) ** 2).sum(dim=-1) - self.mean**2

    def demand(self, periods: int, chance: Generator) -> Tensor:
        """Draw demand [periods, B, N]."""
        drawn = torch.rand((*self.mean.shape, periods), generator=chance)
        below = demand_below(self.kind, self.first, self.second)
        return torch.searchsorted(below, drawn, right=True).float().permute(2, 0, 1)


def demand_below(kind: Tensor, first: Tensor, second: Tensor) -> Tensor:
    """Return P(demand <= k) [.., _MOST] for kinds and their figures [..]."""
    units = torch.arange(_MOST, dtype=torch.float32)
    a, b = first[..., None], second[..., None]
    poisson = torch.special.gammaincc(units + 1.0, torch.clamp(a, min=1e-6))
    uniform = torch.clamp((units + 1.0 - a) / (b - a + 1.0), 0.0, 1.0)
    normal = torch.special.ndtr((units + 0.5 - a) / torch.clamp(b, min=1e-6))
    below = torch.where(kind[..., None] == POISSON, poisson, normal)
    below = torch.where(kind[..., None] == UNIFORM, uniform, below)
    return torch.cat([below[..., :-1], torch.ones_like(below[..., :1])], dim=-1)


def whole(
    laws: tuple[Tensor, Tensor, Tensor], lead_times: Tensor, shortage: Tensor, *, waits: bool
) -> Whole:
    """Return instances of TREE from the retailers' laws [B, 3]; nobody asks the warehouse."""
    # The warehouse's own customers ask for 0 to 0 units
    padded = zip(laws, (UNIFORM, 0.0, 0.0), strict=True)
    kind, first, second = (torch.nn.functional.pad(law, (1, 0), value=own) for law, own in padded)
    one = torch.ones_like(first)
    return Whole(
        mean=(1.0 - demand_below(kind, first, second)).sum(dim=-1),
        shape=math.inf * one,
        busy=one,
        lead_time=lead_times,
        lead_cv=0.0 * one,
        holding=torch.tensor(_HELD) * one,
        shortage=shortage * one,
        lost_share=one * (0.0 if waits else 1.0),
        lot=one,
        kind=kind,
        first=first,
        second=second,
    )


def published(rows: tuple[Published, ...], count: int) -> Instances:
    """Return published instances of one kind of customers, `count` times each."""
    figures = torch.tensor([row.demand for row in rows])
    leads = torch.tensor([row.lead_times for row in rows]).float()
    kind, first, second = figures.unbind(-1)
    some = whole((kind, first, second), leads, torch.tensor(9.0), waits=rows[0].waits)
    return some.take(torch.arange(len(rows)).repeat_interleave(count))


def family(*, waits: bool) -> Family:
    """Return the range that one network is trained for."""

    def draw(count: int, chance: Generator) -> Whole:
        def uniform(low: float, high: float, *size: int) -> Tensor:
            return low + (high - low) * torch.rand((count, *size), generator=chance)

        size = (count, RETAILERS)
        kind = torch.randint(0, 3, size, generator=chance)
        alike = torch.rand((count, 1), generator=chance) < 0.5  # noqa: PLR2004
        mean = torch.exp(uniform(math.log(0.4), math.log(6.0), RETAILERS))
        spread = torch.exp(uniform(math.log(0.8), math.log(6.0), RETAILERS))
        kind, mean, spread = (torch.where(alike, x[:, :1], x) for x in (kind, mean, spread))
        most = torch.round(2.0 * mean)
        first = torch.where(kind == UNIFORM, 0.0, mean)
        second = torch.where(kind == UNIFORM, most, spread)
        above = torch.randint(1, TREE.horizon + 1, (count, 1), generator=chance)
        then = torch.randint(1, 4, size, generator=chance)
        then = torch.where(torch.rand((count, 1), generator=chance) < 0.6, then[:, :1], then)  # noqa: PLR2004
        shortage = torch.exp(uniform(math.log(6.0), math.log(14.0), 1))
        leads = torch.cat([above, then], dim=1).float()
        return whole((kind.float(), first, second), leads, shortage, waits=waits)

    name = "retailers, " + ("backorders" if waits else "lost sales")
    return Family(name=name, topology=TREE, draw=draw, waits=True, rounds=True)
