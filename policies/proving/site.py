"""A site whose ERP is the twin: each morning it shows a picture and takes orders, as an ERP does.

What the decision sees is what an ERP would show: sales, not demand; promised days, not the days on
which goods come; lead times of what has arrived. So estimates are the product's own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from connector.inventory.network import Network, Node
from connector.inventory.snapshot import (
    CONSUMPTION,
    FAULTS,
    ITEMS,
    ORDERS,
    PIPELINE,
    RECEIPTS,
    STOCK,
    History,
    Snapshot,
)
from connector.twin.scenario import CENTRAL, UNITS, Scenario

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from policies.proving.years import Year

MONDAY = date(2026, 1, 5)  # the day before the first of a year: weekdays weigh as drawn
_MORNING = time(6, tzinfo=UTC)
_DUST = 1e-6  # base units that a share of a float may be off


def network_of(facts: Scenario) -> Network:
    """Return the scenario's network as a site's settings would say it."""
    central, *regions = facts.plants
    below = (Node(name=name, supplied_by=central) for name in regions)
    return Network((Node(name=central), *below))


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What left for the nodes on one day [B, N], in base units, and when it comes."""

    day: int
    quantity: NDArray[np.float64]
    arrives: NDArray[np.int64]  # day on which it is on hand


class TwinSite:
    """Keeps the books of one site. Arrays are [B, N] in base units; frames run node by node."""

    def __init__(self, facts: Scenario, year: Year, *, history_days: int) -> None:
        """Open with nothing under way; sales before the first day are known."""
        self._facts, self._year, self._history_days = facts, year, history_days
        self.items = _items(facts, year)
        self._keys = self.items.select("node", "item")
        self._planned_by_node = self.items["lead_time_days"].cast(pl.Int64).to_numpy()
        self._sent: list[Sent] = []
        self._asked: list[NDArray[np.float64]] = []  # by day, what each node ordered
        self._first_asked = 0
        self._shipped = np.zeros_like(year.start)
        self._sales: list[pl.DataFrame] = []
        self._arrived: list[pl.DataFrame] = []
        for day in range(-len(year.before), 0):
            self._sell(day, year.before[day])

    def snapshot(self, day: int, on_hand: NDArray[np.float64]) -> Snapshot:
        """Return the picture of a morning, after receipts."""
        today = MONDAY + timedelta(days=day)
        return Snapshot(
            site="twin",
            taken_at=datetime.combine(today, _MORNING),
            erp_date=today,
            items=self.items,
            stock=self._stock(on_hand),
            pipeline=self._pipeline(day, today),
            faults=FAULTS.to_frame(),
            history=self._history(day, today),
        )

    def close_day(
        self,
        day: int,
        *,
        ordered: NDArray[np.float64],
        shipped: NDArray[np.float64],
        takes: NDArray[np.int64],
        sold: NDArray[np.float64],
    ) -> None:
        """Enter a day's orders, dispatches with the days they take, and sales."""
        self._asked.append(ordered)
        self._shipped = self._shipped + shipped
        self._sent.append(Sent(day=day, quantity=shipped, arrives=day + takes))
        self._sell(day, sold)
        self._receive(day + 1)

    def _sell(self, day: int, sold: NDArray[np.float64]) -> None:
        on = MONDAY + timedelta(days=day)
        rows, quantity = _filled(sold)
        self._sales.append(
            self._keys[rows]
            .with_columns(created_on=pl.lit(on), posted_on=pl.lit(on), quantity=quantity)
            .select(pl.col(name).cast(kind) for name, kind in CONSUMPTION.items())
        )

    def _receive(self, day: int) -> None:
        """Enter what is on hand from this day on, and forget what came."""
        rows, quantity, since = _rows_of(
            (np.where(each.arrives == day, each.quantity, 0.0), each.day) for each in self._sent
        )
        on = pl.lit(MONDAY + timedelta(days=day))
        self._arrived.append(
            self._keys[rows]
            .with_columns(since=since, row=rows, quantity=quantity)
            .select(
                order=_document(),
                line=pl.col("row").cast(pl.String),
                node="node",
                item="item",
                created_on=on,
                posted_on=on,
                quantity="quantity",
            )
            .cast(RECEIPTS)
        )
        self._sent = [each for each in self._sent if bool((each.arrives > day).any())]

    def _stock(self, on_hand: NDArray[np.float64]) -> pl.DataFrame:
        rows, quantity = _filled(on_hand)
        return (
            self.items[rows]
            .select("node", "item", "unit", standing=pl.lit("available"), quantity=quantity)
            .cast(STOCK)
        )

    def _pipeline(self, day: int, today: date) -> pl.DataFrame:
        """Return dispatched goods by promised day, and what the central warehouse still owes."""
        parts = [
            (_rows_of(self._under_way(day)), False),
            (_rows_of(self._owed()), True),
        ]
        frames = [
            self._keys[rows].with_columns(
                since=since,
                row=rows,
                quantity=quantity,
                ahead=since + self._planned_by_node[rows] - day,
                waits=pl.lit(waits),
            )
            for (rows, quantity, since), waits in parts
        ]
        central = pl.lit(self._facts.plants[CENTRAL])
        bought = pl.col("node") == central
        return (
            pl.concat(frames)
            .select(
                node="node",
                item="item",
                kind=pl.when(bought | pl.col("waits"))
                .then(pl.lit("purchase_order"))
                .otherwise(pl.lit("in_transit")),
                document=_document() + pl.when("waits").then(pl.lit("w")).otherwise(pl.lit("s")),
                line=pl.col("row").cast(pl.String),
                quantity="quantity",
                due=pl.lit(today) + pl.duration(days=pl.col("ahead")),
                supplying_node=pl.when(bought).then(pl.lit("")).otherwise(central),
                requisition=pl.lit(""),
                requisition_line=pl.lit(""),
                tracking=pl.lit(""),
                firm=pl.lit(value=True),
            )
            .cast(PIPELINE)
        )

    def _under_way(self, day: int) -> Iterator[tuple[NDArray[np.float64], int]]:
        for sent in self._sent:
            yield np.where(sent.arrives > day, sent.quantity, 0.0), sent.day

    def _owed(self) -> Iterator[tuple[NDArray[np.float64], int]]:
        """Yield orders that wait for the central warehouse's stock: the oldest is served first."""
        self._forget_served()
        left = self._shipped
        for since, asked in enumerate(self._asked, start=self._first_asked):
            open_now = np.maximum(asked - left, 0.0)
            left = np.maximum(left - asked, 0.0)
            yield np.where(open_now > _DUST, open_now, 0.0), since

    def _forget_served(self) -> None:
        """Drop the oldest days of which nothing waits any more."""
        while self._asked and bool((self._asked[0] <= self._shipped + _DUST).all()):
            self._shipped = np.maximum(self._shipped - self._asked.pop(0), 0.0)
            self._first_asked += 1

    def _history(self, day: int, today: date) -> History:
        since = today - timedelta(days=self._history_days)
        kept = self._history_days + 1
        self._sales = self._sales[-kept:]
        arrived = pl.concat(self._arrived or [RECEIPTS.to_frame()])
        arrived = arrived.filter(pl.col("posted_on") >= since)
        self._arrived = [arrived]
        first = max(since, MONDAY - timedelta(days=len(self._year.before)))
        return History(
            since=first,
            watermark=today,
            consumption=pl.concat(self._sales).filter(pl.col("posted_on") >= first),
            receipts=arrived,
            orders=self._orders(day),
        )

    def _orders(self, day: int) -> pl.DataFrame:
        """Return the day on which each order behind a receipt was placed."""
        days = np.arange(max(0, day - self._history_days - 365), max(day, 1))
        placed = pl.Series([MONDAY + timedelta(days=int(each)) for each in days], dtype=pl.Date)
        central = self._facts.plants[CENTRAL]
        frames = [
            pl.DataFrame(
                {
                    "order": pl.Series([f"{each}-{node}" for each in days], dtype=pl.String),
                    "ordered_on": placed,
                    "supplying_node": ["" if node == central else central] * len(days),
                },
                schema=ORDERS,
            )
            for node in self._facts.plants
        ]
        return pl.concat(frames)


