"""The rules that planners use today, as policies for the twin; `policies.search` tunes them.

Each rule is a callable for `connector.twin.rollout`, for numpy and torch alike. Parameters are
arrays that broadcast to the stock's shape [.., N]; orders come in lots.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from connector.twin.dynamics import Stock, echelon_position, inventory_position
from connector.twin.network import Array, Topology
from policies.exact import over_periods


def in_lots(
    units: Array, lot: Array | float | None, smallest: Array | float | None = None
) -> Array:
    """Return what is short in whole lots, rounded up as ERPs do; never less than nothing."""
    xp = array_namespace(units)
    wanted = xp.clip(units, min=0.0)
    if lot is None:
        return wanted
    whole = wanted if smallest is None else xp.where(wanted > 0, xp.maximum(wanted, smallest), 0.0)
    return xp.ceil(whole / lot) * lot


@dataclass(frozen=True, kw_only=True)
class BaseStock:
    """Order up to a level of the inventory position, every period."""

    topology: Topology
    level: Array
    lot: Array | float | None = None

    def __call__(self, stock: Stock, _: int) -> Array:
        """Return orders."""
        return in_lots(self.level - inventory_position(self.topology, stock), self.lot)


@dataclass(frozen=True, kw_only=True)
class CappedBaseStock:
    """Order up to a level, but never more than a cap at once (good where sales are lost)."""

    topology: Topology
    level: Array
    cap: Array
    lot: Array | float | None = None

    def __call__(self, stock: Stock, _: int) -> Array:
        """Return orders."""
        short = self.level - inventory_position(self.topology, stock)
        return in_lots(array_namespace(short).minimum(short, self.cap), self.lot)


@dataclass(frozen=True, kw_only=True)
class EchelonBaseStock:
    """Order up to a level of the echelon position: a node counts what is below it as its own."""

    topology: Topology
    level: Array
    lot: Array | float | None = None

    def __call__(self, stock: Stock, _: int) -> Array:
        """Return orders."""
        return in_lots(self.level - echelon_position(self.topology, stock), self.lot)


@dataclass(frozen=True, kw_only=True)
class ReorderPoint:
    """(s, S): when the inventory position is at s or below, order up to S.

    With `textbook_points` this is what an ERP's reorder-point planning does.
    """

    topology: Topology
    point: Array
    most: Array
    lot: Array | float | None = None
    smallest: Array | float | None = None  # units; the least that is ordered at once

    def __call__(self, stock: Stock, _: int) -> Array:
        """Return orders."""
        position = inventory_position(self.topology, stock)
        orders = in_lots(self.most - position, self.lot, self.smallest)
        xp = array_namespace(orders)
        return xp.where(position <= self.point, orders, xp.zeros_like(orders))


@dataclass(frozen=True, kw_only=True)
class Known:
    """What a planner is told of each node: demand per period, lead time in periods, [.., N].

    For a node that supplies others, demand is what leaves it.
    """

    mean: Array
    sd: Array
    lead_time: Array
    lead_time_sd: Array | float = 0.0

    def over_cover(self) -> tuple[Array, Array]:
        """Return mean and standard deviation of demand over lead time and one review."""
        periods = self.lead_time + 1.0
        late = (self.mean * self.lead_time_sd) ** 2
        xp = array_namespace(self.mean)
        return self.mean * periods, xp.sqrt(self.sd**2 * periods + late)


def textbook_points(known: Known, *, z: Array | float, cover: Array | float) -> tuple[Array, Array]:
    """Return s, over lead time + review with z deviations of safety, and S, `cover` periods more.

    z is the normal deviate of the cycle service that is asked for: 1.645 for 95 %.
    """
    mean, deviation = known.over_cover()
    xp = array_namespace(mean)
    point = xp.ceil(mean + z * deviation)
    lot = xp.ceil(known.mean * cover)
    return point, point + xp.clip(lot, min=1.0)


def newsvendor_level(known: Known, *, holding: float, shortage: float) -> Array:
    """Return the newsvendor's base-stock level for normal demand over lead time and review."""
    mean, deviation = known.over_cover()
    return mean + NormalDist().inv_cdf(shortage / (shortage + holding)) * deviation


def newsvendor_quantile(
    demand: NDArray[np.float64], *, lead_time: int, holding: float, shortage: float
) -> int:
    """Return the newsvendor's base-stock level in whole units; `demand[k]` = P(demand = k).

    Optimal where customers wait, and with lead time 0; too high where sales are lost.
    """
    covered = np.cumsum(over_periods(demand, lead_time + 1))
    return int(np.searchsorted(covered, shortage / (shortage + holding)))
