"""Lost sales on instances whose optimum is known (Zipkin 2008), and longer lead times beside it.

Optimal costs: value iteration to the last digit shown, in agreement with the published table;
longer lead times have no known optimum and stand beside the best published learned policies (DCL
with 20,000 samples, one network per instance; GC-LSN, one network for all; both from the logs of
Temizöz et al.'s DynaPlex fork).
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor

from policies.agents.hindsight import ordering
from policies.benchmarks.average import average_cost
from policies.family import LOST_SALES, poisson_or_geometric
from policies.head import CappedBaseStock
from policies.instances import SINGLE, Instances

SHORTAGES = (4.0, 9.0, 19.0, 39.0)
OPTIMAL = {
    ("poisson", 1): (4.0408, 5.4383, 6.6758, 7.8360),
    ("poisson", 2): (4.3954, 6.0936, 7.6645, 9.1064),
    ("poisson", 3): (4.5987, 6.5314, 8.3626, 10.0384),
    ("poisson", 4): (4.7286, 6.8360, 8.8873, 10.7945),
    ("geometric", 1): (9.8176, 14.5083, 19.2180, 23.8658),
    ("geometric", 2): (10.2403, 15.5030, 20.8907, 26.2139),
    ("geometric", 3): (10.4668, 16.1368, 22.0646, 27.9640),
    ("geometric", 4): (10.6071, 16.5779, 22.9536, 29.3563),
}
# The lower of DCL (20,000 samples) and GC-LSN
PUBLISHED = {
    ("poisson", 6): (4.8721, 7.2289, 9.6478, 11.9477),
    ("poisson", 8): (4.9490, 7.4801, 10.1683, 12.8027),
    ("poisson", 10): (4.9919, 7.6464, 10.5487, 13.4691),
    ("geometric", 6): (10.7531, 17.1331, 24.2003, 31.4583),
    ("geometric", 8): (10.8328, 17.4777, 25.0732, 33.0249),
    ("geometric", 10): (10.8700, 17.7050, 25.7117, 34.2633),
}


# (demand, lead time) -> reference cost by shortage cost
Table: TypeAlias = Mapping[tuple[str, int], tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One instance: what the policy costs per period, give or take, beside the reference."""

    demand: str
    lead_time: int
    shortage: float
    reference: float
    cost: float
    standard_error: float

    @property
    def gap(self) -> float:
        """Return how much dearer than the reference, as a share."""
        return self.cost / self.reference - 1.0


def instances(table: Table) -> Instances:
    """Return the instances of a table as one batch, in its order."""
    made = [
        poisson_or_geometric(5.0, is_poisson=kind == "poisson", lead_time=lead, shortage=shortage)
        for kind, lead in table
        for shortage in SHORTAGES
    ]
    first, *rest = made
    for each in rest:
        first = first.joined(each)
    return first


def evaluate(
    network: CappedBaseStock,
    table: Table,
    *,
    chains: int = 2_000,
    periods: int = 1_000,
    skip: int = 100,
    seed: int = 20_261,
) -> list[Row]:
    """Return the policy's average cost per period, orders rounded to whole units."""
    costs = costs_of(
        network, instances(table), chains=chains, periods=periods, skip=skip, seed=seed
    )
    return list(_rows(table, costs))


def costs_of(
    network: CappedBaseStock, some: Instances, *, chains: int, periods: int, skip: int, seed: int
) -> Tensor:
    """Return the average cost per period of each instance's chains [instances, chains]."""
    chance = torch.Generator().manual_seed(seed)
    many = some.take(torch.arange(len(some)).repeat_interleave(chains))
    orders = ordering(network, SINGLE, many)
    start = LOST_SALES.begin(many, chance).each(torch.round)
    each = average_cost(
        LOST_SALES, many, lambda stock: orders(stock).round(), start,
        periods=periods, skip=skip, chance=chance,
    )  # fmt: skip
    return each.view(len(some), chains)


def _rows(table: Table, costs: Tensor) -> Iterator[Row]:
    spread = costs.std(dim=1) / math.sqrt(costs.shape[1])
    at = 0
    for (kind, lead), references in table.items():
        for shortage, reference in zip(SHORTAGES, references, strict=True):
            yield Row(
                demand=kind,
                lead_time=lead,
                shortage=shortage,
                reference=reference,
                cost=float(costs[at].mean()),
                standard_error=float(spread[at]),
            )
            at += 1
