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
from policies.admission import admit_instances
from policies.instances import SINGLE, Instances, draw_single, echelon_sum

Draw = Callable[[int, Generator], Instances]
_SEEDS = 2**62


@dataclass(frozen=True, kw_only=True)
class Family:
    """What a policy is trained for."""

    name: str
    topology: Topology
    draw: Draw
    waits: bool  # customers may wait at some node
    rounds: bool = False  # orders are whole lots while training, too
    # Periods of demand that estimates rest on, and goods are told by their promised days; None =
    # demand and arrivals are known as they are
    memory: int | None = None

    def drawn(self, count: int, chance: Generator) -> Instances:
        """Return instances where `chance` is; a family's own `draw` runs on the processor.

        ConfigError for what no network has: a demand that is not finite, arrays of another library.
        """
        own = chance
        if chance.device.type != "cpu":
            seed = torch.randint(_SEEDS, (1,), generator=chance, device=chance.device)
            own = Generator().manual_seed(int(seed))
        with torch.device("cpu"):
            drawn = self.draw(count, own)
        admit_instances(f"family {self.name}", drawn)
        return drawn.to(chance.device)

    def begin(self, instances: Instances, chance: Generator) -> Stock:
        """Return a first state: up to two periods on hand, up to one in each period under way.

        Where goods under way are told by promises nothing is: nobody promised it.
        """
        horizon, like = self.topology.horizon, instances.mean
        usual = echelon_sum(self.topology, like)
        size = (horizon + 1, *like.shape)
        share = torch.rand(size, generator=chance, device=chance.device)
        going, covered = 1.0, torch.full_like(like, 2.0)
        if self.memory:
            going, covered = 0.0, instances.lead_time + 2.0
        pipeline = tuple(
            going * usual * share[ahead] * (instances.lead_time > ahead) for ahead in range(horizon)
        )
        return Stock(
            on_hand=usual * covered * share[horizon],
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
