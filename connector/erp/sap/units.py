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
    joined = lines.join(units.base, on="item", how="left", maintain_order="left").join(
        units.factors, on=["item", "unit"], how="left", maintain_order="left"
    )
    is_base = pl.col("unit") == pl.col("base_unit")
    if unset_is_base:
        is_base |= pl.col("unit") == ""
    factor = pl.when(is_base).then(1.0).otherwise(pl.col("factor"))
    joined = joined.with_columns(factor.alias("factor"))
    lost = joined.filter(pl.col("factor").is_null())
    detail = pl.format("no factor from {} to {}", "unit", pl.col("base_unit").fill_null("?"))
    kept = joined.filter(pl.col("factor").is_not_null())
    converted = kept.with_columns(pl.col(name) * pl.col("factor") for name in quantities)
    return converted.drop("factor", "base_unit"), faults(lost, field, detail)
