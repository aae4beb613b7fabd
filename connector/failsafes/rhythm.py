"""How much a node usually reads and orders: the medians of up to eight earlier reviews.

Orders are compared per day since the node's last order. A node that was held, or a daemon that
stood still, needs two days' worth on the second day; comparing that with one day's would hold it
for ever, while per day no more passes than if it had never been held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from connector.failsafes.columns import Column, Lines, beside_nodes
from connector.failsafes.recall import Recall

REVIEWS = 8
_LINES = pl.col("lines") > 0
_DAY = "day"


@dataclass(frozen=True, kw_only=True)
class Usual:
    """Per node of the lines: how many reviews are behind it, and their figures."""

    reviews: NDArray[np.int64]
    figures: dict[str, Column]

    def __getitem__(self, name: str) -> Column:
        """Return one of its figures, 0 where there are no reviews."""
        return self.figures[name]


def usual_counts(recall: Recall, least: int) -> Usual:
    """Return the usual numbers of items and stock rows, on this weekday where that is known."""
    vitals = recall.memory.vitals.sort("slot")
    figures = {name: pl.col(name).median() for name in ("items", "stock_rows")}
    return _on_this_weekday(recall, vitals, least, figures)


def last_pipeline_rows(recall: Recall) -> Column:
    """Return the open document rows of the last accepted review of each node."""
    newest = recall.memory.vitals.sort("slot").group_by("node").agg(pl.col("pipeline_rows").last())
    return beside_nodes(recall.lines, newest, "pipeline_rows")


def ordering_reviews(recall: Recall) -> pl.DataFrame:
    """Return the vitals of reviews that ordered, with the days since the one before as `gap`."""
    dated = _dated(recall.memory.vitals).filter(_LINES).sort("node", "slot")
    gap = (pl.col(_DAY) - pl.col(_DAY).shift(1).over("node")).dt.total_days()
    return dated.with_columns(gap=gap.clip(lower_bound=1)).drop_nulls("gap")


def usual_orders(recall: Recall, ordering: pl.DataFrame, least: int) -> Usual:
    """Return the usual lines and value of reviews that ordered, per day since the order before."""
    value = pl.col("value") / pl.col("gap")
    figures = {
        "lines": (pl.col("lines") / pl.col("gap")).max(),
        "value": value.median(),
        "value_mad": (value - value.median()).abs().median(),
    }
    return _on_this_weekday(recall, ordering, least, figures)


def days_since_order(recall: Recall, most: float) -> Column:
    """Return the days since each node's last order, from 1 to `most`; 1 where none is known."""
    placed = recall.memory.ordered.lazy().filter(pl.col("quantity") > 0)
    age = (pl.lit(recall.today) - pl.col("ordered_on").max()).dt.total_days()
    known = placed.group_by("node").agg(age=age).collect()
    return np.clip(beside_nodes(recall.lines, known, "age"), 1.0, most)


def spent(recall: Recall, days: int) -> Column:
    """Return what each node reserved or spent in the last `days` days; inf where unreadable."""
    age = (pl.lit(recall.today) - pl.col("day")).dt.total_days()
    readable = pl.col("value").is_finite() & (pl.col("value") >= 0)
    value = pl.when(readable).then("value").otherwise(np.inf)
    recent = recall.memory.spent.filter(age < days).with_columns(value=value)
    added = recent.group_by("node").agg(pl.col("value").sum())
    return beside_nodes(recall.lines, added, "value")


def _on_this_weekday(
    recall: Recall, reviews: pl.DataFrame, least: int, figures: dict[str, pl.Expr]
) -> Usual:
    """Take the last reviews of this weekday; of any day where those are too few; none if few too.

    `reviews` ascends by slot within each node.
    """
    same = reviews.filter(pl.col("weekday") == recall.today.weekday())
    here = _summary(recall.lines, same, figures)
    anyday = _summary(recall.lines, reviews, figures)
    chosen = {name: np.where(here["reviews"] >= least, here[name], anyday[name]) for name in here}
    enough = chosen["reviews"] >= least
    return Usual(
        reviews=np.where(enough, chosen["reviews"], 0).astype(np.int64),
        figures={name: np.where(enough, chosen[name], 0.0) for name in figures},
    )


def _summary(lines: Lines, reviews: pl.DataFrame, figures: dict[str, pl.Expr]) -> dict[str, Column]:
    last = reviews.group_by("node", maintain_order=True).tail(REVIEWS)
    table = last.group_by("node").agg(reviews=pl.len(), **figures)
    return {name: beside_nodes(lines, table, name) for name in ("reviews", *figures)}


def _dated(vitals: pl.DataFrame) -> pl.DataFrame:
    """Add the ERP's calendar day: the slot's own in UTC, or the neighbour with its weekday."""
    slot_day = pl.col("slot").str.tail(16).str.to_date("%Y%m%dT%H%M%SZ", strict=False)
    ahead = (pl.col("weekday") - (slot_day.dt.weekday().cast(pl.Int64) - 1)) % 7
    shift = pl.when(ahead == 6).then(-1).when(ahead <= 1).then(ahead)  # noqa: PLR2004 (a week)
    return vitals.with_columns((slot_day + pl.duration(days=shift)).alias(_DAY)).drop_nulls(_DAY)
