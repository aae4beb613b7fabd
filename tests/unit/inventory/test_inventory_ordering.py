"""Whole lots, exactly."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_frames import at, item, items, state

from connector.errors import SnapshotUnfit
from connector.inventory.ordering import Lots, lots, order_steps, round_down, round_up, to_decimal

INF = float("inf")


def rules(minimum=0.0, maximum=INF, fixed=0.0, multiple=0.0, step=1.0) -> Lots:
    told = {
        "minimum": minimum,
        "maximum": maximum,
        "fixed": fixed,
        "multiple": multiple,
        "step": step,
    }
    return lots(**{name: np.array([value]) for name, value in told.items()})


def up(quantity, **told):
    return float(round_up(np.array([quantity]), rules(**told))[0])


def down(quantity, **told):
    return float(round_down(np.array([quantity]), rules(**told))[0])


@pytest.mark.parametrize(
    ("quantity", "told", "expected"),
    [
        (0.0, {"minimum": 50.0}, 0.0),
        (0.2, {}, 1.0),
        (1.0, {"minimum": 50.0}, 50.0),
        (51.0, {"minimum": 50.0, "multiple": 12.0}, 60.0),
        (61.0, {"minimum": 50.0, "multiple": 12.0}, 72.0),
        (13.0, {"multiple": 12.0}, 24.0),
        (24.0, {"multiple": 12.0}, 24.0),
        (24.0000001, {"multiple": 12.0}, 24.0),
        (24.001, {"multiple": 12.0}, 36.0),
        (101.0, {"fixed": 40.0, "minimum": 500.0, "multiple": 7.0}, 120.0),
        (500.0, {"maximum": 100.0, "multiple": 30.0}, 90.0),
        (500.0, {"maximum": 0.0}, 500.0),
        (5.0, {"minimum": 200.0, "maximum": 100.0}, 0.0),
        (5.0, {"fixed": 200.0, "maximum": 100.0}, 0.0),
        (float("nan"), {"minimum": 50.0}, 0.0),
        (INF, {"minimum": 50.0}, 0.0),
        (-3.0, {"minimum": 50.0}, 0.0),
    ],
)
def test_rounding_up(quantity, told, expected):
    assert up(quantity, **told) == expected


@pytest.mark.parametrize(
    ("quantity", "told", "expected"),
    [
        (23.9, {"multiple": 12.0}, 12.0),
        (24.0, {"multiple": 12.0}, 24.0),
        (49.0, {"minimum": 50.0}, 0.0),
        (50.0, {"minimum": 50.0}, 50.0),
        (59.0, {"minimum": 50.0, "multiple": 12.0}, 0.0),
        (60.0, {"minimum": 50.0, "multiple": 12.0}, 60.0),
        (500.0, {"maximum": 100.0, "multiple": 30.0}, 90.0),
        (119.0, {"fixed": 40.0}, 80.0),
        (float("nan"), {}, 0.0),
    ],
)
def test_rounding_down(quantity, told, expected):
    assert down(quantity, **told) == expected


@pytest.mark.parametrize("lot", ["0.1", "0.2", "0.3", "0.7", "1.1", "0.001", "0.025", "12.5", "3"])
def test_decimal_lots_do_not_drift(lot):
    """1.1 / 0.1 is 11.000000000000002 in floats: a twelfth lot out of nowhere."""
    for count in range(1, 2000, 7):
        whole = float(Decimal(lot) * count)
        assert up(whole, multiple=float(lot)) == whole
        assert down(whole, multiple=float(lot)) == whole


amounts = st.decimals(0, 100_000, places=3).map(float)
lot_sizes = st.one_of(st.just(0.0), st.decimals("0.001", 500, places=3).map(float))


@given(
    quantity=st.one_of(amounts, st.floats()),
    minimum=lot_sizes,
    multiple=lot_sizes,
    fixed=st.one_of(st.just(0.0), lot_sizes),
    maximum=st.one_of(st.just(INF), amounts),
)
def test_whole_lots_are_a_fixed_point_within_their_limits(
    quantity, minimum, multiple, fixed, maximum
):
    told = {
        "minimum": minimum,
        "multiple": multiple,
        "fixed": fixed,
        "maximum": maximum,
        "step": 0.001,
    }
    for rounded in (up(quantity, **told), down(quantity, **told)):
        assert np.isfinite(rounded)
        assert up(rounded, **told) == rounded
        assert down(rounded, **told) == rounded
        if rounded:
            lot = Decimal(repr(fixed or multiple or 0.001))
            assert Decimal(repr(rounded)) % lot == 0
            assert rounded >= (fixed or minimum)
            assert rounded <= (maximum or INF)


@given(quantity=amounts, minimum=lot_sizes, multiple=lot_sizes)
def test_up_covers_and_down_never_exceeds(quantity, minimum, multiple):
    told = {"minimum": minimum, "multiple": multiple, "step": 0.001}
    assert down(quantity, **told) <= quantity <= up(quantity, **told) or quantity == 0.0


def test_units_that_only_come_whole():
    assert order_steps(pl.Series(["PC", "ST", "KG", "M3", ""])).tolist() == [
        1,
        1,
        0.001,
        0.001,
        0.001,
    ]


def test_the_lots_of_a_state():
    rows = items(
        item(item="A", lot_minimum=10.0, lot_multiple=4.0),
        item(item="B", unit="KG"),
        item(item="C", lot_fixed=25.0),
    )
    rules = Lots.of(state(items=rows))
    assert round_up(np.array([1.0, 0.1234, 26.0]), rules).tolist() == [12.0, 0.124, 50.0]


@pytest.mark.parametrize(
    ("quantity", "scale", "written"),
    [
        (0.1, 3, "0.100"),
        (1.1, 1, "1.1"),
        (12.0, 0, "12"),
        (1234567.891, 3, "1234567.891"),
        (9999999999.999, 3, "9999999999.999"),
        (0.0, 3, "0.000"),
    ],
)
def test_what_is_written_is_the_decimal(quantity, scale, written):
    assert str(to_decimal(quantity, scale)) == written


@pytest.mark.parametrize("quantity", [float("nan"), INF, -1.0, 1e11, 0.0625, 0.1 + 0.2])
def test_what_cannot_be_written_is_refused(quantity):
    with pytest.raises(SnapshotUnfit):
        to_decimal(quantity, 3)


@given(st.decimals(0, 10**9, places=3))
def test_decimals_survive_the_way_through_floats(decimal):
    assert to_decimal(float(decimal), 3) == decimal


def test_contradictory_lots_are_a_fault():
    here = at(state(items=items(item(lot_minimum=100.0, lot_maximum=50.0))))
    assert here["fault"] == "the smallest lot 100.0 exceeds the largest 50.0"
