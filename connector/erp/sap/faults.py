"""Item-nodes about which the ERP said something that cannot be used: kept, named, never ordered."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from connector.erp.odata.gather import Rows
from connector.inventory.snapshot import FAULTS

_DETAIL_MAX = 120


def no_faults() -> pl.DataFrame:
    """Return the empty frame of faults."""
    return FAULTS.to_frame()


def faults(frame: pl.DataFrame, field: str, detail: pl.Expr) -> pl.DataFrame:
    """Return one fault for each row of a frame with node and item."""
    said = detail.str.slice(0, _DETAIL_MAX).alias("detail")
    return frame.select("node", "item", pl.lit(field).alias("field"), said).cast(FAULTS)


def unread(rows: Rows, places: pl.DataFrame) -> pl.DataFrame:
    """Return a fault for each value that could not be read; `places` tells row, node and item."""
    where = places.select("row", "node", "item").unique()
    said = pl.format("{} cannot be read", pl.col("raw")).str.slice(0, _DETAIL_MAX).alias("detail")
    found = rows.unread.join(where, on="row", how="inner")
    return found.select("node", "item", "field", said).cast(FAULTS)


def together(parts: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Return all faults, each once, in a steady order."""
    return pl.concat([no_faults(), *parts]).unique().sort(FAULTS.names())
