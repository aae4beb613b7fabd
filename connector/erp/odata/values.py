"""Columns of text into columns of values. What real systems disagree on is settled here.

Unset comes as null, as an empty text, as 0, as 0000-00-00 or as an epoch: all are null. Text that
is there and cannot be read is neither null nor a guess: it is kept and named, see `Typed.unread`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import polars as pl

from connector.erp.odata.catalogue import Field, Kind

UNREAD = pl.Schema({"row": pl.UInt32, "field": pl.String, "raw": pl.String})
ALL_READ = UNREAD.to_frame()  # nothing stood where no value could be read
_TYPES: dict[Kind, pl.DataType] = {
    "key": pl.String(),
    "text": pl.String(),
    "decimal": pl.Float64(),
    "date": pl.Date(),
    "flag": pl.Boolean(),
}
_ZEROS = r"^0+([0-9]+)$"
_MILLISECONDS_A_DAY = 86_400_000
_YES = ("true", "x", "1")
_NO = ("false", "0", "null", "")


@dataclass(frozen=True, kw_only=True)
class Typed:
    """Typed columns, and what stood where no value could be read (`row`: place in the frame)."""

    frame: pl.DataFrame
    unread: pl.DataFrame


def canonical(name: str | pl.Expr) -> pl.Expr:
    """Return names as we write them: digits without leading zeros, unset as an empty text."""
    column = pl.col(name) if isinstance(name, str) else name
    return column.fill_null("").str.strip_chars().str.replace(_ZEROS, "$1")


def typed(frame: pl.DataFrame, fields: Iterable[Field]) -> Typed:
    """Return a frame of text with each field as its kind says; other columns are left out."""
    columns: list[pl.Series] = []
    unread: list[pl.DataFrame] = []
    for field in fields:
        column = frame[field.name]
        values = _READERS[field.kind](column)
        columns.append(values.alias(field.name))
        if field.kind not in {"key", "text"} and not _is_plain(column, values, field):
            unread.append(_unread(column, values, field))
    return Typed(frame=pl.DataFrame(columns), unread=pl.concat(unread) if unread else ALL_READ)


def empty(fields: Iterable[Field]) -> pl.DataFrame:
    """Return the typed frame of no rows."""
    return pl.DataFrame(schema={field.name: _TYPES[field.kind] for field in fields})


def _is_plain(column: pl.Series, values: pl.Series, field: Field) -> bool:
    """Tell cheaply that all was read: whatever has no value is null in the text, too."""
    unset = 0 if field.kind == "flag" else column.null_count()  # an unset flag is a value
    if values.null_count() != unset:
        return False
    return field.kind != "decimal" or bool(values.is_finite().all())


def _unread(column: pl.Series, values: pl.Series, field: Field) -> pl.DataFrame:
    strange = values.is_null()
    if field.kind == "decimal":  # NaN was read, and is as unusable as text
        strange |= values.is_finite().not_().fill_null(value=True)
    if not strange.any():
        return ALL_READ
    meant = ~column.str.strip_chars().is_in(["", "null"])
    if field.kind == "date":
        meant &= ~_is_initial_date(column)
    rows = (strange & meant.fill_null(value=False)).arg_true()
    return pl.DataFrame(
        {
            "row": rows.cast(pl.UInt32),
            "field": [field.name] * len(rows),
            "raw": column.gather(rows),
        },
        schema=UNREAD,
    )


def _text(column: pl.Series) -> pl.Series:
    return column.fill_null("")


def _key(column: pl.Series) -> pl.Series:
    return _by_value(
        column, pl.String(), lambda said: pl.select(canonical(pl.lit(said))).to_series()
    )


def decimals(column: pl.Series) -> pl.Series:
    """Return numbers; null where nothing or nothing readable stands ("12.5-" is minus 12.5)."""
    number = column.str.strip_chars().cast(pl.Float64, strict=False)
    if number.null_count() == column.null_count():
        return number
    trailing = column.str.strip_chars().str.replace(r"^([0-9.]+)-$", "-$1")
    return trailing.cast(pl.Float64, strict=False)


def dates(column: pl.Series) -> pl.Series:
    """Return calendar days; null for unset, initial, year 9999 and unreadable ones."""
    return _by_value(column, pl.Date(), _days)


def flags(column: pl.Series) -> pl.Series:
    """Return booleans; unset is False, null means text that is neither yes nor no."""
    return _by_value(column.fill_null(""), pl.Boolean(), _yes_or_no)


def _by_value(
    column: pl.Series, dtype: pl.DataType, read: Callable[[pl.Series], pl.Series]
) -> pl.Series:
    """Read each distinct text once: columns of days, flags and plants hold few."""
    distinct = column.unique()
    if 2 * len(distinct) > len(column):
        return read(column)
    return column.replace_strict(distinct, read(distinct), return_dtype=dtype, default=None)


def _days(said: pl.Series) -> pl.Series:
    text = pl.col("said").str.strip_chars()
    stamp = text.str.extract_groups(
        r"^/Date\((?<ms>[+-]?[0-9]{1,17})(?<minutes>[+-][0-9]{1,4})?\)/$"
    )
    shift = stamp.struct.field("minutes").cast(pl.Int64).fill_null(0) * 60_000
    moment = (stamp.struct.field("ms").cast(pl.Int64) + shift).floordiv(_MILLISECONDS_A_DAY)
    # Beyond the calendar's reach a cast would wrap around.
    within = pl.when(moment.is_between(-3_000_000, 3_000_000)).then(moment)
    written = text.str.extract(
        r"^(?:datetime(?:offset)?')?([0-9]{4}-?[0-9]{2}-?[0-9]{2})(?:\D.*)?$"
    )
    plain = written.str.replace_all("-", "").str.to_date("%Y%m%d", strict=False)
    day = pl.coalesce(within.cast(pl.Int32).cast(pl.Date), plain)
    known = pl.when((day > pl.date(1970, 1, 1)) & (day < pl.date(9999, 1, 1))).then(day)
    return pl.DataFrame({"said": said}).select(known).to_series()


def _is_initial_date(column: pl.Series) -> pl.Series:
    """Tell which texts say "no date" rather than say a date badly."""
    text = column.str.strip_chars()
    long_ago = text.str.contains(r"^/Date\((?:-[0-9]+|0)(?:[+-][0-9]{1,4})?\)/$")
    written = text.str.contains(r"^(?:datetime')?(?:0{4}|0001|1[0-9]{3}|9999)-?[0-9]{2}-?[0-9]{2}")
    far = text.str.contains(r"^/Date\(25[0-9]{13}")
    return long_ago | written | far


def _yes_or_no(said: pl.Series) -> pl.Series:
    text = pl.col("said").str.strip_chars().str.to_lowercase()
    value = pl.when(text.is_in([*_YES, *_NO])).then(text.is_in(_YES))
    return pl.DataFrame({"said": said}).select(value).to_series()


_READERS: dict[Kind, Callable[[pl.Series], pl.Series]] = {
    "key": _key,
    "text": _text,
    "decimal": decimals,
    "date": dates,
    "flag": flags,
}


def empty_text(names: Iterable[str]) -> pl.DataFrame:
    """Return no rows of text, as a page without rows has them."""
    return pl.DataFrame(schema=dict.fromkeys(names, pl.String))
