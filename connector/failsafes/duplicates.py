"""C9: the same need asked for a second time, because the position does not count the first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connector.failsafes.columns import Column, Mask
from connector.failsafes.recall import Recall
from connector.failsafes.verdicts import Finding

_NOTHING = 1e-6  # of a base unit: what adding decimals as floats may leave


@dataclass(frozen=True, kw_only=True)
class _Open:
    """Open documents that some position does not count; `row` is their line."""

    row: NDArray[np.int64]
    quantity: Column
    days: Column  # until needed, from today; nan = no date
    document: NDArray[np.object_]


def duplicate_open(recall: Recall, *quantities: Column) -> tuple[Finding, tuple[str, ...]]:
    """Return lines that repeat an uncounted document in any of these quantities, and which one.

    A document in the pipeline is counted once, so the next order is smaller by it; only what the
    position leaves out can be ordered twice.
    """
    size = len(recall.lines)
    tripped = np.zeros(size, dtype=bool)
    threshold = np.zeros(size)
    documents = np.full(size, "", dtype=object)
    for found in _uncounted(recall):
        for quantity in quantities:
            same = _is_same_need(recall, found, quantity[found.row])
            tripped[found.row[same]] = True
            threshold[found.row[same]] = found.quantity[same]
            documents[found.row[same]] = found.document[same]
    finding = Finding(tripped=tripped, value=quantities[0], threshold=threshold)
    return finding, tuple(documents[tripped].tolist())


def _uncounted(recall: Recall) -> Iterator[_Open]:
    lines, pipeline = recall.lines, recall.snapshot.pipeline
    left_out = lines.universe.total(pipeline) - lines["pipeline"]
    if (left_out > _NOTHING).any():
        named = pipeline.with_columns(pl.format("{} {}/{}", "kind", "document", "line").alias("is"))
        yield _fitting(recall, named, left_out)
    missing = lines["own_missing"]
    if (missing > _NOTHING).any():
        confirmed = recall.memory.own.filter(pl.col("state") == "confirmed")
        named = confirmed.with_columns(
            pl.format("our {}, filed as {}", "key", "number").alias("is")
        )
        yield _fitting(recall, named, missing)


def _fitting(recall: Recall, frame: pl.DataFrame, left_out: Column) -> _Open:
    """Return the documents that can be part of what a line's position leaves out."""
    row = recall.lines.universe.locate(frame)
    quantity = frame["quantity"].to_numpy()
    fits = (row >= 0) & (quantity > 0) & (quantity <= left_out[row] + _NOTHING)
    kept = frame.filter(pl.Series(fits, dtype=pl.Boolean))
    days = (kept["due"] - recall.today).dt.total_days().cast(pl.Float64).fill_null(np.nan)
    return _Open(
        row=row[fits],
        quantity=quantity[fits],
        days=days.to_numpy(),
        document=kept["is"].to_numpy(),
    )


def _is_same_need(recall: Recall, found: _Open, quantity: Column) -> Mask:
    lines, limits = recall.lines, recall.lines.limits.duplicate_open
    ratio = quantity / found.quantity
    needed = np.maximum(1.0, np.ceil(np.maximum(lines["lead_time_days"], 0.0)))[found.row]
    apart = np.abs(found.days - needed)
    # A document without a date may be needed on any day, this one too.
    near = ~(apart > limits.reviews * lines.review[found.row])
    return (quantity > 0) & near & (ratio >= limits.low) & (ratio <= limits.high)
