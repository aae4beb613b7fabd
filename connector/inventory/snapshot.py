"""One picture of a site as the ERP showed it, in columns.

Every adapter fills these frames; nothing behind this door knows an ERP field name.
Quantities are float64 in the item's base unit, dates are the ERP's own calendar days.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

import polars as pl

# One row per item-node in scope: the universe of the review.
ITEMS = pl.Schema(
    {
        "node": pl.String,
        "item": pl.String,
        "unit": pl.String,  # base unit of measure
        "mrp_type": pl.String,  # who else plans it ("" unknown)
        "purchasing_group": pl.String,
        "lead_time_days": pl.Float64,  # planned delivery + goods receipt processing, calendar days
        "lot_minimum": pl.Float64,  # 0 = none
        "lot_maximum": pl.Float64,  # inf = none
        "lot_fixed": pl.Float64,  # 0 = none
        "lot_multiple": pl.Float64,  # rounding value, 0 = none
        "safety_stock": pl.Float64,
        "reorder_point": pl.Float64,
        "maximum_stock": pl.Float64,  # inf = none
        "unit_cost": pl.Float64,  # per base unit, site currency; nan = unknown
        "blocked": pl.Boolean,  # status or deletion flag forbids procurement
    }
)
# Raw stock rows, aggregated over storage location and batch.
STOCK = pl.Schema(
    {
        "node": pl.String,
        "item": pl.String,
        "unit": pl.String,
        "standing": pl.String,  # available | in_transit | inspection | blocked
        "quantity": pl.Float64,
    }
)
PIPELINE_KINDS = ("purchase_order", "requisition", "shipping_notice", "planned_order", "in_transit")
# Every open document line that will bring stock, one row per dated quantity.
PIPELINE = pl.Schema(
    {
        "node": pl.String,
        "item": pl.String,
        "kind": pl.String,  # one of PIPELINE_KINDS
        "document": pl.String,
        "line": pl.String,  # canonical: no leading zeros
        "quantity": pl.Float64,  # still open, base unit
        "due": pl.Date,
        "supplying_node": pl.String,  # "" = bought from outside
        "requisition": pl.String,  # the requisition it came from, "" = unknown
        "requisition_line": pl.String,
        "tracking": pl.String,  # our key, "" = not ours
        "firm": pl.Boolean,  # the ERP's own planner may not change it
    }
)
CONSUMPTION = pl.Schema(
    {
        "node": pl.String,
        "item": pl.String,
        "created_on": pl.Date,
        "posted_on": pl.Date,
        "quantity": pl.Float64,  # issued less reversed
    }
)
RECEIPTS = pl.Schema(
    {
        "order": pl.String,
        "line": pl.String,
        "node": pl.String,
        "item": pl.String,
        "created_on": pl.Date,
        "posted_on": pl.Date,
        "quantity": pl.Float64,  # received less reversed, base unit
    }
)
ORDERS = pl.Schema({"order": pl.String, "ordered_on": pl.Date, "supplying_node": pl.String})
# Item-nodes about which the ERP said something that cannot be used. They are never ordered.
FAULTS = pl.Schema({"node": pl.String, "item": pl.String, "field": pl.String, "detail": pl.String})


@dataclass(frozen=True, kw_only=True)
class Feed:
    """How one read went: the evidence that it was complete."""

    name: str
    rows: int
    expected: int | None  # the server's own count, None where it gives none
    pages: int
    octets: int
    duplicates: int
    started_at: datetime
    finished_at: datetime
    seconds: float


@dataclass(frozen=True, kw_only=True)
class History:
    """What moved: grown by each pull, cut to a window, kept between reviews as Parquet.

    Rows are aggregated per (created_on, posted_on, ...). A pull re-reads everything created on or
    after `watermark` and replaces that suffix, so an overlap never counts a document twice.
    """

    since: date | None = None  # first day covered, None = empty
    watermark: date | None = None  # re-read from this creation day on
    consumption: pl.DataFrame = field(default_factory=CONSUMPTION.to_frame)
    receipts: pl.DataFrame = field(default_factory=RECEIPTS.to_frame)
    orders: pl.DataFrame = field(default_factory=ORDERS.to_frame)


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A site at one moment. `erp_date` is the ERP's calendar day in the site's time zone."""

    site: str
    taken_at: datetime  # aware, UTC
    erp_date: date
    items: pl.DataFrame  # ITEMS, sorted by (node, item), unique
    stock: pl.DataFrame  # STOCK
    pipeline: pl.DataFrame  # PIPELINE
    faults: pl.DataFrame  # FAULTS
    history: History
    feeds: tuple[Feed, ...] = ()
