"""The sandbox's whole switchboard against the reader: the same picture, or an error of the tree."""

from __future__ import annotations

import polars as pl
import pytest
from polars.testing import assert_frame_equal
from sandbox_doors import opened

from connector.clock import SystemClock
from connector.erp.odata.connection import Basic, Connection
from connector.erp.sap.read import SapReader
from connector.erp.sap.site import SapSite
from connector.errors import ErpContractBroken, ErpDenied, ErpUnavailable, SnapshotUnfit
from connector.inventory.snapshot import History
from connector.sandbox.options import SandboxOptions

SITE = SapSite(name="demo", plants=("1000", "1010", "1020"), history_days=30)
STOCK = "A_MatlStkInAcctMod"
QUANTITY = "MatlWrhsStkQtyInMatlBaseUnit"


class Impatient(SystemClock):
    """Waits a hundredth of what it is asked to."""

    def sleep(self, seconds):
        super().sleep(seconds / 100)


@pytest.fixture(scope="module")
def doors():
    with opened(items=30, regions=2, history_days=30, page_rows=25) as found:
        yield found


@pytest.fixture(scope="module")
def usual(doors):
    return pull(doors)


@pytest.fixture(autouse=True)
def calm(doors):
    yield
    doors.calm()


def pull(doors, **changes):
    known = SandboxOptions()
    login = Basic(user=known.user, password=known.password)
    there = {"base_url": doors.doors.url, "client": known.client, "credentials": login}
    clock = Impatient()
    reader = SapReader(Connection(**{**there, "silence_seconds": 5.0, **changes}), SITE, clock)
    try:
        return reader.pull(clock.now(), History())
    finally:
        reader.close()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("status", {"status": 503, "count": 1, "retry_after": "1"}),
        ("status", {"status": 429, "count": 2}),
        ("status", {"status": 503, "count": 1, "format": "html"}),
        ("status", {"status": 502, "count": 1, "format": "none"}),
        ("reset", {"count": 2}),
        ("slow", {"count": 2, "delay_ms": 100}),
        ("duplicate_rows", {"rows": 3}),
        ("missing_rows", {"rows": 2, "count": 1, "entity": STOCK}),
        ("page_shrink", {"rows": 4}),
        ("empty_last_page", {"entity": STOCK}),
        ("no_paging", {}),
        ("foreign_next", {"host": "sapapp01.internal:8000"}),
        ("truncate", {"share": 0.5, "count": 1, "entity": STOCK}),
        ("cut", {"share": 0.5, "count": 1}),
        ("drip", {"chunk_bytes": 400, "delay_ms": 1, "count": 2}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_passes_leaves_the_picture_as_it_is(kind, said, doors, usual):
    doors.plant(kind, **said)
    snapshot = pull(doors)
    for name in ("items", "stock", "pipeline", "faults"):
        assert_frame_equal(getattr(snapshot, name), getattr(usual, name))
    assert_frame_equal(snapshot.history.consumption, usual.history.consumption)


@pytest.mark.parametrize(
    ("kind", "said", "error"),
    [
        ("status", {"status": 503}, ErpUnavailable),
        ("status", {"status": 500}, ErpUnavailable),
        ("status", {"status": 401, "count": 1}, ErpDenied),
        ("status", {"status": 403, "entity": STOCK}, ErpDenied),
        ("reset", {}, ErpUnavailable),
        ("html_login", {}, ErpDenied),
        ("redirect", {"location": "https://sso.example/login"}, ErpContractBroken),
        ("missing_rows", {"rows": 2, "entity": STOCK}, SnapshotUnfit),
        ("wrong_count", {"off_by": 7, "entity": STOCK}, SnapshotUnfit),
        ("page_loop", {"entity": STOCK}, ErpContractBroken),
        ("truncate", {"share": 0.5, "entity": STOCK}, ErpContractBroken),
        ("cut", {"share": 0.5, "entity": STOCK}, ErpUnavailable),
        ("property_removed", {"entity": STOCK, "property": QUANTITY}, ErpContractBroken),
        (
            "property_renamed",
            {"entity": STOCK, "property": QUANTITY, "to": "Qty"},
            ErpContractBroken,
        ),
        ("empty_plant", {"plant": "1010"}, ErpDenied),
        ("drop_rows", {"entity": STOCK, "where": {"Plant": "1020"}}, ErpDenied),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_stays_is_an_error_that_says_what_to_do(kind, said, error, doors):
    doors.plant(kind, **said)
    with pytest.raises(error) as caught:
        pull(doors)
    assert caught.value.hint


def test_an_order_unit_without_a_factor_is_a_fault(doors, usual):
    doors.plant("missing_factor", materials=usual.items["item"].to_list())
    faults = pull(doors).faults
    assert faults.height > 0
    assert set(faults["field"]) == {"PurchaseOrderQuantityUnit"}


def test_a_unit_nobody_knows_is_a_fault_of_its_items_only(doors, usual):
    item = usual.stock.filter(pl.col("quantity") > 0)["item"][0]
    doors.plant("unknown_unit", entity=STOCK, materials=[item], unit="XYZ")
    faults = pull(doors).faults
    assert set(faults["item"]) == {item}


def test_negative_stock_is_read_as_it_is(doors, usual):
    item = usual.items["item"][0]
    doors.plant("negative_stock", materials=[item], quantity=-12)
    stock = pull(doors).stock.filter(pl.col("standing") == "available")
    assert -12.0 in stock.filter(pl.col("item") == item)["quantity"].to_list()


@pytest.mark.parametrize("value", ['"abc"', "null", '"1.234,56"', "12.5"])
def test_a_strange_quantity_is_a_fault_or_a_number(value, doors, usual):
    item = usual.stock.filter(pl.col("node") == "1010")["item"][0]
    where = {"Material": item, "Plant": "1010"}
    doors.plant("set_value", entity=STOCK, property=QUANTITY, value=value, where=where)
    snapshot = pull(doors)
    touched = set(snapshot.faults.select("node", "item").rows())
    assert touched == (set() if value == "12.5" else {("1010", item)})
