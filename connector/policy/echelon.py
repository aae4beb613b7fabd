"""How far below a node its echelon reaches, in days, read from the nodes it supplies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from connector.inventory.state import State


def upstream_rows(state: State) -> NDArray[np.int64]:
    """Return each row's row of the same item at its supplying node, -1 where there is none."""
    keys = state.frame.select("item", "node", "supplying_node").with_row_index("row")
    suppliers = keys.select("item", pl.col("node").alias("supplying_node"), "row")
    suppliers = suppliers.rename({"row": "upstream"}).unique(("item", "supplying_node"))
    joined = keys.join(suppliers, on=["item", "supplying_node"], how="left").sort("row")
    return joined["upstream"].cast(pl.Int64).fill_null(-1).to_numpy()


def downstream_cover(state: State) -> NDArray[np.float64]:
    """Return the days between a node's dispatch and the end of what it must cover below [N].

    An echelon's position counts the stock below, so its level must cover what that stock covers:
    lead time + review of each node it supplies, weighted by demand, and so on downwards. The node's
    own demand is served from its own shelf and weighs in with 0. 0 for a node that supplies nobody.
    """
    level = state.column("level")
    if not (level > 0).any():
        return np.zeros(len(state))
    own = np.nan_to_num(state.column("demand_mean"), posinf=0.0)
    weight = np.where(level > 0, state.column("echelon_demand_mean"), own)
    weight = np.maximum(np.nan_to_num(weight, posinf=0.0), 0.0)
    below = state.column("lead_time_mean") + state.column("review_days")
    upstream = upstream_rows(state)
    cover, covered = np.zeros(len(state)), np.zeros(len(state))
    total = np.where(level > 0, np.maximum(own, 0.0), 0.0)
    for echelon in np.unique(level[np.isfinite(level)]):
        here = level == echelon
        cover[here] = np.where(
            total[here] > 0, covered[here] / np.maximum(total[here], 1e-300), 0.0
        )
        days = below + cover
        sends = here & (upstream >= 0) & np.isfinite(days)
        supplier, demand = upstream[sends], weight[sends]
        covered += np.bincount(supplier, demand * days[sends], minlength=len(state))
        total += np.bincount(supplier, demand, minlength=len(state))
    return np.where(level > 0, cover, 0.0)
