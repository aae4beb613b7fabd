"""The same days lived through by the ERP's own rule, item by item, beside what the sandbox saw."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from connector.demo.others import WANTED
from connector.sandbox.filing import MADE_BY_PLANNING
from connector.sandbox.scenario import WorldOptions
from connector.sandbox.world import World
from connector.telemetry.report.data import DAYS, ERP_RULE

EXCESS_TIMES = 1.5
_ALIKE = 1e-6  # relative; sums of floats in another order
# Stock of every item-node at the end of a day.
LEFT = pl.Schema({"day": pl.Date, "node": pl.String, "item": pl.String, "on_hand": pl.Float64})


@dataclass(frozen=True, kw_only=True)
class RuleWorld:
    """What the ERP's rule alone did."""

    days: pl.DataFrame  # DAYS, without excess
    orders: pl.DataFrame  # others.WANTED
    left: pl.DataFrame  # LEFT


def live_by_the_rule(options: WorldOptions, days: int) -> RuleWorld:
    """Live `days` days after the history under the reorder-point rule, and note every order.

    Pure. The days equal those of `sandbox.baseline.under_the_erp_rule`, and those of a sandbox of
    the same options while nothing is filed there.
    """
    world = World(options)
    facts = world.scenario
    nodes, items = (np.asarray(names, dtype=object) for names in (facts.plants, facts.materials))
    cells = {"node": nodes[facts.node], "item": items[facts.item]}
    before = len(world.chronicle.days)
    orders, left = [], []
    for _ in range(days):
        today, first = date.fromordinal(world.today), len(world.documents.requisitions)
        world.advance()
        orders.append(_ordered(world, first, today, cells))
        left.append(
            pl.DataFrame({**cells, "on_hand": world.on_hand}).select(
                pl.lit(today).alias("day"), "node", "item", "on_hand"
            )
        )
    records = [day.record() for day in world.chronicle.days[before:]]
    return RuleWorld(
        days=days_of(records, ERP_RULE),
        orders=pl.concat([WANTED.to_frame(), *orders]),
        left=pl.concat([LEFT.to_frame(), *left]),
    )


def _ordered(world: World, first: int, today: date, cells: Mapping[str, Any]) -> pl.DataFrame:
    """Return the requisitions that the ERP's planning made since a row, summed per item-node."""
    facts, table = world.scenario, world.documents.requisitions
    rows = np.arange(first, len(table))
    rows = rows[table["origin"][rows] == world.documents.words.find(MADE_BY_PLANNING)]
    at = table["cell"][rows]
    made = pl.DataFrame(
        {
            "node": cells["node"][at],
            "item": cells["item"][at],
            "quantity": table["quantity"][rows],
            "unit_cost": facts.price[facts.item[at]],
        },
        schema={name: kind for name, kind in WANTED.items() if name != "day"},
    )
    summed = made.group_by("node", "item").agg(pl.col("quantity").sum(), pl.col("unit_cost").max())
    return summed.select(pl.lit(today).alias("day"), *summed.columns).sort("node", "item")


def days_of(records: Iterable[Mapping[str, Any]], world: str) -> pl.DataFrame:
    """Return the sandbox's account of plants and days as the report's DAYS."""
    rows = [
        {
            "world": world,
            "day": date.fromisoformat(record["day"]),
            "node": record["plant"],
            "demand_units": record["demand_units"],
            "served_units": record["served_units"],
            "served_value": record.get("served_value"),
            "stock_units": record["stock_units"],
            "stock_value": record["stock_value"],
            "transit_value": record["transit_value"],
            "excess_value": None,
            "order_lines": record["erp_lines"] + record["filed_lines"],
            "order_units": record["erp_units"] + record["filed_units"],
            "order_value": record["erp_value"] + record["filed_value"],
        }
        for record in records
    ]
    return pl.DataFrame(rows, schema=DAYS).sort("day", "node")


def with_excess(days: pl.DataFrame, left: pl.DataFrame, levels: pl.DataFrame) -> pl.DataFrame:
    """Return the days with their excess: stock above EXCESS_TIMES of each item-node's level.

    `levels` holds node, item, level and unit_cost, the same for every world that is compared. A
    day without stock by item keeps null.
    """
    beyond = (pl.col("on_hand") - EXCESS_TIMES * pl.col("level")).clip(lower_bound=0.0)
    by_node = (
        left.join(levels, on=("node", "item"), how="inner")
        .group_by("day", "node")
        .agg(known=(beyond * pl.col("unit_cost").fill_nan(0.0)).sum())
    )
    return (
        days.join(by_node, on=("day", "node"), how="left", maintain_order="left")
        .with_columns(excess_value="known")
        .drop("known")
    )


def same_until(ours: pl.DataFrame, erp: pl.DataFrame, day: date) -> bool:
    """Tell whether two worlds were one before a day: the same stock every evening, everywhere."""
    columns = ("day", "node", "stock_units", "order_units")
    both = (
        ours.filter(pl.col("day") < day)
        .select(columns)
        .join(erp.filter(pl.col("day") < day).select(columns), on=("day", "node"), how="full")
    )
    far = [
        (pl.col(name) - pl.col(f"{name}_right")).abs() > _ALIKE * pl.col(name).abs().clip(1.0)
        for name in ("stock_units", "order_units")
    ]
    return both.filter(pl.any_horizontal(far).fill_null(value=True)).is_empty()
