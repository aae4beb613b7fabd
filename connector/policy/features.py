"""The state encoder: the only one. Training, golden vectors, drift checks and reviews all call it.

Every quantity is told in units of the line's own mean demand per review, so that one policy serves
a fastener and a forklift; quantities that span decades are passed through ln(1 + x). A line above
the last echelon is told in echelon demand, because that is what its level must cover.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from connector.policy.echelon import downstream_cover

if TYPE_CHECKING:
    from connector.inventory.state import State

Column = NDArray[np.float64]

# Stands where a feature is not defined (no demand, no review period): finite, and out of any range.
UNDEFINED = 1e9
_YEAR = 365.25


@dataclass(frozen=True)
class Lines:
    """The columns that several features share, each worked out once."""

    state: State

    @cached_property
    def above(self) -> NDArray[np.bool_]:
        """Lines that supply other nodes: they plan on echelon demand."""
        return self["level"] > 0

    @cached_property
    def daily(self) -> Column:
        """Mean demand per day that the line's level must cover, base units."""
        return np.where(self.above, self["echelon_demand_mean"], self["demand_mean"])

    @cached_property
    def daily_sd(self) -> Column:
        """Standard deviation of that demand per day, base units."""
        return np.where(self.above, self["echelon_demand_sd"], self["demand_sd"])

    @cached_property
    def review(self) -> Column:
        """Days until the next review; nan where it is not positive."""
        return np.where(self["review_days"] > 0, self["review_days"], np.nan)

    @cached_property
    def rate(self) -> Column:
        """Mean demand per review, base units: the unit of everything; nan where not positive."""
        rate = self.daily * self.review
        return np.where((rate > 0) & np.isfinite(rate), rate, np.nan)

    def __getitem__(self, name: str) -> Column:
        """Return a column of the state as it is."""
        return self.state.column(name)

    def reviews(self, days: Column) -> Column:
        """Return days as a number of reviews."""
        return days / self.review

    def decades(self, name: str) -> Column:
        """Return a column in reviews of demand, as sign(x) ln(1 + |x|)."""
        relative = self[name] / self.rate
        return np.sign(relative) * np.log1p(np.abs(relative))

    def ceiling(self, name: str) -> Column:
        """Return an upper limit as 1 / (1 + limit in reviews of demand): 0 = no limit."""
        return 1.0 / (1.0 + np.maximum(self[name], 0.0) / self.rate)

    def turn(self, angle: Column, by: Callable[[Column], Column]) -> Column:
        """Return a point of the calendar's circle."""
        return by(2.0 * np.pi * angle)


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


def _share(part: Column, whole: Column) -> Column:
    return np.where(whole > 0, part / np.where(whole > 0, whole, 1.0), np.nan)


def _lead_time_cv(lines: Lines) -> Column:
    mean = lines["lead_time_mean"]
    return np.where(mean > 0, lines["lead_time_sd"] / np.where(mean > 0, mean, 1.0), 0.0)


def _inside(lines: Lines) -> Column:
    return (lines.state.label("supplying_node") != "").astype(np.float64)


_DEMAND = (
    Feature(
        name="demand_rate", group="size of demand", unit="log10 of base units per review",
        low=-4.0, high=9.0, formula="log10(mean demand per day x review days)",
        compute=lambda s: np.log10(s.rate),
    ),
    Feature(
        name="demand_cv", group="variability", unit="1", low=0.0, high=15.0,
        formula="standard deviation / mean of one day's demand",
        compute=lambda s: _share(s.daily_sd, s.daily),
    ),
    Feature(
        name="demand_zero_share", group="variability", unit="1", low=0.0, high=0.995,
        formula="share of days without demand; 0 above the last echelon, where it is not observed",
        compute=lambda s: np.where(s.above, 0.0, s["demand_zero_share"]),
    ),
    Feature(
        name="demand_history", group="confidence", unit="ln(1 + days)", low=0.0, high=10.0,
        formula="ln(1 + days of demand history)",
        compute=lambda s: np.log1p(np.maximum(s["demand_days"], 0.0)),
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
        compute=lambda s: np.log1p(np.maximum(s["lead_time_observations"], 0.0)),
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
        formula="1 where another node of the site supplies it", compute=_inside,
    ),
    Feature(
        name="own_share", group="place in the network", unit="1", low=0.0, high=1.0,
        formula="the node's own demand / the demand its level must cover",
        compute=lambda s: np.minimum(_share(s["demand_mean"], s.daily), 1.0),
    ),
    Feature(
        name="downstream_cover", group="place in the network", unit="reviews", low=0.0, high=120.0,
        formula="lead time + review of the nodes it supplies, weighted by their demand, own demand "
        "at 0, their own cover included / review days",
        compute=lambda s: s.reviews(downstream_cover(s.state)),
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
        _decades(f"arriving_{edge}", "stock and pipeline", f"open quantity arriving within {edge}")
        for edge in ("1", "3", "7", "14", "28", "later")
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
    _circle("weekday_sin", "sin(2π weekday / 7)", lambda s: s.turn(s["weekday"] / 7.0, np.sin)),
    _circle("weekday_cos", "cos(2π weekday / 7)", lambda s: s.turn(s["weekday"] / 7.0, np.cos)),
    _circle("year_sin", "sin(2π day / 365.25)", lambda s: s.turn(s["day_of_year"] / _YEAR, np.sin)),
    _circle("year_cos", "cos(2π day / 365.25)", lambda s: s.turn(s["day_of_year"] / _YEAR, np.cos)),
)
FEATURES: tuple[Feature, ...] = (*_DEMAND, *_TIME, *_NETWORK, *_LOTS, *_STOCK, *_CALENDAR)
NAMES: tuple[str, ...] = tuple(feature.name for feature in FEATURES)
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(feature.group for feature in FEATURES))
# A value may miss its range by float32 rounding and still be inside.
_SLACK = np.float32(1e-6)
_LOW = np.array([feature.low for feature in FEATURES], dtype=np.float32) - _SLACK
_HIGH = np.array([feature.high for feature in FEATURES], dtype=np.float32) + _SLACK


def encode(state: State) -> NDArray[np.float32]:
    """Return the features [N, F] of every line, always finite.

    Give the whole site: a node's cover downstream is read from the rows of the nodes it supplies.
    What is not defined (a line without demand, a nan in the state) is UNDEFINED, out of range.
    """
    lines = Lines(state)
    features = np.empty((len(state), len(FEATURES)), dtype=np.float32)
    with np.errstate(all="ignore"):  # what divides by zero here becomes UNDEFINED below
        for k, feature in enumerate(FEATURES):
            features[:, k] = np.clip(feature.compute(lines), -UNDEFINED, UNDEFINED)
    features[np.isnan(features)] = UNDEFINED
    return features


def demand_per_review(state: State) -> Column:
    """Return each line's unit of account, base units per review; nan where it has no demand."""
    with np.errstate(all="ignore"):
        return Lines(state).rate


def in_range(features: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Return which lines [N] lie where the schema says a policy was made for."""
    return ((features >= _LOW) & (features <= _HIGH)).all(axis=1)


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
