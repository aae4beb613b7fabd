"""What customers want: rates that move, and what is drawn around them.

    rate of a day = mean x season x weekday x trend x promotions x what moves items together

Factors are arrays that broadcast to [T, B, N]. Draws are numpy's, from a generator that the caller
seeds: torch takes them by `torch.from_numpy`. What can be worked out without chance is written
against the array API.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.random import Generator
from numpy.typing import NDArray

from connector.errors import ConfigError
from connector.twin.network import Array

Floats = NDArray[np.float64]

WEEK = (1.1, 1.1, 1.05, 1.05, 1.1, 0.9, 0.7)  # Monday first; they average one
_YEAR = 365.0  # days
_POISSON = 1e12  # a gamma of this shape is one


def season(amplitude: Array, phase: Array, day: Array) -> Array:
    """Return the factor of a day of the year: one on average, highest a quarter after `phase`."""
    xp = array_namespace(amplitude)
    return 1.0 + amplitude * xp.sin(2.0 * math.pi * (day - phase) / _YEAR)


def trend(days: int, per_year: float) -> Floats:
    """Return factors [T, 1, 1] of steady growth, `per_year` = 0.1 for a tenth more each year."""
    if per_year <= -1.0:
        raise ConfigError(
            f"trend is {per_year}", hint="more than -1: demand is never below nothing"
        )
    grown: Floats = (1.0 + per_year) ** (np.arange(days, dtype=np.float64) / _YEAR)
    return grown[:, None, None]


def promotions(
    size: tuple[int, int, int], *, odds: float, days: int, lift: float, chance: Generator
) -> Floats:
    """Return factors [T, B, N]: `lift` on days of a promotion, which begins with `odds` a day."""
    begins = chance.random(size) < odds
    runs = begins.copy()
    for later in range(1, days):
        runs[later:] |= begins[:-later]
    return np.where(runs, lift, 1.0)


def together(
    days: int, groups: NDArray[np.int64], *, spread: float, lasts: float, chance: Generator
) -> Floats:
    """Return factors [T, B, 1] that move the items of a group [B] alike.

    They are lognormal with mean one and deviation about `spread`; what moved them is half gone
    after about 0.7 `lasts` days.
    """
    kept = math.exp(-1.0 / lasts)
    noise = chance.standard_normal((days, int(groups.max(initial=0)) + 1))
    mood = np.empty_like(noise)
    mood[0] = noise[0]
    for day in range(1, days):
        mood[day] = kept * mood[day - 1] + math.sqrt(1.0 - kept**2) * noise[day]
    factors: Floats = np.exp(spread * mood - spread**2 / 2.0)
    return factors[:, groups, None]


def drawn(busy: Floats, *, occurs: Array, shape: Array, chance: Generator) -> NDArray[np.int64]:
    """Return units that customers want; `busy` is the mean of a period that has any customers.

    A period has customers with the odds `occurs`; then it is Poisson around a gamma rate of this
    `shape`: inf = Poisson, otherwise negative binomial, 1 = geometric. Odds below one make it
    intermittent, with a small shape lumpy.
    """
    wide = np.broadcast_to(np.minimum(shape, _POISSON), busy.shape)
    noise = chance.gamma(wide, 1.0 / wide)
    happens = chance.random(busy.shape) < occurs
    return np.where(happens, chance.poisson(busy * noise), 0)


def replayed(
    history: NDArray[Any], days: int, *, block: int = 7, chance: Generator | None = None
) -> NDArray[Any]:
    """Return demand [T, B, N] made of a history [H, B, N], in blocks that stand where they stood.

    With `chance`, whole blocks follow in random order, the same for every item: weekdays
    and what moves items together stay as they were. Without, the history repeats itself.
    ConfigError for a history that is shorter than a block, or holds what is no demand.
    """
    blocks = len(history) // block
    if blocks < 1:
        raise ConfigError(
            f"history of demand has {len(history)} periods",
            hint=f"at least a block of {block} is needed",
        )
    if not (np.isfinite(history) & (history >= 0)).all():
        raise ConfigError(
            "history of demand holds what is negative or no number",
            hint="take corrections off the days they belong to",
        )
    wanted = -(-days // block)
    order = np.arange(wanted) % blocks if chance is None else chance.integers(0, blocks, wanted)
    rows = (order[:, None] * block + np.arange(block)).ravel()[:days]
    again: NDArray[Any] = history[rows]
    return again


@dataclass(frozen=True, kw_only=True)
class Moves:
    """What moves demand besides season and weekday; nothing does by default."""

    growth: float = 0.0  # a year
    promotion_odds: float = 0.0  # that one begins, per day and item-node
    promotion_days: int = 7
    promotion_lift: float = 2.0
    spread: float = 0.0  # of what moves all items together
    lasts: float = 14.0  # days

    def __post_init__(self) -> None:
        """Refuse what no demand does."""
        bounds = {
            "growth": (-0.9, 10.0), "promotion_odds": (0.0, 1.0), "promotion_days": (1, 365),
            "promotion_lift": (0.0, 100.0), "spread": (0.0, 3.0), "lasts": (0.1, 3_650.0),
        }  # fmt: skip
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ConfigError(f"{name} is {value}", hint=f"from {low} to {high}")

    def factors(self, size: tuple[int, int, int], chance: Generator) -> Floats:
        """Return all factors together [T, B, N]; every item is of one group."""
        days, items, _ = size
        moved = trend(days, self.growth) * np.ones(size)
        if self.promotion_odds:
            moved = moved * promotions(
                size,
                odds=self.promotion_odds,
                days=self.promotion_days,
                lift=self.promotion_lift,
                chance=chance,
            )
        if self.spread:
            alike = np.zeros(items, dtype=np.int64)
            moved = moved * together(
                days, alike, spread=self.spread, lasts=self.lasts, chance=chance
            )
        return moved
