"""Contexts to train in: lines drawn at random, wide enough that a real site lies inside.

They are made as a State and pass the connector's own encoder, like a site's state would.
A day's demand is zero with probability `zero_share`, else gamma distributed: the one family that
meets mean, variability and share of empty days exactly, from steady to lumpy.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from connector.inventory.state import BUCKETS, STATE, State
from connector.policy.features import encode
from policies.lead_times import lead_time_facts, lead_time_pmf

Array = NDArray[np.float64]

_REVIEWS = np.array([1, 2, 3, 4, 5, 7, 10, 14, 28], dtype=np.float64)
_REVIEW_ODDS = np.array([0.30, 0.08, 0.08, 0.06, 0.06, 0.24, 0.04, 0.10, 0.04])
_DAY = date(2026, 1, 1)  # the calendar columns are drawn, not derived from it
# Shares of the lines that are of a kind.
_ABOVE_SHARE, _LUMPY_SHARE = 0.30, 0.55
_INSIDE_SHARE, _LOT_SHARE, _PENDING_SHARE = 0.4, 0.4, 0.1
_FIXED_SHARE, _LATE_SHARE, _ESTIMATED_SHARE = 0.25, 0.25, 0.4
_DEMAND_CV_MAX = 14.0


@dataclass(frozen=True, kw_only=True)
class Contexts:
    """Lines [N] as the policy sees them, and the true distributions behind."""

    features: NDArray[np.float32]
    zero_share: Array  # of a day, of the demand that the level covers
    shape: Array  # of the gamma distributed size of a demand day
    lead_time: Array  # [N, days] probabilities
    review_days: Array  # whole days
    critical_ratio: Array

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.features)

    def take(self, rows: NDArray[np.int64]) -> Contexts:
        """Return some of the lines."""
        return Contexts(**{each.name: getattr(self, each.name)[rows] for each in fields(self)})


@dataclass(frozen=True, kw_only=True)
class Lines:
    """What decides a line's level, before it is dressed as a State. All [N]."""

    above: NDArray[np.bool_]  # supplies others: echelon demand, no zero share to see
    zero_share: Array
    shape: Array
    lead_time: Array  # [N, days]
    downstream_days: Array  # lead time + review below, 0 where nobody is supplied: shown, not used
    review_days: Array
    critical_ratio: Array
    estimated: NDArray[np.bool_]  # its quantiles are told as a normal distribution's

    def demand_cv(self) -> Array:
        """Return sd / mean of a day's demand."""
        return np.sqrt((1.0 + 1.0 / self.shape) / (1.0 - self.zero_share) - 1.0)


def draw_contexts(rng: Generator, count: int) -> Contexts:
    """Return about `count` contexts; the same generator state gives the same contexts."""
    return dress(rng, draw_lines(rng, count))


def draw_lines(rng: Generator, count: int) -> Lines:
    """Return lines across all that a policy is made for."""
    above = rng.random(count) < _ABOVE_SHARE
    lumpy = ~above & (rng.random(count) < _LUMPY_SHARE)
    zero_share = np.where(lumpy, rng.uniform(0.02, 0.985, count), 0.0)
    size_cv = np.exp(rng.uniform(np.log(0.03), np.log(2.5), count))
    size_cv = np.where(above, np.minimum(size_cv, 1.5), size_cv)
    widest = np.sqrt(np.maximum((1 + _DEMAND_CV_MAX**2) * (1 - zero_share) - 1, 1e-3))
    return Lines(
        above=above,
        zero_share=zero_share,
        shape=np.minimum(size_cv, widest) ** -2.0,
        lead_time=_draw_lead_times(rng, count),
        downstream_days=np.where(above, np.rint(np.exp(rng.uniform(0.6, 4.0, count))), 0.0),
        review_days=rng.choice(_REVIEWS, count, p=_REVIEW_ODDS),
        critical_ratio=1.0 - np.exp(rng.uniform(np.log(0.0004), np.log(0.5), count)),
        estimated=rng.random(count) < _ESTIMATED_SHARE,
    )


def _draw_lead_times(rng: Generator, count: int) -> Array:
    mean = np.exp(rng.uniform(np.log(0.4), np.log(95.0), count))
    cv = np.where(rng.random(count) < _FIXED_SHARE, 0.0, rng.uniform(0.03, 0.8, count))
    late = np.where(rng.random(count) < _LATE_SHARE, rng.uniform(0.02, 0.25, count), 0.0)
    cv = np.where(late > 0, np.minimum(cv, 0.3), cv)
    return lead_time_pmf(mean, cv, late, rng.uniform(1.5, 3.0, count))


