"""The lines of a state, told in units of their own mean demand per review.

Written against the array API: a review hands in a state's numpy columns, training the twin's
torch tensors, and both run through the same formulas.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

import array_api_compat.numpy as numpy_arrays
from array_api_compat import array_namespace

from connector.errors import PolicyUnusable
from connector.policy.echelon import downstream_cover

if TYPE_CHECKING:
    from connector.inventory.state import State

Column: TypeAlias = Any  # floats [N], of numpy or torch

# Stands where a feature is not defined (no demand, no review period): finite, and out of any range.
UNDEFINED = 1e9


@dataclass(frozen=True)
class Demand:
    """What each line's level must cover, and the unit of account that follows from it."""

    column: Callable[[str], Column]
    xp: ModuleType = numpy_arrays

    @cached_property
    def above(self) -> Column:
        """Lines that supply other nodes: they plan on echelon demand."""
        return self["level"] > 0

    @cached_property
    def daily(self) -> Column:
        """Mean demand per day that the line's level must cover, base units."""
        return self.xp.where(self.above, self["echelon_demand_mean"], self["demand_mean"])

    @cached_property
    def daily_sd(self) -> Column:
        """Standard deviation of that demand per day, base units."""
        return self.xp.where(self.above, self["echelon_demand_sd"], self["demand_sd"])

    @cached_property
    def review(self) -> Column:
        """Days until the next review; nan where it is not positive."""
        return self.xp.where(self["review_days"] > 0, self["review_days"], math.nan)

    @cached_property
    def rate(self) -> Column:
        """Mean demand per review, base units: the unit of everything; nan where not positive."""
        rate = self.daily * self.review
        return self.xp.where((rate > 0) & self.xp.isfinite(rate), rate, math.nan)

    def __getitem__(self, name: str) -> Column:
        """Return a column of the state as it is; PolicyUnusable names one that nobody tells."""
        try:
            return self.column(name)
        except KeyError as error:
            raise PolicyUnusable(
                f"the encoder asks for {name!r}, which is not told",
                hint="tell it where the situation is told, or train without the feature",
            ) from error


@dataclass(frozen=True)
class Lines(Demand):
    """The columns that several features share, each worked out once."""

    inside: Column = field(kw_only=True)  # bool: another node of the site supplies it
    cover_below: Column = field(kw_only=True)  # days, see `downstream_cover`

    @classmethod
    def of(cls, state: State) -> Lines:
        """Return the lines of a site's state."""
        inside = state.label("supplying_node") != ""
        return cls(state.column, inside=inside, cover_below=downstream_cover(state))

    def part(self, rows: slice) -> Lines:
        """Return some of the lines."""
        return Lines(
            lambda name: self.column(name)[rows],
            self.xp,
            inside=self.inside[rows],
            cover_below=self.cover_below[rows],
        )

    def reviews(self, days: Column) -> Column:
        """Return days as a number of reviews."""
        return days / self.review

    def decades(self, name: str) -> Column:
        """Return a column in reviews of demand, as sign(x) ln(1 + |x|)."""
        return decades(self[name] / self.rate)

    def ceiling(self, name: str) -> Column:
        """Return an upper limit as 1 / (1 + limit in reviews of demand): 0 = no limit."""
        return 1.0 / (1.0 + self.xp.clip(self[name], min=0.0) / self.rate)

    def angle(self, name: str, period: float) -> Column:
        """Return a column as an angle on the calendar's circle, radians."""
        return self[name] * (2.0 * math.pi / period)

    def share(self, part: Column, whole: Column) -> Column:
        """Return part / whole; nan where there is no whole."""
        xp = self.xp
        return xp.where(whole > 0, part / xp.where(whole > 0, whole, 1.0), math.nan)

    def history(self, name: str) -> Column:
        """Return a count as ln(1 + count)."""
        return self.xp.log1p(self.xp.clip(self[name], min=0.0))


def decades(relative: Column) -> Column:
    """Return sign(x) ln(1 + |x|): near x where x is small, and decades where it is large."""
    xp = array_namespace(relative)
    return xp.sign(relative) * xp.log1p(xp.abs(relative))
