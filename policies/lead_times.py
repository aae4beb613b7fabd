"""Lead times of the training contexts: whole days, fixed, spread out, or now and then very late."""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

Array = NDArray[np.float64]

SUPPORT_DAYS = 181  # a lead time is 0 .. 180 days
_FIXED = 1e-5  # days: a spread below is rounding


def lead_time_pmf(mean: Array, cv: Array, late: Array, late_factor: Array) -> Array:
    """Return P(lead time = k days) [N, SUPPORT_DAYS], its mean near `mean`.

    A share `late` takes `late_factor` times as long; the rest is a rounded gamma with `cv`,
    or fixed where that is 0.
    """
    prompt = mean / (1.0 + late * (late_factor - 1.0))
    pmf = (1.0 - late)[:, None] * _whole_days(prompt, cv)
    pmf += late[:, None] * _whole_days(prompt * late_factor, cv)
    return pmf / pmf.sum(axis=1, keepdims=True)


def lead_time_facts(pmf: Array) -> dict[str, Array]:
    """Return mean, sd, median and p90 of lead times [N, days], as a state tells them."""
    days = np.arange(pmf.shape[1], dtype=np.float64)
    mean = pmf @ days
    sd = np.sqrt(np.maximum(pmf @ days**2 - mean**2, 0.0))
    cdf = np.cumsum(pmf, axis=1)
    return {
        "lead_time_mean": mean,
        "lead_time_sd": np.where(sd < _FIXED, 0.0, sd),
        "lead_time_p50": np.argmax(cdf >= 0.5 - 1e-9, axis=1).astype(np.float64),
        "lead_time_p90": np.argmax(cdf >= 0.9 - 1e-9, axis=1).astype(np.float64),
    }


def _whole_days(mean: Array, cv: Array) -> Array:
    shape = torch.from_numpy(np.maximum(cv, 0.02) ** -2.0)[:, None]
    edges = (torch.arange(SUPPORT_DAYS + 1, dtype=torch.float64) - 0.5).clamp(min=0.0)
    rate = shape / torch.from_numpy(np.maximum(mean, 1e-3))[:, None]
    cdf = torch.special.gammainc(shape.expand(-1, len(edges)), edges[None, :] * rate)
    pmf: Array = (cdf[:, 1:] - cdf[:, :-1]).numpy()
    fixed = np.flatnonzero(cv <= 0.0)
    pmf[fixed] = 0.0
    pmf[fixed, np.clip(np.rint(mean[fixed]), 0, SUPPORT_DAYS - 1).astype(int)] = 1.0
    return pmf
