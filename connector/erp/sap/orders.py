"""Open purchase orders and requisitions into PIPELINE: what is still to come, when, from where.

V2 tells no open quantity. So what was received is taken off the schedule lines, earliest first.
"""

from __future__ import annotations

import polars as pl

from connector.erp.odata.fetch import only
from connector.erp.odata.gather import Rows
from connector.erp.sap.faults import faults, together, unread
from connector.erp.sap.site import SapSite
from connector.erp.sap.units import Units, in_base_units

# Standard, subcontracting, stock transfer: inside and outside codes. Not third-party, not services.
_TO_STOCK = ("", "0", "3", "L", "7", "U")
_CONSIGNMENT = ("2", "K")
_TRANSFER = ("7", "U")
_REJECTED = "08"
_OURS = r"^[0-9A-Z]{10}$"  # the shape of our keys; whose they are, the ledger knows


def open_items(rows: Rows, site: SapSite) -> Rows:
    """Return order items that may still bring stock to this site."""
    keep = pl.col("Plant").is_in(site.plants) & (pl.col("Material") != "")
    keep &= pl.col("PurchasingDocumentDeletionCode") == ""
    keep &= pl.col("IsCompletelyDelivered").fill_null(value=False).not_()
    keep &= pl.col("GoodsReceiptIsExpected").str.to_lowercase().is_in(["false", "0"]).not_()
    keep &= pl.col("IsReturnsItem").fill_null(value=False).not_()
    keep &= pl.col("AccountAssignmentCategory") == ""
    keep &= pl.col("PurchaseOrderItemCategory").is_in(_categories(site))
    chosen = only(rows, keep)
    frame = chosen.frame.select(
        "row",
        order="PurchaseOrder",
        order_as_written="PurchaseOrder~",
        line="PurchaseOrderItem",
        node="Plant",
        item="Material",
        unit="PurchaseOrderQuantityUnit",
        ordered="OrderQuantity",
        requisition="PurchaseRequisition",
        requisition_line="PurchaseRequisitionItem",
        is_transfer=pl.col("PurchaseOrderItemCategory").is_in(_TRANSFER),
    )
    return Rows(frame=frame, unread=chosen.unread)


def _categories(site: SapSite) -> tuple[str, ...]:
    return (*_TO_STOCK, *_CONSIGNMENT) if "K" in site.special_stock else _TO_STOCK


def scheduled(items: Rows, inner: Rows) -> Rows:
    """Return one row per dated quantity; an item without any is one row of its whole quantity."""
    dates = inner.frame.select("row", *_schedule())
    return _with_dates(items, dates, on=["row"], unreadable=inner.unread)


def scheduled_apart(items: Rows, lines: Rows) -> Rows:
    """Return the same where the schedule lines were read by themselves."""
    key = {"order": "PurchasingDocument", "line": "PurchasingDocumentItem"}
    places = lines.frame.select("row", **key).join(
        items.frame.select("order", "line", parent="row"), on=["order", "line"], how="inner"
    )
    unreadable = lines.unread.join(places, on="row", how="inner")
    unreadable = unreadable.select(pl.col("parent").alias("row"), "field", "raw")
    dates = lines.frame.select(**key, **{name.meta.output_name(): name for name in _schedule()})
    return _with_dates(items, dates, on=["order", "line"], unreadable=unreadable)


def _schedule() -> list[pl.Expr]:
    return [
        pl.col("ScheduleLine").alias("schedule_line"),
        pl.col("ScheduleLineDeliveryDate").alias("due"),
        pl.col("ScheduleLineOrderQuantity").alias("scheduled"),
    ]


def _with_dates(
    items: Rows, dates: pl.DataFrame, *, on: list[str], unreadable: pl.DataFrame
) -> Rows:
    joined = items.frame.join(dates, on=on, how="left", maintain_order="left")
    none = pl.col("schedule_line").is_null()
    quantity = pl.when(none).then(pl.col("ordered")).otherwise(pl.col("scheduled"))
    frame = joined.with_columns(quantity.alias("quantity"))
    return Rows(frame=frame, unread=pl.concat([items.unread, unreadable]))


