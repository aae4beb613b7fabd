"""The state encoder: the only one. Training, golden vectors, drift checks and reviews all call it.

Every quantity is told in units of the line's own mean demand per review, so that one policy serves
a fastener and a forklift; quantities that span decades are passed through ln(1 + x). A node
that supplies others is told in echelon demand, because that is what its level must cover.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from connector.inventory.state import BUCKETS
from connector.policy.lines import UNDEFINED, Column, Demand, Lines, decades

if TYPE_CHECKING:
    from connector.inventory.state import State

_YEAR = 365.25  # days


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One input of the policy: what it means, where it may lie, how it is worked out."""

    name: str
    group: str  # explained and shuffled together: its members do not move one without another
    unit: str
    low: float
    high: float
    formula: str
    compute: Callable[[Lines], Column]


def _lead_time_cv(lines: Lines) -> Column:
    mean = lines["lead_time_mean"]
    return lines.xp.where(mean > 0, lines.share(lines["lead_time_sd"], mean), 0.0)


def _own_share(lines: Lines) -> Column:
    return lines.xp.clip(lines.share(lines["demand_mean"], lines.daily), max=1.0)


_DEMAND = (
    Feature(
        name="demand_rate", group="size of demand", unit="log10 of base units per review",
        low=-4.0, high=9.0, formula="log10(mean demand per day x review days)",
        compute=lambda s: s.xp.log10(s.rate),
    ),
    Feature(
        name="demand_cv", group="variability", unit="1", low=0.0, high=15.0,
        formula="standard deviation / mean of one day's demand",
        compute=lambda s: s.share(s.daily_sd, s.daily),
    ),
    Feature(
        name="demand_zero_share", group="variability", unit="1", low=0.0, high=0.995,
        formula="share of days without demand; 0 for a node that supplies others: not observed",
        compute=lambda s: s.xp.where(s.above, 0.0, s["demand_zero_share"]),
    ),
    Feature(
        name="demand_history", group="confidence", unit="ln(1 + days)", low=0.0, high=10.0,
        formula="ln(1 + days of demand history)",
        compute=lambda s: s.history("demand_days"),
    ),
)  # fmt: skip
_TIME = (
    Feature(
        name="lead_time_mean", group="lead time", unit="reviews", low=0.0, high=120.0,
        formula="mean lead time / review days", compute=lambda s: s.reviews(s["lead_time_mean"]),
    ),
    Feature(
        name="lead_time_p50", group="lead time", unit="reviews", low=0.0, high=180.0,
        formula="median lead time / review days", compute=lambda s: s.reviews(s["lead_time_p50"]),
    ),
    Feature(
        name="lead_time_p90", group="lead time", unit="reviews", low=0.0, high=240.0,
        formula="lead time met in 9 of 10 / review days",
        compute=lambda s: s.reviews(s["lead_time_p90"]),
    ),
    Feature(
        name="lead_time_cv", group="lead time", unit="1", low=0.0, high=2.0,
        formula="standard deviation / mean of the lead time; 0 where the mean is 0",
        compute=_lead_time_cv,
    ),
    Feature(
        name="lead_time_history", group="confidence", unit="ln(1 + receipts)", low=0.0, high=12.0,
        formula="ln(1 + receipts behind the lead time)",
        compute=lambda s: s.history("lead_time_observations"),
    ),
    Feature(
        name="review_days", group="review period", unit="days", low=0.5, high=35.0,
        formula="days until the next review", compute=lambda s: s.review,
    ),
    Feature(
        name="critical_ratio", group="service target", unit="1", low=0.5, high=0.9995,
        formula="target probability of not running out", compute=lambda s: s["critical_ratio"],
    ),
)  # fmt: skip
_NETWORK = (
    Feature(
        name="level", group="place in the network", unit="echelons", low=0.0, high=4.0,
        formula="0 for a node that supplies nobody", compute=lambda s: s["level"],
    ),
    Feature(
        name="supplied_inside", group="place in the network", unit="0 or 1", low=0.0, high=1.0,
        formula="1 where another node of the site supplies it",
        compute=lambda s: s.xp.where(s.inside, 1.0, 0.0),
    ),
    Feature(
        name="own_share", group="place in the network", unit="1", low=0.0, high=1.0,
        formula="the node's own demand / the demand its level must cover",
        compute=_own_share,
    ),
    Feature(
        name="downstream_cover", group="place in the network", unit="reviews", low=0.0, high=120.0,
        formula="(lead time + review of the nodes it supplies, weighted by their demand, own "
        "demand at 0, their own cover included) / review days",
        compute=lambda s: s.reviews(s.cover_below),
    ),
)  # fmt: skip


def _decades(name: str, group: str, formula: str) -> Feature:
    return Feature(
        name=name,
        group=group,
        unit="sign(x) ln(1 + |x|), x in reviews of demand",
        low=-14.0,
        high=14.0,
        formula=formula,
        compute=lambda s: s.decades(name),
    )


def _ceiling(name: str, column: str, formula: str) -> Feature:
    return Feature(
        name=name,
        group="lots and limits",
        unit="1 / (1 + x), x in reviews of demand",
        low=0.0,
        high=1.0,
        formula=formula,
        compute=lambda s: s.ceiling(column),
    )


