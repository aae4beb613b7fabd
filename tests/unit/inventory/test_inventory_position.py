"""Every piece counts once, wherever it is on its way."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_frames import (
    DC,
    OTHER,
    REGION,
    TEA,
    TODAY,
    ago,
    at,
    document,
    few,
    item,
    items,
    ordered,
    own,
    pipeline,
    received,
    snapshot,
    state,
    stock,
)
from inventory_frames import history as movements

from connector.inventory.build import build_state
from connector.inventory.memory import Memory
from connector.inventory.network import Network, Node
from connector.inventory.planning import Planning
from connector.inventory.state import BUCKETS

TRANSFER = {"supplying_node": DC, "kind": "purchase_order"}


def test_a_transfer_that_was_not_issued_yet_counts_once_in_the_echelon():
    """House style, section 9: 55 units, not 65."""
    built = state(
        stock=stock((DC, 40.0), (REGION, 15.0)), pipeline=pipeline(document(10.0, **TRANSFER))
    )
    assert at(built, DC)["echelon_position"] == 55.0
    assert at(built, REGION)["inventory_position"] == 25.0


def test_goods_in_transit_below_count():
    issued = document(10.0, supplying_node=DC, kind="in_transit")
    built = state(stock=stock((DC, 30.0), (REGION, 15.0)), pipeline=pipeline(issued))
    assert at(built, DC)["echelon_position"] == 55.0
    assert at(built, REGION)["in_transit"] == 10.0


def test_a_notice_of_goods_that_left_another_node_counts():
    told = document(10.0, supplying_node=DC, kind="shipping_notice")
    built = state(stock=stock((DC, 30.0)), pipeline=pipeline(told))
    assert at(built, DC)["echelon_position"] == 40.0
    assert at(built, REGION)["in_transit"] == 10.0


@pytest.mark.parametrize("kind", ["requisition", "planned_order"])
def test_a_wish_below_without_a_source_is_a_transfer(kind):
    built = state(stock=stock((DC, 40.0)), pipeline=pipeline(document(10.0, kind=kind)))
    assert at(built, DC)["echelon_position"] == 40.0
    assert at(built, REGION)["inventory_position"] == 10.0


def test_what_a_node_below_buys_outside_counts():
    built = state(stock=stock((DC, 40.0)), pipeline=pipeline(document(7.0)))
    assert at(built, DC)["echelon_position"] == 47.0


def test_a_transfer_between_siblings_is_inside_the_echelon():
    built = state(
        stock=stock((OTHER, 40.0)), pipeline=pipeline(document(7.0, supplying_node=OTHER))
    )
    assert at(built, DC)["echelon_position"] == 40.0


def test_our_own_line_below_is_a_transfer_too_while_the_erp_does_not_show_it():
    built = state(own(document(10.0, key="A")), stock=stock((DC, 40.0)))
    assert at(built, REGION)["inventory_position"] == 10.0
    assert at(built, DC)["echelon_position"] == 40.0


def test_transit_seen_as_stock_is_part_of_the_open_transfer():
    """SAP shows issued goods as stock in transit and keeps the whole order open until receipt."""
    built = state(
        stock=stock((DC, 30.0), (REGION, 15.0), (REGION, 10.0, "in_transit")),
        pipeline=pipeline(document(25.0, **TRANSFER)),
    )
    assert at(built, REGION)["pipeline"] == 25.0
    assert at(built, REGION)["in_transit"] == 10.0
    assert at(built, DC)["echelon_position"] == 55.0


def test_transit_seen_twice_counts_once():
    built = state(
        stock=stock((DC, 30.0), (REGION, 10.0, "in_transit")),
        pipeline=pipeline(
            document(10.0, kind="in_transit", supplying_node=DC), document(15.0, **TRANSFER)
        ),
    )
    assert at(built, REGION)["pipeline"] == 25.0
    assert at(built, DC)["echelon_position"] == 40.0


def test_transit_that_no_document_explains_arrives_within_the_planned_lead_time():
    built = state(stock=stock((REGION, 10.0, "in_transit")))
    here = at(built, REGION)
    assert (here["arriving_5"], here["pipeline"], here["inventory_position"]) == (10.0, 10.0, 10.0)
    assert at(built, DC)["echelon_position"] == 10.0


def test_a_transfer_from_outside_the_echelon_counts_once_while_under_way():
    nodes = (Node(name=DC), Node(name=REGION, supplied_by=DC), Node(name=OTHER))
    seen = {
        "stock": stock((DC, 5.0), (REGION, 10.0, "in_transit")),
        "pipeline": pipeline(document(25.0, supplying_node=OTHER)),
    }
    built = build_state(snapshot(**seen), Memory(), Network(nodes), Planning())
    assert at(built, DC)["echelon_position"] == 30.0


def test_goods_in_inspection_are_not_ordered_again():
    built = state(
        stock=stock((REGION, 5.0), (REGION, 20.0, "inspection"), (REGION, 9.0, "blocked"))
    )
    here = at(built)
    assert here["inventory_position"] == 25.0
    assert (here["on_hand"], here["inspection"], here["stock_blocked"]) == (5.0, 20.0, 9.0)


def test_negative_stock_is_shown_and_counts_as_nothing():
    here = at(state(stock=stock((REGION, -4.0)), pipeline=pipeline(document(3.0))))
    assert (here["on_hand"], here["inventory_position"]) == (-4.0, 3.0)


@pytest.mark.parametrize(
    ("days", "bucket"),
    [
        (-9, "1"),
        (0, "1"),
        (1, "1"),
        (2, "2"),
        (9, "9"),
        (10, "14"),
        (14, "14"),
        (15, "28"),
        (28, "28"),
        (29, "later"),
    ],
)
def test_arrival_buckets_close_at_their_edge(days, bucket):
    here = at(state(pipeline=pipeline(document(4.0, due=ago(-days)))))
    assert here[f"arriving_{bucket}"] == here["pipeline"] == 4.0


def test_a_document_without_a_date_arrives_after_the_planned_lead_time():
    here = at(state(pipeline=pipeline(document(4.0, due=None))))
    assert here["arriving_5"] == 4.0


@pytest.mark.parametrize(
    "shown",
    [
        {"tracking": "KEY0000001"},
        {"kind": "requisition", "document": "0010000007", "line": "10"},
        {"requisition": "10000007", "requisition_line": "00010"},
    ],
)
def test_our_line_is_recognised_by_key_number_or_the_order_made_from_it(shown):
    ours = document(10.0, key="KEY0000001", number="10000007", number_line="10")
    here = at(state(own(ours), pipeline=pipeline(document(10.0, **shown))))
    assert (here["own_confirmed"], here["own_pending"]) == (10.0, 0.0)
    assert here["inventory_position"] == 10.0
    assert here["foreign_requisitions"] == 0.0


def test_a_line_shown_in_two_documents_is_ours_in_both_and_counts_once():
    ours = document(10.0, key="KEY0000001", number="10000007", number_line="10", state="confirmed")
    here = at(
        state(
            own(ours),
            pipeline=pipeline(
                document(4.0, kind="requisition", document="10000007", tracking="KEY0000001"),
                document(6.0, requisition="10000007", requisition_line="10"),
            ),
        )
    )
    assert (here["own_confirmed"], here["pipeline"], here["own_missing"]) == (10.0, 10.0, 0.0)


def test_a_key_copied_to_another_node_is_not_ours():
    built = state(
        own(document(10.0, key="KEY0000001")),
        pipeline=pipeline(document(3.0, OTHER, kind="requisition", tracking="KEY0000001")),
    )
    assert at(built)["own_pending"] == 10.0
    assert at(built, OTHER)["foreign_requisitions"] == 3.0


def test_lines_without_key_and_number_match_nothing():
    built = state(own(document(10.0)), pipeline=pipeline(document(3.0, kind="requisition")))
    assert (at(built)["own_pending"], at(built)["own_confirmed"]) == (10.0, 0.0)


@pytest.mark.parametrize("lost", ["owed", "intent", "in_doubt", "filed"])
def test_what_may_still_come_is_pending(lost):
    here = at(state(own(document(10.0, key="A", state=lost))))
    assert (here["own_pending"], here["own_missing"]) == (10.0, 0.0)


def test_a_confirmed_line_that_vanished_is_missing_and_not_counted():
    here = at(state(own(document(10.0, key="A", state="confirmed"))))
    assert (here["own_missing"], here["own_pending"], here["inventory_position"]) == (
        10.0,
        0.0,
        0.0,
    )


@pytest.mark.parametrize(("ordered_on", "missing"), [(ago(2), 0.0), (ago(1), 0.0), (ago(3), 10.0)])
def test_a_confirmed_line_that_arrived_is_not_missing(ordered_on, missing):
    """Only an order placed on or after the day of filing can have been made from it."""
    gone = document(10.0, key="A", state="confirmed", filed_on=ago(2))
    arrived = movements(
        receipts=received({"posted_on": ago(1), "quantity": 10.0}),
        orders=ordered(("45", ordered_on)),
    )
    assert at(state(own(gone), history=arrived))["own_missing"] == missing


def test_open_requisitions_of_others_are_counted_apart():
    here = at(state(pipeline=pipeline(document(8.0, kind="requisition"), document(2.0))))
    assert (here["foreign_requisitions"], here["pipeline"]) == (8.0, 10.0)


def test_rows_outside_the_universe_change_nothing():
    built = state(
        items=items(item(REGION)),
        stock=stock((DC, 40.0), (REGION, 1.0)),
        pipeline=pipeline(document(5.0, DC), document(5.0, item="NAILS")),
    )
    assert built.frame["inventory_position"].to_list() == [1.0]


def test_an_item_that_a_middle_node_does_not_stock_still_belongs_to_the_echelon_above():
    nodes = (Node(name=DC), Node(name=OTHER, supplied_by=DC), Node(name=REGION, supplied_by=OTHER))
    seen = snapshot(items=items(item(DC), item(REGION)), stock=stock((DC, 40.0), (REGION, 2.0)))
    built = build_state(seen, Memory(), Network(nodes), Planning())
    assert at(built, DC)["echelon_position"] == 42.0


quantities = st.integers(0, 200).map(float)


@few
@given(dc=quantities, region=quantities, moved=quantities, step=st.integers(0, 3))
def test_moving_goods_through_the_pipeline_never_changes_the_echelon(dc, region, moved, step):
    """Ordered, issued and seen as a document, issued and seen as stock only, in inspection."""
    shelf, issued = stock((DC, dc + moved), (REGION, region)), stock((DC, dc), (REGION, region))
    waiting = document(moved, **TRANSFER)
    stages = [
        {"stock": shelf, "pipeline": pipeline(waiting)},
        {"stock": issued, "pipeline": pipeline({**waiting, "kind": "in_transit"})},
        {
            "stock": pl.concat([issued, stock((REGION, moved, "in_transit"))]),
            "pipeline": pipeline(waiting),
        },
        {"stock": pl.concat([issued, stock((REGION, moved, "inspection"))])},
    ]
    built = state(**stages[step])
    assert at(built, DC)["echelon_position"] == dc + region + moved
    assert at(built, REGION)["inventory_position"] == region + moved


@few
@given(
    rows=st.lists(
        st.tuples(st.sampled_from([DC, REGION, OTHER]), quantities, st.integers(-5, 60)),
        max_size=12,
    )
)
def test_the_buckets_add_up_to_the_pipeline(rows):
    told = [
        document(q, node, due=ago(-days), document=str(k)) for k, (node, q, days) in enumerate(rows)
    ]
    built = state(pipeline=pipeline(*told))
    for node in (DC, REGION, OTHER):
        here = at(built, node)
        assert sum(here[name] for name in BUCKETS) == here["pipeline"]
        assert here["pipeline"] == sum(q for at_node, q, _ in rows if at_node == node)
    assert TODAY.weekday() == at(built, DC, TEA)["weekday"]
