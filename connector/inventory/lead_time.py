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

from dataclasses import dataclass
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
    """Calendar days from order to shelf [N]; `observations` are the item-node's own."""

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
    rows, days = _observations(universe, supplying_node, history, erp_date, planning)
    ratio = days / planned[rows]
    order = np.argsort(ratio, kind="stable")
    rows, ratio = rows[order], ratio[order]
    weight, cv = planning.lead_time_prior_weight, planning.lead_time_prior_cv
    one = np.ones(len(universe))
    spread = _Spread(mean=one, variance=one * cv**2, p50=one, p90=one + _Z90 * cv)
    node, lane = _codes(lanes, "node"), _codes(lanes, "supplying_node", "item")
    for groups in (node, lane, np.arange(len(universe))):
        spread = _learned(spread, groups, rows, ratio, weight)
    limit = planning.lead_time_days_maximum
    return LeadTime(
        mean=np.minimum(spread.mean * planned, limit),
        sd=np.sqrt(spread.variance) * planned,
        p50=np.minimum(spread.p50 * planned, limit),
        p90=np.minimum(spread.p90 * planned, limit),
        observations=np.bincount(rows, minlength=len(universe)).astype(np.float64),
    )


def _observations(
    universe: Universe,
    supplying_node: pl.Series,
    history: History,
    erp_date: date,
    planning: Planning,
) -> tuple[Rows, Column]:
    """Return item-node and days of every order line received in the window."""
    oldest = erp_date - timedelta(days=planning.lead_time_window_days)
    recent = history.receipts.filter(pl.col("posted_on").is_between(oldest, erp_date))
    days = (pl.col("posted_on") - pl.col("ordered_on")).dt.total_days()
    # Whole numbers, so that the sums below are exact in any order.
    millionths = (pl.col("quantity") * MILLION).round().cast(pl.Int64)
    kept = pl.col("millionths").clip(lower_bound=0)  # a delivery taken back has no lead time
    lane = supplying_node.to_frame("lane").with_row_index("row")
    lines = (
        recent.lazy()
        .with_columns(pl.Series("row", universe.locate(recent)))
        .filter((pl.col("row") >= 0) & (pl.col("quantity").abs() <= LARGEST))
        .join(history.orders.lazy(), on="order")
        .join(lane.lazy().cast({"row": pl.Int64}), on="row")
        .filter((pl.col("supplying_node") == pl.col("lane")) & (days >= 0))
        .with_columns(
            millionths=millionths, days=days.clip(upper_bound=int(planning.lead_time_days_maximum))
        )
        .group_by("order", "line", "row")
        .agg(days=(pl.col("days") * kept).sum() / kept.sum(), left=pl.col("millionths").sum())
        .filter(pl.col("left") > 0)
        .collect()
    )
    return lines["row"].to_numpy(), lines["days"].to_numpy()


def _codes(frame: pl.DataFrame, *names: str) -> Rows:
    """Return a number per row, equal where the named columns are equal."""
    return frame.select(pl.struct(names).rank("dense"))[names[0]].cast(pl.Int64).to_numpy() - 1


def _learned(prior: _Spread, groups: Rows, rows: Rows, ratio: Column, weight: float) -> _Spread:
    """Return the prior of each member after its group's observations, which come sorted."""
    size = int(groups.max(initial=-1)) + 1
    seen = groups[rows]
    order = np.argsort(seen, kind="stable")
    seen, ratio = seen[order], ratio[order]
    count = np.bincount(seen, minlength=size)
    first = np.cumsum(count) - count
    n = np.maximum(count, 1)
    mean = np.bincount(seen, ratio, minlength=size) / n
    apart = (ratio - mean[seen]) ** 2
    empirical = _Spread(
        mean=mean,
        variance=np.bincount(seen, apart, minlength=size) / n,
        p50=_quantile(ratio, first, count, 0.5),
        p90=_quantile(ratio, first, count, 0.9),
    )
    return _blend(prior, empirical.of(groups), (count / (count + weight))[groups])


def _blend(prior: _Spread, seen: _Spread, share: Column) -> _Spread:
    """Mix two distributions; the variance is that of the mixture."""
    rest = 1.0 - share
    apart = share * rest * (seen.mean - prior.mean) ** 2
    return _Spread(
        mean=rest * prior.mean + share * seen.mean,
        variance=rest * prior.variance + share * seen.variance + apart,
        p50=rest * prior.p50 + share * seen.p50,
        p90=rest * prior.p90 + share * seen.p90,
    )


def _quantile(values: Column, first: Rows, count: Rows, probability: float) -> Column:
    """Return a quantile per group of sorted values, interpolated; 0 for an empty group."""
    quantile = np.zeros(len(count))
    some = count > 0
    place = (count[some] - 1) * probability
    low = place.astype(np.int64)
    high = np.minimum(low + 1, count[some] - 1)
    start = first[some]
    step = values[start + high] - values[start + low]
    quantile[some] = values[start + low] + (place - low) * step
    return quantile
