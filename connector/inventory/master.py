"""Master data fit to plan with, and what is wrong with the rest.

What the ERP left empty gets the value that changes nothing: no lead time, lot, safety stock or
reorder point is 0, no largest lot or maximum stock is inf (0 says the same there), a text is "".
An item nobody knows the status of is blocked. A value that cannot be meant (negative, not a number,
a smallest lot above the largest) is replaced alike and becomes a fault: the line is never ordered.
"""

from __future__ import annotations

import polars as pl

from connector.inventory.network import Network
from connector.inventory.quantity import LARGEST
from connector.inventory.snapshot import FAULTS, ITEMS, Snapshot

_AMOUNTS = (
    "lead_time_days",
    "lot_minimum",
    "lot_fixed",
    "lot_multiple",
    "safety_stock",
    "reorder_point",
)
_CEILINGS = ("lot_maximum", "maximum_stock")
_TEXTS = tuple(name for name, kind in ITEMS.items() if kind == pl.String)


def usable(items: pl.DataFrame) -> pl.DataFrame:
    """Return ITEMS sorted by (node, item), without nulls; nan only as an unknown unit cost."""
    amounts = [pl.when(_is_amount(name)).then(name).otherwise(0.0).alias(name) for name in _AMOUNTS]
    ceilings = [
        pl.when(_is_ceiling(name) & (pl.col(name) > 0))
        .then(name)
        .otherwise(float("inf"))
        .alias(name)
        for name in _CEILINGS
    ]
    cost = pl.when(_is_amount("unit_cost")).then("unit_cost").otherwise(float("nan"))
    return items.with_columns(
        *(pl.col(name).fill_null("") for name in _TEXTS),
        *amounts,
        *ceilings,
        cost.alias("unit_cost"),
        pl.col("blocked").fill_null(value=True),
    ).sort("node", "item")


def faults(snapshot: Snapshot, network: Network) -> pl.DataFrame:
    """Return one row per item-node with a fault: node, item, detail.

    The ERP's own faults come before what is found here; of several, the first in the alphabet of
    (field, detail) is told, so that the order of rows tells nothing.
    """
    found = [
        snapshot.faults.select(pl.lit(0).alias("rank"), *FAULTS),
        *(each.select(pl.lit(1).alias("rank"), *FAULTS) for each in _item_faults(snapshot.items)),
        *(each.select(pl.lit(1).alias("rank"), *FAULTS) for each in _row_faults(snapshot)),
    ]
    known = pl.concat(found).filter(pl.col("node").is_in(network.names))
    told = (
        pl.when(pl.col("detail") != "").then("detail").otherwise(pl.col("field") + " is unusable")
    )
    first = known.sort("rank", "field", "detail").unique(("node", "item"), keep="first")
    return first.select("node", "item", detail=told.fill_null("unusable"))


def _is_amount(name: str) -> pl.Expr:
    return pl.col(name).is_between(0.0, LARGEST).fill_null(value=False)


def _is_ceiling(name: str) -> pl.Expr:
    return ((pl.col(name) >= 0.0) & pl.col(name).is_not_nan()).fill_null(value=False)


def _item_faults(items: pl.DataFrame) -> list[pl.DataFrame]:
    """Return what no planner can have meant; a null is an empty field, not a fault."""
    amounts = [_fault(items, name, ~_is_amount(name)) for name in _AMOUNTS]
    ceilings = [_fault(items, name, ~_is_ceiling(name)) for name in _CEILINGS]
    cost = _fault(items, "unit_cost", pl.col("unit_cost").is_not_nan() & ~_is_amount("unit_cost"))
    least = pl.max_horizontal("lot_minimum", "lot_fixed")
    above = (pl.col("lot_maximum") > 0) & (least > pl.col("lot_maximum"))
    contradiction = items.filter(above).select(
        "node",
        "item",
        field=pl.lit("lot_maximum"),
        detail=pl.format("the smallest lot {} exceeds the largest {}", least, "lot_maximum"),
    )
    return [*amounts, *ceilings, cost, contradiction]


def _fault(frame: pl.DataFrame, name: str, is_wrong: pl.Expr) -> pl.DataFrame:
    wrong = frame.filter(is_wrong & pl.col(name).is_not_null())
    detail = pl.format("{} is {}, which no plan can use", pl.lit(name), name)
    return wrong.select("node", "item", field=pl.lit(name), detail=detail)


def _row_faults(snapshot: Snapshot) -> list[pl.DataFrame]:
    """Return stock, documents and movements whose quantity is no number."""
    frames = {
        "stock": snapshot.stock,
        "pipeline": snapshot.pipeline,
        "consumption": snapshot.history.consumption,
        "receipts": snapshot.history.receipts,
    }
    believable = (pl.col("quantity").abs() <= LARGEST).fill_null(value=False)
    return [
        frame.filter(~believable).select(
            "node",
            "item",
            field=pl.lit(name),
            detail=pl.format(
                "a quantity in {} is {}, which no plan can use",
                pl.lit(name),
                pl.col("quantity").cast(pl.String).fill_null("empty"),
            ),
        )
        for name, frame in frames.items()
    ]
