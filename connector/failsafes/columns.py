"""The columns that fail-safes share, each worked out once, with unusable values made harmless.

A value that cannot be used is 0 here; the line itself is refused by B4, which looks at the raw
columns. So no fail-safe ever compares with nan, which passes every test that asks "too large?".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connector.errors import SnapshotUnfit
from connector.failsafes.echelon import Echelon, echelon_of
from connector.failsafes.limits import Limits
from connector.failsafes.lots import LotRules, lot_rules, steps
from connector.inventory.state import State
from connector.inventory.universe import Universe

Column = NDArray[np.float64]
Mask = NDArray[np.bool_]


def usable(column: Column, *, low: float = 0.0, high: float = np.inf) -> Column:
    """Return a column with 0 where it is not a finite number in [low, high]."""
    good = np.isfinite(column) & (column >= low) & (column <= high)
    return np.where(good, column, 0.0)


@dataclass(frozen=True)
class Lines:
    """The lines of one review. A line above the last echelon plans on echelon demand."""

    state: State
    limits: Limits

    def __len__(self) -> int:
        """Return the number of lines."""
        return len(self.state)

    def __getitem__(self, name: str) -> Column:
        """Return a column of the state, 0 where it is unusable; negative stays negative."""
        most = self.limits.unusable_value.quantity
        return usable(self.state.column(name), low=-most, high=most)

    @cached_property
    def universe(self) -> Universe:
        """The item-nodes, to find the rows of other frames.

        Raises SnapshotUnfit when one stands there twice: each would be ordered.
        """
        keys = self.state.frame.select("node", "item")
        twice = keys.filter(keys.is_duplicated())
        if not twice.is_empty():
            node, item = twice.row(0)
            msg = f"{item} at {node} stands in the state {twice.height} times; once is expected"
            raise SnapshotUnfit(msg, hint="look for material numbers that differ in zeros only")
        return Universe(keys)

    @cached_property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that have lines, sorted."""
        return tuple(self.state.frame["node"].unique().sort().to_list())

    @cached_property
    def node(self) -> NDArray[np.int64]:
        """The position of each line's node in `nodes`."""
        codes = self.state.frame["node"].cast(pl.Enum(self.nodes)).to_physical()
        return codes.cast(pl.Int64).to_numpy()

    @cached_property
    def per_node(self) -> Column:
        """The number of lines of each node."""
        return self.count(np.ones(len(self), dtype=bool))

    def count(self, lines: Mask) -> Column:
        """Return how many of these lines each node has."""
        return self.add(lines.astype(np.float64))

    def add(self, values: Column) -> Column:
        """Return the sum of a column over each node."""
        sums = np.bincount(self.node, weights=values, minlength=len(self.nodes))
        return sums.astype(np.float64)

    @cached_property
    def above(self) -> Mask:
        """Lines that supply other nodes."""
        return self["level"] > 0

    @cached_property
    def demand(self) -> Column:
        """Mean demand per day that the line's orders must cover."""
        plan = np.where(self.above, self["echelon_demand_mean"], self["demand_mean"])
        return np.maximum(plan, 0.0)

    @cached_property
    def demand_sd(self) -> Column:
        """Standard deviation of that demand per day."""
        plan = np.where(self.above, self["echelon_demand_sd"], self["demand_sd"])
        return np.maximum(plan, 0.0)

    @cached_property
    def position(self) -> Column:
        """Inventory position; the echelon's for lines that supply others."""
        return np.where(self.above, self["echelon_position"], self["inventory_position"])

    @cached_property
    def echelon(self) -> Echelon:
        """Who supplies whom."""
        return echelon_of(self.universe, self.state.frame["supplying_node"].fill_null(""))

    @cached_property
    def lead_time(self) -> Column:
        """Pessimistic lead time in days: nine of ten deliveries are faster.

        An echelon's position counts the stock below, so its lead time reaches to the end of what
        that stock must cover.
        """
        own = np.maximum(self["lead_time_p90"], 0.0)
        if not self.above.any():
            return own
        below = self.echelon.cover_below(
            days=own + self.review, demand=self.demand, level=self["level"]
        )
        return own + below

    @cached_property
    def review(self) -> Column:
        """Days until the next review."""
        return np.maximum(self["review_days"], 0.0)

    @cached_property
    def short(self) -> Mask:
        """Lines whose position does not cover the demand of the lead time."""
        return self.position < self.demand * self.lead_time

    @cached_property
    def unit_cost(self) -> Column:
        """Money per base unit; 0 = unknown."""
        return np.maximum(self["unit_cost"], 0.0)

    @cached_property
    def lots(self) -> LotRules:
        """How each line may be ordered."""
        names = self.limits.lots.whole_units
        whole = self.state.frame["unit"].is_in(names).fill_null(value=True).to_numpy()
        maximum = self.state.column("lot_maximum")
        return lot_rules(
            minimum=np.maximum(self["lot_minimum"], 0.0),
            multiple=np.maximum(self["lot_multiple"], 0.0),
            fixed=np.maximum(self["lot_fixed"], 0.0),
            maximum=np.where(maximum > 0, maximum, np.inf),
            step=steps(whole, self.limits.lots),
        )

    @cached_property
    def floor(self) -> Column:
        """What limits in days of demand always leave room for; 0 where the cost is unknown."""
        floor, cost = self.limits.floor, self.unit_cost
        affordable = np.divide(floor.value, cost, out=np.zeros(len(self)), where=cost > 0)
        return np.minimum(floor.units, affordable)

    def need(self, days: Column, sigmas: float) -> Column:
        """Return the demand of a horizon with its buffer, and room for one smallest lot."""
        plan = self.demand * days + sigmas * self.demand_sd * np.sqrt(days)
        return np.maximum(plan, self.floor) + self.lots.smallest

    @cached_property
    def cap(self) -> Column:
        """The position that lead time, review period and their uncertainty can justify."""
        return self.need(self.lead_time + self.review, self.limits.position_cap.sigmas)


def beside_nodes(lines: Lines, frame: pl.DataFrame, name: str) -> Column:
    """Return a column of a frame of one row per node, in the order of `nodes`; 0 = none."""
    found = dict(zip(frame["node"].to_list(), frame[name].to_list(), strict=True))
    return np.array([found.get(node) or 0.0 for node in lines.nodes], dtype=np.float64)
