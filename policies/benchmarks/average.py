"""The long-run average cost of a policy, simulated block by block so that memory stays small."""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Generator, Tensor

from connector.twin.dynamics import Stock, uncrossed
from connector.twin.rollout import rollout
from policies.family import Family
from policies.instances import Instances

_BLOCK = 100  # periods drawn at a time


@torch.no_grad()
def average_cost(
    family: Family,
    instances: Instances,
    orders: Callable[[Stock], Tensor],
    start: Stock,
    *,
    periods: int,
    skip: int,
    chance: Generator,
) -> Tensor:
    """Return the cost per period of each chain [B], after `skip`; both in whole hundreds."""
    stock, topology, total = start, family.topology, torch.zeros(len(instances))
    for begin in range(0, skip + periods, _BLOCK):
        leads = instances.lead_times(_BLOCK, chance, topology.horizon)
        done = rollout(
            topology,
            instances.rules(),
            stock,
            demand=instances.demand(_BLOCK, chance),
            lead_time=uncrossed(leads),
            policy=lambda stock, _: orders(stock),
            checked=True,  # drawn here
        )
        stock = done.stock
        if begin >= skip:
            total += done.cost.sum(dim=1)
    return total / periods
