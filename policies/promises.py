"""What a planner is told of goods under way: the day they were promised for, not the day they come.

An ERP shows an order's delivery date as planned when it was placed. Carriers are early or late, and
a policy that were told the true day while it learns would miss it on the job.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from connector.inventory.state import ARRIVAL_EDGES, BUCKETS


@dataclass(frozen=True, kw_only=True)
class Promises:
    """Goods under way by age [B, N, A]: entry a was sent a + 1 periods before the next look."""

    sent: Tensor  # units
    takes: Tensor  # periods that each really takes

    @classmethod
    def none(cls, like: Tensor, horizon: int) -> Promises:
        """Return nothing under way, for columns like [B, N]."""
        nothing = like.new_zeros((*like.shape, horizon))
        return cls(sent=nothing, takes=nothing)

    def after(self, shipped: Tensor, takes: Tensor) -> Promises:
        """Return what is under way one period later, with what left today."""
        return Promises(
            sent=torch.cat([shipped[..., None], self.sent[..., :-1]], dim=-1),
            takes=torch.cat([takes[..., None], self.takes[..., :-1]], dim=-1),
        )

    def moved_on(self, count: int, new: Promises) -> Promises:
        """Return these without the first `count` instances, and the new ones behind them."""
        return Promises(
            sent=torch.cat([self.sent[count:], new.sent]),
            takes=torch.cat([self.takes[count:], new.takes]),
        )

    def detach(self) -> Promises:
        """Return the same, without its past."""
        return Promises(sent=self.sent.detach(), takes=self.takes)

    def told(self, days: Tensor) -> Tensor:
        """Return what is due in each of production's buckets [B, N, K], by `promised_days`."""
        ages = torch.arange(1, self.sent.shape[-1] + 1, device=self.sent.device)
        here = torch.where(self.takes > ages, self.sent, 0.0)
        return torch.einsum("bna,bnak->bnk", here, days)


def promised_days(planned: Tensor, horizon: int) -> Tensor:
    """Return in which bucket goods of each age are said to arrive, as flags [B, N, A, K].

    `planned` [B, N] are lead times in periods. What is past due is expected first.
    """
    ages = torch.arange(1, horizon + 1, device=planned.device)
    ahead = torch.round(planned)[..., None] - ages
    edges = planned.new_tensor(ARRIVAL_EDGES)
    bucket = torch.searchsorted(edges, ahead.contiguous())
    return torch.nn.functional.one_hot(bucket, len(BUCKETS)).to(planned.dtype)
