"""Quantities added exactly: in whole millionths of a base unit, as integers.

Binary floats add up differently in another order. Sums of integers do not, so neither the order of
rows nor the number of threads can move a state by the last bit, and a replay matches.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]
Rows = NDArray[np.int64]  # positions in a universe, -1 = outside
Mask = NDArray[np.bool_]

MILLION = 1_000_000
# No ERP quantity is larger: thirteen digits, three of them decimals.
LARGEST = 1e10


def is_believable(quantity: Column) -> Mask:
    """Return where a quantity is a number that an ERP could have written."""
    return np.abs(quantity) <= LARGEST  # false for nan


def millionths(quantity: Column) -> NDArray[np.int64]:
    """Return quantities in whole millionths, nearest; 0 where they are not believable."""
    usable = np.where(is_believable(quantity), quantity, 0.0)
    whole: NDArray[np.int64] = np.rint(usable * MILLION).astype(np.int64)
    return whole


def units(quantity: NDArray[np.int64]) -> Column:
    """Return millionths as base units: the float nearest to the decimal."""
    return quantity / MILLION


def total(rows: Rows, quantity: Column, size: int) -> Column:
    """Return the exact sum per row [size]; entries outside (-1) are left out."""
    inside = rows >= 0
    sums = np.zeros(size, dtype=np.int64)
    np.add.at(sums, rows[inside], millionths(quantity[inside]))
    return units(sums)
