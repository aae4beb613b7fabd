"""Everything a review thought about each line, side by side: one frame for explain and replay."""

from __future__ import annotations

import polars as pl

from connector.failsafes.verdicts import Screened
from connector.inventory.memory import PREVIOUS
from connector.inventory.recommendation import Recommendation
from connector.inventory.state import State


def verdict_lines(state: State, recommendation: Recommendation, screened: Screened) -> pl.DataFrame:
    """Return STATE, the recommendation and SCREENED as columns, one row per item-node."""
    said = pl.DataFrame(
        {
            "order_up_to": recommendation.order_up_to,
            "recommended": recommendation.quantity,
            "base_stock_level": recommendation.base_stock_level,
            "base_stock_quantity": recommendation.base_stock_quantity,
            "fell_back": recommendation.fell_back,
        }
    )
    verdict = screened.lines.drop("node", "item")
    return state.frame.hstack(said.get_columns()).hstack(verdict.get_columns())


def whole_picture(lines: pl.DataFrame, believed: pl.DataFrame) -> pl.DataFrame:
    """Return PREVIOUS with every reading as it was; the counts of reviews are the believed ones."""
    seen = lines.select(name for name in PREVIOUS if name != "starved_reviews")
    counts = believed.select("node", "item", "starved_reviews")
    whole = seen.join(counts, on=("node", "item"), how="left", maintain_order="left")
    counted = whole.with_columns(pl.col("starved_reviews").fill_null(0))
    return counted.select(pl.col(name).cast(kind) for name, kind in PREVIOUS.items())
