"""What arrived, into one picture: units first, then stock, history and pipeline in base units."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

import polars as pl

from connector.erp.odata.gather import Rows
from connector.erp.sap import items as master
from connector.erp.sap import movements as moves
from connector.erp.sap.faults import together
from connector.erp.sap.item_reads import BASE_UNITS
from connector.erp.sap.movements import Moves
from connector.erp.sap.orders import orders, requisitions
from connector.erp.sap.pipeline import mrp_elements, mrp_lines, pipeline
from connector.erp.sap.site import SapSite
from connector.erp.sap.stock import stock, stock_lines
from connector.erp.sap.units import Units, base_units, foreign
from connector.inventory.history import merge, reread_from
from connector.inventory.snapshot import History

if TYPE_CHECKING:
    from connector.erp.sap.reading import Reading


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """What the reads that wait for nothing brought."""

    plants: Rows
    planning: Rows
    valuation: Rows | None
    flagged: Rows | None
    stock: Rows
    headers: Rows
    movements: Moves
    orders: Rows | None = None  # by documents
    requisitions: Rows | None = None
    elements: Rows | None = None  # by the ERP's own netting


@dataclass(frozen=True, kw_only=True)
class Pictured:
    """The frames of a snapshot and its history."""

    items: pl.DataFrame
    stock: pl.DataFrame
    pipeline: pl.DataFrame
    faults: pl.DataFrame
    history: History


@dataclass(frozen=True, kw_only=True)
class _Older:
    """Open orders from before the history: their headers and all they ever received."""

    headers: pl.DataFrame  # ORDERS, new and older ones of this pull
    before: pl.DataFrame  # order: whose receipts the history does not hold in full
    receipts: Moves


def picture(
    came: Arrivals, reading: Reading, kept: History, erp_date: date, site: SapSite
) -> Pictured:
    """Return the picture; reads what only now is known to be needed."""
    since = erp_date - timedelta(days=site.history_days)
    items, item_faults = _items(came, reading, site)
    held = stock_lines(came.stock, site)
    older = _older(came, reading, kept, since, site)
    units = _units(items, _quantities(came, held, older, site), came, reading)
    shelf = stock(held, items, units, site)
    history, moved_faults = _history(came, older, kept, since, units)
    if came.elements is not None:
        opened, open_faults = mrp_elements(came.elements, items, units, site)
    else:
        opened, open_faults = _documents(came, history, older, items, units)
    found = together([item_faults, shelf.faults, moved_faults, open_faults])
    return Pictured(
        items=items,
        stock=shelf.frame,
        pipeline=pipeline(opened, shelf.transit, items, erp_date, site),
        faults=found.join(items, on=["node", "item"], how="semi", maintain_order="left"),
        history=history,
    )


def _items(came: Arrivals, reading: Reading, site: SapSite) -> tuple[pl.DataFrame, pl.DataFrame]:
    made, found = master.items(came.plants, came.planning, came.valuation, came.flagged, site)
    nameless = made.filter(pl.col("unit") == "")
    if nameless.height:
        products = _as_written(came, nameless.select("item").unique().sort("item"))
        told = reading.rows(BASE_UNITS, products=products)
        made = master.with_base_units(made, told.frame)
    return made, together([found, master.without_unit(made)])


def _as_written(came: Arrivals, items: pl.DataFrame) -> tuple[str, ...]:
    """Return items as the product service writes them: with its zeros, where it has any."""
    written = came.plants.frame.select(item="Product", written="Product~")
    found = items.join(written.unique("item"), on="item", how="inner", maintain_order="left")
    return tuple(found["written"])


def _older(came: Arrivals, reading: Reading, kept: History, since: date, site: SapSite) -> _Older:
    headers = moves.order_days([came.headers], site)
    if came.orders is None:
        none = headers.select("order").clear()
        return _Older(headers=headers, before=none, receipts=moves.no_moves())
    written = came.orders.frame.select("order", written="order_as_written").unique("order")
    known = pl.concat([kept.orders, headers])
    unknown = written.join(known, on="order", how="anti").sort("order")
    if unknown.height:
        asked = reading.older_headers(unknown["written"])
        headers = moves.order_days([came.headers, asked], site)
    recent = pl.concat([kept.orders, headers]).filter(pl.col("ordered_on") >= since)
    before = written.join(recent, on="order", how="anti").sort("order")
    return _Older(
        headers=headers,
        before=before.select("order"),
        receipts=reading.older_receipts(before["written"]),
    )


def _quantities(came: Arrivals, held: Rows, older: _Older, site: SapSite) -> pl.DataFrame:
    """Return every item and unit in which something was counted."""
    moved = [came.movements.issues, came.movements.receipts, older.receipts.receipts]
    parts = [held, *moved, came.orders, came.requisitions]
    if came.elements is not None:
        parts.append(mrp_lines(came.elements, site))
    frames = [rows.frame.select("item", "unit").unique() for rows in parts if rows is not None]
    return pl.concat(frames).unique()


def _units(items: pl.DataFrame, counted: pl.DataFrame, came: Arrivals, reading: Reading) -> Units:
    base = base_units(items)
    others = foreign(counted, base)
    return Units(base=base, factors=reading.unit_factors(_as_written(came, others)))


def _history(
    came: Arrivals, older: _Older, kept: History, since: date, units: Units
) -> tuple[History, pl.DataFrame]:
    read_from = reread_from(kept, since)
    used, got, found = moves.movements(came.movements, read_from, units)
    grown = merge(
        kept,
        since=since,
        watermark=read_from,
        consumption=used,
        receipts=got,
        orders=older.headers,
    )
    return grown, found


def _documents(
    came: Arrivals,
    history: History,
    older: _Older,
    items: pl.DataFrame,
    units: Units,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the pipeline of open orders and requisitions, and faults."""
    if came.orders is None or came.requisitions is None:
        msg = "neither documents nor the ERP's netting were read"
        raise AssertionError(msg)
    longer, older_faults = moves.receipts_of(older.receipts, units)
    within = moves.received(history.receipts.join(older.before, on="order", how="anti"))
    got = pl.concat([within, moves.received(longer)])
    headers = pl.concat([older.headers, history.orders]).unique("order", keep="first")
    bought, bought_faults = orders(came.orders, got, headers, items, units)
    wished, wished_faults = requisitions(came.requisitions, items, units)
    opened = pl.concat([bought, wished.select(bought.columns)])
    return opened, together([older_faults, bought_faults, wished_faults])
