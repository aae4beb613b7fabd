"""What the report is made from: plain frames that a demo or a ledger can fill alike.

Every frame may be empty; the report then says what is missing instead of drawing nothing. Units
are base units, money is the site's currency, days are the ERP's calendar days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

import polars as pl

from connector.errors import SnapshotUnfit

OURS = "ours"  # what really happened, with the connector in the mode of the day
ERP_RULE = "erp_rule"  # the same demand with the ERP's own rule alone, all the time

# One row per world, day and node. Null = not known there.
DAYS = pl.Schema(
    {
        "world": pl.String,
        "day": pl.Date,
        "node": pl.String,
        "demand_units": pl.Float64,  # external demand
        "served_units": pl.Float64,  # of it, what stock could serve at once
        "served_value": pl.Float64,
        "stock_units": pl.Float64,  # on hand at the end of the day
        "stock_value": pl.Float64,
        "transit_value": pl.Float64,
        "excess_value": pl.Float64,  # part of stock_value, see EXCESS_MEANS
        "order_lines": pl.Int64,
        "order_units": pl.Float64,
        "order_value": pl.Float64,
    }
)
EXCESS_TIMES = 1.5
EXCESS_MEANS = f"stock above {EXCESS_TIMES} times the item-node's order-up-to level, at cost"
# One row per day and item-node for which we or the ERP's rule wanted an order, from the same state.
DECISIONS = pl.Schema(
    {
        "day": pl.Date,
        "node": pl.String,
        "item": pl.String,
        "ours": pl.Float64,  # after the fail-safes, 0 = none
        "erp": pl.Float64,  # of the ERP's own rule, 0 = none
        "unit_cost": pl.Float64,
        "compared": pl.Boolean,  # both saw the same state: true in shadow only
    }
)
# One row per finding of a fail-safe.
FINDINGS = pl.Schema(
    {
        "day": pl.Date,
        "node": pl.String,
        "item": pl.String,  # "" = the whole node or site
        "guard": pl.String,
        "action": pl.String,  # warn | clamp | hold | suppress | fallback | node_hold | ...
        "value": pl.Float64,
        "threshold": pl.Float64,
        "before": pl.Float64,
        "after": pl.Float64,
        "money": pl.Float64,  # what the finding kept back, or the line's value where it only warns
        "detail": pl.String,
    }
)
# One row per requisition line that went, or should have gone, to the ERP.
POSTED = pl.Schema(
    {
        "day": pl.Date,
        "key": pl.String,
        "node": pl.String,
        "item": pl.String,
        "quantity": pl.Float64,
        "unit": pl.String,
        "value": pl.Float64,
        "number": pl.String,  # the ERP's, "" = none
        "line": pl.String,
        "state": pl.String,
        "times_filed": pl.Int64,  # by the ERP's own account; null = not asked
    }
)
# One row per item-node that somebody else plans too.
OTHERS = pl.Schema(
    {
        "node": pl.String,
        "item": pl.String,
        "mrp_type": pl.String,
        "documents": pl.Int64,  # open requisitions that are not ours
        "quantity": pl.Float64,
        "value": pl.Float64,
    }
)
# One row per node and span of days in one mode, both ends in it.
MODES = pl.Schema({"node": pl.String, "mode": pl.String, "first_day": pl.Date, "last_day": pl.Date})
REVIEWS = pl.Schema(
    {
        "day": pl.Date,
        "review": pl.String,
        "outcome": pl.String,
        "lines": pl.Int64,
        "ordered": pl.Int64,
        "held": pl.Int64,
        "posted": pl.Int64,
        "seconds": pl.Float64,
        "source": pl.String,  # who decided
    }
)
FRAMES = MappingProxyType(
    {
        "days": DAYS,
        "decisions": DECISIONS,
        "findings": FINDINGS,
        "posted": POSTED,
        "others": OTHERS,
        "modes": MODES,
        "reviews": REVIEWS,
    }
)


@dataclass(frozen=True, kw_only=True)
class ReportData:
    """One site over some days. Raises SnapshotUnfit when a frame lacks a column it should have."""

    title: str
    site: str
    currency: str
    first_day: date
    last_day: date
    made_at: datetime  # aware
    version: str
    days: pl.DataFrame = field(default_factory=DAYS.to_frame)
    decisions: pl.DataFrame = field(default_factory=DECISIONS.to_frame)
    findings: pl.DataFrame = field(default_factory=FINDINGS.to_frame)
    posted: pl.DataFrame = field(default_factory=POSTED.to_frame)
    others: pl.DataFrame = field(default_factory=OTHERS.to_frame)
    modes: pl.DataFrame = field(default_factory=MODES.to_frame)
    reviews: pl.DataFrame = field(default_factory=REVIEWS.to_frame)
    item_nodes: int = 0
    compared_from: date | None = None  # first day of the like-for-like comparison
    unmatched: int | None = None  # filed lines that only one side knows; None = not asked
    stock_moment: str = "at the end of the day"
    guard_names: Mapping[str, str] = field(default_factory=dict)
    node_labels: Mapping[str, str] = field(default_factory=dict)
    facts: tuple[tuple[str, str], ...] = ()  # how the figures were made, name and value
    notes: tuple[str, ...] = ()  # what a reader must know to judge them

    def __post_init__(self) -> None:
        """Bring every frame to its schema, or say which column is missing."""
        for name, schema in FRAMES.items():
            object.__setattr__(self, name, _fit(getattr(self, name), name, schema))

    def world(self, name: str) -> pl.DataFrame:
        """Return the days of one world that are compared like for like."""
        since = self.compared_from or self.first_day
        return self.days.filter((pl.col("world") == name) & (pl.col("day") >= since))

    def label(self, node: str) -> str:
        """Return a node as people call it."""
        label = self.node_labels.get(node, "")
        return f"{node} {label}" if label else node


def _fit(frame: pl.DataFrame, name: str, schema: pl.Schema) -> pl.DataFrame:
    missing = [column for column in schema if column not in frame.columns]
    if missing:
        raise SnapshotUnfit(
            f"the report's {name} lack {', '.join(missing)}; they have {', '.join(frame.columns)}",
            hint="fill unknown figures with null",
        )
    return frame.select(pl.col(column).cast(kind) for column, kind in schema.items())
