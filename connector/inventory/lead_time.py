"""Lead times as distributions: from order to receipt, calendar days, never a single number.

One order line is one observation: its deliveries' lead times weighted by quantity, so that a first
part of ten pieces does not make a late truck look early. Only orders on the node's own lane count
(its configured supplier), placed in the past and received inside the window.

Observations are scarce, so they are told as a ratio to the planned lead time and borrowed from the
neighbours: the planned time with its usual spread is the prior of the node, the node that of the
lane (supplying node, item), the lane that of the item-node. At each step the prior weighs as much
as `lead_time_prior_weight` receipts: thin item-nodes lean on their lane, rich ones on themselves.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import NormalDist

import numpy as np
import polars as pl

from connector.inventory.planning import Planning
from connector.inventory.quantity import LARGEST, MILLION, Column, Rows
from connector.inventory.snapshot import History
from connector.inventory.universe import Universe

_Z90 = NormalDist().inv_cdf(0.9)


@dataclass(frozen=True, kw_only=True)
class LeadTime:
    """Calendar days from order to goods on the shelf [N]; `observations` of the item-node itself."""

    mean: Column
    sd: Column
    p50: Column
    p90: Column
    observations: Column


@dataclass(frozen=True, kw_only=True)
class _Spread:
    """A lead time's distribution as ratios to the planned one."""

    mean: Column
    variance: Column
    p50: Column
    p90: Column

    def of(self, groups: Rows) -> _Spread:
        """Return each group's distribution at each of its members."""
        return _Spread(
            mean=self.mean[groups],
            variance=self.variance[groups],
            p50=self.p50[groups],
            p90=self.p90[groups],
        )


def lead_times(
    universe: Universe,
    history: History,
    *,
    planned_days: Column,
    supplying_node: pl.Series,
    erp_date: date,
    planning: Planning,
) -> LeadTime:
    """Estimate each item-node's lead time from its planned days and what was received."""
    planned = np.clip(planned_days, 1.0, planning.lead_time_days_maximum)
    lanes = universe.keys.with_columns(supplying_node=supplying_node)
    seen = _observations(lanes, history, erp_date, planning)
    rows = universe.locate(seen)
    ratio = seen["days"].to_numpy() / planned[rows]
    node, lane = _codes(lanes, "node"), _codes(lanes, "supplying_node", "item")
    weight = planning.lead_time_prior_weight
    cv = planning.lead_time_prior_cv
    one = np.ones(len(universe))
    spread = _Spread(mean=one, variance=one * cv**2, p50=one, p90=one + _Z90 * cv)
    for groups in (node, lane, np.arange(len(universe))):
        spread = _learned(spread, groups, groups[rows], ratio, weight)
    limit = planning.lead_time_days_maximum
    return LeadTime(
        mean=np.minimum(spread.mean * planned, limit),
        sd=np.sqrt(spread.variance) * planned,
        p50=np.minimum(spread.p50 * planned, limit),
        p90=np.minimum(spread.p90 * planned, limit),
        observations=np.bincount(rows, minlength=len(universe)).astype(np.float64),
    )


def _observations(
    lanes: pl.DataFrame, history: History, erp_date: date, planning: Planning
) -> pl.DataFrame:
    """Return one row per order line received: node, item, days."""
    oldest = erp_date - timedelta(days=planning.lead_time_window_days)
    line = ("order", "line", "node", "item")
    days = (pl.col("posted_on") - pl.col("ordered_on")).dt.total_days()
    # Whole numbers, so that the sums below are exact in any order.
    millionths = (pl.col("quantity") * MILLION).round().cast(pl.Int64)
    kept = pl.col("millionths").clip(lower_bound=0)  # a delivery taken back has no lead time
    delivered = (
        history.receipts.lazy()
        .filter(pl.col("posted_on").is_between(oldest, erp_date))
        .filter(pl.col("quantity").abs() <= LARGEST)
        .group_by(*line, "posted_on")
        .agg(millionths=millionths.sum())
        .join(history.orders.lazy(), on="order")
        .join(lanes.lazy(), on=["node", "item", "supplying_node"])
        .with_columns(days=days.clip(upper_bound=int(planning.lead_time_days_maximum)))
        .filter(pl.col("days") >= 0)
    )
    lines = delivered.group_by(line).agg(
        days=(pl.col("days") * kept).sum() / kept.sum(), left=pl.col("millionths").sum()
    )
    return lines.filter(pl.col("left") > 0).sort(line).collect()


def _codes(frame: pl.DataFrame, *names: str) -> Rows:
    """Return a number per row, equal where the named columns are equal."""
    return frame.select(pl.struct(names).rank("dense"))[names[0]].cast(pl.Int64).to_numpy() - 1


def _learned(
    prior: _Spread, groups: Rows, seen: Rows, ratio: Column, weight: float
) -> _Spread:
    """Return the prior of each member after its group's observations; `seen` names their groups."""
    size = int(groups.max(initial=-1)) + 1
    order = np.lexsort((ratio, seen))
    sorted_ratio = ratio[order]
    count = np.bincount(seen, minlength=size)
    first = np.cumsum(count) - count
    n = np.maximum(count, 1)
    mean = np.bincount(seen[order], sorted_ratio, minlength=size) / n
    off = (sorted_ratio - mean[seen[order]]) ** 2
    empirical = _Spread(
        mean=mean,
        variance=np.bincount(seen[order], off, minlength=size) / n,
        p50=_quantile(sorted_ratio, first, count, 0.5),
        p90=_quantile(sorted_ratio, first, count, 0.9),
    ).of(groups)
    share = (count / (count + weight))[groups]
    return _blend(prior, empirical, share)


def _blend(prior: _Spread, seen: _Spread, share: Column) -> _Spread:
    """Mix two distributions; the variance is that of the mixture."""
    rest = 1.0 - share
    apart = share * rest * (seen.mean - prior.mean) ** 2
    return replace(
        prior,
        mean=rest * prior.mean + share * seen.mean,
        variance=rest * prior.variance + share * seen.variance + apart,
        p50=rest * prior.p50 + share * seen.p50,
        p90=rest * prior.p90 + share * seen.p90,
    )


def _quantile(values: Column, first: Rows, count: Rows, probability: float) -> Column:
    """Return a quantile per group of sorted values, interpolated; 0 for an empty group."""
    if not len(values):
        return np.zeros(len(count))
    place = np.maximum(count - 1, 0) * probability
    low = np.minimum(first + place.astype(np.int64), len(values) - 1)
    high = np.minimum(low + 1, np.maximum(first + count - 1, 0))
    high = np.maximum(high, low)
    between = place - np.floor(place)
    quantile = values[low] + between * (values[np.minimum(high, len(values) - 1)] - values[low])
    return np.where(count > 0, quantile, 0.0)
