"""Stock rows into STOCK: by standing, over storage locations and batches."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from connector.erp.odata.fetch import only
from connector.erp.odata.gather import Rows
from connector.erp.sap.faults import faults, together, unread
from connector.erp.sap.site import SapSite
from connector.erp.sap.units import Units, in_base_units
from connector.inventory.snapshot import STOCK

_QUANTITY = "MatlWrhsStkQtyInMatlBaseUnit"


@dataclass(frozen=True, kw_only=True)
class Stock:
    """STOCK, what of it is under way (by stock type), and what could not be used."""

    frame: pl.DataFrame
    transit: pl.DataFrame  # node, item, stock_type, quantity
    faults: pl.DataFrame


def stock_lines(rows: Rows, site: SapSite) -> Rows:
    """Return the rows that are this site's own stock, with node, item, unit and stock_type."""
    special = pl.col("InventorySpecialStockType")
    keep = pl.col("Plant").is_in(site.plants) & (pl.col("Material") != "")
    keep &= special.is_in(["", *site.special_stock])
    chosen = only(rows, keep)
    lines = chosen.frame.select(
        "row",
        node="Plant",
        item="Material",
        unit="MaterialBaseUnit",
        stock_type=pl.col("InventoryStockType").str.zfill(2),
        quantity=_QUANTITY,
    )
    return Rows(frame=lines, unread=chosen.unread)


def stock(lines: Rows, items: pl.DataFrame, units: Units, site: SapSite) -> Stock:
    """Return the stock of the items in scope; negative quantities stay as they were read."""
    scope = items.select("node", "item")
    mine = lines.frame.join(scope, on=["node", "item"], how="semi", maintain_order="left")
    unsaid = mine.filter(pl.col("quantity").is_null())
    counted, unconverted = in_base_units(
        mine, units, ("quantity",), field="MaterialBaseUnit", unset_is_base=True
    )
    counted = counted.with_columns(_standing(site)).filter(pl.col("quantity").is_finite())
    strange = counted.filter(pl.col("standing").is_null())
    detail = pl.format("stock type '{}' is not one we know", "stock_type")
    counted = counted.join(
        items.select("node", "item", base="unit"), on=["node", "item"], how="left"
    ).with_columns(pl.col("standing").fill_null("blocked"), unit="base")
    key = ["node", "item", "unit", "standing"]
    moving = counted.filter(pl.col("standing") == "in_transit")
    return Stock(
        frame=counted.group_by(key).agg(pl.col("quantity").sum()).sort(key).cast(STOCK),
        transit=moving.group_by("node", "item", "stock_type").agg(pl.col("quantity").sum()),
        faults=together(
            [
                unread(Rows(frame=mine, unread=lines.unread), mine),
                faults(unsaid, _QUANTITY, pl.lit("a stock row without a quantity")),
                faults(strange, "InventoryStockType", detail),
                unconverted,
            ]
        ),
    )


def _standing(site: SapSite) -> pl.Expr:
    """Return what a stock type means, null for one nobody has told us about."""
    meanings = {
        "available": site.stock_available,
        "in_transit": site.stock_in_transit,
        "inspection": site.stock_inspection,
        "blocked": site.stock_blocked,
    }
    kinds = {kind: standing for standing, each in meanings.items() for kind in each}
    standing = pl.col("stock_type").replace_strict(kinds, default=None, return_dtype=pl.String)
    return standing.alias("standing")