def orders(
    lines: Rows, came: pl.DataFrame, headers: pl.DataFrame, items: pl.DataFrame, units: Units
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return open order lines as PIPELINE, and faults.

    `came` is what was received per order line, in base units.
    """
    scope = items.select("node", "item")
    mine = lines.frame.join(scope, on=["node", "item"], how="semi", maintain_order="left")
    unsaid = mine.filter(pl.col("quantity").is_null())
    counted, unconverted = in_base_units(
        mine, units, ("quantity",), field="PurchaseOrderQuantityUnit", unset_is_base=False
    )
    counted = counted.filter(pl.col("quantity").is_finite())
    opened = _still_to_come(counted, came, headers)
    found = [
        unread(Rows(frame=mine, unread=lines.unread), mine),
        faults(
            unsaid, "OrderQuantity", pl.format("order {}/{} without a quantity", "order", "line")
        ),
        unconverted,
    ]
    return opened, together(found)


def _still_to_come(
    counted: pl.DataFrame, came: pl.DataFrame, headers: pl.DataFrame
) -> pl.DataFrame:
    """Take what was received off each order line's quantities, the earliest first."""
    key = ["order", "line"]
    counted = counted.join(came, on=key, how="left")
    counted = counted.sort([*key, "due", "schedule_line"], nulls_last=True)
    before = pl.col("quantity").cum_sum().over(key) - pl.col("quantity")
    taken = (pl.col("received").fill_null(0.0) - before).clip(lower_bound=0.0)
    still = (pl.col("quantity") - taken).clip(lower_bound=0.0)
    from_where = headers.select("order", "supplying_node")
    node = pl.col("supplying_node").fill_null("")
    return (
        counted.with_columns(still.alias("quantity"))
        .filter(pl.col("quantity") > 0)
        .join(from_where, on="order", how="left")
        .select(
            *("node", "item", "quantity", "due", "requisition", "requisition_line"),
            kind=pl.lit("purchase_order"),
            document="order",
            line="line",
            supplying_node=node,
            is_transfer=pl.col("is_transfer") | (node != ""),
            tracking=pl.lit(""),
            firm=pl.lit(value=True),
        )
    )


def requisition_lines(rows: Rows, site: SapSite) -> Rows:
    """Return requisition lines that may still become stock of this site."""
    keep = pl.col("Plant").is_in(site.plants) & (pl.col("Material") != "")
    keep &= pl.col("IsDeleted").fill_null(value=False).not_()
    keep &= pl.col("IsClosed").fill_null(value=False).not_()
    keep &= pl.col("IsPurReqnBlocked").str.to_lowercase().is_in(["", "0", "false"])
    keep &= pl.col("PurReqnReleaseStatus") != _REJECTED
    keep &= pl.col("AccountAssignmentCategory") == ""
    keep &= pl.col("PurchasingDocumentItemCategory").is_in(_categories(site))
    chosen = only(rows, keep)
    tracking = pl.col("RequirementTracking").str.strip_chars()
    is_ours = tracking.str.contains(_OURS)
    is_ours &= pl.col("RequisitionerName").str.strip_chars().is_in(["", site.requisitioner])
    supplier = pl.col("SupplyingPlant")
    frame = chosen.frame.select(
        "row",
        node="Plant",
        item="Material",
        unit="BaseUnit",
        requested="RequestedQuantity",
        ordered=pl.col("OrderedQuantity").fill_null(0.0),
        due="DeliveryDate",
        document="PurchaseRequisition",
        line="PurchaseRequisitionItem",
        supplying_node=pl.when(supplier.is_in(site.plants)).then(supplier).otherwise(pl.lit("")),
        tracking=pl.when(is_ours).then(tracking).otherwise(pl.lit("")),
        fixed=pl.col("PurchaseRequisitionIsFixed").fill_null(value=False),
    )
    return Rows(frame=frame, unread=chosen.unread)


def requisitions(
    lines: Rows, items: pl.DataFrame, units: Units
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return open requisition lines as PIPELINE, and faults."""
    scope = items.select("node", "item")
    mine = lines.frame.join(scope, on=["node", "item"], how="semi", maintain_order="left")
    unsaid = mine.filter(pl.col("requested").is_null())
    counted, unconverted = in_base_units(
        mine, units, ("requested", "ordered"), field="BaseUnit", unset_is_base=False
    )
    still = pl.col("requested") - pl.col("ordered")
    opened = counted.filter(still.is_finite() & (still > 0)).select(
        *("node", "item", "due", "document", "line", "supplying_node", "tracking"),
        kind=pl.lit("requisition"),
        quantity=still,
        requisition="document",
        requisition_line="line",
        firm="fixed",
        is_transfer=pl.lit(value=False),
    )
    detail = pl.format("requisition {}/{} without a quantity", "document", "line")
    found = [
        unread(Rows(frame=mine, unread=lines.unread), mine),
        faults(unsaid, "RequestedQuantity", detail),
        unconverted,
    ]
    return opened, together(found)
