"""Everything a review thought about each line, side by side: one frame for explain and replay."""

from __future__ import annotations

import polars as pl

from connector.failsafes.verdicts import Screened
from connector.inventory.memory import PREVIOUS, Memory
from connector.inventory.recommendation import Recommendation
from connector.inventory.state import State


def verdict_lines(
    state: State, recommendation: Recommendation, screened: Screened, memory: Memory
) -> pl.DataFrame:
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
    lines = state.frame.hstack(said.get_columns()).hstack(verdict.get_columns())
    return lines.with_columns(starved_reviews=starved(lines, memory))


def starved(lines: pl.DataFrame, memory: Memory) -> pl.Series:
    """Return for how many reviews in a row each line was short and nobody ordered or asked.

    Short = its position (above the last echelon: the echelon's) does not cover the demand over the
    90th percentile of its lead time. A held line is not silent: a person was asked.
    """
    above = pl.col("level") > 0
    position = pl.when(above).then("echelon_position").otherwise("inventory_position")
    demand = pl.when(above).then("echelon_demand_mean").otherwise("demand_mean")
    short = position < demand * pl.col("lead_time_p90")
    silent = (pl.col("quantity") == 0) & (pl.col("held") == 0)
    before = memory.previous.select("node", "item", before="starved_reviews")
    counted = lines.join(before, on=("node", "item"), how="left", maintain_order="left")
    streak = pl.col("before").fill_null(0) + 1
    return counted.select(
        pl.when(short & silent).then(streak).otherwise(0).cast(pl.Int64).alias("starved_reviews")
    ).to_series()


def previous_of(lines: pl.DataFrame) -> pl.DataFrame:
    """Return PREVIOUS from the evidence of the previous accepted review."""
    return lines.select(pl.col(name).cast(kind) for name, kind in PREVIOUS.items())
