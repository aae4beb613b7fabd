"""How far below a node its echelon reaches, in days, read from the nodes it supplies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from connector.inventory.universe import Universe

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from connector.inventory.state import State


def upstream_rows(state: State) -> tuple[NDArray[np.int64], ...]:
    """Return, nearest first, the rows of the same item at the nodes above each row, -1 = none."""
    lanes = state.frame.select("node", "supplying_node").unique()
    return Universe(state.frame.select("node", "item")).upstream(dict(lanes.iter_rows()))


def downstream_cover(state: State) -> NDArray[np.float64]:
    """Return the days from a node's dispatch until what it sent is used up below [N].

    Lead time + review of each node it supplies, weighted by demand, and so on downwards. The node's
    own demand is served from its own shelf and weighs in with 0. 0 for a node that supplies nobody.
    """
    level = state.column("level")
    if not (level > 0).any():
        return np.zeros(len(state))
    own = _demand(state, "demand_mean")
    weight = np.where(level > 0, _demand(state, "echelon_demand_mean"), own)
    below = state.column("lead_time_mean") + state.column("review_days")
    supplier = _nearest(upstream_rows(state), len(state))
    cover, covered = np.zeros(len(state)), np.zeros(len(state))
    total = np.where(level > 0, own, 0.0)
    for echelon in np.unique(level[np.isfinite(level)]):
        here = level == echelon
        served = here & (total > 0)
        cover[served] = covered[served] / total[served]
        days = below + cover
        sends = here & (supplier >= 0) & np.isfinite(days)
        to, demand = supplier[sends], weight[sends]
        covered += np.bincount(to, demand * days[sends], minlength=len(state))
        total += np.bincount(to, demand, minlength=len(state))
    return np.where(level > 0, cover, 0.0)


def _nearest(upstream: tuple[NDArray[np.int64], ...], size: int) -> NDArray[np.int64]:
    """Return the nearest node above that stocks the item."""
    nearest = np.full(size, -1, dtype=np.int64)
    for rows in upstream:
        nearest = np.where(nearest >= 0, nearest, rows)
    return nearest


def _demand(state: State, name: str) -> NDArray[np.float64]:
    return np.maximum(np.nan_to_num(state.column(name), posinf=0.0), 0.0)
