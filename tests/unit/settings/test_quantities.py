from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.settings.quantities import between, duration, duration_text, from_to, size, size_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("90s", 90),
        ("15m", 900),
        ("6h", 21600),
        ("2d", 172800),
        ("1.5h", 5400),
        (0, 0),
    ],
)
def test_a_duration_has_its_unit(text, seconds):
    assert duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["15", 15, "15 m", "m", "-5m", "1e3s", "15M", True, None, "", "nans"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="with its unit"):
        duration(text)


@given(st.integers(0, 10**11))
def test_a_duration_reads_back_as_written(milliseconds):
    span = timedelta(milliseconds=milliseconds)
    assert duration(duration_text(span)) == span


@given(st.integers(0, 10**12 - 1))
def test_a_size_reads_back_as_written(octets):
    assert size(size_text(octets)) == octets


@pytest.mark.parametrize("text", ["1.5m", "-1", -1, True, "1t", None, 1.0])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="octets"):
        size(text)


def test_both_ends_of_a_range_are_allowed():
    check = between("1s", "1m").func
    assert check(timedelta(seconds=1)) == timedelta(seconds=1)
    assert check(timedelta(minutes=1)) == timedelta(minutes=1)
    with pytest.raises(ValueError, match="61s is outside 1s to 1m"):
        check(timedelta(seconds=61))
    with pytest.raises(ValueError, match="999ms is outside"):
        check(timedelta(milliseconds=999))


def test_both_ends_of_a_size_are_allowed():
    check = from_to("1k", "2k").func
    assert (check(1024), check(2048)) == (1024, 2048)
    with pytest.raises(ValueError, match="2049 is outside 1k to 2k"):
        check(2049)
