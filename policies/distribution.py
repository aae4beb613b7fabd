"""A central warehouse and six regions: the demo's own kind of network, drawn from many seeds.

Everything a world is made of comes from the twin's scenario, which the sandbox ERP lives by, too:
five demand classes, lots, planned and true lead times. Quantities are told in an item's grains.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Generator, Tensor

from connector.twin.dynamics import uncrossed
from connector.twin.network import Topology
from connector.twin.scenario import Scenario, WorldOptions, scenario
from policies.family import Family
from policies.instances import Instances

REGIONS = 6
NODES = REGIONS + 1
LONGEST = 40  # periods; a true lead time beyond is cut
_FIRST_TRAINING_SEED = 1_000
_WORLDS = 60
_LATER = 1.03  # true lead times are a little longer than planned, as the sandbox's are
_SHOWN, _SHOWN_SEED = 400, 11  # periods drawn to see what receipts show
_LEAST_CV = 0.02
_POISSON_FROM = 1e5  # a gamma of this shape is a constant
_MISSES = (0.0006, 0.05)  # 1 - critical ratio, drawn evenly by its logarithm


def tree(regions: int) -> Topology:
    """Return a central warehouse that supplies so many regions."""
    return Topology(suppliers=(-1, *(0 for _ in range(regions))), horizon=LONGEST)


TREE = tree(REGIONS)


@dataclass(frozen=True, kw_only=True)
class World:
    """A scenario as columns [items, nodes], in grains."""

    mean: NDArray[np.float64]
    busy: NDArray[np.float64]
    shape: NDArray[np.float64]
    lead_time: NDArray[np.float64]
    lead_cv: NDArray[np.float64]
    lot: NDArray[np.float64]
    minimum: NDArray[np.float64]
    fixed: NDArray[np.float64]
    shown_time: NDArray[np.float64]  # periods, as receipts show where no order overtakes another
    shown_cv: NDArray[np.float64]
    kind: NDArray[np.int64]  # [items]
    amplitude: NDArray[np.float64]
    phase: NDArray[np.float64]
    reorder_point: NDArray[np.float64]
    maximum: NDArray[np.float64]

    @classmethod
    def of(cls, facts: Scenario) -> World:
        """Return the world of a scenario, without items nobody asks for."""
        size = (facts.items, facts.nodes)
        alive = ~facts.discontinued
        grain = facts.grain[:, None]

        def cells(column: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.asarray(column, dtype=np.float64).reshape(size)[alive]

        lead_time, lead_cv = cells(facts.lead_days) * _LATER, cells(facts.lead_spread)
        shown_time, shown_cv = shown_lead_times(lead_time, lead_cv)
        return cls(
            mean=cells(facts.rate),
            busy=cells(facts.occurs),
            shape=cells(facts.shape),
            lead_time=lead_time,
            lead_cv=lead_cv,
            lot=(facts.lot_multiple.reshape(size) / grain)[alive],
            minimum=(facts.lot_minimum.reshape(size) / grain)[alive],
            fixed=(facts.lot_fixed.reshape(size) / grain)[alive],
            shown_time=shown_time,
            shown_cv=shown_cv,
            kind=facts.kind[alive],
            amplitude=cells(facts.amplitude),
            phase=cells(facts.phase),
            reorder_point=(facts.reorder_point.reshape(size) / grain)[alive],
            maximum=(facts.maximum.reshape(size) / grain)[alive],
        )

    def instances(self, ratio: float | NDArray[np.float64]) -> Instances:
        """Return the world's items as instances of TREE; everything unserved is lost.

        A shortage costs what makes `ratio` the newsvendor's answer for a unit that is held over
        lead time and review, in days of holding: p / (p + L + 1) = ratio.
        """

        def column(values: NDArray[np.float64]) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))

        asked = np.broadcast_to(np.asarray(ratio, dtype=np.float64), self.mean.shape)
        one = torch.ones(self.mean.shape)
        return Instances(
            mean=column(self.mean),
            shape=column(np.where(self.shape > _POISSON_FROM, math.inf, self.shape)),
            busy=column(self.busy),
            lead_time=column(self.lead_time),
            lead_cv=column(self.lead_cv),
            holding=one,
            shortage=column(asked / (1.0 - asked) * (self.lead_time + 1.0)),
            lost_share=one,
            lot=column(self.lot),
            asked=column(asked),
            minimum=column(self.minimum),
            fixed=column(self.fixed),
            planned=column(np.rint(self.lead_time / _LATER)),
            shown_time=column(self.shown_time),
            shown_cv=column(self.shown_cv),
        )


def shown_lead_times(
    lead_time: NDArray[np.float64], lead_cv: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and cv [items, nodes] of lead times in which no order overtakes another."""
    rng = np.random.default_rng(_SHOWN_SEED)
    spread = np.maximum(lead_cv, _LEAST_CV)
    size = (_SHOWN, *lead_time.shape)
    drawn = np.rint(lead_time * rng.gamma(spread**-2.0, spread**2.0, size))
    kept = uncrossed(np.clip(drawn, 1.0, LONGEST))[_SHOWN // 4 :]
    mean = kept.mean(axis=0)
    return mean, kept.std(axis=0) / mean


def world(seed: int, items: int = 200) -> World:
    """Return the world of a seed; the demo's is 7."""
    return World.of(scenario(WorldOptions(items=items, regions=REGIONS, seed=seed)))


@cache
def _pool() -> Instances:
    """Return the items of many worlds, none of them the demo's."""
    pools = [world(_FIRST_TRAINING_SEED + k).instances(0.98) for k in range(_WORLDS)]
    first, *rest = pools
    for each in rest:
        first = first.joined(each)
    return first


def draw_distribution(count: int, chance: Generator) -> Instances:
    """Draw items with a critical ratio each; the season stands anywhere."""
    pool = _pool()
    some = pool.take(torch.randint(len(pool), (count,), generator=chance))
    low, high = (math.log(edge) for edge in _MISSES)
    misses = torch.exp(low + (high - low) * torch.rand((count, 1), generator=chance))
    season = 1.0 + 0.25 * torch.randn((count, 1), generator=chance).clamp(-2.0, 2.0)
    size = torch.exp(0.5 * torch.randn((count, 1), generator=chance).clamp(-2.0, 2.0))
    return asking(replace(some, mean=some.mean * season * size), 1.0 - misses)


def asking(instances: Instances, ratio: Tensor) -> Instances:
    """Return the same instances with other critical ratios, and what shortage then costs."""
    asked = ratio.expand_as(instances.mean)
    cost = asked / (1.0 - asked) * (instances.lead_time + 1.0)
    return replace(instances, asked=asked, shortage=cost)


DISTRIBUTION = Family(
    name="distribution",
    topology=TREE,
    draw=draw_distribution,
    waits=False,
    rounds=True,
    memory=56,
)
