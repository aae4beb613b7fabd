"""Base-stock: the classical policy, computed for every line in every review.

Order up to a level that covers the demand until the order after this one has arrived:

    level = mean + safety over lead time + review period

With demand of mean f and sd s per day and lead time of mean L and sd l, demand over L + R days has
mean f (L + R) and variance s^2 (L + R) + f^2 l^2 (Hadley and Whitin 1963; Silver, Pyke, Thomas).
The level is its gamma quantile at the critical ratio (the newsvendor's answer).

What planners decided is kept: the ERP's safety stock is the least buffer above mean demand, and the
maximum stock is the most a level reaches. So an item without demand has its safety stock as level,
0 if none: a part kept for emergencies stays in stock, dead stock is not bought again. The reorder
point is what base-stock replaces; it only speaks while history is short (`demand.completed`).

A node that supplies others is planned by its echelon: Axsaeter and Rosling (1993, Management
Science 39) show that a base-stock level of an echelon equals the sum of its installations' levels,
so its own part covers the echelon's demand over its own lead time + review, and the levels of all
nodes below are added. It is compared with the echelon position, which counts all they hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from connector.inventory.gamma import gamma_quantile
from connector.inventory.quantity import Column, Rows, is_believable
from connector.inventory.state import State
from connector.inventory.universe import Universe, below


@dataclass(frozen=True, kw_only=True)
class Levels:
    """What each base-stock level [N] is made of, base units."""

    over_lead_time: Column  # mean demand
    over_review: Column  # mean demand
    safety: Column
    above_maximum: Column  # cut off, because the ERP allows no more stock
    downstream: Column  # levels of all nodes below

    @property
    def level(self) -> Column:
        """Return the order-up-to level."""
        own = self.over_lead_time + self.over_review + self.safety - self.above_maximum
        return own + self.downstream


def base_stock(state: State) -> tuple[Column, Column]:
    """Return order-up-to level and order quantity of every line: finite, never negative."""
    level = base_stock_levels(state).level
    return level, np.maximum(level - position(state), 0.0)


def position(state: State) -> Column:
    """Return what a level is compared with: of the echelon for nodes that supply others."""
    supplies = _number(state, "level") > 0
    echelon, own = _number(state, "echelon_position"), _number(state, "inventory_position")
    return np.where(supplies, echelon, own)


def base_stock_levels(state: State) -> Levels:
    """Return every line's base-stock level in parts."""
    supplies = _number(state, "level") > 0
    demand = np.where(
        supplies, _amount(state, "echelon_demand_mean"), _amount(state, "demand_mean")
    )
    spread = np.where(supplies, _amount(state, "echelon_demand_sd"), _amount(state, "demand_sd"))
    lead_time, review = _amount(state, "lead_time_mean"), _amount(state, "review_days")
    mean = demand * (lead_time + review)
    variance = spread**2 * (lead_time + review) + (demand * _amount(state, "lead_time_sd")) ** 2
    cv = np.sqrt(variance) / np.where(mean > 0, mean, 1.0)
    ratio = np.clip(_number(state, "critical_ratio"), 1e-6, 1 - 1e-6)
    quantile = mean * np.where(mean > 0, gamma_quantile(ratio, cv), 1.0)
    agreed = _amount(state, "safety_stock")
    safety = np.where(agreed > 0, np.maximum(quantile - mean, agreed), quantile - mean)
    excess = np.maximum(mean + safety - _ceiling(state, "maximum_stock"), 0.0)
    return Levels(
        over_lead_time=demand * lead_time,
        over_review=demand * review,
        safety=safety,
        above_maximum=excess,
        downstream=below(mean + safety - excess, _upstream(state)),
    )


def _upstream(state: State) -> tuple[Rows, ...]:
    lanes = state.frame.select("node", "supplying_node").unique()
    return Universe(state.frame.select("node", "item")).upstream(dict(lanes.iter_rows()))


def _number(state: State, name: str) -> Column:
    column = state.column(name)
    return np.where(is_believable(column), column, 0.0)


def _amount(state: State, name: str) -> Column:
    return np.maximum(_number(state, name), 0.0)


def _ceiling(state: State, name: str) -> Column:
    column = state.column(name)
    return np.where(column > 0, column, np.inf)
