"""Levels that are no policy's own: what planners know of a node, and where excess begins."""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import torch
from torch import Tensor

from connector.twin.network import Topology
from policies.baselines import Known
from policies.instances import Instances, echelon_sum, shown

EXCESS_TIMES, EXCESS_Z = 1.5, 2.0537  # the product's excess: beyond 1.5 levels of 98 %


def known(topology: Topology, told: Instances) -> Known:
    """Return what leaves each node, for its own customers and for all below."""
    return Known(
        mean=echelon_sum(topology, told.mean),
        sd=torch.sqrt(echelon_sum(topology, told.variance)),
        lead_time=told.lead_time,
        lead_time_sd=told.lead_time * told.lead_cv,
    )


def excess_level(topology: Topology, truth: Instances) -> Tensor:
    """Return the stock [B, N] beyond which it is excess, in units.

    Lead times count as they really are: where nothing overtakes, longer than they are drawn.
    """
    mean, deviation = known(topology, shown(truth)).over_cover()
    return EXCESS_TIMES * (mean + EXCESS_Z * deviation)
