"""The exact answer: the quantile of demand over lead time + review, and what missing it costs.

The number of demand days in the cover is a mixture of binomials over the lead times; given it, the
demand is gamma distributed. So distribution, quantile and expected cost are sums of incomplete
gamma functions, without simulation. Everything in units of mean demand per review.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from torch import Tensor

from policies.contexts import Array, Contexts

_BISECTIONS = 60


@dataclass(frozen=True, kw_only=True)
class CoverDemand:
    """The distribution of demand over the cover, exactly, for a batch of contexts."""

    odds: Tensor  # [N, K] of k = 0 .. K-1 demand days in the cover
    shape: Tensor  # [N, 1] of one demand day's size
    scale: Tensor  # [N, 1]

    @classmethod
    def of(cls, contexts: Contexts) -> CoverDemand:
        """Work out the distribution of the number of demand days."""
        days = _cover_days(contexts)
        shape = torch.from_numpy(contexts.shape)[:, None]
        size = 1.0 / ((1.0 - contexts.zero_share) * contexts.review_days)
        return cls(
            odds=_demand_days(torch.from_numpy(days), torch.from_numpy(contexts.zero_share)),
            shape=shape,
            scale=torch.from_numpy(size)[:, None] / shape,
        )

    def mean(self) -> Tensor:
        """Return the mean [N]."""
        counts = torch.arange(self.odds.shape[1], dtype=torch.float64)
        return (self.odds @ counts) * (self.shape * self.scale)[:, 0]

    def sd(self) -> Tensor:
        """Return the standard deviation [N]."""
        counts = torch.arange(self.odds.shape[1], dtype=torch.float64)
        mean = self.odds @ counts
        variance = self.odds @ counts**2 - mean**2 + mean / self.shape[:, 0]
        return variance.sqrt() * (self.shape * self.scale)[:, 0]

    def cdf(self, level: Tensor) -> Tensor:
        """Return P(demand <= level) [N]."""
        return self.odds[:, 0] + (self.odds[:, 1:] * self._given(level, 0.0)).sum(dim=1)

    def quantile(self, ratio: Tensor) -> Tensor:
        """Return the smallest level with P(demand <= level) >= ratio [N]."""
        low = torch.zeros_like(ratio)
        high = self.mean() + 40.0 * self.sd() + 1.0
        for _ in range(_BISECTIONS):
            middle = (low + high) / 2
            enough = self.cdf(middle) >= ratio
            low, high = torch.where(enough, low, middle), torch.where(enough, middle, high)
        return torch.where(self.odds[:, 0] >= ratio, 0.0, high)

    def cost(self, level: Tensor, ratio: Tensor) -> Tensor:
        """Return the expected newsvendor cost [N], overage + underage prices adding up to 1."""
        counts = torch.arange(1, self.odds.shape[1], dtype=torch.float64)
        partial = (self.odds[:, 1:] * counts * self._given(level, 1.0)).sum(dim=1)
        partial = partial * (self.shape * self.scale)[:, 0]  # E[demand; demand <= level]
        over = level * self.cdf(level) - partial
        short = over + self.mean() - level
        return (1.0 - ratio) * over + ratio * short

    def _given(self, level: Tensor, more: float) -> Tensor:
        counts = torch.arange(1, self.odds.shape[1], dtype=torch.float64)
        shapes = counts[None, :] * self.shape + more
        return torch.special.gammainc(shapes, (level[:, None] / self.scale).expand_as(shapes))


def draw_cover_demand(rng: Generator, contexts: Contexts, draws: int) -> NDArray[np.float32]:
    """Return simulated demand over the cover [N, draws]."""
    count = len(contexts)
    cdf = np.cumsum(contexts.lead_time, axis=1)
    chance = rng.random((count, draws)) * cdf[:, -1:]
    lead = np.stack(
        [np.searchsorted(row, u, side="right") for row, u in zip(cdf, chance, strict=True)]
    )
    days = lead + contexts.review_days[:, None].astype(np.int64)
    demand_days = rng.binomial(days, (1.0 - contexts.zero_share)[:, None])
    sizes = rng.standard_gamma(demand_days * contexts.shape[:, None])
    scale = contexts.shape * (1.0 - contexts.zero_share) * contexts.review_days
    return (sizes / scale[:, None]).astype(np.float32)


def _cover_days(contexts: Contexts) -> Array:
    """Return P(lead time + review = k days) [N, K]."""
    review = contexts.review_days.astype(int)
    count, support = contexts.lead_time.shape
    days = np.zeros((count, support + review.max()))
    at = np.arange(support)[None, :] + review[:, None]
    days[np.arange(count)[:, None], at] = contexts.lead_time
    return days


def _demand_days(days: Tensor, zero_share: Tensor) -> Tensor:
    """Return P(k demand days) [N, K] given P(cover days) and the chance of an empty day."""
    longest = int(torch.nonzero(days.sum(dim=0) > 0).max())
    counts = torch.arange(longest + 1, dtype=torch.float64)
    busy, empty = (1.0 - zero_share).log()[:, None], zero_share.clamp(min=1e-300).log()[:, None]
    odds = torch.zeros(len(days), longest + 1, dtype=torch.float64)
    for n in range(longest + 1):
        k = counts[: n + 1]
        choose = torch.lgamma(torch.tensor(n + 1.0, dtype=torch.float64)) - (
            torch.lgamma(k + 1) + torch.lgamma(n - k + 1)
        )
        odds[:, : n + 1] += days[:, n : n + 1] * (choose + k * busy + (n - k) * empty).exp()
    return odds
