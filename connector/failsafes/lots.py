"""Whole lots: the one home of rounding in the fail-safes. After a cut it only rounds down."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connector.failsafes.line_limits import Lots

Column = NDArray[np.float64]

# Policies answer in 32 bits: an excess of a millionth of a lot is noise, not another lot.
_NOISE = 1e-6
_MOST_NOISE = 0.25  # of a lot
_EXACT = 1e-9
_FLOAT = 4e-16  # what one division may lose
_DECIMALS = 9


@dataclass(frozen=True, kw_only=True)
class LotRules:
    """How each line may be ordered. `multiple` > 0; `smallest` is a whole number of multiples."""

    multiple: Column
    minimum: Column
    smallest: Column
    maximum: Column  # inf = none

    def up(self, quantity: Column, discard: float) -> Column:
        """Return whole lots that cover a quantity; 0 where less than `discard` lots are wanted."""
        ratio = quantity / self.multiple
        lots = np.ceil(ratio - np.clip(_NOISE * ratio, _NOISE, _MOST_NOISE))
        whole = np.maximum(self._times(lots), self.smallest)
        wanted = quantity >= discard * np.maximum(self.minimum, self.multiple)
        return np.where(wanted & (quantity > 0), whole, 0.0)

    def down(self, quantity: Column) -> Column:
        """Return the most whole lots within a quantity; 0 where the smallest does not fit."""
        ratio = quantity / self.multiple
        slack = _EXACT + _EXACT / self.multiple + _FLOAT * ratio
        whole = self._times(np.floor(ratio + slack))
        return np.where(whole >= self.smallest, whole, 0.0)

    def _times(self, lots: Column) -> Column:
        return np.round(lots * self.multiple, _DECIMALS)


def lot_rules(
    *, minimum: Column, multiple: Column, fixed: Column, maximum: Column, step: Column
) -> LotRules:
    """Return the rules of each line from its master data; 0 = none, inf = no maximum.

    A fixed lot replaces minimum and multiple. Without any multiple the unit's own step counts.
    """
    multiple = np.maximum(np.where(fixed > 0, fixed, multiple), step)
    minimum = np.where(fixed > 0, fixed, minimum)
    lots = np.maximum(1.0, np.ceil(minimum / multiple - _EXACT))
    return LotRules(
        multiple=multiple,
        minimum=minimum,
        smallest=np.round(lots * multiple, _DECIMALS),
        maximum=maximum,
    )


def steps(units: NDArray[np.bool_], limits: Lots) -> Column:
    """Return the smallest step of each line: 1 where its unit only comes whole."""
    return np.where(units, 1.0, limits.step)
