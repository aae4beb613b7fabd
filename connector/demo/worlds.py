"""The demo's worlds, item by item: the one the sandbox lived through, and the ERP's rule alone.

The sandbox's account has one row per plant and day. Which items were in excess, and what the ERP's
rule ordered of each, is seen by living through the same days again in this process: the state file
holds everything that came from outside, and the rest follows from the options.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from connector.sandbox.chronicle import Chronicle
from connector.sandbox.filing import MADE_BY_PLANNING
from connector.sandbox.journal import Journal
from connector.sandbox.world import World
from connector.site.others import WANTED
from connector.telemetry.report.data import DAYS, ERP_RULE, EXCESS_TIMES, OURS
from connector.twin.scenario import Floats, WorldOptions

_ALIKE = 1e-6  # relative; sums of floats in another order
# Stock of every item-node at the end of a day.
LEFT = pl.Schema({"day": pl.Date, "node": pl.String, "item": pl.String, "on_hand": pl.Float64})


@dataclass(frozen=True, kw_only=True)
class Lived:
    """What happened in a world after its history."""

    days: pl.DataFrame  # DAYS, without excess
    orders: pl.DataFrame  # others.WANTED: what the ERP's own rule ordered
    left: pl.DataFrame  # LEFT


def live_by_the_rule(options: WorldOptions, days: int) -> Lived:
    """Live `days` days after the history under the reorder-point rule alone.

    Pure. The days equal those of `sandbox.baseline.under_the_erp_rule`.
    """

    def go_on(world: World) -> None:
        for _ in range(days):
            world.advance()

    return _witnessed(World(options), go_on, ERP_RULE)


def relive(options: WorldOptions, state: Path) -> Lived:
    """Live again through what a sandbox of these options wrote into its state file.

    Raises LedgerUnavailable when the file belongs to another world.
    """

    def go_on(world: World) -> None:
        Journal(world, state).close()

    return _witnessed(World(options), go_on, OURS)


def _witnessed(world: World, go_on: Callable[[World], None], name: str) -> Lived:
    witness = _Witness(world)
    world.chronicle = witness
    go_on(world)
    days = days_of([day.record() for day in witness.days[witness.first :]], name)
    values = pl.DataFrame(
        witness.served,
        orient="row",
        schema={"day": pl.Date, "node": pl.String, "value": pl.Float64},
    )
    valued = days.join(values, on=("day", "node"), how="left", maintain_order="left")
    return Lived(
        days=valued.with_columns(served_value="value").drop("value"),
        orders=pl.concat([WANTED.to_frame(), *witness.orders]),
        left=pl.concat([LEFT.to_frame(), *witness.left]),
    )


class _Witness(Chronicle):
    """Keeps the world's account as before, and looks at every item each evening."""

    def __init__(self, world: World) -> None:
        facts = world.scenario
        self._kept = world.chronicle
        self._facts = facts
        self._row = len(world.documents.requisitions)
        plants, items = (
            np.asarray(names, dtype=object) for names in (facts.plants, facts.materials)
        )
        self._cells = {"node": plants[facts.node], "item": items[facts.item]}
        self._price = facts.price[facts.item]
        self.days = self._kept.days
        self.first = len(self.days)
        self.served: list[tuple[date, str, float]] = []
        self.orders: list[pl.DataFrame] = []
        self.left: list[pl.DataFrame] = []

    def close_day(self, world: World, *, wanted: Floats, served: Floats, received: Floats) -> None:
        """Close the day in the world's own account, and note each item's evening."""
        self._kept.close_day(world, wanted=wanted, served=served, received=received)
        today = date.fromordinal(world.today)
        value = np.bincount(self._facts.node, served * self._price, self._facts.nodes)
        self.served += zip([today] * len(value), self._facts.plants, value.tolist(), strict=True)
        evening = pl.DataFrame({**self._cells, "on_hand": world.on_hand.copy()})
        self.left.append(evening.select(pl.lit(today).alias("day"), *evening.columns))
        self.orders.append(self._ordered(world, today))

    def _ordered(self, world: World, today: date) -> pl.DataFrame:
        """Return what the ERP's planning asked for since yesterday, summed per item-node."""
        table = world.documents.requisitions
        rows = np.arange(self._row, len(table))
        self._row = len(table)
        rows = rows[table["origin"][rows] == world.documents.words.find(MADE_BY_PLANNING)]
        at = table["cell"][rows]
        made = pl.DataFrame(
            {
                "node": self._cells["node"][at],
                "item": self._cells["item"][at],
                "quantity": table["quantity"][rows],
                "unit_cost": self._price[at],
            },
            schema={name: kind for name, kind in WANTED.items() if name != "day"},
        )
        summed = made.group_by("node", "item").agg(
            pl.col("quantity").sum(), pl.col("unit_cost").max()
        )
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
            "served_value": None,
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


def same(one: pl.DataFrame, other: pl.DataFrame) -> bool:
    """Tell whether two accounts of DAYS agree on stock, service and orders, node by node."""
    columns = ("stock_units", "stock_value", "served_units", "order_lines", "order_units")
    at = ("day", "node")
    both = one.select(*at, *columns).join(other.select(*at, *columns), on=at, how="full")
    far = [
        (pl.col(name) - pl.col(f"{name}_right")).abs() > _ALIKE * pl.col(name).abs().clip(1.0)
        for name in columns
    ]
    return both.filter(pl.any_horizontal(far).fill_null(value=True)).is_empty()
