"""Whole lots while training, as a review makes them of what the network asks for.

The connector rounds what is missing up to whole lots, drops what is too little for one (C10) and
orders no less than the smallest. The network means the nearest number of lots, so it asks for less.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from connector.failsafes.line_limits import Lots

if TYPE_CHECKING:
    from policies.instances import Instances

_DISCARD = Lots().discard
_ENOUGH = _DISCARD + 0.1  # lots that are never dropped, however floats round


def steps(multiple: Tensor, fixed: Tensor, minimum: Tensor) -> tuple[Tensor, Tensor]:
    """Return what orders are multiples of, and the least that is ordered; 0 = none.

    A fixed lot stands for both. The least need not be a whole number of lots yet.
    """
    has_fixed = fixed > 0.0
    return (
        torch.where(has_fixed, fixed, multiple),
        torch.where(has_fixed, fixed, torch.maximum(minimum, multiple)),
    )


def asked_for(order: Tensor, lot: Tensor) -> Tensor:
    """Return what to ask for so that the nearest number of lots to `order` comes of it."""
    asked = torch.maximum(order - 0.5 * lot, _ENOUGH * lot)
    return torch.where(order >= 0.5 * lot, asked, 0.0 * order)


def whole_lots(order: Tensor, instances: Instances) -> Tensor:
    """Return what is ordered where `order` [B, N] is meant, in units."""
    lot, least = instances.steps
    if instances.minimum is None:
        return torch.floor(order / lot + 0.5) * lot
    asked = asked_for(order, lot)
    whole = torch.maximum(torch.ceil(asked / lot), torch.ceil(least / lot)) * lot
    return torch.where(asked >= _DISCARD * least, whole, torch.zeros_like(order))
