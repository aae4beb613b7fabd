"""Pulls overlap; what moved counts once."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_busy import chance
from inventory_frames import REGION, SINCE, TEA, TODAY, ago, few, frame, ordered, received
from polars.testing import assert_frame_equal

from connector.errors import SnapshotUnfit
from connector.inventory.history import merge, passing, reread_from
from connector.inventory.snapshot import CONSUMPTION, ORDERS, RECEIPTS, History


def movements(*rows):
    """Rows of (days ago created, days ago posted, quantity)."""
    return frame(
        CONSUMPTION,
        [
            {"node": REGION, "item": TEA, "created_on": ago(c), "posted_on": ago(p), "quantity": q}
            for c, p, q in rows
        ],
    )


def pulled(history, watermark, *rows, receipts=None, orders=None, since=SINCE):
    return merge(
        history,
        since=since,
        watermark=watermark,
        consumption=movements(*rows),
        receipts=RECEIPTS.to_frame() if receipts is None else receipts,
        orders=ORDERS.to_frame() if orders is None else orders,
    )


def same(one: History, other: History) -> None:
    assert (one.since, one.watermark) == (other.since, other.watermark)
    for name in ("consumption", "receipts", "orders"):
        assert_frame_equal(getattr(one, name), getattr(other, name))


@given(st.lists(st.sampled_from([True, False, None]), max_size=12))
def test_rows_that_pass_are_those_a_filter_keeps_in_their_order(wanted):
    rows = pl.DataFrame(
        {"place": range(len(wanted)), "wanted": wanted}, schema_overrides={"wanted": pl.Boolean}
    )
    assert_frame_equal(passing(rows, pl.col("wanted")), rows.filter(pl.col("wanted")))


def test_a_pull_replaces_what_was_created_since_its_first_day():
    first = pulled(History(), SINCE, (5, 5, 1.0), (3, 3, 2.0))
    second = pulled(first, ago(4), (3, 3, 2.0), (3, 3, 4.0), (1, 1, 8.0))
    assert second.consumption["quantity"].to_list() == [1.0, 6.0, 8.0]


def test_the_next_pull_begins_one_day_before_the_newest_document():
    grown = pulled(History(), SINCE, (5, 5, 1.0), (3, 60, 2.0))
    assert grown.watermark == ago(4)
    assert reread_from(grown, SINCE) == ago(4)


def test_a_quiet_pull_moves_no_watermark():
    grown = pulled(History(), SINCE, (5, 5, 1.0))
    assert pulled(grown, ago(6)).watermark == ago(6)


def test_a_document_posted_for_an_earlier_day_counts_on_that_day():
    late = pulled(pulled(History(), SINCE, (5, 5, 1.0)), ago(6), (5, 5, 1.0), (1, 30, 2.0))
    assert late.consumption["posted_on"].to_list() == [ago(5), ago(30)]


def test_days_before_the_window_are_forgotten():
    grown = pulled(History(), SINCE, (80, 80, 1.0), (5, 5, 2.0))
    later = pulled(grown, ago(6), (5, 5, 2.0), since=ago(50))
    assert later.consumption["quantity"].to_list() == [2.0]
    assert later.since == ago(50)


def test_what_is_posted_for_a_day_before_the_window_is_left_out():
    grown = pulled(History(), SINCE, (5, 95, 1.0), (5, 90, 2.0))
    assert grown.consumption["quantity"].to_list() == [2.0]


def test_a_wider_window_is_read_from_its_first_day():
    narrow = pulled(History(), ago(20), (5, 5, 1.0), since=ago(20))
    assert reread_from(narrow, SINCE) == SINCE
    wide = pulled(narrow, SINCE, (80, 80, 3.0), (5, 5, 1.0))
    assert wide.since == SINCE
    assert wide.consumption["quantity"].to_list() == [3.0, 1.0]


def test_an_empty_history_read_from_the_middle_claims_no_more():
    assert pulled(History(), ago(10), (5, 5, 1.0)).since == ago(10)


def test_a_pull_that_leaves_a_gap_is_refused():
    grown = pulled(History(), SINCE, (5, 5, 1.0))
    with pytest.raises(
        SnapshotUnfit, match=f"from {ago(2)} on; the history needs them from {ago(6)}"
    ):
        pulled(grown, ago(2))


@pytest.mark.parametrize("quantity", [float("nan"), float("inf"), 1e11, None])
def test_a_movement_that_is_no_number_is_refused(quantity):
    with pytest.raises(SnapshotUnfit, match=f"TEA at {REGION} has quantity"):
        pulled(History(), SINCE, (5, 5, quantity))


def test_rows_created_before_the_pull_began_are_not_taken_twice():
    grown = pulled(History(), SINCE, (5, 5, 1.0))
    again = pulled(grown, ago(6), (5, 5, 1.0), (20, 20, 9.0))
    assert again.consumption["quantity"].to_list() == [1.0]


def test_an_order_is_kept_once_as_the_erp_last_told_it():
    first = pulled(History(), SINCE, orders=ordered(("45", ago(9)), ("46", ago(8), "")))
    second = pulled(first, SINCE, orders=ordered(("45", ago(7))))
    assert second.orders.rows() == [("45", ago(7), "1000"), ("46", ago(8), "")]


def test_an_order_is_remembered_beyond_the_window_until_it_is_very_old():
    placed = ordered(("45", SINCE - timedelta(days=300)), ("46", SINCE - timedelta(days=366)))
    assert pulled(History(), SINCE, orders=placed).orders["order"].to_list() == ["45"]


def test_receipts_are_replaced_alike():
    first = pulled(History(), SINCE, receipts=received({"posted_on": ago(5), "quantity": 4.0}))
    again = pulled(first, SINCE, receipts=received({"posted_on": ago(5), "quantity": 4.0}))
    assert again.receipts["quantity"].to_list() == [4.0]
    assert again.receipts.schema == RECEIPTS


def test_sums_of_decimals_are_exact():
    tenths = [(5, 5, 0.1)] * 3
    assert pulled(History(), SINCE, *tenths).consumption["quantity"].to_list() == [0.3]


documents = st.lists(
    st.tuples(st.integers(1, 80), st.integers(0, 9), st.integers(-9, 99).map(float)), max_size=20
).map(lambda rows: [(created, created + back, q) for created, back, q in rows])


def ledger(rows, first_days_ago):
    """What a pull that begins so many days ago reads from one and the same ERP."""
    return [row for row in rows if row[0] <= first_days_ago]


@few
@given(rows=documents, starts=st.lists(st.integers(1, 90), max_size=4), seed=st.integers(0, 99))
def test_overlapping_pulls_of_one_erp_come_to_the_same(rows, starts, seed):
    """Idempotent, no overlap counts twice, and neither pulls nor rows have an order."""
    whole = pulled(History(), SINCE, *rows)
    grown = whole
    for start in starts:
        shuffled = ledger(rows, start)
        chance(seed).shuffle(shuffled)
        begin = min(ago(start), reread_from(grown, SINCE))
        reach = (TODAY - begin).days
        shuffled += [row for row in rows if start < row[0] <= reach]
        grown = pulled(grown, begin, *shuffled)
        assert_frame_equal(grown.consumption, whole.consumption)
    same(pulled(whole, SINCE, *rows), whole)


@few
@given(rows=documents, split=st.integers(1, 90))
def test_the_recent_part_first_and_the_rest_after_comes_to_the_same(rows, split):
    recent = pulled(History(), ago(split), *ledger(rows, split))
    same(pulled(recent, SINCE, *rows), pulled(History(), SINCE, *rows))


@few
@given(rows=documents)
def test_a_history_keeps_the_total(rows):
    kept = pulled(History(), SINCE, *rows).consumption
    inside = [q for _, posted, q in rows if ago(posted) >= SINCE]
    assert kept["quantity"].sum() == pytest.approx(sum(inside))
    assert kept.select("created_on", "posted_on").is_duplicated().sum() == 0
    assert kept["created_on"].is_sorted()
    assert isinstance(kept.schema, pl.Schema)
