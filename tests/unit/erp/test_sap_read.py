from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
from polars.testing import assert_frame_equal
from sap_pulls import only, pull
from sap_world import ITEMS, PLANTS, SITE, connection, document, move, stock_row
from strict_sap import NOW, Habits

from connector.erp.sap.fields import (
    MOVEMENT_SERVICE,
    MRP_SERVICE,
    STOCK_SERVICE,
)
from connector.erp.sap.plan import api_plan
from connector.erp.sap.quality import other_planners
from connector.inventory import snapshot as contract


def test_a_pull_makes_the_whole_picture(sap, clock):
    snapshot = pull(sap, clock)
    assert snapshot.site == "dc1"
    assert snapshot.taken_at == NOW
    assert snapshot.erp_date == date(2026, 11, 24)
    for name, schema in (
        ("items", contract.ITEMS),
        ("stock", contract.STOCK),
        ("pipeline", contract.PIPELINE),
        ("faults", contract.FAULTS),
    ):
        assert getattr(snapshot, name).schema == schema
    assert snapshot.items.select("node", "item").rows() == sorted(
        (plant, item) for plant in PLANTS for item in ITEMS
    )
    assert snapshot.faults.height == 0
    assert all(feed.rows == feed.expected for feed in snapshot.feeds)


def test_master_data_follow_the_planning_view_and_the_price_its_unit(sap, clock):
    snapshot = pull(sap, clock)
    (row,) = only(snapshot.items, node="1000", item="100002")
    assert row["lead_time_days"] == 4.0  # 3 planned, 1 to receive
    assert (row["lot_minimum"], row["lot_multiple"], row["lot_fixed"]) == (5.0, 2.0, 0.0)
    assert math.isinf(row["lot_maximum"])
    assert math.isinf(row["maximum_stock"])
    assert row["unit_cost"] == 2.5  # moving average 250 per 100
    assert (row["unit"], row["mrp_type"], row["purchasing_group"]) == ("PC", "ND", "001")
    blocked = snapshot.items.filter("blocked").select("node", "item").rows()
    assert blocked == [("1000", "5"), ("1010", "5"), ("1010", "FG-4"), ("1020", "5")]


def test_stock_is_summed_by_standing_and_negative_stock_stays_negative(sap, clock):
    stock = pull(sap, clock).stock
    mine = {row["standing"]: row["quantity"] for row in only(stock, node="1000", item="100001")}
    assert mine == {"available": 7.5, "inspection": 4.0, "blocked": 9.0}
    sap.rows(STOCK_SERVICE, "A_MatlStkInAcctMod").append(
        stock_row("FG-3", "1010", "-40.000", place="0003")
    )
    (row,) = only(pull(sap, clock).stock, node="1010", item="FG-3")
    assert row["quantity"] == -21.5


def test_receipts_go_to_the_earliest_schedule_line_in_base_units(sap, clock):
    pipeline = pull(sap, clock).pipeline
    boxes = only(pipeline, document="4500000001")
    # 4 and 6 boxes of 12; of the 60 pieces that came, 48 fill the first, 12 are of the second
    assert [(row["due"], row["quantity"]) for row in boxes] == [(date(2026, 12, 4), 60.0)]
    (row,) = only(pipeline, document="4500000002")
    assert row["quantity"] == 35.0  # 50 ordered, 20 received, 5 of them sent back
    assert (row["requisition"], row["requisition_line"]) == ("10000001", "10")


def test_orders_that_bring_no_stock_are_not_in_the_pipeline(sap, clock):
    documents = set(pull(sap, clock).pipeline["document"])
    assert not documents & {f"450000000{n}" for n in (3, 4, 5, 6)}


def test_goods_in_transit_count_once(sap, clock):
    snapshot = pull(sap, clock)
    rows = only(snapshot.pipeline, node="1010", item="100002")
    assert {row["kind"]: row["quantity"] for row in rows} == {
        "in_transit": 30.0,
        "purchase_order": 10.0,
    }
    assert {row["supplying_node"] for row in rows} == {"1000"}
    held = only(snapshot.stock, node="1010", item="100002", standing="in_transit")
    assert held[0]["quantity"] == 30.0


def test_goods_in_transit_without_an_order_come_after_the_lead_time(sap, clock):
    rows = sap.rows(STOCK_SERVICE, "A_MatlStkInAcctMod")
    rows.append(stock_row("FG-3", "1020", "8.000", kind="06"))
    rows.append(stock_row("FG-4", "1020", "3.000", kind="04"))
    pipeline = pull(sap, clock).pipeline
    (far,) = only(pipeline, node="1020", item="FG-3")
    (near,) = only(pipeline, node="1020", item="FG-4")
    assert (far["kind"], far["due"]) == ("in_transit", date(2026, 11, 24) + timedelta(days=5))
    assert (near["kind"], near["due"]) == ("in_transit", date(2026, 11, 24))


def test_open_requisitions_are_netted_and_know_whose_they_are(sap, clock):
    rows = only(pull(sap, clock).pipeline, kind="requisition")
    assert [(row["document"], row["quantity"], row["tracking"]) for row in rows] == [
        ("10000002", 10.0, "ABCDEFGH23"),
        ("10000006", 4.0, ""),
    ]
    assert (rows[0]["supplying_node"], rows[0]["firm"], rows[1]["firm"]) == ("1000", True, False)


