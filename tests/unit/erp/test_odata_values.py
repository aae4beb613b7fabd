from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import tried

from connector.erp.odata.catalogue import Field
from connector.erp.odata.values import canonical, dates, decimals, flags, typed

DAYS = st.dates(date(1970, 1, 2), date(9998, 12, 31))


def read(kind, *said):
    made = typed(pl.DataFrame({"X": said}, schema={"X": pl.String}), [Field(name="X", kind=kind)])
    return made.frame["X"].to_list(), made.unread.select("row", "raw").rows()


def stamp(day):
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


@tried
@given(
    DAYS, st.sampled_from(["ms", "offset", "iso", "iso_ms", "iso_z", "plain", "literal", "digits"])
)
def test_every_way_to_write_a_day_is_that_day(day, way):
    written = {
        "ms": f"/Date({stamp(day)})/",
        "offset": f"/Date({stamp(day)}+0000)/",
        "iso": f"{day.isoformat()}T00:00:00",
        "iso_ms": f"{day.isoformat()}T00:00:00.0000000",
        "iso_z": f"{day.isoformat()}T00:00:00Z",
        "plain": day.isoformat(),
        "literal": f"datetime'{day.isoformat()}T00:00:00'",
        "digits": day.isoformat().replace("-", ""),
    }[way]
    assert read("date", written) == ([day], [])


@tried
@given(DAYS, st.integers(-12 * 60, 14 * 60))
def test_an_offset_moves_a_moment_to_the_day_it_is_there(day, minutes):
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    there = (moment + timedelta(minutes=minutes)).date()
    ms = int(moment.timestamp()) * 1000
    assert read("date", f"/Date({ms}{minutes:+05d})/")[0] == [there]


@pytest.mark.parametrize(
    "said",
    [
        None,
        "",
        " ",
        "/Date(0)/",
        "/Date(-62135596800000)/",
        "/Date(-2208988800000+0000)/",
        "0000-00-00T00:00:00",
        "0000-00-00",
        "00000000",
        "1753-01-01T00:00:00",
        "0001-01-01T00:00:00",
        "9999-12-31T00:00:00",
        "/Date(253402214400000)/",
    ],
)
def test_no_day_at_all_is_null_and_no_fault(said):
    assert read("date", said) == ([None], [])


@pytest.mark.parametrize(
    "said", ["soon", "2026-13-45T00:00:00", "/Date(x)/", "/Date(99999999999999999)/"]
)
def test_a_day_nobody_can_read_is_named(said):
    assert read("date", said) == ([None], [(0, said)])


@tried
@given(st.decimals(-(10**9), 10**9, places=3), st.integers(0, 11))
def test_a_decimal_is_read_padded_or_not(value, zeros):
    expected = float(value)
    assert (
        read("decimal", f"{value}{'0' * zeros}", f" {value} ", repr(expected))[0] == [expected] * 3
    )


@tried
@given(st.decimals(0, 10**9, places=3))
def test_a_sign_may_stand_behind(value):
    assert read("decimal", f"{value}-", "1")[0] == [-float(value), 1.0]


@tried
@given(st.text(alphabet="0123456789.,-+eE xNaIif", max_size=8))
def test_no_text_becomes_a_number_it_is_not(said):
    values, unread = read("decimal", said)
    try:
        number = float(Decimal(said.strip()))
    except ArithmeticError:
        number = None
    readable = number is not None and math.isfinite(number)
    if readable:
        assert values[0] == pytest.approx(number)
    elif said.strip():
        assert unread or values[0] is not None  # "1.5-" is a number to SAP
    assert not (unread and readable)


def test_an_unset_decimal_is_null_not_zero_and_not_a_fault():
    assert read("decimal", None, "", "0", "0.000") == ([None, None, 0.0, 0.0], [])


@pytest.mark.parametrize("said", ["NaN", "inf", "-Infinity", "0.0M", "abc"])
def test_a_number_that_is_none_is_named(said):
    assert read("decimal", "1", said)[1] == [(1, said)]


def test_flags_come_as_words_letters_and_nothing():
    said = ["true", "X", "x", "1", "True", "false", "", None, "0", "FALSE"]
    assert read("flag", *said) == ([True] * 5 + [False] * 5, [])
    assert read("flag", "true", "maybe") == ([True, None], [(1, "maybe")])
    assert read("flag", None, "maybe") == ([False, None], [(1, "maybe")])


@tried
@given(st.from_regex(r"\A[0-9]{1,40}\Z"), st.integers(0, 38))
def test_digits_lose_leading_zeros_and_nothing_else(digits, zeros):
    bare = digits.lstrip("0") or "0"
    assert read("key", digits, "0" * zeros + digits)[0] == [bare, bare]


@tried
@given(st.text(alphabet="0123456789ABab-/ äß'", min_size=1, max_size=18))
def test_a_name_that_is_not_all_digits_keeps_its_zeros(name):
    (value,), _ = read("key", name)
    trimmed = name.strip()
    assert value == ((trimmed.lstrip("0") or "0") if trimmed.isdigit() and trimmed else trimmed)


@tried
@given(st.lists(st.sampled_from(["", None, "007", "A", "0"]), max_size=30))
def test_columns_with_few_values_are_read_as_others(said):
    column = pl.Series("X", said, dtype=pl.String)
    expected = [pl.select(canonical(pl.lit(each, pl.String))).item() for each in said]
    assert read("key", *said)[0] == expected
    assert len(decimals(column)) == len(dates(column)) == len(flags(column)) == len(said)
