from __future__ import annotations

import math
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sap_world import ITEMS, PLANTS, SITE, connection, document, fill, move, order, stock_row
from still_clock import StillClock
from strict_sap import NOW, Habits, StrictSap

from connector.erp.odata.connection import Connection
from connector.erp.sap.fields import (
    MOVEMENT_SERVICE,
    MRP_SERVICE,
    ORDER_SERVICE,
    PRODUCT_SERVICE,
    STOCK_SERVICE,
)
from connector.erp.sap.plan import api_plan
from connector.erp.sap.quality import other_planners
from connector.erp.sap.read import SapReader
from connector.errors import ErpContractBroken, ErpDenied, ErpUnavailable, SnapshotUnfit
from connector.inventory import snapshot as contract
from connector.inventory.snapshot import History


def pull(sap, clock, site=SITE, history=None, **changes):
    reader = SapReader(connection(sap, **changes), site, clock)
    try:
        return reader.pull(NOW, history or History())
    finally:
        reader.close()


def only(frame, **where):
    for name, value in where.items():
        frame = frame.filter(pl.col(name) == value)
    return frame.to_dicts()


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


HABITS = {
    "padded numbers": Habits(padded=True),
    "unset is null": Habits(unset="null"),
    "unset is left out": Habits(unset="absent"),
    "unset is the epoch": Habits(unset="epoch"),
    "padded decimals": Habits(decimals="padded"),
    "decimals as numbers": Habits(decimals="number"),
    "dates with an offset": Habits(dates="offset"),
    "dates in words": Habits(dates="iso"),
    "flags are X": Habits(yes="X"),
    "flags are texts": Habits(yes="true"),
    "small pages, relative links": Habits(cap=4),
    "small pages, absolute links": Habits(cap=4, following="absolute"),
    "small pages, links to an inner host": Habits(cap=4, following="inner_host"),
    "small pages, two skip tokens": Habits(cap=4, following="double"),
    "small pages, no links": Habits(cap=4, following="none"),
    "small pages, no links, no count": Habits(cap=4, following="none", count="none"),
    "everything at once": Habits(ignores_top=True, ignores_skip=True, following="none"),
    "everything at once, no count": Habits(
        ignores_top=True, ignores_skip=True, following="none", count="none"
    ),
    "an empty last page": Habits(cap=4, empty_last_page=True),
    "rows come twice": Habits(cap=4, repeats=2),
    "the count is a number": Habits(count="number"),
    "rows are a plain list": Habits(rows="list", cap=4),
    "rows inside are a plain list": Habits(inner="list"),
    "rows inside are only linked": Habits(inner="deferred"),
    "rows inside are refused": Habits(inner="refused"),
    "rows inside are left out": Habits(inner="absent"),
    "no order": Habits(refuses_order=True),
    "no data is an error": Habits(no_data_is_400=True),
    "every answer closes": Habits(close=True),
}


@pytest.fixture(scope="module")
def usual():
    server = StrictSap()
    fill(server)
    yield pull(server, StillClock())
    server.close()


@pytest.mark.parametrize("habit", HABITS)
def test_whatever_a_server_is_used_to_the_picture_is_the_same(habit, usual, sap, clock):
    sap.habits = HABITS[habit]
    snapshot = pull(sap, clock)
    for name in ("items", "stock", "pipeline", "faults"):
        assert_frame_equal(getattr(snapshot, name), getattr(usual, name))
    for name in ("consumption", "receipts", "orders"):
        assert_frame_equal(getattr(snapshot.history, name), getattr(usual.history, name))


@pytest.mark.parametrize("page_size", [0, 3, 5000])
@pytest.mark.parametrize("following", ["relative", "none"])
def test_no_page_size_loses_rows(page_size, following, usual, sap, clock):
    sap.habits = Habits(cap=5, following=following)
    snapshot = pull(sap, clock, page_size=page_size)
    assert_frame_equal(snapshot.stock, usual.stock)
    assert_frame_equal(snapshot.items, usual.items)


def test_rows_that_came_twice_are_counted_in_the_evidence(sap, clock):
    sap.habits = Habits(cap=4, repeats=2)
    feeds = {feed.name: feed for feed in pull(sap, clock).feeds}
    assert feeds["stock"].duplicates > 0
    assert feeds["stock"].rows == feeds["stock"].expected == 24


def test_without_an_expansion_movements_are_asked_for_by_range(sap, clock):
    sap.habits = Habits(inner="refused")
    pull(sap, clock)
    ranged = [
        u for u in sap.asked if "A_MaterialDocumentItem?" in u and "MaterialDocument%20ge" in u
    ]
    assert len(ranged) == 1
    lines = [u for u in sap.asked if "A_PurchaseOrderScheduleLine?" in u]
    assert len(lines) == 1


def test_a_missing_factor_is_a_fault_and_never_one(sap, clock):
    rows = sap.rows(ORDER_SERVICE, "A_PurchaseOrderItem")
    rows.append(order("4500000011", "FG-4", "1020", "3.000", unit="PAL"))
    snapshot = pull(sap, clock)
    assert only(snapshot.faults) == [
        {
            "node": "1020",
            "item": "FG-4",
            "field": "PurchaseOrderQuantityUnit",
            "detail": "no factor from PAL to PC",
        }
    ]
    assert not only(snapshot.pipeline, document="4500000011")