def dress(rng: Generator, lines: Lines) -> Contexts:
    """Return the lines as the encoder shows them, stock and size of demand drawn at random."""
    count = len(lines.above)
    state = State("training", _DAY, _frame(rng, lines))
    return Contexts(
        features=encode(state)[:count],
        zero_share=lines.zero_share,
        shape=lines.shape,
        lead_time=lines.lead_time,
        review_days=lines.review_days,
        critical_ratio=lines.critical_ratio,
    )


def _frame(rng: Generator, lines: Lines) -> pl.DataFrame:
    """Return STATE: first the lines, then one supplied node for each line that supplies."""
    count = len(lines.above)
    daily = 10.0 ** rng.uniform(-2.0, 4.0, count)
    columns = _line_columns(rng, lines, daily)
    own = {name: values[lines.above] for name, values in columns.items()}
    below = own | {
        "node": np.full(lines.above.sum(), "below", dtype=object),
        "supplying_node": own["node"],
        "level": np.zeros(lines.above.sum()),
        "demand_mean": own["echelon_demand_mean"],
        "lead_time_mean": lines.downstream_days[lines.above] * 0.5,
        "review_days": lines.downstream_days[lines.above] * 0.5,
    }
    both = {name: np.concatenate([columns[name], below[name]]) for name in columns}
    return pl.DataFrame({name: both[name] for name in STATE}, schema=STATE)


def _line_columns(rng: Generator, lines: Lines, daily: Array) -> dict[str, NDArray[np.generic]]:
    count = len(daily)
    text = {
        "node": np.full(count, "here", dtype=object),
        "item": np.array([f"{k}" for k in range(count)], dtype=object),
        "supplying_node": np.where(rng.random(count) < _INSIDE_SHARE, "central", "").astype(object),
        **{
            name: np.full(count, "", dtype=object) for name in ("unit", "purchasing_group", "fault")
        },
    }
    sd = daily * lines.demand_cv()
    known = {
        "level": np.where(lines.above, 1.0, 0.0),
        "demand_mean": np.where(lines.above, 0.0, daily),
        "demand_sd": np.where(lines.above, 0.0, sd),
        "demand_zero_share": np.where(lines.above, 1.0, lines.zero_share),
        "demand_days": np.rint(rng.uniform(14, 365, count)),
        "echelon_demand_mean": daily,
        "echelon_demand_sd": sd,
        "lead_time_observations": np.rint(np.exp(rng.uniform(0.0, 4.0, count))) - 1.0,
        "review_days": lines.review_days,
        "critical_ratio": lines.critical_ratio,
        "weekday": rng.integers(0, 7, count).astype(np.float64),
        "day_of_year": rng.integers(1, 366, count).astype(np.float64),
        **_told_lead_times(lines),
    }
    rate = daily * lines.review_days
    known |= _lots(rng, rate) | _stock(
        rng, rate * (2.0 + known["lead_time_mean"] / lines.review_days)
    )
    rest = {name: np.zeros(count) for name in STATE if name not in known and name not in text}
    return known | text | rest | {"blocked": np.zeros(count, dtype=bool)}


def _told_lead_times(lines: Lines) -> dict[str, Array]:
    facts = lead_time_facts(lines.lead_time)
    mean, sd = facts["lead_time_mean"], facts["lead_time_sd"]
    told = {"lead_time_p50": mean, "lead_time_p90": mean + 1.2816 * sd}
    for name, values in told.items():
        facts[name] = np.where(lines.estimated, values, facts[name])
    return facts | {"lead_time_days": np.rint(mean)}


def _lots(rng: Generator, rate: Array) -> dict[str, Array]:
    some = rng.random((3, len(rate))) < _LOT_SHARE
    size = rate * np.exp(rng.uniform(-3.0, 2.0, (3, len(rate))))
    return {
        "lot_minimum": np.where(some[0], size[0], 0.0),
        "lot_multiple": np.where(some[1], size[1], 0.0),
        "lot_fixed": np.where(some[2] & some[0], size[2], 0.0),
        "lot_maximum": np.where(some[2], size[0] * 20.0, np.inf),
        "maximum_stock": np.where(some[1] & some[2], rate * 60.0, np.inf),
    }


def _stock(rng: Generator, usual: Array) -> dict[str, Array]:
    on_hand = usual * (rng.gamma(2.0, 0.25, len(usual)) - 0.03)
    arriving = rng.gamma(0.5, 0.15, (len(BUCKETS), len(usual))) * usual
    pending = np.where(rng.random(len(usual)) < _PENDING_SHARE, usual * 0.1, 0.0)
    total = np.maximum(on_hand, 0.0) + arriving.sum(axis=0) + pending
    return {
        "on_hand": on_hand,
        **dict(zip(BUCKETS, arriving, strict=True)),
        "pipeline": arriving.sum(axis=0),
        "own_pending": pending,
        "inventory_position": total,
        "echelon_position": total,
    }