_LOTS = (
    _decades("lot_minimum", "lots and limits", "smallest lot; 0 = none"),
    _decades("lot_multiple", "lots and limits", "rounding value; 0 = none"),
    _decades("lot_fixed", "lots and limits", "fixed lot; 0 = none"),
    _ceiling("lot_ceiling", "lot_maximum", "largest lot; 0 = none"),
    _ceiling("stock_ceiling", "maximum_stock", "maximum stock; 0 = none"),
)
_STOCK = (
    _decades("on_hand", "stock and pipeline", "available stock as read, negative kept"),
    *(
        _decades(
            name,
            "stock and pipeline",
            f"open quantity arriving up to day {name.removeprefix('arriving_')}",
        )
        for name in BUCKETS
    ),
    _decades("own_pending", "stock and pipeline", "ours, not visible in the ERP yet"),
    _decades("inventory_position", "stock and pipeline", "inventory position"),
    _decades("echelon_position", "stock and pipeline", "echelon position"),
)


def _circle(name: str, formula: str, compute: Callable[[Lines], Column]) -> Feature:
    return Feature(
        name=name, group="calendar", unit="1", low=-1.0, high=1.0, formula=formula, compute=compute
    )


_CALENDAR = (
    _circle("weekday_sin", "sin(2π weekday / 7)", lambda s: s.xp.sin(s.angle("weekday", 7.0))),
    _circle("weekday_cos", "cos(2π weekday / 7)", lambda s: s.xp.cos(s.angle("weekday", 7.0))),
    _circle("year_sin", "sin(2π day / 365.25)", lambda s: s.xp.sin(s.angle("day_of_year", _YEAR))),
    _circle("year_cos", "cos(2π day / 365.25)", lambda s: s.xp.cos(s.angle("day_of_year", _YEAR))),
)
# What stays as stock moves comes first: a twin works it out once, and the stock every period.
SITUATION: tuple[Feature, ...] = (*_DEMAND, *_TIME, *_NETWORK, *_LOTS, *_CALENDAR)
STOCK: tuple[str, ...] = tuple(feature.name for feature in _STOCK)  # columns of the state
FEATURES: tuple[Feature, ...] = (*SITUATION, *_STOCK)
NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(feature.group for feature in FEATURES))
# Rounding to float32 keeps the order: what is inside its range stays inside.
_LOW = np.array([feature.low for feature in FEATURES], dtype=np.float32)
_HIGH = np.array([feature.high for feature in FEATURES], dtype=np.float32)


def encode(state: State) -> NDArray[np.float32]:
    """Return the features [N, F] of every line, always finite.

    Give the whole site: a node's cover downstream is read from the rows of the nodes it supplies.
    What is not defined (a line without demand, a nan in the state) is UNDEFINED, out of range.
    """
    parts = [part for _, part in encoded(state, max(len(state), 1))]
    return parts[0] if parts else np.empty((0, len(FEATURES)), dtype=np.float32)


def encoded(state: State, at_once: int) -> Iterator[tuple[slice, NDArray[np.float32]]]:
    """Yield the features of some lines after the other: all at once are as large as the state."""
    lines = Lines.of(state)
    for start in range(0, len(state), at_once):
        rows = slice(start, min(start + at_once, len(state)))
        yield rows, _encode(lines.part(rows), rows.stop - rows.start)


def _encode(lines: Lines, count: int) -> NDArray[np.float32]:
    features = np.empty((count, len(FEATURES)), dtype=np.float32)
    with np.errstate(all="ignore"):  # what divides by zero here becomes UNDEFINED below
        for k, feature in enumerate(FEATURES):
            features[:, k] = np.clip(feature.compute(lines), -UNDEFINED, UNDEFINED)
    features[np.isnan(features)] = UNDEFINED
    return features


def situation(lines: Lines) -> Column:
    """Return the features [N, SITUATION] that do not change as stock moves, in array-API terms."""
    return lines.xp.stack([feature.compute(lines) for feature in SITUATION], axis=-1)


def stock_features(stock: Column, rate: Column) -> Column:
    """Return the features [N, STOCK] of stock in base units [N, STOCK] at a demand rate [N]."""
    return decades(stock / rate[..., None])


def demand_per_review(state: State) -> NDArray[np.float64]:
    """Return each line's unit of account, base units per review; nan where it has no demand."""
    with np.errstate(all="ignore"):
        rate: NDArray[np.float64] = Demand(state.column).rate
        return rate


def in_range(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which lines [N] lie where the schema says a policy was made for."""
    inside: NDArray[np.bool_] = np.logical_and.reduce(
        (features >= _LOW) & (features <= _HIGH), axis=1
    )
    return inside


def schema() -> list[dict[str, object]]:
    """Return the declaration of every feature, in order, as plain data."""
    return [
        {
            "name": feature.name,
            "group": feature.group,
            "unit": feature.unit,
            "low": feature.low,
            "high": feature.high,
            "formula": feature.formula,
        }
        for feature in FEATURES
    ]


def schema_digest() -> str:
    """Return the sha256 of the declaration: a bundle made for another one is refused."""
    canonical = json.dumps(schema(), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()
