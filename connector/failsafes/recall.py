"""What earlier reviews left, laid beside this review's lines and nodes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import polars as pl

from connector.failsafes.columns import Column, Lines, Mask, beside_nodes, usable
from connector.inventory.memory import Memory
from connector.inventory.snapshot import Snapshot

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
        universe, keys = self.lines.universe, frame.select("node", "item")
        # Mostly the same item-nodes as last time, in the same order.
        same = keys.equals(universe.keys)
        rows = np.arange(len(universe)) if same else universe.locate(keys)
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
