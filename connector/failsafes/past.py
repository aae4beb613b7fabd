"""Earlier orders of the lines that ask for one now; the others need no comparison."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connector.failsafes.columns import Column, Lines, Mask
from connector.failsafes.recall import Recall

LAST_ORDERS = 12


@dataclass(frozen=True, kw_only=True)
class Orders:
    """The last orders of each line [N]: how many, the largest and the median of them."""

    count: Column
    largest: Column
    median: Column


@dataclass(frozen=True, kw_only=True)
class Past:
    """One entry per earlier order: its line, quantity, age in days, and whether it was posted."""

    lines: Lines
    row: NDArray[np.int64]
    quantity: Column
    age: Column
    posted: Mask
    any_order: bool  # of any line, asking or not

    def within(self, days: Column) -> Column:
        """Return what each line posted in the last so many days, today's earlier orders too."""
        recent = self.posted & (self.age < days[self.row])
        return self._sum(recent)

    def _sum(self, which: Mask) -> Column:
        size = len(self.lines)
        sums = np.bincount(self.row[which], self.quantity[which], minlength=size)
        return sums.astype(np.float64)

    @cached_property
    def orders(self) -> Orders:
        """The last orders of each line, posted or not."""
        size = len(self.lines)
        row, quantity = self._newest(np.bincount(self.row, minlength=size))
        by_size = np.lexsort((quantity, row))
        return _summary(row[by_size], quantity[by_size], size)

    @cached_property
    def waited(self) -> Column:
        """Return for how many days longer than usual each line has not been ordered."""
        size = len(self.lines)
        count = np.bincount(self.row, minlength=size)
        newest, oldest = np.full(size, np.inf), np.full(size, -np.inf)
        np.minimum.at(newest, self.row, self.age)
        np.maximum.at(oldest, self.row, self.age)
        several = count > 1
        usual = np.divide(oldest - newest, count - 1, out=np.zeros(size), where=several)
        return np.where(several, np.maximum(newest - usual, 0.0), 0.0)

    def _newest(self, count: NDArray[np.int64]) -> tuple[NDArray[np.int64], Column]:
        """Return the entries among the newest of their line; only long histories need sorting."""
        long = count[self.row] > LAST_ORDERS
        row, quantity = self.row[long], self.quantity[long]
        newest = np.lexsort((quantity, self.age[long], row))
        row, quantity = row[newest], quantity[newest]
        last = np.arange(len(row)) - np.searchsorted(row, row) < LAST_ORDERS
        return (
            np.concatenate((self.row[~long], row[last])),
            np.concatenate((self.quantity[~long], quantity[last])),
        )


def past_of(recall: Recall, asking: Mask) -> Past:
    """Find the earlier orders of the asking lines."""
    lines, ordered = recall.lines, recall.memory.ordered
    rows = lines.universe.locate(ordered)
    quantity = ordered["quantity"].to_numpy()
    counts = (rows >= 0) & (quantity > 0)
    counts[counts] = asking[rows[counts]]
    day = ordered["ordered_on"].filter(pl.Series(counts, dtype=pl.Boolean))
    # An order without a day counts as today's.
    age = (pl.Series([recall.today]) - day).dt.total_days().cast(pl.Float64).fill_null(0.0)
    since = recall.memory.posted_since
    posted = (
        np.ones(len(day), dtype=bool) if since is None else (day >= since).fill_null(value=True)
    )
    return Past(
        lines=lines,
        row=rows[counts],
        quantity=quantity[counts],
        age=age.to_numpy(),
        posted=np.asarray(posted),
        any_order=not ordered.is_empty(),
    )


def _summary(row: NDArray[np.int64], quantity: Column, size: int) -> Orders:
    """Summarise quantities that ascend within ascending rows."""
    count = np.bincount(row, minlength=size)
    first = np.cumsum(count) - count
    has = count > 0
    largest, median = np.zeros(size), np.zeros(size)
    start, length = first[has], count[has]
    largest[has] = quantity[start + length - 1]
    median[has] = (quantity[start + (length - 1) // 2] + quantity[start + length // 2]) / 2
    return Orders(count=count.astype(np.float64), largest=largest, median=median)
