"""Who stands below whom among the lines, and how many days an echelon's stock below must cover."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connector.inventory.universe import Universe

Column = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Echelon:
    """`upstream` holds the row of the same item at the supplying node, -1 where there is none."""

    upstream: NDArray[np.int64]

    def into_upstream(self, values: Column) -> Column:
        """Return for each row the sum of a column over the rows that it supplies directly."""
        known = self.upstream >= 0
        sums = np.bincount(self.upstream[known], values[known], minlength=len(values))
        return sums.astype(np.float64)

    def cover_below(self, *, days: Column, demand: Column, level: Column) -> Column:
        """Return how many days below the echelon's own node its position must last.

        `days` is lead time + review period of each row, `demand` what each row plans on. Rows that
        are supplied weigh by their demand, and so on downwards; rows that supply nobody return 0.
        """
        cover = np.zeros(len(days))
        for height in np.unique(level[level > 0]):
            below = (self.upstream >= 0) & (level < height)
            weight = np.where(below, demand, 0.0)
            total = self.into_upstream(weight)
            covered = self.into_upstream(weight * (days + cover))
            mean = np.divide(covered, total, out=np.zeros(len(days)), where=total > 0)
            cover = np.where(level == height, mean, cover)
        return cover


def echelon_of(universe: Universe, supplying_node: pl.Series) -> Echelon:
    """Find each row's supplier among the rows."""
    wanted = universe.keys.select(supplying_node.alias("node"), "item")
    return Echelon(upstream=universe.locate(wanted))
