"""Whole lots: how much can really be ordered, and how it is written down.

Lots are counted in whole millionths of a base unit, never in binary fractions: 1.1 is eleven lots
of 0.1, not twelve, and rounding twice changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connector.errors import SnapshotUnfit
from connector.inventory.quantity import LARGEST, Column, millionths, units
from connector.inventory.state import State

# Base units that only come whole, as ERPs write them; others divide by thousandths.
WHOLE_UNITS = (
    "BAG", "BOT", "BOX", "BT", "CAN", "CAR", "CS", "CT", "CV", "DR", "DZ", "EA", "GRO", "KAR",
    "KI", "LE", "PAA", "PAK", "PAL", "PC", "PCE", "PF", "PK", "PR", "ROL", "SET", "ST",
)  # fmt: skip
_THOUSANDTH = 0.001
_NO_LIMIT = np.iinfo(np.int64).max

Millionths = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Lots:
    """How each line [N] may be ordered, in millionths. `smallest` and `largest` are whole lots."""

    lot: Millionths  # > 0: an order is a multiple of it
    smallest: Millionths
    largest: Millionths  # 0 where master data leave no quantity that may be ordered

    @classmethod
    def of(cls, state: State) -> Lots:
        """Return the lots of a state."""
        return lots(
            minimum=state.column("lot_minimum"),
            maximum=state.column("lot_maximum"),
            fixed=state.column("lot_fixed"),
            multiple=state.column("lot_multiple"),
            step=order_steps(state.frame["unit"]),
        )


def order_steps(unit: pl.Series) -> Column:
    """Return the smallest quantity that a base unit can be ordered in: 1 or a thousandth."""
    return np.where(unit.is_in(WHOLE_UNITS).to_numpy(), 1.0, _THOUSANDTH)


def lots(
    *, minimum: Column, maximum: Column, fixed: Column, multiple: Column, step: Column
) -> Lots:
    """Return the lots that master data allow; 0 = none, inf = no maximum.

    A fixed lot replaces minimum and multiple; several of it may be ordered at once. Without any
    multiple the unit's own step counts. A minimum that is no whole number of lots is rounded up to
    one, a maximum down. What is above the maximum waits for the next review.
    """
    has_fixed = _amount(fixed) > 0
    asked = np.where(has_fixed, _amount(fixed), _amount(multiple))
    lot = np.where(asked > 0, asked, np.maximum(_amount(step), 1))
    least = np.where(has_fixed, lot, np.maximum(_amount(minimum), lot))
    limited = (maximum > 0) & (maximum <= LARGEST)
    most = np.where(limited, _amount(maximum) // lot * lot, _NO_LIMIT)
    smallest = _ceiling(least, lot)
    return Lots(lot=lot, smallest=smallest, largest=np.where(most >= smallest, most, 0))


def round_up(quantity: Column, lots: Lots) -> Column:
    """Return the least whole lots that cover a quantity, up to the largest; 0 stays 0.

    Never less than the smallest lot. nan, inf and negative quantities are 0. Whether so little is
    worth a lot at all is for the fail-safes to say.
    """
    wanted = _amount(quantity)
    whole = np.maximum(_ceiling(wanted, lots.lot), lots.smallest)
    return units(np.where(wanted > 0, np.minimum(whole, lots.largest), 0))


def round_down(quantity: Column, lots: Lots) -> Column:
    """Return the most whole lots within a quantity; 0 where not even the smallest fits."""
    whole = np.minimum(_amount(quantity) // lots.lot * lots.lot, lots.largest)
    return units(np.where(whole >= lots.smallest, whole, 0))


def to_decimal(quantity: float, scale: int) -> Decimal:
    """Return a quantity as the decimal that is written to the ERP, with `scale` decimals.

    Raises SnapshotUnfit when it has more decimals than that, or is no quantity: what is posted
    equals what the ledger holds, to the last digit.
    """
    if not 0.0 <= quantity <= LARGEST:
        msg = f"{quantity} is no quantity that can be ordered"
        raise SnapshotUnfit(msg, hint="this is a defect: the fail-safes let it pass")
    steps = round(quantity * 10**scale)
    if steps / 10**scale != quantity:
        msg = f"{quantity!r} cannot be written with {scale} decimals"
        raise SnapshotUnfit(msg, hint="correct the item's lots: the ERP keeps no finer ones")
    return Decimal(steps).scaleb(-scale)


def _amount(quantity: Column) -> Millionths:
    return np.maximum(millionths(quantity), 0)


def _ceiling(quantity: Millionths, lot: Millionths) -> Millionths:
    return -(-quantity // lot) * lot