def test_units_are_asked_for_only_where_they_differ(sap, clock):
    pull(sap, clock)
    (asked,) = [url for url in sap.asked if "A_ProductUnitsOfMeasure?" in url]
    assert "Product%20eq%20'100001'" in asked
    assert "100002" not in asked


@pytest.mark.parametrize("raw", ["abc", "1.234,56", "NaN", "Infinity"])
def test_a_quantity_nobody_can_read_is_a_fault_of_its_item_only(raw, sap, clock):
    rows = sap.rows(STOCK_SERVICE, "A_MatlStkInAcctMod")
    rows.append(
        stock_row("0A", "1010", "1")
        | {"MatlWrhsStkQtyInMatlBaseUnit": raw, "StorageLocation": "0009"}
    )
    faults = pull(sap, clock).faults
    assert set(faults.select("node", "item").rows()) == {("1010", "0A")}
    assert any(raw in detail for detail in faults["detail"])


def test_a_stock_type_nobody_told_us_is_not_available_and_a_fault(sap, clock):
    rows = sap.rows(STOCK_SERVICE, "A_MatlStkInAcctMod")
    rows.append(stock_row("0A", "1010", "6.000", kind="77"))
    snapshot = pull(sap, clock)
    assert only(snapshot.stock, node="1010", item="0A", standing="blocked")[0]["quantity"] == 6.0
    assert snapshot.faults["field"].to_list() == ["InventoryStockType"]


def test_an_item_without_a_planning_view_is_a_fault(sap, clock):
    rows = sap.rows(PRODUCT_SERVICE, "A_ProductSupplyPlanning")
    rows[:] = [row for row in rows if (row["Product"], row["Plant"]) != ("FG-3", "1000")]
    faults = pull(sap, clock).faults
    assert faults.select("node", "item", "field").rows() == [
        ("1000", "FG-3", "A_ProductSupplyPlanning")
    ]


def test_a_base_unit_is_looked_for_in_three_places_then_is_a_fault(sap, clock):
    for entity_set in ("A_ProductPlant", "A_ProductSupplyPlanning", "A_ProductValuation"):
        for row in sap.rows(PRODUCT_SERVICE, entity_set):
            if row["Product"] in {"FG-3", "FG-4"}:
                row["BaseUnit"] = ""
    sap.rows(PRODUCT_SERVICE, "A_Product").append({"Product": "FG-3", "BaseUnit": "PC"})
    snapshot = pull(sap, clock)
    assert only(snapshot.items, node="1000", item="FG-3")[0]["unit"] == "PC"
    assert set(snapshot.faults.filter(pl.col("field") == "BaseUnit")["item"]) == {"FG-4"}


def test_a_plant_that_shows_nothing_is_an_authorisation_that_is_missing(sap, clock):
    site = replace(SITE, plants=(*PLANTS, "1030"))
    with pytest.raises(ErpDenied, match="no item of plant 1030"):
        pull(sap, clock, site=site)
    rows = sap.rows(STOCK_SERVICE, "A_MatlStkInAcctMod")
    rows[:] = [row for row in rows if row["Plant"] != "1020"]
    with pytest.raises(ErpDenied, match="no stock row of plant 1020"):
        pull(sap, clock)
    assert pull(sap, clock, site=replace(SITE, plants_without_stock=frozenset({"1020"})))


def test_a_renamed_property_names_itself_before_anything_is_read(sap, clock):
    sap.hidden_properties = {"MatlWrhsStkQtyInMatlBaseUnit"}
    with pytest.raises(ErpContractBroken, match="MatlWrhsStkQtyInMatlBaseUnit"):
        pull(sap, clock)
    assert not any("MatlWrhsStkQtyInMatlBaseUnit" in url for url in sap.asked)


def test_what_is_optional_is_done_without(sap, clock):
    sap.hidden_properties = {"MRPType", "PurchaseRequisitionIsFixed", "to_ScheduleLine"}
    sap.hidden_sets = {"A_ProductValuation"}
    snapshot = pull(sap, clock)
    assert set(snapshot.items["mrp_type"]) == {""}
    assert snapshot.items["unit_cost"].is_nan().all()
    assert len(only(snapshot.pipeline, document="4500000001")) == 1


def test_rows_that_stay_missing_make_the_snapshot_unfit(sap, clock):
    honest = sap.page

    def short(service, entity_set, options):
        status, content = honest(service, entity_set, options)
        if entity_set == "A_MatlStkInAcctMod":
            content["d"]["results"] = content["d"]["results"][:-3]
        return status, content

    sap.page = short
    with pytest.raises(SnapshotUnfit, match="21 of 24 rows came, twice"):
        pull(sap, clock)


def test_a_budget_of_calls_is_kept(sap, clock):
    sap.habits = Habits(cap=1)
    with pytest.raises(SnapshotUnfit, match="may make 30"):
        pull(sap, clock, calls_per_review=30)
    assert len(sap.asked) <= 30


def test_wrong_credentials_are_tried_once_only(sap, clock):
    sap.get_faults.extend([401] * 20)
    with pytest.raises(ErpDenied):
        pull(sap, clock)
    assert len(sap.asked) == 1


def test_an_unreachable_erp_is_unavailable(sap, clock):
    reader = SapReader(Connection(base_url="http://127.0.0.1:9", attempts=2), SITE, clock)
    with pytest.raises(ErpUnavailable):
        reader.pull(NOW, History())


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
