"""Whole lots as fail-safes count them: what is too little for one, and what is noise.

The rounding itself is the inventory's, exact in millionths. After a cut it only rounds down.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from connector.failsafes.line_limits import Lots
from connector.inventory import ordering
from connector.inventory.quantity import LARGEST, MILLION, units

Column = NDArray[np.float64]

# Policies answer in 32 bits: an excess of a millionth of a lot is noise, not another lot.
_NOISE = 1e-6
_MOST_NOISE = 0.25  # of a lot
_EXACT = 1e-9
_FLOAT = 4e-16  # what one operation may lose


@dataclass(frozen=True, kw_only=True)
class LotRules:
    """How each line may be ordered; the largest lot is a cut of C10, no part of the rounding."""

    lots: ordering.Lots
    minimum: Column
    maximum: Column  # inf = none

    @cached_property
    def multiple(self) -> Column:
        """The lot of each line, > 0."""
        return units(self.lots.lot)

    @cached_property
    def smallest(self) -> Column:
        """The least that may be ordered: a whole number of lots."""
        return units(self.lots.smallest)

    def up(self, quantity: Column, discard: float) -> Column:
        """Return whole lots that cover a quantity; 0 where less than `discard` lots are wanted."""
        lot = self.multiple
        known = np.minimum(quantity, LARGEST)
        covered = known - np.clip(_NOISE * known, _NOISE * lot, _MOST_NOISE * lot)
        # Upwards, for the inventory takes the nearest millionth and would lose half of one
        whole = ordering.round_up(np.ceil(covered * MILLION) / MILLION, self.lots)
        wanted = (quantity > 0) & (quantity >= discard * np.maximum(self.minimum, lot))
        return np.where(wanted, np.maximum(whole, self.smallest), 0.0)

    def down(self, quantity: Column) -> Column:
        """Return the most whole lots within a quantity; 0 where the smallest does not fit."""
        settled = quantity + _EXACT * (1.0 + self.multiple) + _FLOAT * quantity
        known = np.minimum(settled, LARGEST)
        return ordering.round_down(np.floor(known * MILLION) / MILLION, self.lots)


def lot_rules(
    *, minimum: Column, multiple: Column, fixed: Column, maximum: Column, step: Column
) -> LotRules:
    """Return the rules of each line from its master data; 0 = none, inf = no maximum.

    A fixed lot replaces minimum and multiple. Nothing is ordered in less than the unit's own step.
    """
    minimum = np.where(fixed > 0, fixed, minimum)
    lots = ordering.lots(
        minimum=minimum,
        maximum=np.full(len(minimum), np.inf),
        fixed=np.zeros(len(minimum)),
        multiple=np.maximum(np.where(fixed > 0, fixed, multiple), step),
        step=step,
    )
    return LotRules(lots=lots, minimum=minimum, maximum=maximum)


def steps(units: NDArray[np.bool_], limits: Lots) -> Column:
    """Return the smallest step of each line: 1 where its unit only comes whole."""
    return np.where(units, 1.0, limits.step)
