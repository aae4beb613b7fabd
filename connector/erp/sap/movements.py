"""Material documents into history: what was consumed, what was received, day by day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from connector.erp.odata.gather import Rows
from connector.erp.odata.values import UNREAD
from connector.erp.sap.faults import faults, together, unread
from connector.erp.sap.site import SapSite
from connector.erp.sap.units import Units, in_base_units
from connector.inventory.snapshot import CONSUMPTION, ORDERS, RECEIPTS

_DOCUMENT = ["MaterialDocumentYear", "MaterialDocument"]


@dataclass(frozen=True, kw_only=True)
class Moves:
    """What moved at this site, positive into stock: issues by day, receipts by order line."""

    issues: Rows  # row, created_on, posted_on, node, item, unit, quantity
    receipts: Rows  # the same with order and line


def moved(headers: Rows, inner: Rows, site: SapSite) -> Moves:
    """Return what moved by documents whose items came with them."""
    lines = inner.frame.join(_dated(headers.frame), on="row", how="inner")
    unreadable = pl.concat([headers.unread, inner.unread])  # both by the document's row
    return _moves(lines, unreadable, site)


def moved_apart(headers: Rows, items: Rows, site: SapSite) -> Moves:
    """Return what moved by documents whose items were read by themselves."""
    dated = _dated(headers.frame).drop("row")
    lines = items.frame.join(dated, on=_DOCUMENT, how="inner")
    return _moves(lines, items.unread, site)


def moved_undated(items: Rows, site: SapSite) -> Moves:
    """Return what moved by items read without their documents: for sums, not for days."""
    day = pl.lit(None, pl.Date)
    lines = items.frame.with_columns(day.alias("created_on"), day.alias("posted_on"))
    return _moves(lines, items.unread, site)


def all_moves(parts: Sequence[Moves]) -> Moves:
    """Return what moved in all parts; rows of different parts have different numbers."""
    none = no_moves()
    return Moves(
        issues=_stacked([none.issues, *(part.issues for part in parts)]),
        receipts=_stacked([none.receipts, *(part.receipts for part in parts)]),
    )


def _stacked(parts: list[Rows]) -> Rows:
    return Rows(
        frame=pl.concat([rows.frame for rows in parts]),
        unread=pl.concat([rows.unread for rows in parts]),
    )


def _dated(headers: pl.DataFrame) -> pl.DataFrame:
    created = pl.coalesce("CreationDate", "PostingDate")
    posted = pl.coalesce("PostingDate", "CreationDate")
    return headers.select("row", *_DOCUMENT, created_on=created, posted_on=posted)


def _moves(lines: pl.DataFrame, unreadable: pl.DataFrame, site: SapSite) -> Moves:
    keep = pl.col("Plant").is_in(site.plants) & (pl.col("Material") != "")
    keep &= pl.col("InventorySpecialStockType").is_in(["", *site.special_stock])
    ours, movement = lines.filter(keep), pl.col("GoodsMovementType")
    issues = ours.filter(movement.is_in(site.consumption_movements)).select(*_issue())
    # A transfer's receipt may name no order; it still is what arrived of the pipeline (B8).
    receipts = ours.filter(movement.is_in(site.receipt_movements))
    return Moves(
        issues=Rows(frame=_by_day(issues, unreadable), unread=_of(unreadable, issues)),
        receipts=Rows(
            frame=receipts.select(*_issue(), order="PurchaseOrder", line="PurchaseOrderItem"),
            unread=_of(unreadable, receipts),
        ),
    )


def _issue() -> list[pl.Expr]:
    names = {"node": "Plant", "item": "Material", "unit": "MaterialBaseUnit"}
    renamed = [pl.col(name).alias(ours) for ours, name in names.items()]
    return [*map(pl.col, ("row", "created_on", "posted_on")), *renamed, _signed().alias("quantity")]


def _by_day(issues: pl.DataFrame, unreadable: pl.DataFrame) -> pl.DataFrame:
    """Sum what history sums anyway, so that a page leaves little; strange rows stay as they are."""
    key = ["created_on", "posted_on", "node", "item", "unit"]
    plain = pl.col("quantity").is_finite().fill_null(value=False)
    apart = pl.concat(
        [
            issues.filter(plain.not_()),
            issues.join(unreadable, on="row", how="semi").filter(plain),
        ]
    )
    rest = issues.filter(plain).join(unreadable, on="row", how="anti")
    summed = rest.group_by(key, maintain_order=True).agg(
        pl.col("row").first(), pl.col("quantity").sum()
    )
    return pl.concat([apart, summed.select(apart.columns)])


def _of(unreadable: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    return unreadable.join(rows, on="row", how="semi")


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
    moves: Moves, read_from: date, units: Units
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Return CONSUMPTION and RECEIPTS of documents created from a day on, and faults."""
    used, used_faults = _counted(_created(moves.issues, read_from), units)
    got, got_faults = _counted(_created(moves.receipts, read_from), units)
    undated = pl.concat(
        rows.frame.filter(pl.col("created_on").is_null()).select("node", "item")
        for rows in (moves.issues, moves.receipts)
    )
    without_day = faults(undated, "PostingDate", pl.lit("a material document without a day"))
    consumption = used.with_columns(-pl.col("quantity")).select(CONSUMPTION.names())
    return (
        consumption.cast(CONSUMPTION),
        got.select(RECEIPTS.names()).cast(RECEIPTS),
        together([used_faults, got_faults, without_day]),
    )


def receipts_of(moves: Moves, units: Units) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return RECEIPTS whenever they were created, and faults."""
    counted, found = _counted(moves.receipts, units)
    return counted.select(RECEIPTS.names()).cast(RECEIPTS), found


def _created(rows: Rows, read_from: date) -> Rows:
    return Rows(frame=rows.frame.filter(pl.col("created_on") >= read_from), unread=rows.unread)


def _counted(lines: Rows, units: Units) -> tuple[pl.DataFrame, pl.DataFrame]:
    unsaid = lines.frame.filter(pl.col("quantity").is_null())
    counted, unconverted = in_base_units(
        lines.frame, units, ("quantity",), field="MaterialBaseUnit", unset_is_base=True
    )
    silent = faults(unsaid, "QuantityInBaseUnit", pl.lit("a document line without a quantity"))
    found = together([unread(lines, lines.frame), silent, unconverted])
    return counted.filter(pl.col("quantity").is_finite()), found


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


def no_moves() -> Moves:
    """Return that nothing moved."""
    days = {"created_on": pl.Date, "posted_on": pl.Date}
    names = dict.fromkeys(("node", "item", "unit"), pl.String)
    issue = {"row": pl.UInt32, **days, **names, "quantity": pl.Float64}
    order = dict.fromkeys(("order", "line"), pl.String)
    return Moves(
        issues=Rows(frame=pl.DataFrame(schema=issue), unread=UNREAD.to_frame()),
        receipts=Rows(frame=pl.DataFrame(schema={**issue, **order}), unread=UNREAD.to_frame()),
    )