def _items(facts: Scenario, year: Year) -> pl.DataFrame:
    """Return master data: lots and lead times, no levels, since those are what is judged."""
    names = year.names
    count = len(names)

    def cells(column: NDArray[np.float64]) -> NDArray[np.float64]:
        return _by_node(year.cells(column))

    def of_item(column: NDArray[Any]) -> NDArray[Any]:
        return np.tile(year.of_items(column), facts.nodes)

    most = cells(facts.lot_maximum)
    size = count * facts.nodes
    columns = {
        "node": np.repeat(np.asarray(facts.plants), count),
        "item": np.tile(names, facts.nodes),
        "unit": of_item(np.asarray(UNITS)[facts.unit]),
        "mrp_type": np.full(size, "ND"),
        "purchasing_group": of_item(np.asarray([f"{g:03d}" for g in facts.group + 1])),
        "lead_time_days": cells(facts.lead_days),
        "lot_minimum": cells(facts.lot_minimum),
        "lot_maximum": np.where(most > 0, most, np.inf),
        "lot_fixed": cells(facts.lot_fixed),
        "lot_multiple": np.maximum(cells(facts.lot_multiple), of_item(facts.grain)),
        "safety_stock": np.zeros(size),
        "reorder_point": np.zeros(size),
        "maximum_stock": np.full(size, np.inf),
        "unit_cost": of_item(facts.price),
        "blocked": np.zeros(size, dtype=bool),
    }
    return pl.DataFrame(columns).select(pl.col(n).cast(kind) for n, kind in ITEMS.items())


def _by_node(cells: NDArray[Any]) -> NDArray[Any]:
    """Return [B, N] as the frames have it: node by node."""
    return np.ascontiguousarray(cells.T).ravel()


def _filled(cells: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return rows of the frames that hold anything, and how much."""
    flat = _by_node(cells)
    rows = np.flatnonzero(flat > 0)
    return rows, flat[rows]


def _rows_of(
    parts: Iterable[tuple[NDArray[np.float64], int]],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Return rows of the frames, quantities and days of some days' columns [B, N]."""
    found = [(*_filled(cells), day) for cells, day in parts]
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0, dtype=np.int64)
    rows = np.concatenate([each[0] for each in found])
    quantity = np.concatenate([each[1] for each in found])
    return rows, quantity, np.repeat([each[2] for each in found], [len(each[0]) for each in found])


def _document() -> pl.Expr:
    """Name the order of a day and a node."""
    return pl.col("since").cast(pl.String) + "-" + pl.col("node")
