"""How a site plans: windows, service targets and the trust put in little history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from math import isfinite

import polars as pl

from connector.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class ServiceTarget:
    """Another critical ratio for some item-nodes; an empty condition fits all."""

    critical_ratio: float
    node: str = ""
    purchasing_group: str = ""
    items: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a ratio that no stock can reach, or none at all."""
        _require_ratio("service_targets.critical_ratio", self.critical_ratio)

    def fits(self) -> pl.Expr:
        """Return which rows of an ITEMS frame are meant."""
        fit = pl.lit(value=True)
        if self.node:
            fit = fit & (pl.col("node") == self.node)
        if self.purchasing_group:
            fit = fit & (pl.col("purchasing_group") == self.purchasing_group)
        return fit & pl.col("item").is_in(self.items) if self.items else fit


@dataclass(frozen=True, kw_only=True)
class Planning:
    """What people decide about planning a site. Days are calendar days."""

    review_days: float = 1.0  # until the next review; set anew for each review by its schedule
    critical_ratio: float = 0.98  # probability of not running out before the next delivery
    service_targets: tuple[ServiceTarget, ...] = ()  # exceptions; the last that fits counts
    demand_window_days: int = 56  # eight whole weeks: every weekday weighs the same
    demand_days_minimum: int = 14  # with fewer days the planner's own reorder point fills the rest
    outlier_sd: float = 6.0  # the largest day counts up to this many sd above the other days
    lead_time_window_days: int = 90  # receipts older than this say nothing
    lead_time_prior_weight: float = 5.0  # receipts that the planned lead time weighs as much as
    lead_time_prior_cv: float = 0.25  # sd / mean of a lead time that was never observed
    lead_time_days_maximum: float = 365.0  # no lead time is believed to be longer
    keep_safety_stock: bool = True  # the ERP's is the least buffer; false = the policy sets its own

    def __post_init__(self) -> None:
        """Refuse values that no review can plan with."""
        _require_ratio("critical_ratio", self.critical_ratio)
        _require("review_days", self.review_days, 1 / 24, 366.0)
        _require("demand_window_days", self.demand_window_days, 7, 730)
        _require("demand_days_minimum", self.demand_days_minimum, 0, self.demand_window_days)
        _require("outlier_sd", self.outlier_sd, 1.0, 100.0)
        _require("lead_time_window_days", self.lead_time_window_days, 1, 1830)
        _require("lead_time_prior_weight", self.lead_time_prior_weight, 0.1, 1000.0)
        _require("lead_time_prior_cv", self.lead_time_prior_cv, 0.0, 2.0)
        _require("lead_time_days_maximum", self.lead_time_days_maximum, 1.0, 1830.0)

    @property
    def history_days(self) -> int:
        """Return how many days of movements must be kept."""
        return max(self.demand_window_days, self.lead_time_window_days)

    def since(self, erp_date: date) -> date:
        """Return the first day whose movements a review on `erp_date` needs."""
        return erp_date - timedelta(days=self.history_days)

    def critical_ratios(self, items: pl.DataFrame) -> pl.Series:
        """Return the critical ratio of each row of an ITEMS frame."""
        ratio = pl.lit(self.critical_ratio)
        for target in self.service_targets:
            ratio = pl.when(target.fits()).then(target.critical_ratio).otherwise(ratio)
        return items.with_columns(critical_ratio=ratio)["critical_ratio"]


def _require_ratio(name: str, value: float) -> None:
    if not 0.0 < value < 1.0:
        msg = f"planning.{name} is {value}; it lies between 0 and 1, both excluded"
        raise ConfigError(msg, hint="0.98 = in stock at 98 of 100 deliveries")


def _require(name: str, value: float, low: float, high: float) -> None:
    if not (isfinite(value) and low <= value <= high):
        msg = f"planning.{name} is {value}; it lies between {low:g} and {high:g}"
        raise ConfigError(msg, hint="correct it in the site's planning section")
