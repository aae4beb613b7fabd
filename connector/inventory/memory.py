"""What the ledger remembers and the pure part needs: an argument, stored like the snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

# Our own requisition lines that may still bring stock (owed, in doubt, filed, confirmed).
OWN = pl.Schema(
    {
        "key": pl.String,
        "node": pl.String,
        "item": pl.String,
        "quantity": pl.Float64,
        "state": pl.String,  # owed | intent | in_doubt | filed | confirmed
        "number": pl.String,  # ERP requisition, "" = none known
        "number_line": pl.String,
        "filed_on": pl.Date,
        "due": pl.Date,
    }
)
# What we ordered (live) or would have ordered (shadow) before, per review and item-node.
ORDERED = pl.Schema(
    {
        "node": pl.String,
        "item": pl.String,
        "ordered_on": pl.Date,
        "quantity": pl.Float64,
        "value": pl.Float64,
    }
)
# The previous accepted review's view of each item-node.
PREVIOUS = pl.Schema(
    {
        "node": pl.String,
        "item": pl.String,
        "unit": pl.String,
        "on_hand": pl.Float64,
        "pipeline": pl.Float64,
        "demand_mean": pl.Float64,
        "lead_time_days": pl.Float64,
        "lot_minimum": pl.Float64,
        "lot_multiple": pl.Float64,
        "unit_cost": pl.Float64,
        "starved_reviews": pl.Int64,  # reviews in a row: IP < demand over lead time and q = 0
    }
)
# One row per earlier accepted review and node: the medians that the data and fleet guards need.
VITALS = pl.Schema(
    {
        "slot": pl.String,
        "weekday": pl.Int64,
        "node": pl.String,
        "items": pl.Int64,
        "stock_rows": pl.Int64,
        "pipeline_rows": pl.Int64,
        "zero_share": pl.Float64,
        "lines": pl.Int64,
        "value": pl.Float64,
    }
)
# Money reserved or spent (in doubt counts as spent): one row per node and day, 28 days back.
SPENT = pl.Schema({"node": pl.String, "day": pl.Date, "value": pl.Float64})


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Everything earlier reviews left that this one must respect."""

    own: pl.DataFrame = field(default_factory=OWN.to_frame)
    ordered: pl.DataFrame = field(default_factory=ORDERED.to_frame)
    previous: pl.DataFrame = field(default_factory=PREVIOUS.to_frame)
    previous_on: Any = None  # date of the previous accepted review, None = first review
    posted_since: Any = None  # date; orders before it were shadow, nothing came; None = all posted
    vitals: pl.DataFrame = field(default_factory=VITALS.to_frame)
    spent: pl.DataFrame = field(default_factory=SPENT.to_frame)
