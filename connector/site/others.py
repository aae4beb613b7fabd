"""Who else plans and orders: read from the pictures that reviews kept of the ERP."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import polars as pl

from connector.errors import LedgerUnavailable
from connector.ledger.evidence import EvidenceStore

UNPLANNED = ("ND", "X0", "")  # planning types under which the ERP leaves an item alone
_ORDERING = ("purchase_order", "requisition", "planned_order")
# What one side wanted to order.
WANTED = pl.Schema(
    {
        "day": pl.Date,
        "node": pl.String,
        "item": pl.String,
        "quantity": pl.Float64,
        "unit_cost": pl.Float64,
    }
)


def others(
    evidence: EvidenceStore, site: str, newest: str, unplanned: Sequence[str] = UNPLANNED
) -> pl.DataFrame:
    """Return who else plans, at the newest review: planning types and requisitions not ours."""
    pipeline = _picture(evidence, site, newest, "pipeline")
    asked = (
        pipeline.filter((pl.col("kind") == "requisition") & (pl.col("tracking") == ""))
        .group_by("node", "item")
        .agg(documents=pl.len().cast(pl.Int64), quantity=pl.col("quantity").sum())
    )
    stock = evidence.read_lines(site, newest).select("node", "item", "on_hand")
    items = _picture(evidence, site, newest, "items").select(
        "node", "item", "mrp_type", "unit_cost"
    )
    every = items.join(asked, on=("node", "item"), how="left").join(stock, on=("node", "item"))
    planned = ~pl.col("mrp_type").is_in(list(unplanned)) | pl.col("documents").is_not_null()
    open_or_here = pl.col("quantity").fill_null(0.0) + pl.col("on_hand").clip(lower_bound=0.0)
    return every.filter(planned).select(
        "node",
        "item",
        "mrp_type",
        pl.col("documents").fill_null(0),
        pl.col("quantity").fill_null(0.0),
        (open_or_here * pl.col("unit_cost").fill_nan(0.0)).alias("value"),
    )


def their_orders(
    evidence: EvidenceStore, site: str, pictures: Sequence[tuple[date, str]]
) -> pl.DataFrame:
    """Return what others ordered on each day: open documents seen first at the review after it."""
    found = []
    known: pl.DataFrame | None = None
    before: date | None = None
    for day, review in pictures:
        orders = _documents(_picture(evidence, site, review, "pipeline"))
        if known is not None and before is not None:
            costs = _picture(evidence, site, review, "items").select("node", "item", "unit_cost")
            fresh = orders.join(known, on=("root", "root_line"), how="anti")
            found.append(
                fresh.group_by("node", "item")
                .agg(pl.col("quantity").sum())
                .join(costs, on=("node", "item"), how="inner")
                .select(pl.lit(before).alias("day"), "node", "item", "quantity", "unit_cost")
            )
        known, before = orders, day
    return pl.concat(found).sort("day", "node", "item") if found else WANTED.to_frame()


def _documents(pipeline: pl.DataFrame) -> pl.DataFrame:
    """Return others' open order lines under the name of the requisition they began as."""
    began = pl.col("requisition") != ""
    return pipeline.filter(
        pl.col("kind").is_in(_ORDERING) & (pl.col("tracking") == "")
    ).with_columns(
        root=pl.when(began).then("requisition").otherwise("document"),
        root_line=pl.when(began).then("requisition_line").otherwise("line"),
    )


def _picture(evidence: EvidenceStore, site: str, review: str, name: str) -> pl.DataFrame:
    """Return one frame of a review's snapshot, without the history beside it."""
    path = evidence.directory(site, review) / f"{name}.parquet"
    try:
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise LedgerUnavailable(
            f"{path}: the evidence cannot be read: {error}", hint="it was pruned or damaged"
        ) from error
