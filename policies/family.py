"""Families of instances: one topology, and the range of situations its policy is made for."""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from connector.twin.dynamics import Stock
from connector.twin.network import Topology
from policies.instances import SINGLE, Instances, draw_single, echelon_sum

Draw = Callable[[int, Generator], Instances]


@dataclass(frozen=True, kw_only=True)
class Family:
    """What a policy is trained for."""

    name: str
    topology: Topology
    draw: Draw
    waits: bool  # customers may wait at some node
    rounds: bool = False  # orders are whole lots while training, too
    memory: int | None = None  # periods of demand that estimates rest on; None = known

    def begin(self, instances: Instances, chance: Generator) -> Stock:
        """Return a first state: up to two periods on hand, up to one in each period under way."""
        horizon, like = self.topology.horizon, instances.mean
        usual = echelon_sum(self.topology, like)
        share = torch.rand((horizon + 1, *like.shape), generator=chance)
        pipeline = tuple(
            usual * share[ahead] * (instances.lead_time > ahead) for ahead in range(horizon)
        )
        return Stock(
            on_hand=usual * 2.0 * share[horizon],
            pipeline=pipeline,
            waiting=torch.zeros_like(like) if self.waits else None,
            owed=None if self.topology.is_single_echelon else torch.zeros_like(like),
        )

    def scale(self, instances: Instances) -> Tensor:
        """Return about what an instance costs per period [B], so that all weigh alike."""
        ratio = torch.log1p(instances.shortage / instances.holding)
        cost = instances.holding * torch.sqrt(instances.variance) * ratio
        return (cost * (instances.lead_time + 1.0) ** 0.25).sum(dim=1)


LOST_SALES = Family(name="lost-sales", topology=SINGLE, draw=draw_single, waits=False)
FAMILIES = {LOST_SALES.name: LOST_SALES}


def poisson_or_geometric(
    mean: float, *, is_poisson: bool, lead_time: int, shortage: float
) -> Instances:
    """Return one of Zipkin's lost-sales instances (2008, Operations Research 56(5))."""

    def one(value: float) -> Tensor:
        return torch.full((1, 1), value)

    return Instances(
        mean=one(mean),
        shape=one(math.inf if is_poisson else 1.0),
        busy=one(1.0),
        lead_time=one(float(lead_time)),
        lead_cv=one(0.0),
        holding=one(1.0),
        shortage=one(shortage),
        lost_share=one(1.0),
        lot=one(1.0),
    )
