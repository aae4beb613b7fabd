"""Situations never trained on, beside each one's own best capped base-stock policy.

The policy sees a held-out grid of demand, lead time and shortage cost once, as it is. Its rival is
searched for every instance: all levels and caps around the classical ones, on the same demand.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product

import torch

from policies import baselines as rules
from policies.benchmarks.zipkin import costs_of
from policies.family import LOST_SALES
from policies.head import CappedBaseStock
from policies.instances import SINGLE, Instances
from policies.search import Trial

MEANS, SHAPES = (2.5, 4.0, 6.5, 11.0), (math.inf, 20.0, 4.0, 1.0)
LEAD_TIMES, SHORTAGES = (2, 5, 7), (7.0, 28.0)
_SKIP = 100  # periods lived through before any counts
_LEVELS, _CAPS = 13, 9  # candidates on each side of the search
_FINALISTS = 6


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One held-out instance."""

    mean: float
    shape: float
    lead_time: int
    shortage: float
    policy: float  # cost per period
    capped: float  # of the best capped base-stock policy
    level: int
    cap: int

    @property
    def dearer(self) -> float:
        """Return how much dearer the policy is, as a share; below 0 it is cheaper."""
        return self.policy / self.capped - 1.0


def grid() -> Instances:
    """Return the held-out instances."""
    points = torch.tensor(list(product(MEANS, SHAPES, LEAD_TIMES, SHORTAGES)))[..., None]
    mean, shape, lead, shortage = points.unbind(dim=1)
    one = torch.ones_like(mean)
    return Instances(
        mean=mean, shape=shape, busy=one, lead_time=lead, lead_cv=0.0 * one, holding=one,
        shortage=shortage, lost_share=one, lot=one,
    )  # fmt: skip


def compare(
    network: CappedBaseStock, *, chains: int = 1_000, periods: int = 1_000, seed: int = 31_337
) -> list[Comparison]:
    """Return the policy's cost on every instance beside the best capped base-stock policy's."""
    some = grid()
    ours = costs_of(network, some, chains=chains, periods=periods, skip=_SKIP, seed=seed).mean(
        dim=1
    )
    rows = []
    for at in range(len(some)):
        one = some.take(torch.tensor([at]))
        level, cap, cost = best_capped(one, chains=chains, periods=periods, seed=seed)
        rows.append(
            Comparison(
                mean=float(one.mean), shape=float(one.shape), lead_time=int(one.lead_time),
                shortage=float(one.shortage), policy=float(ours[at]), capped=cost,
                level=level, cap=cap,
            )
        )  # fmt: skip
    return rows


def best_capped(one: Instances, *, chains: int, periods: int, seed: int) -> tuple[int, int, float]:
    """Return level, cap and cost of the best capped base-stock policy of one instance.

    Searched coarsely, then closely around the best, then the finalists at full length.
    """
    mean, sd, lead = float(one.mean), float(torch.sqrt(one.variance)), float(one.lead_time)
    middle = (lead + 1.0) * mean + sd * math.sqrt(lead + 1.0)
    wide = max(1.0, 4.0 * sd * math.sqrt(lead + 1.0) / _LEVELS)
    levels = _around(middle, wide, _LEVELS)
    caps = _around(mean + 1.5 * sd, max(1.0, 3.5 * sd / _CAPS), _CAPS)
    found = _ranked(one, list(product(levels, caps)), chains=200, periods=300, seed=seed)
    level, cap = found[0][0]
    closer = product(_around(level, max(1.0, wide / 4.0), 9), _around(cap, max(1.0, sd / 8.0), 7))
    found = _ranked(one, list(closer), chains=300, periods=500, seed=seed)
    last = [pair for pair, _ in found[:_FINALISTS]]
    (level, cap), cost = _ranked(one, last, chains=chains, periods=periods, seed=seed)[0]
    return level, cap, cost


def _around(middle: float, step: float, count: int) -> list[int]:
    values = (round(middle + step * (k - count // 2)) for k in range(count))
    return sorted({value for value in values if value > 0})


@torch.no_grad()
def _ranked(
    one: Instances, pairs: list[tuple[int, int]], *, chains: int, periods: int, seed: int
) -> list[tuple[tuple[int, int], float]]:
    """Return the candidates with their costs, cheapest first; all meet the same demand."""
    chance = torch.Generator().manual_seed(seed)
    many = one.take(torch.zeros(chains, dtype=torch.int64))
    trial = Trial(
        topology=SINGLE,
        rules=one.rules(),
        stock=LOST_SALES.begin(many, chance).each(lambda units: units.round()[None]),
        demand=many.demand(_SKIP + periods, chance)[:, None],
        lead_time=int(one.lead_time),
        skip=_SKIP,
    )
    level, cap = torch.tensor(pairs, dtype=torch.float32).T[..., None, None, None]
    rival = rules.CappedBaseStock(topology=SINGLE, level=level, cap=cap)
    costs = trial.costs(rival, len(pairs)).mean[:, 0]
    order = torch.argsort(costs).tolist()
    return [(pairs[k], float(costs[k])) for k in order]
