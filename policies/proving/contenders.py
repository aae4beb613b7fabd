"""Baselines as ports of the product: they see its state and answer in its terms."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from connector.inventory.universe import below
from connector.policy.base_stock import BaseStockPolicy
from connector.policy.echelon import upstream_rows
from policies.baselines import Known, newsvendor_level, textbook_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from connector.inventory.recommendation import Recommendation
    from connector.inventory.state import State

    Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class ReorderPointPolicy:
    """(s, S) by the textbook: at or below s, order up to S; what an ERP's own planning does.

    s covers lead time and review with z deviations, S stands some days of demand above it. Each
    node looks at its own position; the central one's demand is that of all it supplies.
    """

    z: float
    days: float  # of demand from s to S, at nodes that supply nobody
    days_above: float  # at nodes that supply others

    def recommend(self, state: State) -> Recommendation:
        """Return S where the position is at s or below, else the position itself."""
        cover = np.where(state.column("level") > 0, self.days_above, self.days)
        point, most = textbook_points(known_of(state), z=self.z, cover=cover)
        position = own_position(state)
        return answered(state, "reorder_point", np.where(position <= point, most, position))


@dataclass(frozen=True, kw_only=True)
class NewsvendorPolicy:
    """Each node by itself: up to the newsvendor's level for normal demand, every day."""

    ratio: float  # critical ratio

    def recommend(self, state: State) -> Recommendation:
        """Return the level."""
        level = newsvendor_level(known_of(state), holding=1.0 - self.ratio, shortage=self.ratio)
        return answered(state, "newsvendor", level)


def known_of(state: State) -> Known:
    """Return what is known of demand and lead time; above others, of all that leaves the node."""
    supplies = state.column("level") > 0

    def either(echelon: str, own: str) -> Floats:
        return np.where(supplies, state.column(echelon), state.column(own))

    return Known(
        mean=either("echelon_demand_mean", "demand_mean"),
        sd=either("echelon_demand_sd", "demand_sd"),
        lead_time=state.column("lead_time_mean"),
        lead_time_sd=state.column("lead_time_sd"),
    )


def own_position(state: State) -> Floats:
    """Return the node's own inventory position: without what it owes to the nodes below [N]."""
    not_sent = state.column("pipeline") - state.column("in_transit")
    supplied = state.frame["supplying_node"].to_numpy() != ""
    owed = below(np.where(supplied, np.maximum(not_sent, 0.0), 0.0), upstream_rows(state)[:1])
    position: Floats = state.column("inventory_position") - owed
    return position


def answered(state: State, source: str, level: Floats) -> Recommendation:
    """Return an answer that raises each node's own position to its level."""
    return replace(
        BaseStockPolicy().recommend(state),
        source=source,
        order_up_to=level,
        quantity=np.maximum(level - own_position(state), 0.0),
        fell_back=np.zeros(len(state), dtype=bool),
    )
