"""Material documents into history: what was consumed, what was received, day by day."""

from __future__ import annotations

from datetime import date

import polars as pl

from connector.erp.odata.gather import Rows
from connector.erp.sap.faults import faults, together, unread
from connector.erp.sap.site import SapSite
from connector.erp.sap.units import Units, in_base_units
from connector.inventory.snapshot import CONSUMPTION, ORDERS, RECEIPTS

_DOCUMENT = ["MaterialDocumentYear", "MaterialDocument"]


def moved(headers: Rows, inner: Rows, site: SapSite) -> Rows:
    """Return the items of documents, each with its document's days, of this site only."""
    dated = _dated(headers.frame)
    lines = inner.frame.join(dated, on="row", how="inner")
    unreadable = pl.concat([headers.unread, inner.unread])  # both by the document's row
    return _ours(lines, unreadable, site)


def moved_undated(items: Rows, site: SapSite) -> Rows:
    """Return items that were read without their documents: for sums, not for days."""
    day = pl.lit(None, pl.Date)
    lines = items.frame.with_columns(day.alias("created_on"), day.alias("posted_on"))
    return _ours(lines, items.unread, site)


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


def movements(
    lines: Rows, read_from: date, units: Units, site: SapSite
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return CONSUMPTION and RECEIPTS of documents created from a day on, and faults."""
    undated = lines.frame.filter(pl.col("created_on").is_null())
    fresh = lines.frame.filter(pl.col("created_on") >= read_from)
    counted, found = _counted(Rows(frame=fresh, unread=lines.unread), units)
    used = counted.filter(pl.col("movement").is_in(site.consumption_movements))
    consumption = used.with_columns(-pl.col("quantity")).select(CONSUMPTION.names())
    without_day = faults(undated, "PostingDate", pl.lit("a material document without a day"))
    return (
        consumption.cast(CONSUMPTION),
        _receipts(counted, site),
        together([found, without_day]),
    )


def receipts_of(lines: Rows, units: Units, site: SapSite) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the RECEIPTS among movements, and faults."""
    counted, found = _counted(lines, units)
    return _receipts(counted, site), found


def _counted(lines: Rows, units: Units) -> tuple[pl.DataFrame, pl.DataFrame]:
    unsaid = lines.frame.filter(pl.col("quantity").is_null())
    counted, unconverted = in_base_units(
        lines.frame, units, ("quantity",), field="MaterialBaseUnit", unset_is_base=True
    )
    silent = faults(unsaid, "QuantityInBaseUnit", pl.lit("a document line without a quantity"))
    found = together([unread(lines, lines.frame), silent, unconverted])
    return counted.filter(pl.col("quantity").is_finite()), found


def _receipts(counted: pl.DataFrame, site: SapSite) -> pl.DataFrame:
    # A transfer's receipt may name no order; it is still what arrived of the pipeline (B8).
    is_receipt = pl.col("movement").is_in(site.receipt_movements)
    return counted.filter(is_receipt).select(RECEIPTS.names()).cast(RECEIPTS)


def order_days(headers: list[Rows], site: SapSite) -> pl.DataFrame:
    """Return ORDERS from order headers; a supplying plant outside the site is outside."""
    plant = pl.col("SupplyingPlant")
    parts = [
        rows.frame.select(
            order="PurchaseOrder",
            ordered_on=pl.min_horizontal("PurchaseOrderDate", "CreationDate"),
            supplying_node=pl.when(plant.is_in(site.plants)).then(plant).otherwise(pl.lit("")),
        ).cast(ORDERS)
        for rows in headers
    ]
    found = pl.concat([ORDERS.to_frame(), *parts]).filter(pl.col("order") != "")
    return found.unique("order", keep="last", maintain_order=True)


def received(receipts: pl.DataFrame) -> pl.DataFrame:
    """Return what arrived per order line, in base units."""
    return receipts.group_by("order", "line").agg(received=pl.col("quantity").sum())


def no_moves() -> pl.DataFrame:
    """Return the frame of no movements."""
    days = {"created_on": pl.Date, "posted_on": pl.Date}
    names = dict.fromkeys(("node", "item", "unit", "movement", "order", "line"), pl.String)
    return pl.DataFrame(schema={"row": pl.UInt32, **days, **names, "quantity": pl.Float64})
