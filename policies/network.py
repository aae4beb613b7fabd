"""The context-conditioned network: base-stock times a learned, bounded, positive correction.

The classical level stands inside the graph, so the network learns only where it is wrong (skewed
and lumpy demand, late lead times), and can never leave a fixed band around it. Selection,
normalisation and everything derived from the features are part of the graph: it takes them raw.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from connector.policy.features import NAMES

READS = (
    "demand_cv",
    "demand_zero_share",
    "lead_time_mean",
    "lead_time_p50",
    "lead_time_p90",
    "lead_time_cv",
    "review_days",
    "critical_ratio",
)
# The level stays between these multiples of the classical one. Where demand is so rare that the
# best stock is none, the lowest multiple is as near to none as the network comes.
LOWEST, HIGHEST = 1.0 / 30.0, 2.5
SPREAD_LEAST = 0.05  # ln(level) is never claimed to be known better than this
_DERIVED = 16
# Abramowitz and Stegun 26.2.23: the normal quantile to 4.5e-4, by plain arithmetic.
_UPPER = (2.515517, 0.802853, 0.010328)
_LOWER = (1.432788, 0.189269, 0.001308)


class OrderUpTo(nn.Module):
    """features [N, F] -> action, mean, log_std [N]; levels in units of mean demand per review."""

    def __init__(self, width: int = 64) -> None:
        """Start at the classical level: the last layer is zero."""
        super().__init__()
        self.reads: Tensor
        self.centre: Tensor
        self.spread: Tensor
        self.register_buffer("reads", torch.tensor([NAMES.index(name) for name in READS]))
        self.register_buffer("centre", torch.zeros(_DERIVED))
        self.register_buffer("spread", torch.ones(_DERIVED))
        self.body = nn.Sequential(
            nn.Linear(_DERIVED, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.correction = nn.Linear(width, 1)
        self.uncertainty = nn.Linear(width, 1)
        nn.init.zeros_(self.correction.weight)
        nn.init.zeros_(self.correction.bias)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the level, the mean and the log standard deviation of ln(level)."""
        classical, _, derived = self.derive(features)
        hidden = self.body((derived - self.centre) / self.spread)
        mean = torch.log(classical) + _banded(self.correction(hidden).squeeze(1))
        more = nn.functional.softplus(self.uncertainty(hidden).squeeze(1))
        return torch.exp(mean), mean, math.log(SPREAD_LEAST) + more

    def derive(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the classical level and the cover's sd [N], and the correction's inputs."""
        # In double precision: lumpy demand takes differences of near equals, and another processor
        # must come to the same level.
        read = torch.index_select(features, 1, self.reads).double()
        cv, empty, lead, p50, p90, lead_cv, review, ratio = (read[:, k] for k in range(len(READS)))
        # No demand has more empty days than its variability allows; an estimate may say so.
        empty = torch.minimum(empty, cv**2 / (1.0 + cv**2))
        cover = lead + 1.0  # reviews
        days = cover * review
        z = normal_exceeded(1.0 - ratio)
        relative_demand = cv / torch.sqrt(days)
        relative_lead = lead_cv * lead / cover
        relative = torch.sqrt(relative_demand**2 + relative_lead**2 + 1e-8)
        classical = cover * (1.0 + z * relative)
        busy = 1.0 - empty
        size_cv = torch.sqrt(torch.clamp(cv**2 * busy - empty, min=3e-3))
        none = torch.exp(days * torch.log(empty + 1e-9))
        derived = (
            *_where_any_demand(none, 1.0 - ratio, relative, classical / cover),
            z,
            torch.log(1.0 - ratio),
            torch.log(relative + 0.02),
            torch.log(relative_demand + 0.02),
            torch.log(relative_lead + 0.02),
            torch.log(days * busy + 0.02),
            torch.log(size_cv + 0.02),
            torch.sqrt(empty),
            torch.log((p50 + 0.1) / (lead + 0.1)),
            torch.log((p90 + 0.1) / (lead + 0.1)),
            torch.log(days),
            lead / cover,
        )
        return classical.float(), (cover * relative).float(), torch.stack(derived, dim=1).float()

    @torch.no_grad()
    def normalise(self, features: Tensor) -> None:
        """Take centre and spread of the derived inputs from these features, into the graph."""
        _, _, derived = self.derive(features)
        self.centre.copy_(derived.mean(dim=0))
        self.spread.copy_(derived.std(dim=0).clamp(min=1e-3))


def normal_exceeded(tail: Tensor) -> Tensor:
    """Return what a standard normal variable exceeds with probability `tail`, in (0, 1)."""
    lesser = torch.clamp(torch.minimum(tail, 1.0 - tail), min=1e-6)
    t = torch.sqrt(-2.0 * torch.log(lesser))
    upper = _UPPER[0] + t * (_UPPER[1] + t * _UPPER[2])
    lower = 1.0 + t * (_LOWER[0] + t * (_LOWER[1] + t * _LOWER[2]))
    return torch.sign(0.5 - tail) * (t - upper / lower)


def _where_any_demand(
    none: Tensor, tail: Tensor, relative: Tensor, classical: Tensor
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Describe demand given that there is any, which has the chance 1 - `none`.

    The level that a gamma distribution would need (Wilson and Hilferty's quantile) over the
    classical one, the chance, the tail left to miss, and the squared variability; all as ln.
    """
    some = torch.clamp(1.0 - none, min=1e-6)
    missed = torch.clamp(tail / some, max=0.98)
    skew = torch.clamp(relative**2 * some - none, min=1e-3)
    root = 1.0 - skew / 9.0 + normal_exceeded(missed) * torch.sqrt(skew) / 3.0
    gamma = torch.clamp(root, min=0.2) ** 3 / some
    ratio = torch.log(gamma / classical)
    return ratio, torch.log(some), torch.log(missed), torch.log(skew + 0.02)


def _banded(correction: Tensor) -> Tensor:
    """Bend a correction of ln(level) into its band: the same near 0, flat at both ends."""
    width, share = math.log(HIGHEST / LOWEST), -math.log(LOWEST) / math.log(HIGHEST / LOWEST)
    start, slope = math.log(share / (1.0 - share)), width * share * (1.0 - share)
    return width * (torch.sigmoid(correction / slope + start) - share)