def test_consumption_is_issues_less_reversals_of_this_site(sap, clock):
    consumption = pull(sap, clock).history.consumption
    assert consumption.select("node", "item", "posted_on", "quantity").rows() == [
        ("1000", "100001", date(2026, 11, 1), 6.0),
        ("1000", "100001", date(2026, 11, 2), 4.0),
    ]


def test_an_order_older_than_the_history_is_asked_for_all_its_receipts(sap, clock):
    (row,) = only(pull(sap, clock).pipeline, document="4400000001")
    assert row["quantity"] == 5.0  # 8 ordered in March, 3 received in April
    asked = [url for url in sap.asked if "A_MaterialDocumentItem?" in url]
    assert len(asked) == 1
    assert "PurchaseOrder%20eq%20'4400000001'" in asked[0]


def test_the_second_pull_reads_only_what_is_new_and_counts_nothing_twice(sap, clock):
    first = pull(sap, clock)
    again = pull(sap, clock, history=first.history)
    assert_frame_equal(again.history.consumption, first.history.consumption)
    assert_frame_equal(again.history.receipts, first.history.receipts)
    assert_frame_equal(again.pipeline, first.pipeline)
    movements = [url for url in sap.asked if "A_MaterialDocumentHeader?" in url]
    assert "datetime'2026-08-26" in movements[0]
    assert "datetime'2026-11-22" in movements[-1]
    head, lines = document(
        "4900000009", date(2026, 11, 23), move("FG-3", "1000", "261", "2.000", "H")
    )
    sap.rows(MOVEMENT_SERVICE, "A_MaterialDocumentHeader").append(head)
    sap.rows(MOVEMENT_SERVICE, "A_MaterialDocumentItem").extend(lines)
    third = pull(sap, clock, history=again.history)
    assert only(third.history.consumption, item="FG-3")[0]["quantity"] == 2.0
    assert third.history.consumption.height == first.history.consumption.height + 1


def test_the_erps_own_calendar_decides_the_day(sap, clock):
    sap.habits = Habits(header_date="Tue, 24 Nov 2026 23:30:00 GMT")
    assert pull(sap, clock, site=replace(SITE, time_zone="Europe/Berlin")).erp_date.day == 25
    assert pull(sap, clock, site=replace(SITE, time_zone="America/New_York")).erp_date.day == 24


def element(item, plant, category, number, quantity, **more):
    return {
        "Material": item,
        "MRPPlant": plant,
        "MRPArea": plant,
        "MRPElementCategory": category,
        "MRPElement": number,
        "MRPElementItem": "10",
        "MRPElementAvailyOrRqmtDate": date(2026, 11, 30),
        "MRPElementOpenQuantity": Decimal(quantity),
        "MaterialBaseUnit": "PC",
        **more,
    }


def test_the_erps_own_netting_can_be_the_pipeline(sap, clock):
    sap.rows(MRP_SERVICE, "SupplyDemandItems").extend(
        [
            element(
                "FG-3",
                "1000",
                "BE",
                "4500000002",
                "35.000",
                SourceMRPElementCategory="BA",
                SourceMRPElement="10000001",
                SourceMRPElementItem="10",
            ),
            element(
                "100002", "1010", "BE", "4500000007", "40.000", MRPElementBusinessPartner="1000"
            ),
            element("FG-3", "1000", "BA", "10000077", "3.000"),
            element("FG-3", "1000", "LA", "18000001", "2.000"),
            element("FG-3", "1000", "PA", "70000001", "9.000"),
            element("FG-3", "1000", "VC", "1", "-4.000"),
            element("FG-3", "1000", "SH", "", "-3.500"),
        ]
    )
    snapshot = pull(sap, clock, site=replace(SITE, pipeline_source="mrp"))
    assert {(row["kind"], row["document"], row["quantity"]) for row in only(snapshot.pipeline)} == {
        ("purchase_order", "4500000002", 35.0),
        ("in_transit", "4500000007", 30.0),
        ("purchase_order", "4500000007", 10.0),
        ("requisition", "10000077", 3.0),
        ("shipping_notice", "18000001", 2.0),
        ("planned_order", "70000001", 9.0),
    }
    assert only(snapshot.pipeline, document="4500000002")[0]["requisition"] == "10000001"
    assert not any("A_PurchaseOrderItem" in url or "REQ_PROCESS" in url for url in sap.asked)


def test_someone_else_planning_an_item_is_named(sap, clock):
    snapshot = pull(sap, clock)
    warnings = other_planners(snapshot, own_keys={"ABCDEFGH23"})
    by_type = warnings.filter(pl.col("reason") == "planning_type")
    assert set(by_type["node"]) == {"1020"}
    assert by_type.height == 6
    foreign = warnings.filter(pl.col("reason") == "foreign_requisition").to_dicts()
    assert [(row["node"], row["item"]) for row in foreign] == [("1020", "100001")]
    assert "10000006" in foreign[0]["detail"]
    stranger = other_planners(snapshot, own_keys={"ZZZZZZZZZZ"}, own_numbers={"10000006"})
    found = stranger.filter(pl.col("reason") == "foreign_requisition")
    assert found["item"].to_list() == ["100001"]
    assert found["node"].to_list() == ["1010"]


def test_only_what_the_plan_says_is_asked(sap, clock):

    pull(sap, clock)
    planned = {(row.service, row.entity_set) for row in api_plan(SITE, connection(sap))}
    for path in sap.paths():
        service, _, entity = path.strip("/").partition("/")
        assert (service, entity) in planned
