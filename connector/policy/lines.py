"""The lines of a state, told in units of their own mean demand per review."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from connector.inventory.state import State

Column = NDArray[np.float64]

# Stands where a feature is not defined (no demand, no review period): finite, and out of any range.
UNDEFINED = 1e9


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

    def angle(self, name: str, period: float) -> Column:
        """Return a column as an angle on the calendar's circle, radians."""
        return self[name] * (2.0 * np.pi / period)
