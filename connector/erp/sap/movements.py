"""Material documents into history: what was consumed, what was received, day by day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import polars as pl

from connector.erp.odata.gather import Rows
from connector.erp.sap.faults import faults, together, unread
from connector.erp.sap.site import SapSite
from connector.erp.sap.units import Units, in_base_units
from connector.inventory.snapshot import CONSUMPTION, ORDERS, RECEIPTS, History

_DOCUMENT = ["MaterialDocumentYear", "MaterialDocument"]


@dataclass(frozen=True, kw_only=True)
class Window:
    """What of the past is kept, and from which creation day on it is read this time."""

    since: date
    read_from: date
    whole: bool  # nothing kept can be used: the window is read anew
    watermark: date  # where the next pull begins


def window(history: History, erp_date: date, site: SapSite) -> Window:
    """Return this pull's window."""
    since = erp_date - timedelta(days=site.history_days)
    whole = history.since is None or history.watermark is None or history.since > since
    start = since if whole or history.watermark is None else max(history.watermark, since)
    watermark = erp_date - timedelta(days=site.overlap_days)
    return Window(since=since, read_from=min(start, erp_date), whole=whole, watermark=watermark)


def moved(headers: Rows, inner: Rows, site: SapSite) -> Rows:
    """Return the items of documents, each with its document's days, of this site only."""
    dated = _dated(headers.frame)
    lines = inner.frame.join(dated, on="row", how="inner")
    unreadable = pl.concat([headers.unread, inner.unread])  # both by the document's row
    return _ours(lines, unreadable, site)


def moved_apart(headers: Rows, items: Rows, site: SapSite) -> Rows:
    """Return the same where the items were read by themselves."""
    dated = _dated(headers.frame).drop("row")
    lines = items.frame.join(dated, on=_DOCUMENT, how="inner")
    return _ours(lines, items.unread, site)


def _dated(headers: pl.DataFrame) -> pl.DataFrame:
    created = pl.coalesce("CreationDate", "PostingDate")
    posted = pl.coalesce("PostingDate", "CreationDate")
    return headers.select("row", *_DOCUMENT, created_on=created, posted_on=posted)


def _ours(lines: pl.DataFrame, unreadable: pl.DataFrame, site: SapSite) -> Rows:
    wanted = [*site.consumption_movements, *site.receipt_movements]
    keep = pl.col("Plant").is_in(site.plants) & (pl.col("Material") != "")
    keep &= pl.col("GoodsMovementType").is_in(wanted)
    keep &= pl.col("InventorySpecialStockType").is_in(["", *site.special_stock])
    chosen = lines.filter(keep)
    frame = chosen.select(
        "row",
        "created_on",
        "posted_on",
        node="Plant",
        item="Material",
        unit="MaterialBaseUnit",
        movement="GoodsMovementType",
        order="PurchaseOrder",
        line="PurchaseOrderItem",
        quantity=_signed(),
    )
    return Rows(frame=frame, unread=unreadable)


def _signed() -> pl.Expr:
    """Return the quantity, positive into stock: by the ERP's sign, else by the movement type.

    Types that begin with 1 bring stock in, the others take it out; an even one reverses.
    """
    quantity = pl.col("QuantityInBaseUnit").abs()
    brings = pl.col("GoodsMovementType").str.starts_with("1")
    reverses = pl.col("GoodsMovementType").str.contains("[02468]$")
    by_type = pl.when(brings != reverses).then(quantity).otherwise(-quantity)
    sign = pl.col("DebitCreditCode").str.to_uppercase()
    return pl.when(sign == "S").then(quantity).when(sign == "H").then(-quantity).otherwise(by_type)


def history(
    kept: History, lines: Rows, span: Window, units: Units, site: SapSite
) -> tuple[History, pl.DataFrame]:
    """Return the history with this pull's suffix in place of the old one, and faults."""
    undated = lines.frame.filter(pl.col("created_on").is_null())
    fresh = lines.frame.filter(pl.col("created_on") >= span.read_from)
    unsaid = fresh.filter(pl.col("quantity").is_null())
    counted, unconverted = in_base_units(
        fresh, units, ("quantity",), field="MaterialBaseUnit", unset_is_base=True
    )
    counted = counted.filter(pl.col("quantity").is_finite())
    used = counted.filter(pl.col("movement").is_in(site.consumption_movements))
    consumption = used.with_columns(-pl.col("quantity")).select(CONSUMPTION.names())
    came = counted.filter(
        pl.col("movement").is_in(site.receipt_movements) & (pl.col("order") != "")
    )
    receipts = came.select(RECEIPTS.names())
    grown = History(
        since=span.since,
        watermark=span.watermark,
        consumption=_grown(kept.consumption, consumption, span),
        receipts=_grown(kept.receipts, receipts, span),
        orders=kept.orders,
    )
    found = [
        unread(lines, lines.frame),
        faults(unsaid, "QuantityInBaseUnit", pl.lit("a material document without a quantity")),
        faults(undated, "PostingDate", pl.lit("a material document without a day")),
        unconverted,
    ]
    return grown, together(found)


def _grown(kept: pl.DataFrame, fresh: pl.DataFrame, span: Window) -> pl.DataFrame:
    key = [name for name in kept.columns if name != "quantity"]
    created = pl.col("created_on")
    old = kept.filter((created < span.read_from) & (created >= span.since))
    summed = fresh.cast(dict(kept.schema)).group_by(key).agg(pl.col("quantity").sum())
    parts = [summed.select(kept.columns)] if span.whole else [old, summed.select(kept.columns)]
    return pl.concat(parts).sort(key)


def order_days(*headers: Rows) -> pl.DataFrame:
    """Return ORDERS (with the supplying plant as it stands) from order headers."""
    parts = [
        rows.frame.select(
            order="PurchaseOrder",
            ordered_on=pl.min_horizontal("PurchaseOrderDate", "CreationDate"),
            supplying_node="SupplyingPlant",
        ).cast(dict(ORDERS))
        for rows in headers
    ]
    found = pl.concat([ORDERS.to_frame(), *parts]).filter(pl.col("order") != "")
    return found.unique("order", keep="last", maintain_order=True)


def with_orders(grown: History, fresh: pl.DataFrame, open_orders: pl.DataFrame) -> History:
    """Return the history with orders still of use: recent, open, or with receipts in the window."""
    orders = pl.concat([grown.orders, fresh]).unique("order", keep="last", maintain_order=True)
    of_use = pl.concat([open_orders.select("order"), grown.receipts.select("order")])
    recent = orders.filter(pl.col("ordered_on") >= grown.since)
    older = orders.join(recent, on="order", how="anti").join(of_use, on="order", how="semi")
    kept = pl.concat([recent, older])
    return replace(grown, orders=kept.sort("order"))


def received(receipts: pl.DataFrame) -> pl.DataFrame:
    """Return what arrived per order line."""
    return receipts.group_by("order", "line").agg(received=pl.col("quantity").sum())
