"""What was proven about pyodata 1.12.1: each fault shown where it still is, and kept from us."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import orjson
import polars as pl
import pyodata
import pytest
import requests
import responses
from sap_world import PLANTS, SITE, connection, unit
from strict_sap import NOW, Habits
from strict_sap_schema import edmx

from connector.erp.odata.catalogue import Field
from connector.erp.odata.connection import Connection
from connector.erp.odata.fetch import Fetcher
from connector.erp.odata.query import any_of, with_parameters
from connector.erp.odata.transport import Transport
from connector.erp.odata.values import typed
from connector.erp.sap.fields import PRODUCT_SERVICE, STOCK_SERVICE
from connector.erp.sap.item_reads import STOCK, UNITS
from connector.erp.sap.post import SapPoster
from connector.erp.sap.read import SapReader
from connector.errors import ErpContractBroken, ErpDenied
from connector.inventory.snapshot import History
from connector.ports import Filed, InDoubt, RequisitionDocument, RequisitionLine

ROOT = "https://erp.example/sap/opu/odata/sap/API_MATERIAL_STOCK_SRV/"


def fetch(sap, clock, read=STOCK, **slots):
    known = {"plants": PLANTS, **slots}
    return Fetcher(Transport(connection(sap), clock)).fetch(read, known)


@pytest.fixture
def client():

    return pyodata.Client(ROOT, requests.Session(), metadata=edmx(STOCK_SERVICE, set(), set()))


def test_bug_1_a_list_beside_another_filter_is_bracketed(sap, clock, client):
    theirs = client.entity_sets.A_MatlStkInAcctMod.get_entities()
    theirs = theirs.filter(Plant="1710", Material__in=["A", "B"])
    assert "(Material" not in theirs.get_query_params()["$filter"]  # the fault
    ours = STOCK.filter({"plants": PLANTS})
    assert ours == "(Plant eq '1000' or Plant eq '1010' or Plant eq '1020')"
    orders = SapReader(connection(sap), SITE, clock)
    orders.pull(NOW, History())
    (asked,) = [url for url in sap.asked if "A_PurchaseOrderItem?" in url]
    assert "(Plant%20eq%20'1000'%20or" in asked
    assert "'1020')%20and%20IsCompletelyDelivered" in asked


def test_bug_2_ranges_use_operators_that_odata_has(sap, clock):
    sap.habits = Habits(inner="refused")
    SapReader(connection(sap), SITE, clock).pull(NOW, History())
    for url in sap.asked:
        assert "%20gte%20" not in url
        assert "%20lte%20" not in url
    assert any("MaterialDocument%20ge%20" in url and "%20le%20" in url for url in sap.asked)


def test_bug_3_an_unset_decimal_is_null_and_an_unset_day_is_no_day_in_1753():

    frame = pl.DataFrame({"Q": [None, "3.000"], "D": [None, "/Date(0)/"], "B": [None, "X"]})
    kinds = {"Q": "decimal", "D": "date", "B": "flag"}
    read = typed(frame, [Field(name=n, kind=k) for n, k in kinds.items()])
    assert read.frame.rows() == [(None, None, False), (3.0, None, True)]
    assert read.unread.height == 0


def test_bug_4_a_property_that_is_not_there_costs_no_call_per_row(sap, clock):
    sap.hidden_properties = {"Batch", "Supplier"}
    fetched = fetch(sap, clock)
    assert fetched.feed.rows == 24
    assert len(sap.asked) == 2  # the metadata and one page


@pytest.mark.parametrize("following", ["relative", "absolute", "inner_host"])
def test_bug_5_the_next_page_may_be_named_by_any_address(following, sap, clock):
    sap.habits = Habits(cap=4, following=following)
    assert fetch(sap, clock).feed.rows == 24


def line(**changes):
    known = {
        "key": "KEY0000000",
        "site": "dc1",
        "node": "1010",
        "item": "A/B",
        "quantity": Decimal("20.5"),
        "unit": "PC",
        "due": date(2026, 12, 15),
        "purchasing_group": "001",
    }
    return RequisitionLine(**{**known, **changes})


def post(sap, clock):
    document = RequisitionDocument(
        key="D234567234", node="1010", purchasing_group="001", lines=(line(),)
    )
    return SapPoster(connection(sap), SITE, clock, mode="live").post(document)


def test_bug_6_decimals_and_days_are_written_as_v2_wants_them(sap, clock):
    assert isinstance(post(sap, clock), Filed)
    (written,) = sap.posted[0]["to_PurchaseReqnItem"]["results"]
    assert written["RequestedQuantity"] == "20.500"
    assert written["DeliveryDate"] == "/Date(1797292800000)/"


def test_bug_7_an_answer_that_is_not_201_is_in_doubt_not_an_exception(sap, clock):

    for status in (200, 204):
        sap.filing.faults.append(status)
        assert isinstance(post(sap, clock), InDoubt)


def test_bug_10_html_with_200_and_numbers_beyond_the_schema_raise_nothing_untyped(sap, clock):

    sap.get_faults.extend(
        [None, lambda handler: handler.raw(200, b"<html>log on, password</html>", "text/html")]
    )
    with pytest.raises(ErpDenied):
        fetch(sap, clock)


@responses.activate
def test_bug_11_the_erps_own_words_are_in_the_error(clock):

    body = {"error": {"code": "SY/530", "message": {"lang": "en", "value": "Plant 17 is unknown"}}}
    responses.add("GET", f"{ROOT}$metadata", body=edmx(STOCK_SERVICE, set(), set()))
    responses.add("GET", f"{ROOT}A_MatlStkInAcctMod", json=body, status=400)
    transport = Transport(Connection(base_url="https://erp.example"), clock)
    with pytest.raises(ErpContractBroken, match="Plant 17 is unknown"):
        Fetcher(transport).fetch(STOCK, {"plants": ("17",)})


def test_bug_12_a_slash_in_a_name_is_a_value_not_a_path(sap, clock):

    sap.rows(PRODUCT_SERVICE, "A_ProductUnitsOfMeasure").append(unit("A/B'C", "BOX", "6", "1"))
    fetched = fetch(sap, clock, UNITS, products=("A/B'C",))
    assert fetched.rows.frame["QuantityNumerator"].to_list() == [6.0]
    address = with_parameters("https://e/x", [("$filter", any_of("Product", ["A/B'C&D"]))])
    assert address == "https://e/x?$filter=Product%20eq%20'A/B''C%26D'"


def test_our_payload_is_logged_nowhere(sap, clock, caplog):
    caplog.set_level(0)
    post(sap, clock)
    assert "KEY0000000" not in caplog.text
    assert orjson.dumps(sap.posted)
