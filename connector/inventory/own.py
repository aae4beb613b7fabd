"""Which documents in the ERP's pipeline are ours, and which of our lines it does not show.

One of our lines is recognised by its tracking key, by the requisition number and line that the ERP
gave it, or by a purchase order that names that requisition. Item and node must agree as well: a
key that somebody copied to another plant is not ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from connector.inventory.memory import Memory
from connector.inventory.quantity import Column, Mask
from connector.inventory.snapshot import History
from connector.inventory.universe import Universe

_PENDING = ("owed", "intent", "in_doubt", "filed")


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """`ours` [rows of PIPELINE]; `shown` [rows of OWN]: the pipeline shows the line."""

    ours: Mask
    shown: Mask


def recognise(pipeline: pl.DataFrame, own: pl.DataFrame) -> Recognised:
    """Match a pipeline with our own lines."""
    documents = pipeline.with_row_index("document_row").with_columns(
        _number("requisition"), _number("requisition_line"), _number("document"), _number("line")
    )
    lines = own.with_row_index("own_row").with_columns(_number("number"), _number("number_line"))
    numbered = lines.filter(pl.col("number") != "")
    filed_as = ["number", "number_line"]
    requisitions = documents.filter(pl.col("kind") == "requisition")
    pairs = pl.concat(
        [
            _joined(documents, ["tracking"], lines, ["key"]),
            _joined(documents, ["requisition", "requisition_line"], numbered, filed_as),
            _joined(requisitions, ["document", "line"], numbered, filed_as),
        ]
    )
    ours, shown = np.zeros(pipeline.height, dtype=bool), np.zeros(own.height, dtype=bool)
    ours[pairs["document_row"].to_numpy()] = True
    shown[pairs["own_row"].to_numpy()] = True
    return Recognised(ours=ours, shown=shown)


def pending(own: pl.DataFrame, found: Recognised) -> pl.DataFrame:
    """Return our lines that may bring stock and that the pipeline does not show."""
    return own.filter(pl.col("state").is_in(_PENDING) & ~pl.Series(found.shown))


def missing(
    universe: Universe, memory: Memory, history: History, found: Recognised, today: date
) -> Column:
    """Return per item-node what was confirmed, is no longer shown and did not arrive either.

    Receipts count as its arrival when their order was placed on or after the day of filing.
    """
    gone = memory.own.filter((pl.col("state") == "confirmed") & ~pl.Series(found.shown))
    if gone.is_empty():
        return np.zeros(len(universe))
    filed = gone.group_by("node", "item").agg(pl.col("filed_on").fill_null(today).min())
    arrived = (
        history.receipts.join(filed, on=["node", "item"])
        .join(history.orders, on="order", how="left")
        .filter(pl.coalesce("ordered_on", "posted_on") >= pl.col("filed_on"))
    )
    return np.maximum(universe.total(gone) - universe.total(arrived), 0.0)


def _number(name: str) -> pl.Expr:
    """Return a document number as it compares: without leading zeros."""
    return pl.col(name).str.strip_chars_start("0")


def _joined(
    documents: pl.DataFrame, left: list[str], lines: pl.DataFrame, right: list[str]
) -> pl.DataFrame:
    named = documents.filter(pl.col(left[0]) != "")
    pairs = named.join(
        lines, left_on=["node", "item", *left], right_on=["node", "item", *right], how="inner"
    )
    return pairs.select("document_row", "own_row")
