"""The multi-echelon inventory state: one row per item-node, in columns.

This file is the contract between the rooms: what each column means, in which unit. `position.py`,
`demand.py` and `lead_time.py` fill it; `policy/features.py` and `failsafes/` read it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from connector.errors import SnapshotUnfit

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Upper edges in days from today of the pipeline's arrival buckets; the last bucket is open.
# Day by day at first: what arrives when decides most while it is near.
ARRIVAL_EDGES = (1, 2, 3, 4, 5, 6, 7, 8, 9, 14, 28)
BUCKETS = tuple(f"arriving_{edge}" for edge in (*map(str, ARRIVAL_EDGES), "later"))

STATE = pl.Schema(
    {
        "node": pl.String,
        "item": pl.String,
        "unit": pl.String,
        "purchasing_group": pl.String,
        "supplying_node": pl.String,  # "" = suppliers outside
        "level": pl.Float64,  # 0 = supplies nobody
        # Stock, base units
        "on_hand": pl.Float64,  # available, as read; may be negative
        "in_transit": pl.Float64,
        "inspection": pl.Float64,
        "stock_blocked": pl.Float64,
        # Pipeline, base units, by arrival (past-due counts in the first bucket)
        **dict.fromkeys(BUCKETS, pl.Float64),
        "pipeline": pl.Float64,  # sum of the buckets: everything open the ERP shows, in transit too
        "own_pending": pl.Float64,  # ours (owed, in doubt, filed) and not visible in the pipeline
        "own_confirmed": pl.Float64,  # ours and visible in the pipeline (part of `pipeline`)
        "own_missing": pl.Float64,  # confirmed earlier, now neither open nor closed: B8
        "foreign_requisitions": pl.Float64,  # open requisitions that are not ours
        "inventory_position": pl.Float64,  # stock and inspection (>= 0) + pipeline + own_pending
        "echelon_position": pl.Float64,  # own position + downstream stock and goods in transit
        # Demand per day, base units; echelon = own + everything downstream
        "demand_mean": pl.Float64,
        "demand_sd": pl.Float64,
        "demand_zero_share": pl.Float64,  # share of days without demand
        "demand_days": pl.Float64,  # days of history behind the estimate
        "echelon_demand_mean": pl.Float64,
        "echelon_demand_sd": pl.Float64,
        # Lead time, calendar days
        "lead_time_days": pl.Float64,  # planned, from master data
        "lead_time_mean": pl.Float64,
        "lead_time_sd": pl.Float64,
        "lead_time_p50": pl.Float64,
        "lead_time_p90": pl.Float64,
        "lead_time_observations": pl.Float64,
        "review_days": pl.Float64,  # days until the next review
        # Ordering rules and money
        "lot_minimum": pl.Float64,
        "lot_maximum": pl.Float64,
        "lot_fixed": pl.Float64,
        "lot_multiple": pl.Float64,
        "safety_stock": pl.Float64,
        "reorder_point": pl.Float64,
        "maximum_stock": pl.Float64,
        "unit_cost": pl.Float64,
        "critical_ratio": pl.Float64,  # target in-stock probability, 0..1
        "blocked": pl.Boolean,
        "fault": pl.String,  # "" = none; else why this line cannot be ordered
        # Calendar of the review
        "weekday": pl.Float64,  # 0 Monday
        "day_of_year": pl.Float64,
    }
)


@dataclass(frozen=True)
class State:
    """The state of a site: `frame` holds STATE, sorted by (node, item), one row per item-node."""

    site: str
    erp_date: date
    frame: pl.DataFrame

    def __len__(self) -> int:
        """Return the number of item-nodes."""
        return self.frame.height

    def column(self, name: str) -> NDArray[np.float64]:
        """Return a numeric column as float64 [N]; SnapshotUnfit names one that is missing."""
        if name not in self.frame.columns:
            raise SnapshotUnfit(
                f"the state of {self.site} lacks column {name!r}",
                hint="build it with this version of the connector",
            )
        return self.frame[name].cast(pl.Float64).to_numpy()

    def label(self, name: str) -> NDArray[np.object_]:
        """Return a text column as objects [N]."""
        return self.frame[name].to_numpy()
