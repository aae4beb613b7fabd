"""The pipeline as a whole: the ERP's own netting, goods in transit, and one shape for all.

Goods of a stock transfer that were issued are in transit stock of the receiving plant, while their
order stays open until they are received. They come once: the transit stock stands, and the open
orders of its item-node are taken as issued, earliest first, as far as it reaches.
"""

from __future__ import annotations

from datetime import date

import polars as pl

from connector.erp.odata.fetch import only
from connector.erp.odata.gather import Rows
from connector.erp.sap.faults import faults, together, unread
from connector.erp.sap.site import SapSite
from connector.erp.sap.units import Units, in_base_units
from connector.inventory.snapshot import PIPELINE

_NODE = ["node", "item"]
# What brings stock, by the ERP's element category: dependent and independent demand does not.
_KINDS = {
    "BE": "purchase_order",
    "LE": "purchase_order",
    "BA": "requisition",
    "LA": "shipping_notice",
    "PA": "planned_order",
    "FE": "planned_order",
    "BR": "planned_order",
}
_WITHIN_PLANT = "04"  # between storage locations: there today


def mrp_elements(
    rows: Rows, items: pl.DataFrame, units: Units, site: SapSite
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return receipts of the ERP's stock/requirements list as PIPELINE, and faults."""
    lines = mrp_lines(rows, site)
    scope = items.select("node", "item")
    mine = lines.frame.join(scope, on=_NODE, how="semi", maintain_order="left")
    unsaid = mine.filter(pl.col("quantity").is_null())
    counted, unconverted = in_base_units(
        mine, units, ("quantity",), field="MaterialBaseUnit", unset_is_base=True
    )
    opened = counted.filter(pl.col("quantity").is_finite() & (pl.col("quantity") > 0))
    opened = opened.drop("row", "unit")
    found = [
        unread(Rows(frame=mine, unread=lines.unread), mine),
        faults(unsaid, "MRPElementOpenQuantity", pl.format("{} without a quantity", "document")),
        unconverted,
    ]
    return opened, together(found)


def mrp_lines(rows: Rows, site: SapSite) -> Rows:
    """Return the elements that bring stock to this site, with node, item and unit."""
    keep = pl.col("MRPPlant").is_in(site.plants) & (pl.col("Material") != "")
    keep &= pl.col("MRPElementCategory").is_in(list(_KINDS))
    chosen = only(rows, keep)
    is_requisition = pl.col("MRPElementCategory") == "BA"
    from_requisition = pl.col("SourceMRPElementCategory") == "BA"
    partner = pl.col("MRPElementBusinessPartner")
    from_us = partner.is_in(site.plants)
    frame = chosen.frame.select(
        "row",
        node="MRPPlant",
        item="Material",
        unit="MaterialBaseUnit",
        kind=pl.col("MRPElementCategory").replace_strict(_KINDS, return_dtype=pl.String),
        document="MRPElement",
        line="MRPElementItem",
        quantity="MRPElementOpenQuantity",
        due="MRPElementAvailyOrRqmtDate",
        supplying_node=pl.when(from_us).then(partner).otherwise(pl.lit("")),
        is_transfer=from_us & (pl.col("MRPElementCategory") == "BE"),
        requisition=_either(is_requisition, "MRPElement", from_requisition, "SourceMRPElement"),
        requisition_line=_either(
            is_requisition, "MRPElementItem", from_requisition, "SourceMRPElementItem"
        ),
        tracking=pl.lit(""),
        firm=pl.col("MRPElementQuantityIsFirm").fill_null(value=False),
    )
    return Rows(frame=frame, unread=chosen.unread)


def _either(first: pl.Expr, name: str, second: pl.Expr, other: str) -> pl.Expr:
    return pl.when(first).then(pl.col(name)).when(second).then(pl.col(other)).otherwise(pl.lit(""))


def pipeline(
    opened: pl.DataFrame, transit: pl.DataFrame, items: pl.DataFrame, erp_date: date, site: SapSite
) -> pl.DataFrame:
    """Return PIPELINE from open documents and goods in transit, each unit counted once."""
    moving = transit.filter(pl.col("quantity") > 0)
    issued = moving.filter(pl.col("stock_type").is_in(site.stock_of_transfers))
    whole = _issued(opened, issued.group_by(_NODE).agg(transit=pl.col("quantity").sum()))
    unmatched = _unmatched(whole, issued)
    rest = moving.filter(pl.col("stock_type").is_in(site.stock_of_transfers).not_())
    alone = pl.concat([unmatched, rest.select(*_NODE, "stock_type", "quantity")])
    everything = pl.concat([whole.drop("is_transfer"), _without_document(alone)], how="diagonal")
    return _finished(everything, items, erp_date)


def _issued(opened: pl.DataFrame, transit: pl.DataFrame) -> pl.DataFrame:
    """Split open transfer orders into what was issued and what was not yet."""
    marked = opened.join(transit, on=_NODE, how="left")
    marked = marked.sort([*_NODE, "due", "document", "line"], nulls_last=True)
    mine = pl.when("is_transfer").then(pl.col("quantity")).otherwise(0.0)
    before = mine.cum_sum().over(_NODE) - mine
    gone = (pl.col("transit").fill_null(0.0) - before).clip(lower_bound=0.0)
    gone = pl.min_horizontal(gone, mine)
    marked = marked.with_columns(gone.alias("gone")).drop("transit")
    under_way = marked.filter(pl.col("gone") > 0).with_columns(
        quantity=pl.col("gone"), kind=pl.lit("in_transit")
    )
    still = pl.col("quantity") - pl.col("gone")
    left = marked.with_columns(still.alias("quantity")).filter(pl.col("quantity") > 0)
    return pl.concat([left, under_way]).drop("gone")


def _unmatched(whole: pl.DataFrame, issued: pl.DataFrame) -> pl.DataFrame:
    """Return goods in transit that no open order explains."""
    matched = whole.filter(pl.col("kind") == "in_transit")
    matched = matched.group_by(_NODE).agg(matched=pl.col("quantity").sum())
    total = issued.group_by(_NODE).agg(pl.col("stock_type").min(), pl.col("quantity").sum())
    left = total.join(matched, on=_NODE, how="left").with_columns(
        pl.col("quantity") - pl.col("matched").fill_null(0.0)
    )
    return left.filter(pl.col("quantity") > 0).select(*_NODE, "stock_type", "quantity")


def _without_document(alone: pl.DataFrame) -> pl.DataFrame:
    today = pl.col("stock_type") == _WITHIN_PLANT
    nothing = ("document", "line", "supplying_node", "requisition", "requisition_line", "tracking")
    return alone.with_columns(
        today.alias("is_here"),
        pl.lit("in_transit").alias("kind"),
        pl.lit(value=True).alias("firm"),
        *(pl.lit("").alias(name) for name in nothing),
    ).drop("stock_type")


def _finished(everything: pl.DataFrame, items: pl.DataFrame, erp_date: date) -> pl.DataFrame:
    """Give every line a day: one that names none comes after the item's own lead time."""
    lead = items.select(*_NODE, lead=pl.col("lead_time_days").fill_nan(0.0).clip(0, 3650).ceil())
    joined = everything.join(lead, on=_NODE, how="left")
    today = pl.lit(erp_date)
    later = today + pl.duration(days=pl.col("lead").fill_null(0.0).cast(pl.Int64))
    named = pl.when(pl.col("is_here").fill_null(value=False)).then(today).otherwise(later)
    made = joined.with_columns(pl.coalesce("due", named.cast(pl.Date)).alias("due"))
    order = ["node", "item", "due", "kind", "document", "line"]
    return made.select(PIPELINE.names()).cast(PIPELINE).sort(order)
