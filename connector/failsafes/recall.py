"""What earlier reviews left, laid beside this review's lines and nodes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connector.failsafes.columns import Column, Lines, Mask, beside_nodes, usable
from connector.inventory.memory import Memory
from connector.inventory.snapshot import Snapshot

LAST_ORDERS = 12
_NUMBERS = ("on_hand", "pipeline", "lot_multiple", "starved_reviews")


@dataclass(frozen=True, kw_only=True)
class Previous:
    """The previous accepted review's view of each line; `known` where it had one."""

    known: Mask
    unit_changed: Mask
    numbers: dict[str, Column]
    days: float  # since then, at least one
    per_node: Column  # lines that each node had

    def __getitem__(self, name: str) -> Column:
        """Return one of its numbers, 0 where unknown."""
        return self.numbers[name]


@dataclass(frozen=True, kw_only=True)
class Orders:
    """The last orders of each line [N]."""

    count: Column
    largest: Column
    median: Column


@dataclass(frozen=True, kw_only=True)
class Earlier:
    """Earlier orders: line, quantity, age in days, and whether the order left for the ERP."""

    row: NDArray[np.int64]
    quantity: Column
    age: Column
    posted: Mask


@dataclass(frozen=True)
class Recall:
    """Memory and history beside the lines."""

    lines: Lines
    memory: Memory
    snapshot: Snapshot

    @property
    def today(self) -> date:
        """The ERP's calendar day."""
        return self.lines.state.erp_date

    @property
    def is_first(self) -> bool:
        """Whether there is no earlier accepted review at all."""
        return self.memory.previous_on is None

    @cached_property
    def previous(self) -> Previous:
        """What the previous accepted review saw."""
        frame = self.memory.previous.clear() if self.is_first else self.memory.previous
        rows = self.lines.universe.locate(frame)
        inside = rows >= 0
        rows, size = rows[inside], len(self.lines)
        seen = frame.filter(pl.Series(inside, dtype=pl.Boolean))
        known = np.zeros(size, dtype=bool)
        known[rows] = True
        changed = np.zeros(size, dtype=bool)
        now = self.lines.state.frame["unit"].gather(rows)
        changed[rows] = seen["unit"].ne_missing(now).to_numpy()
        numbers = {name: np.zeros(size) for name in _NUMBERS}
        for name, column in numbers.items():
            column[rows] = usable(seen[name].cast(pl.Float64).to_numpy(), low=-np.inf)
        counted = frame["node"].value_counts(name="lines")
        return Previous(
            known=known,
            unit_changed=changed,
            numbers=numbers,
            days=float(max(1, 1 if self.is_first else (self.today - self.memory.previous_on).days)),
            per_node=beside_nodes(self.lines, counted, "lines"),
        )

    def received(self, *, on_the_day: bool) -> Column:
        """Return what each line received since the previous review, on its own day too or not.

        Movements carry days, not hours: whoever asks says on which side to err.
        """
        if self.is_first:
            return np.zeros(len(self.lines))
        receipts, since = self.snapshot.history.receipts, self.memory.previous_on
        posted = pl.col("posted_on")
        later = receipts.filter(posted >= since if on_the_day else posted > since)
        return self.lines.universe.total(later)

    @cached_property
    def filed(self) -> Column:
        """Own quantity filed since the previous review; 0 where a day cannot tell before or after.

        What the ERP does not show yet is not counted.
        """
        if self.is_first or self.memory.previous_on >= self.today:
            return np.zeros(len(self.lines))
        shown = pl.col("state").is_in(["filed", "confirmed"])
        fresh = self.memory.own.filter(shown & (pl.col("filed_on") >= self.memory.previous_on))
        return np.maximum(self.lines.universe.total(fresh) - self.lines["own_pending"], 0.0)

    @cached_property
    def earlier(self) -> Earlier:
        """Earlier orders of the lines, one entry per order."""
        frame = self.memory.ordered.filter(pl.col("quantity") > 0)
        rows = self.lines.universe.locate(frame)
        inside = rows >= 0
        day = frame["ordered_on"].to_numpy().astype("datetime64[D]")[inside]
        since = self.memory.posted_since
        return Earlier(
            row=rows[inside],
            quantity=frame["quantity"].to_numpy()[inside],
            age=(np.datetime64(self.today, "D") - day).astype(np.int64).astype(np.float64),
            posted=np.ones(len(day), dtype=bool) if since is None else day >= np.datetime64(since),
        )

    def posted_within(self, days: Column) -> Column:
        """Return what each line ordered in the last so many days, today's earlier orders too."""
        earlier = self.earlier
        recent = earlier.posted & (earlier.age < days[earlier.row])
        size = len(self.lines)
        sums = np.bincount(earlier.row[recent], earlier.quantity[recent], minlength=size)
        return sums.astype(np.float64)

    @cached_property
    def orders(self) -> Orders:
        """The last orders of each line."""
        earlier = self.earlier
        newest = np.lexsort((earlier.quantity, earlier.age, earlier.row))
        row, quantity = earlier.row[newest], earlier.quantity[newest]
        place = np.arange(len(row)) - np.searchsorted(row, row)
        last = place < LAST_ORDERS
        row, quantity = row[last], quantity[last]
        by_size = np.lexsort((quantity, row))
        return _summary(row, quantity[by_size], len(self.lines))


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
