"""Demand per day and item-node, from what customers took.

- A day is a calendar day before the review's own, which is not over yet. Days without a movement
  are days without demand: they count. Whole weeks weigh every weekday alike.
- The window begins where the history does. It begins later, at the first receipt, for an item that
  had nothing to sell before: its empty days say nothing about demand. Stock at the start is worked
  out backwards: on hand + taken - received.
- A day on which there was nothing to sell says nothing about demand either, and does not count:
  else an item that ran out would be planned ever lower. Up to half of the days are left out, so
  that a lucky day between two long gaps does not count for all. Where the past stock worked out is
  negative at any time, movements are missing, and all days count.
- A posting taken back on a later day cancels the largest day first: what is corrected is what was
  wrong. The rest lowers all days alike.
- One outlier must not plan the next month: the largest day counts at most `outlier_sd` standard
  deviations above the mean of the other days, and never less than the second largest. Items with
  fewer than four days of demand are left alone: there, each day is the pattern.
- With fewer days than `demand_days_minimum`, the rate behind the planner's own reorder point
  ((reorder point - safety stock) / lead time) fills the days that are missing.
- Goods moved between nodes are not demand; the central node sees them as echelon demand instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl

from connector.inventory.history import passing
from connector.inventory.planning import Planning
from connector.inventory.quantity import MILLION, Column, Rows, millionths
from connector.inventory.snapshot import History
from connector.inventory.universe import Universe, below

# Fewer days of demand than this have no outlier.
_PATTERN_DAYS = 4
# Spread of a rate that was never observed, beside its Poisson noise.
_UNSEEN_CV = 0.5
# The most that days without stock may be of those on sale.
_LEFT_OUT = 0.5
# Base units that a past stock worked out may be off.
_DUST = 1e-5
# Item-nodes whose days are laid out side by side at one time: bounds memory, not results.
_BLOCK = 8_192
# Scatter below this share of the squares is the floats' own, not the demand's.
_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True)
class Demand:
    """Demand per day, base units [N]; `days` of history stand behind it."""

    mean: Column
    sd: Column
    zero_share: Column
    days: Column


@dataclass(frozen=True, kw_only=True)
class _Moved:
    """Movements since the window began: item-node ascending, day, quantity in millionths.

    `days` is the length of the window: today, which is not over yet, is one day more.
    """

    days: int
    rows: Rows
    day: Rows
    quantity: Column

    def sums(self, count: int) -> Column:
        """Return base units per item-node [count]."""
        units: Column = np.bincount(self.rows, self.quantity, minlength=count) / MILLION
        return units


def observed_demand(
    universe: Universe,
    history: History,
    *,
    on_hand: Column,
    level: Column,
    erp_date: date,
    planning: Planning,
) -> Demand:
    """Estimate demand per day from the history; without history, all is 0."""
    window = timedelta(days=planning.demand_window_days)
    start = min(max(history.since or erp_date, erp_date - window), erp_date)
    taken = _moved(universe, history.consumption, start, erp_date)
    received = _moved(universe, history.receipts, start, erp_date)
    first = _first_day_on_sale(received, taken, on_hand)
    # What a central node sends on is not in its consumption: its past stock cannot be worked out.
    first = np.where(level > 0, 0.0, first)
    days = taken.days - first
    estimated = np.zeros((len(universe), 3))
    for low in range(0, len(universe), _BLOCK):
        here = slice(low, min(low + _BLOCK, len(universe)))
        daily = _laid_out(taken, here.start, here.stop)
        flow = _laid_out(received, here.start, here.stop)
        missed = _days_sold_out(daily, flow, on_hand[here], first[here])
        days[here] -= np.where(level[here] > 0, 0.0, missed)
        estimated[here] = _moments(daily[:, :-1], days[here], planning.outlier_sd)
    mean, sd, zero_share = np.ascontiguousarray(estimated.T)
    return Demand(mean=mean, sd=sd, zero_share=zero_share, days=days)


def completed(demand: Demand, items: pl.DataFrame, level: Column, planning: Planning) -> Demand:
    """Fill the missing days of a short history with the rate behind the planner's reorder point.

    `items` holds ITEMS in the universe's order. Nodes that supply others are left as they are:
    their reorder point speaks of transfers, not of demand.
    """
    lead_time = np.maximum(items["lead_time_days"].to_numpy(), 1.0)
    above_safety = items["reorder_point"].to_numpy() - items["safety_stock"].to_numpy()
    rate = np.where(level == 0, np.maximum(above_safety, 0.0) / lead_time, 0.0)
    missing = np.maximum(planning.demand_days_minimum - demand.days, 0.0)
    weight = np.where(rate > 0, missing / np.maximum(demand.days + missing, 1.0), 0.0)
    mean = (1 - weight) * demand.mean + weight * rate
    unseen = rate + (_UNSEEN_CV * rate) ** 2
    spread = weight * (1 - weight) * (demand.mean - rate) ** 2
    variance = (1 - weight) * demand.sd**2 + weight * unseen + spread
    zero_share = (1 - weight) * demand.zero_share + weight * np.exp(-rate)
    return Demand(mean=mean, sd=np.sqrt(variance), zero_share=zero_share, days=demand.days)


def echelon_demand(demand: Demand, upstream: tuple[Rows, ...]) -> tuple[Column, Column]:
    """Return mean and sd per day of own and all downstream demand: means and variances add."""
    mean = demand.mean + below(demand.mean, upstream)
    variance = demand.sd**2
    return mean, np.sqrt(variance + below(variance, upstream))


def _moved(universe: Universe, movements: pl.DataFrame, start: date, today: date) -> _Moved:
    posted = passing(movements, pl.col("posted_on").is_between(start, today))
    rows = universe.locate(posted)
    order = np.argsort(rows, kind="stable")
    known = order[np.searchsorted(rows, 0, sorter=order) :]  # what is no item-node of ours is -1
    quantity = millionths(posted["quantity"].to_numpy()).astype(np.float64)
    return _Moved(
        days=(today - start).days,
        rows=rows[known],
        day=(posted["posted_on"] - start).dt.total_days().to_numpy()[known],
        quantity=quantity[known],
    )


def _laid_out(moved: _Moved, low: int, high: int) -> Column:
    """Return units per item-node and day, today last, for the rows from low to high: exact sums."""
    here = slice(*np.searchsorted(moved.rows, (low, high)))
    width = moved.days + 1
    cell = (moved.rows[here] - low) * width + moved.day[here]
    sums = np.bincount(cell, moved.quantity[here], minlength=(high - low) * width)
    laid: Column = (sums / MILLION).reshape(high - low, width)
    return laid


def _first_day_on_sale(received: _Moved, taken: _Moved, on_hand: Column) -> Column:
    """Return the day of the window on which each item-node could first be sold."""
    real = received.quantity > 0
    arrived, sold = np.full((2, len(on_hand)), taken.days, dtype=np.int64)
    np.minimum.at(arrived, received.rows[real], received.day[real])
    np.minimum.at(sold, taken.rows, taken.day)
    stock_before = on_hand + taken.sums(len(on_hand)) - received.sums(len(on_hand))
    is_new = (arrived < taken.days) & (arrived <= sold) & (stock_before <= 0)
    return np.where(is_new, arrived, 0).astype(np.float64)


def _days_sold_out(daily: Column, received: Column, on_hand: Column, first: Column) -> Column:
    """Return how many days [B] of the window had nothing to sell; today is the last column."""
    gone = daily - received
    opening = on_hand[:, None] + gone[:, ::-1].cumsum(axis=1)[:, ::-1]
    empty = (np.abs(opening + received) <= _DUST) & (daily <= 0)
    empty &= np.arange(daily.shape[1]) >= first[:, None]
    known = (opening >= -_DUST).all(axis=1)
    missed = np.where(known, empty[:, :-1].sum(axis=1), 0)
    most = np.floor(_LEFT_OUT * (daily.shape[1] - 1 - first))
    left_out: Column = np.minimum(missed, most)
    return left_out


def _moments(daily: Column, days: Column, outlier_sd: float) -> Column:
    """Return mean, sd and zero share [B, 3] of daily demand [B, W]; `days` [B] of the W count.

    `daily` is used up.
    """
    _cancel_corrections(daily)
    demand_days = (daily > 0).sum(axis=1)
    largest = _take_largest(daily)
    second = daily.max(axis=1, initial=0.0)
    count = np.maximum(days, 1.0)
    others = np.maximum(count - 1.0, 1.0)
    rest, rest_squares = daily.sum(axis=1), np.einsum("ij,ij->i", daily, daily)
    rest_variance = rest_squares / others - (rest / others) ** 2
    limit = rest / others + outlier_sd * np.sqrt(np.maximum(rest_variance, 0.0))
    capped = np.minimum(largest, np.maximum(second, limit))
    top = np.where(demand_days >= _PATTERN_DAYS, capped, largest)
    mean = (rest + top) / count
    squares = rest_squares + top**2
    scatter = squares - count * mean**2
    scatter[scatter < _ROUNDING * squares] = 0.0
    zero_share = np.where(days > 0, np.maximum(days - demand_days, 0.0) / count, 1.0)
    return np.column_stack((mean, np.sqrt(scatter / others), zero_share))


def _take_largest(daily: Column) -> Column:
    """Return the largest day of each row, and leave 0 in its place."""
    if not daily.shape[1]:
        return np.zeros(len(daily))
    where = np.arange(len(daily)), daily.argmax(axis=1)
    largest: Column = daily[where]
    daily[where] = 0.0
    return largest


def _cancel_corrections(daily: Column) -> None:
    """Take negative days off the largest day of their row, and what is left off all days alike."""
    rows = np.flatnonzero((daily < 0).any(axis=1))
    if not len(rows):
        return
    wrong = daily[rows]
    taken_back = -np.minimum(wrong, 0.0).sum(axis=1)
    np.maximum(wrong, 0.0, out=wrong)
    where = np.arange(len(rows)), wrong.argmax(axis=1)
    cancelled = np.minimum(wrong[where], taken_back)
    wrong[where] -= cancelled
    left, gross = taken_back - cancelled, wrong.sum(axis=1)
    kept = np.maximum(gross - left, 0.0) / np.where(gross > 0, gross, 1.0)
    daily[rows] = wrong * kept[:, None]
