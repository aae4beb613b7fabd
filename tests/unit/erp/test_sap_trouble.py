from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from sap_pulls import only, pull
from sap_world import PLANTS, SITE, connection, order, stock_row
from strict_sap import NOW, Habits

from connector.erp.odata.connection import Connection
from connector.erp.sap.fields import (
    ORDER_SERVICE,
    PRODUCT_SERVICE,
    STOCK_SERVICE,
)
from connector.erp.sap.read import SapReader
from connector.errors import ErpContractBroken, ErpDenied, ErpUnavailable, SnapshotUnfit
from connector.inventory.snapshot import History


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


def test_reviews_share_their_connections(sap, clock):
    reader = SapReader(connection(sap, concurrency=3), SITE, clock)
    for _ in range(4):
        reader.pull(NOW, History())
    reader.close()
    assert 1 <= len(sap.peers) <= 3


def test_wrong_credentials_are_tried_once_only(sap, clock):
    sap.get_faults.extend([401] * 20)
    with pytest.raises(ErpDenied):
        pull(sap, clock)
    assert len(sap.asked) == 1


def test_an_unreachable_erp_is_unavailable(sap, clock):
    reader = SapReader(Connection(base_url="http://127.0.0.1:9", attempts=2), SITE, clock)
    with pytest.raises(ErpUnavailable):
        reader.pull(NOW, History())
