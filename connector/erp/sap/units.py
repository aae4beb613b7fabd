"""Into base units, by the ERP's own factors. A factor that is missing is a fault, never 1."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from connector.erp.sap.faults import faults

FACTORS = pl.Schema({"item": pl.String, "unit": pl.String, "factor": pl.Float64})


@dataclass(frozen=True, kw_only=True)
class Units:
    """The base unit of each item, and what one of another unit is in it."""

    base: pl.DataFrame  # item, base_unit
    factors: pl.DataFrame  # FACTORS


def base_units(items: pl.DataFrame) -> pl.DataFrame:
    """Return the base unit of each item that has one."""
    known = items.filter(pl.col("unit") != "")
    return known.select("item", base_unit="unit").unique("item", keep="first", maintain_order=True)


def foreign(lines: pl.DataFrame, base: pl.DataFrame) -> pl.DataFrame:
    """Return the items of which lines came in another unit than their base unit."""
    joined = lines.join(base, on="item", how="inner")
    other = (pl.col("unit") != "") & (pl.col("unit") != pl.col("base_unit"))
    return joined.filter(other).select("item").unique().sort("item")


def factors(rows: pl.DataFrame) -> pl.DataFrame:
    """Return factors from rows of the ERP; one that is no positive number is left out."""
    return (
        rows.select(
            item="Product",
            unit="AlternativeUnit",
            factor=pl.col("QuantityNumerator") / pl.col("QuantityDenominator"),
        )
        .filter(pl.col("factor").is_finite() & (pl.col("factor") > 0))
        .unique(["item", "unit"], keep="last", maintain_order=True)
        .cast(FACTORS)
    )


def in_base_units(
    lines: pl.DataFrame,
    units: Units,
    quantities: tuple[str, ...],
    *,
    field: str,
    unset_is_base: bool,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return lines with quantities in base units, and the faults of those that cannot be.

    `unset_is_base`: the ERP defines the quantity as one in base units, repeated or not.
    """
    rates = _rates(lines, units, unset_is_base=unset_is_base)
    if not rates.height:
        return lines, faults(lines.clear(), field, pl.lit(""))
    joined = lines.join(rates, on=["item", "unit"], how="left", maintain_order="left")
    is_lost = pl.col("factor").is_null() & pl.col("to").is_not_null()
    lost = joined.filter(is_lost)
    kept = joined.filter(is_lost.not_()).with_columns(pl.col("factor").fill_null(1.0))
    converted = kept.with_columns(pl.col(name) * pl.col("factor") for name in quantities)
    detail = pl.format("no factor from {} to {}", "unit", "to")
    return converted.drop("factor", "to"), faults(lost, field, detail)


def _rates(lines: pl.DataFrame, units: Units, *, unset_is_base: bool) -> pl.DataFrame:
    """Return item, unit, factor (null = none known) and base unit where that is not the unit."""
    pairs = lines.select("item", "unit").unique()
    if unset_is_base:
        pairs = pairs.filter(pl.col("unit") != "")
    to = pl.col("base_unit").fill_null("?").alias("to")
    known = pairs.join(units.base, on="item", how="left")
    other = known.filter(pl.col("unit").eq_missing(pl.col("base_unit")).not_())
    rated = other.join(units.factors, on=["item", "unit"], how="left")
    return rated.select("item", "unit", "factor", to)
