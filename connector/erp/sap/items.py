"""Master data into ITEMS: which item-nodes there are, and by which rules they are ordered."""

from __future__ import annotations

import polars as pl

from connector.erp.odata.gather import Rows
from connector.erp.sap.faults import faults, together, unread
from connector.erp.sap.site import SapSite
from connector.inventory.snapshot import ITEMS

_ON = ["node", "item"]
_SP = "planned_"  # what the planning view says, beside the plant view


def items(
    plants: Rows,
    planning: Rows,
    valuation: Rows | None,
    flagged: Rows | None,
    site: SapSite,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return ITEMS, sorted and unique, and faults. A unit nobody told is left empty."""
    base = _named(plants.frame, site)
    view = _named(planning.frame, site)
    renamed = {name: f"{_SP}{name}" for name in view.columns if name not in {*_ON, "row"}}
    joined = base.join(view.drop("row").rename(renamed), on=_ON, how="left")
    joined = joined.join(_prices(valuation, site), on=_ON, how="left")
    joined = joined.join(_blocked(flagged, site), on="item", how="left")
    made = joined.select(*_ON, *_columns(site)).sort(_ON).cast(ITEMS).select(ITEMS.names())
    priced = _places(valuation, site)
    return made, together(
        [
            unread(plants, base),
            unread(planning, view),
            *([unread(valuation, priced)] if valuation is not None else []),
            _unplanned(base, view),
            _negative(made),
        ]
    )


def _named(frame: pl.DataFrame, site: SapSite) -> pl.DataFrame:
    ours = pl.col("Plant").is_in(site.plants) & (pl.col("Product") != "")
    named = frame.filter(ours).rename({"Plant": "node", "Product": "item"})
    return named.unique(_ON, keep="last", maintain_order=True)


def _columns(site: SapSite) -> list[pl.Expr]:
    days = pl.sum_horizontal(
        pl.col(f"{_SP}PlannedDeliveryDurationInDays").fill_null(0.0),
        _rule("GoodsReceiptDuration", 0.0),
    )
    blocked = (
        pl.col("IsMarkedForDeletion").fill_null(value=True)
        | pl.col("ProfileCode").is_in(site.blocking_statuses)
        | pl.col("blocked_everywhere").fill_null(value=False)
    )
    return [
        _first_text("BaseUnit", f"{_SP}BaseUnit", "price_unit").alias("unit"),
        _first_text("MRPType", f"{_SP}MRPType").alias("mrp_type"),
        pl.col("PurchasingGroup").alias("purchasing_group"),
        days.alias("lead_time_days"),
        _rule("MinimumLotSizeQuantity", 0.0).alias("lot_minimum"),
        _rule("MaximumLotSizeQuantity", float("inf")).alias("lot_maximum"),
        _rule("FixedLotSizeQuantity", 0.0).alias("lot_fixed"),
        _above_zero(f"{_SP}LotSizeRoundingQuantity").fill_null(0.0).alias("lot_multiple"),
        _above_zero(f"{_SP}SafetyStockQuantity").fill_null(0.0).alias("safety_stock"),
        _above_zero(f"{_SP}ReorderThresholdQuantity").fill_null(0.0).alias("reorder_point"),
        _above_zero(f"{_SP}MaximumStockQuantity").fill_null(float("inf")).alias("maximum_stock"),
        pl.col("unit_cost").fill_null(float("nan")),
        blocked.alias("blocked"),
    ]


def _rule(name: str, unset: float) -> pl.Expr:
    """Return a rule: the planning view's, else the plant view's, else its neutral value."""
    return pl.coalesce(_above_zero(f"{_SP}{name}"), _above_zero(name)).fill_null(unset)


def _above_zero(name: str) -> pl.Expr:
    value = pl.col(name)
    return pl.when(value.is_finite() & (value > 0)).then(value)


def _first_text(*names: str) -> pl.Expr:
    said = [pl.when(pl.col(name) != "").then(pl.col(name)) for name in names]
    return pl.coalesce(*said).fill_null("")


def _prices(valuation: Rows | None, site: SapSite) -> pl.DataFrame:
    """Return the price of one base unit per item-node, null where there is none."""
    named = _places(valuation, site)
    standard, moving = _above_zero("StandardPrice"), _above_zero("MovingAveragePrice")
    by_average = pl.col("InventoryValuationProcedure") == "V"
    averaged = pl.when(by_average).then(pl.coalesce(moving, standard))
    price = averaged.otherwise(pl.coalesce(standard, moving))
    per = _above_zero("PriceUnitQty").fill_null(1.0)
    unsplit = named.filter(pl.col("ValuationType") == "")
    return unsplit.select(*_ON, unit_cost=price / per, price_unit="BaseUnit").unique(
        _ON, keep="last", maintain_order=True
    )


def _places(valuation: Rows | None, site: SapSite) -> pl.DataFrame:
    areas = {plant: site.valuation_area(plant) for plant in site.plants}
    nodes = pl.DataFrame({"node": list(areas), "ValuationArea": list(areas.values())})
    if valuation is None:
        return nodes.clear().with_columns(
            **dict.fromkeys(("StandardPrice", "MovingAveragePrice", "PriceUnitQty"), pl.lit(0.0)),
            **dict.fromkeys(
                ("item", "InventoryValuationProcedure", "ValuationType", "BaseUnit"), pl.lit("")
            ),
        )
    return valuation.frame.rename({"Product": "item"}).join(nodes, on="ValuationArea", how="inner")


def _blocked(flagged: Rows | None, site: SapSite) -> pl.DataFrame:
    if flagged is None:
        schema = {"item": pl.String, "blocked_everywhere": pl.Boolean}
        return pl.DataFrame(schema=schema)
    blocked = pl.col("IsMarkedForDeletion").fill_null(value=True)
    blocked |= pl.col("CrossPlantStatus").is_in(site.blocking_statuses)
    found = flagged.frame.select(item="Product", blocked_everywhere=blocked)
    return found.group_by("item").agg(pl.col("blocked_everywhere").any())


def _unplanned(base: pl.DataFrame, view: pl.DataFrame) -> pl.DataFrame:
    absent = base.join(view, on=_ON, how="anti")
    detail = pl.lit("no planning view: lead time and lots are unknown")
    return faults(absent, "A_ProductSupplyPlanning", detail)


def _negative(made: pl.DataFrame) -> pl.DataFrame:
    strange = made.filter(
        pl.col("lead_time_days").is_finite().not_() | (pl.col("lead_time_days") < 0)
    )
    return faults(strange, "lead_time_days", pl.format("a lead time of {} days", "lead_time_days"))


def with_base_units(made: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Return ITEMS with empty units filled from rows of A_Product."""
    known = told.select(item="Product", told="BaseUnit").unique("item", keep="last")
    joined = made.join(known, on="item", how="left", maintain_order="left")
    unit = (
        pl.when(pl.col("unit") == "").then(pl.col("told").fill_null("")).otherwise(pl.col("unit"))
    )
    return joined.with_columns(unit.alias("unit")).drop("told")


def without_unit(made: pl.DataFrame) -> pl.DataFrame:
    """Return faults for items of which no base unit could be found."""
    return faults(
        made.filter(pl.col("unit") == ""), "BaseUnit", pl.lit("no base unit is maintained")
    )
