"""What a planner is told of goods under way: the day they were promised for, not the day they come.

An ERP shows an order's delivery date as planned when it was placed, also for what still waits for
its supplier's stock. Carriers are early or late, and a policy that were told the true day while it
learns would miss it on the job.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from connector.inventory.state import ARRIVAL_EDGES, BUCKETS

_WAITS = 8  # periods in which waiting orders are told apart: by then they are past due


@dataclass(frozen=True, kw_only=True)
class Promises:
    """Goods under way by age [B, N, A]: entry a was sent a + 1 periods before the next look."""

    sent: Tensor  # units
    takes: Tensor  # periods that each really takes
    waits: Tensor  # units [B, N, _WAITS], by the age of the order; the last holds all older ones

    @classmethod
    def none(cls, like: Tensor, horizon: int) -> Promises:
        """Return nothing under way, for columns like [B, N]."""
        nothing = like.new_zeros((*like.shape, horizon))
        return cls(sent=nothing, takes=nothing, waits=like.new_zeros((*like.shape, _WAITS)))

    def after(self, shipped: Tensor, takes: Tensor, ordered: Tensor) -> Promises:
        """Return what is under way one period later, with what was ordered and left today."""
        return Promises(
            sent=torch.cat([shipped[..., None], self.sent[..., :-1]], dim=-1),
            takes=torch.cat([takes[..., None], self.takes[..., :-1]], dim=-1),
            # No gradient: from day to day it would grow without bound, and it is only information
            waits=self._waiting(shipped.detach(), ordered.detach()),
        )

    def _waiting(self, shipped: Tensor, ordered: Tensor) -> Tensor:
        """Return what waits; the oldest order is served first."""
        older = self.waits[..., -2:].sum(dim=-1, keepdim=True)
        asked = torch.cat([ordered[..., None], self.waits[..., :-2], older], dim=-1)
        from_here = asked.flip(-1).cumsum(-1).flip(-1)  # this order and all older ones
        left = torch.clamp(from_here - shipped[..., None], min=0.0)
        return torch.minimum(asked, left)

    def moved_on(self, count: int, new: Promises) -> Promises:
        """Return these without the first `count` instances, and the new ones behind them."""
        return Promises(
            sent=torch.cat([self.sent[count:], new.sent]),
            takes=torch.cat([self.takes[count:], new.takes]),
            waits=torch.cat([self.waits[count:], new.waits]),
        )

    def detach(self) -> Promises:
        """Return the same, without its past."""
        return Promises(sent=self.sent.detach(), takes=self.takes, waits=self.waits)

    def told(self, days: Tensor) -> Tensor:
        """Return what is due in each of production's buckets [B, N, K], by `promised_days`."""
        ages = torch.arange(1, self.sent.shape[-1] + 1, device=self.sent.device)
        here = torch.where(self.takes > ages, self.sent, 0.0)
        wait = torch.einsum("bna,bnak->bnk", self.waits, days[..., :_WAITS, :])
        return torch.einsum("bna,bnak->bnk", here, days) + wait


def promised_days(planned: Tensor, horizon: int) -> Tensor:
    """Return in which bucket goods of each age are said to arrive, as flags [B, N, A, K].

    `planned` [B, N] are lead times in periods. What is past due is expected first.
    """
    ages = torch.arange(1, horizon + 1, device=planned.device)
    ahead = torch.round(planned)[..., None] - ages
    edges = planned.new_tensor(ARRIVAL_EDGES)
    bucket = torch.searchsorted(edges, ahead.contiguous())
    return torch.nn.functional.one_hot(bucket, len(BUCKETS)).to(planned.dtype)
