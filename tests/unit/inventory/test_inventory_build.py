"""The state as a whole: complete, never nan, the same whatever the order of rows."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_busy import busy, chance
from inventory_frames import (
    CUPS,
    DC,
    NETWORK,
    OTHER,
    REGION,
    TEA,
    TODAY,
    ago,
    at,
    document,
    few,
    frame,
    history,
    item,
    items,
    pipeline,
    received,
    state,
    stock,
)
from polars.testing import assert_frame_equal

from connector.errors import SnapshotUnfit
from connector.inventory.base_stock import base_stock
from connector.inventory.build import build_state
from connector.inventory.history import merge
from connector.inventory.memory import Memory
from connector.inventory.planning import Planning, ServiceTarget
from connector.inventory.snapshot import CONSUMPTION, FAULTS, ITEMS, PIPELINE, RECEIPTS, STOCK
from connector.inventory.state import STATE

NAN, INF = math.nan, math.inf


def test_a_state_holds_every_column_in_order_and_sorted():
    built = state(items=items(item(OTHER), item(DC, CUPS), item(DC, TEA), item(REGION)))
    assert built.frame.schema == STATE
    assert built.frame.select("node", "item").rows() == [
        (DC, CUPS),
        (DC, TEA),
        (REGION, TEA),
        (OTHER, TEA),
    ]
    assert len(built) == 4


def test_the_place_in_the_network_and_the_calendar():
    built = state(planning=Planning(review_days=3.0), erp_date=date(2026, 2, 1))
    region, dc = at(built, REGION), at(built, DC)
    assert (region["level"], region["supplying_node"]) == (0.0, DC)
    assert (dc["level"], dc["supplying_node"]) == (1.0, "")
    assert (region["weekday"], region["day_of_year"], region["review_days"]) == (6.0, 32.0, 3.0)


def test_an_empty_site_is_an_empty_state():
    built = state(items=ITEMS.to_frame())
    assert len(built) == 0
    assert built.frame.schema == STATE
    level, quantity = base_stock(built)
    assert (len(level), len(quantity)) == (0, 0)


def test_what_the_erp_left_empty_changes_nothing():
    empty = {name: None for name in ITEMS if name not in ("node", "item")}
    here = at(state(items=items(item(**empty))))
    assert here["fault"] == ""
    assert here["blocked"] is True
    assert (here["lead_time_days"], here["lot_minimum"], here["lot_multiple"]) == (0.0, 0.0, 0.0)
    assert (here["lot_maximum"], here["maximum_stock"]) == (INF, INF)
    assert (here["unit"], here["purchasing_group"]) == ("", "")
    assert math.isnan(here["unit_cost"])


def test_an_unknown_cost_stays_unknown():
    assert math.isnan(at(state(items=items(item(unit_cost=NAN))))["unit_cost"])
    assert at(state(items=items(item(unit_cost=NAN))))["fault"] == ""


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("lead_time_days", -1.0),
        ("lot_multiple", NAN),
        ("safety_stock", INF),
        ("lot_minimum", 1e12),
        ("lot_maximum", -5.0),
        ("maximum_stock", NAN),
        ("unit_cost", -2.0),
        ("unit_cost", INF),
    ],
)
def test_master_data_that_cannot_be_meant_is_a_fault(column, value):
    here = at(state(items=items(item(**{column: value}))))
    assert here["fault"].startswith(f"{column} is ")


@pytest.mark.parametrize("column", ["lot_maximum", "maximum_stock"])
def test_a_ceiling_of_zero_is_none(column):
    here = at(state(items=items(item(**{column: 0.0}))))
    assert (here[column], here["fault"]) == (INF, "")


@pytest.mark.parametrize("quantity", [NAN, INF, 1e11, None])
def test_quantities_that_are_no_numbers_are_left_out_with_a_fault(quantity):
    moved = frame(
        CONSUMPTION,
        [
            {
                "node": REGION,
                "item": TEA,
                "created_on": ago(3),
                "posted_on": ago(3),
                "quantity": quantity,
            }
        ],
    )
    for field, said in {
        "stock": {"stock": stock((REGION, quantity))},
        "pipeline": {"pipeline": pipeline(document(quantity))},
        "consumption": {"history": history(moved)},
        "receipts": {
            "history": history(None, received({"posted_on": ago(3), "quantity": quantity}))
        },
    }.items():
        built = state(**said)
        assert at(built)["fault"].startswith(f"a quantity in {field} is ")
        assert at(built)["inventory_position"] == 0.0
        assert at(built, OTHER)["fault"] == ""


def test_the_erps_own_fault_is_told_first():
    told = frame(
        FAULTS,
        [
            {"node": REGION, "item": TEA, "field": "unit", "detail": "no factor from CAR to PC"},
            {"node": REGION, "item": TEA, "field": "lot", "detail": ""},
            {"node": OTHER, "item": TEA, "field": "unit", "detail": "no factor from BOX to PC"},
        ],
    )
    built = state(faults=told, stock=stock((OTHER, NAN)))
    assert at(built)["fault"] == "lot is unusable"
    assert at(built, OTHER)["fault"] == "no factor from BOX to PC"
    assert at(built, DC)["fault"] == ""


def test_the_last_service_target_that_fits_counts():
    planning = Planning(
        critical_ratio=0.95,
        service_targets=(
            ServiceTarget(critical_ratio=0.9, node=REGION),
            ServiceTarget(critical_ratio=0.99, items=(TEA,)),
            ServiceTarget(critical_ratio=0.8, purchasing_group="007"),
            ServiceTarget(critical_ratio=0.7, node=DC, items=(CUPS,)),
        ),
    )
    rows = items(
        item(DC, CUPS), item(DC, TEA), item(OTHER, CUPS), item(OTHER, "NAILS"),
        item(REGION, "NAILS"), item(REGION, CUPS, purchasing_group="007"),
    )  # fmt: skip
    ratios = {
        (r["node"], r["item"]): r["critical_ratio"]
        for r in state(items=rows, planning=planning).frame.rows(named=True)
    }
    assert ratios == {
        (DC, CUPS): 0.7, (DC, TEA): 0.99, (OTHER, CUPS): 0.95, (REGION, CUPS): 0.8,
        (OTHER, "NAILS"): 0.95, (REGION, "NAILS"): 0.9,
    }  # fmt: skip


def test_people_decide_whether_the_erps_safety_stock_is_kept():
    rows = items(item(safety_stock=40.0))
    kept = state(items=rows)
    own = state(items=rows, planning=Planning(keep_safety_stock=False))
    assert kept.column("safety_stock").tolist() == [40.0]
    assert own.column("safety_stock").tolist() == [0.0]
    assert base_stock(kept)[0].tolist() == [40.0]
    assert base_stock(own)[0].tolist() == [0.0]


def test_an_item_node_that_appears_twice_is_refused():
    with pytest.raises(SnapshotUnfit, match=f"item {TEA} at node {REGION} appears more than once"):
        state(items=items(item(), item()))


def test_a_node_outside_the_network_is_refused():
    with pytest.raises(SnapshotUnfit, match="nodes \\['9999'\\]; the network knows"):
        state(items=items(item("9999")))


def shuffled(rows, seed):
    return rows.sample(fraction=1.0, shuffle=True, seed=seed)


seeds = st.integers(0, 10_000)


@few
@given(seed=seeds)
def test_the_order_of_rows_changes_not_one_bit(seed):
    seen, memory = busy(seed)
    moved = replace(
        seen.history,
        consumption=shuffled(seen.history.consumption, seed),
        receipts=shuffled(seen.history.receipts, seed),
        orders=shuffled(seen.history.orders, seed),
    )
    mixed = replace(
        seen,
        items=shuffled(seen.items, seed),
        stock=shuffled(seen.stock, seed),
        pipeline=shuffled(seen.pipeline, seed),
        history=moved,
    )
    straight = build_state(seen, memory, NETWORK, Planning())
    turned = build_state(mixed, Memory(own=shuffled(memory.own, seed)), NETWORK, Planning())
    assert_frame_equal(straight.frame, turned.frame, check_exact=True)
    for one, other in zip(base_stock(straight), base_stock(turned), strict=True):
        assert one.tobytes() == other.tobytes()


@few
@given(seed=seeds)
def test_nothing_is_null_or_nan_and_no_amount_is_negative(seed):
    seen, memory = busy(seed)
    built = build_state(seen, memory, NETWORK, Planning())
    assert built.frame.null_count().row(0) == (0,) * len(STATE)
    numeric = built.frame.select(pl.col(pl.Float64))
    assert not any(column.is_nan().any() for column in numeric)
    signed = {"on_hand", "in_transit", "inspection", "stock_blocked"}
    for column in numeric.drop(*signed):
        assert column.min() >= 0.0, column.name


@few
@given(seed=seeds, spoil=st.sampled_from([NAN, INF, -INF, 1e300, None]))
def test_what_is_no_number_never_reaches_a_number(seed, spoil):
    rng = chance(seed)
    seen, memory = busy(seed)

    def spoiled(rows):
        quantity = [spoil if rng.random() < 0.3 else q for q in rows["quantity"]]
        return rows.with_columns(pl.Series("quantity", quantity, dtype=pl.Float64, strict=False))

    moved = replace(
        seen.history,
        consumption=spoiled(seen.history.consumption),
        receipts=spoiled(seen.history.receipts),
    )
    spoilt = replace(
        seen, stock=spoiled(seen.stock), pipeline=spoiled(seen.pipeline), history=moved
    )
    built = build_state(spoilt, Memory(own=spoiled(memory.own)), NETWORK, Planning())
    for column in built.frame.select(pl.col(pl.Float64)).drop("lot_maximum", "maximum_stock"):
        assert column.is_finite().all(), column.name
    bad = spoilt.stock.filter(~pl.col("quantity").is_finite().fill_null(value=False))
    for node, name in bad.select("node", "item").rows():
        assert at(built, node, name)["fault"]


@few
@given(seed=seeds)
def test_a_pull_taken_twice_does_not_change_the_state(seed):
    seen, memory = busy(seed)
    told = {
        "since": seen.history.since,
        "watermark": seen.history.since,
        "consumption": seen.history.consumption,
        "receipts": seen.history.receipts,
        "orders": seen.history.orders,
    }
    once = merge(history(since=None), **told)
    twice = merge(once, **told)
    one = build_state(replace(seen, history=once), memory, NETWORK, Planning())
    other = build_state(replace(seen, history=twice), memory, NETWORK, Planning())
    assert_frame_equal(one.frame, other.frame, check_exact=True)
    unmerged = build_state(seen, memory, NETWORK, Planning())
    assert_frame_equal(one.frame, unmerged.frame, check_exact=True)


def test_frames_of_the_contract_are_enough():
    """Empty frames of every schema make a state: a first review of a new site."""
    built = state(
        stock=STOCK.to_frame(),
        pipeline=PIPELINE.to_frame(),
        history=history(None, RECEIPTS.to_frame()),
    )
    assert at(built)["inventory_position"] == 0.0
    assert built.erp_date == TODAY
