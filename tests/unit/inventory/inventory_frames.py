"""A small site in frames: each builder fills what a test does not say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import polars as pl
from hypothesis import settings

from connector.inventory.build import build_state
from connector.inventory.memory import OWN, Memory
from connector.inventory.network import Network, Node
from connector.inventory.planning import Planning
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
from connector.inventory.state import State

TODAY = date(2026, 11, 24)  # a Tuesday
SINCE = TODAY - timedelta(days=90)
DC, REGION, OTHER = "1000", "1010", "1020"
TEA, CUPS = "TEA", "CUPS"
NETWORK = Network(
    (Node(name=DC), Node(name=REGION, supplied_by=DC), Node(name=OTHER, supplied_by=DC))
)

# Each example builds whole states; together they stay within seconds.
few = settings(max_examples=15, deadline=None)

_ITEM = {
    "unit": "PC",
    "mrp_type": "VB",
    "purchasing_group": "001",
    "lead_time_days": 5.0,
    "lot_minimum": 0.0,
    "lot_maximum": float("inf"),
    "lot_fixed": 0.0,
    "lot_multiple": 0.0,
    "safety_stock": 0.0,
    "reorder_point": 0.0,
    "maximum_stock": float("inf"),
    "unit_cost": 2.5,
    "blocked": False,
}
_DOCUMENT = {
    "kind": "purchase_order",
    "document": "4500000001",
    "line": "10",
    "due": TODAY + timedelta(days=2),
    "supplying_node": "",
    "requisition": "",
    "requisition_line": "",
    "tracking": "",
    "firm": False,
}
_OWN = {
    "key": "",
    "state": "filed",
    "number": "",
    "number_line": "",
    "filed_on": TODAY - timedelta(days=1),
    "due": TODAY + timedelta(days=4),
}

Rows = Iterable[Mapping[str, Any]]


def ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def frame(schema: pl.Schema, rows: Rows, unsaid: Mapping[str, Any] | None = None) -> pl.DataFrame:
    filled = [{**(unsaid or {}), **row} for row in rows]
    return pl.DataFrame(filled, schema=schema) if filled else schema.to_frame()


def item(node: str = REGION, item: str = TEA, **said: Any) -> dict[str, Any]:
    return {"node": node, "item": item, **said}


def items(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame(ITEMS, rows or [item()], _ITEM)


def stock(*rows: tuple[str, float] | tuple[str, float, str]) -> pl.DataFrame:
    """Rows of (node, quantity, standing) of TEA."""
    told = [
        {
            "node": node,
            "item": TEA,
            "unit": "PC",
            "quantity": quantity,
            "standing": (*standing, "available")[0],
        }
        for node, quantity, *standing in rows
    ]
    return frame(STOCK, told)


def document(quantity: float, node: str = REGION, item: str = TEA, **said: Any) -> dict[str, Any]:
    return {"node": node, "item": item, "quantity": quantity, **said}


def pipeline(*rows: Mapping[str, Any]) -> pl.DataFrame:
    return frame(PIPELINE, rows, _DOCUMENT)


def own(*rows: Mapping[str, Any]) -> Memory:
    return Memory(own=frame(OWN, rows, _OWN))


def taken(
    quantities: Iterable[float], node: str = REGION, item: str = TEA, until: date = TODAY
) -> pl.DataFrame:
    """One day's consumption after another, the last on the day before `until`."""
    told = list(quantities)
    days = [until - timedelta(days=len(told) - k) for k in range(len(told))]
    return frame(
        CONSUMPTION,
        [
            {"node": node, "item": item, "created_on": day, "posted_on": day, "quantity": quantity}
            for day, quantity in zip(days, told, strict=True)
            if quantity
        ],
    )


def received(*rows: Mapping[str, Any]) -> pl.DataFrame:
    unsaid = {"order": "45", "line": "10", "node": REGION, "item": TEA}
    told = [{"created_on": row["posted_on"], **row} for row in rows]
    return frame(RECEIPTS, told, unsaid)


def ordered(*rows: tuple[str, date] | tuple[str, date, str]) -> pl.DataFrame:
    """Rows of (order, ordered_on, supplying node)."""
    told = [
        {"order": order, "ordered_on": day, "supplying_node": (*node, DC)[0]}
        for order, day, *node in rows
    ]
    return frame(ORDERS, told)


def history(
    consumption: pl.DataFrame | None = None,
    receipts: pl.DataFrame | None = None,
    orders: pl.DataFrame | None = None,
    since: date | None = SINCE,
) -> History:
    return History(
        since=since,
        watermark=ago(1),
        consumption=CONSUMPTION.to_frame() if consumption is None else consumption,
        receipts=RECEIPTS.to_frame() if receipts is None else receipts,
        orders=ORDERS.to_frame() if orders is None else orders,
    )


def snapshot(**said: Any) -> Snapshot:
    unsaid = {
        "site": "dc-1",
        "taken_at": datetime(2026, 11, 24, 6, tzinfo=UTC),
        "erp_date": TODAY,
        "items": items(item(DC), item(REGION), item(OTHER)),
        "stock": STOCK.to_frame(),
        "pipeline": PIPELINE.to_frame(),
        "faults": FAULTS.to_frame(),
        "history": history(),
    }
    return Snapshot(**{**unsaid, **said})


def state(memory: Memory | None = None, planning: Planning | None = None, **said: Any) -> State:
    return build_state(snapshot(**said), memory or Memory(), NETWORK, planning or Planning())


def at(built: State, node: str = REGION, item: str = TEA) -> dict[str, Any]:
    """The row of an item-node."""
    return built.frame.row(
        by_predicate=(pl.col("node") == node) & (pl.col("item") == item), named=True
    )
