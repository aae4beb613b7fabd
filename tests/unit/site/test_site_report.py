"""The report of a real ledger: three reviewed days of a small site, two in shadow, one live."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from connector.erp.memory import InMemoryErp
from connector.erp.shadow import ShadowPoster
from connector.errors import CommandRefused, LedgerUnavailable
from connector.failsafes.limits import Limits
from connector.inventory.network import Network, Node
from connector.inventory.planning import Planning
from connector.inventory.snapshot import (
    CONSUMPTION,
    FAULTS,
    ITEMS,
    PIPELINE,
    STOCK,
    Feed,
    History,
    Snapshot,
)
from connector.ledger.conduct import Conduct
from connector.ledger.retention import Retention
from connector.policy.fallback import FallbackPolicy
from connector.policy.shipped import shipped_keys
from connector.policy.trust import Trust
from connector.schedule import Schedule
from connector.site.account import read_account
from connector.site.desk import Desk
from connector.site.office import Office
from connector.site.wiring import Erp, Pilot, Wiring
from connector.telemetry.metrics import Meter

FIRST = date(2026, 11, 2)
DAILY = 4.0  # units a day and item
SITE, NODE, OURS, THEIRS = "north", "1010", "TEA", "CUPS"


class StillClock:
    """Wall and monotonic time go together, when told to."""

    def __init__(self):
        self.wall = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(hours=6)
        self.elapsed = 0.0

    def now(self):
        return self.wall

    def monotonic(self):
        return self.elapsed

    def boot_id(self):
        return "boot"

    def sleep(self, seconds):
        self.wall += timedelta(seconds=seconds)
        self.elapsed += seconds


def items():
    common = {
        "node": NODE,
        "unit": "PC",
        "purchasing_group": "001",
        "lead_time_days": 5.0,
        "lot_minimum": 0.0,
        "lot_maximum": float("inf"),
        "lot_fixed": 0.0,
        "lot_multiple": 0.0,
        "safety_stock": 0.0,
        "reorder_point": 0.0,
        "maximum_stock": float("inf"),
        "unit_cost": 2.5,
        "blocked": False,
    }
    rows = [
        {**common, "item": THEIRS, "mrp_type": "VB"},  # the ERP plans it too
        {**common, "item": OURS, "mrp_type": "ND"},
    ]
    return pl.DataFrame(rows, schema=ITEMS)


def requisition(quantity):
    """Return a requisition of the ERP's own planner."""
    row = {
        "node": NODE,
        "item": THEIRS,
        "kind": "requisition",
        "document": "10009999",
        "line": "10",
        "quantity": quantity,
        "due": FIRST + timedelta(days=6),
        "supplying_node": "",
        "requisition": "",
        "requisition_line": "",
        "tracking": "",
        "firm": False,
    }
    return pl.DataFrame([row], schema=PIPELINE)


def picture(clock, pipeline=None):
    today = clock.now().date()
    on_hand = {THEIRS: 40.0, OURS: 6.0}
    stock = [(NODE, item, "PC", "available", units) for item, units in on_hand.items()]
    sold = [
        (NODE, item, day, day, DAILY)
        for back in range(1, 57)
        for day in (today - timedelta(days=back),)
        for item in on_hand
    ]
    read = {"pages": 1, "octets": 100, "duplicates": 0, "seconds": 0.1}
    feeds = tuple(
        Feed(name=name, rows=2, expected=2, started_at=clock.now(), finished_at=clock.now(), **read)
        for name in ("stock", "items")
    )
    return Snapshot(
        site=SITE,
        taken_at=clock.now(),
        erp_date=today,
        items=items(),
        stock=pl.DataFrame(stock, schema=STOCK, orient="row"),
        pipeline=PIPELINE.to_frame() if pipeline is None else pipeline,
        faults=FAULTS.to_frame(),
        history=History(
            since=today - timedelta(days=90),
            watermark=today,
            consumption=pl.DataFrame(sold, schema=CONSUMPTION, orient="row"),
        ),
        feeds=feeds,
    )


def wired(erp, poster):
    return Wiring(
        name=SITE,
        currency="CHF",
        schedule=Schedule("0 6 * * *", "UTC", timedelta(hours=2)),
        tick_seconds=1.0,
        network=Network((Node(name=NODE, label="Leipzig"),)),
        planning=lambda days: Planning(review_days=days),
        limits=Limits(),
        pilot=Pilot(),
        erp=Erp(
            reader=erp,
            poster=poster,
            finder=erp,
            checks=(),
            api_plan=list,
            other_planners=lambda snapshot: snapshot.items,
            close=lambda: None,
        ),
        policy=FallbackPolicy(bundles=()),
        places=(),
        trust=Trust.read(shipped_keys()),
        conduct=Conduct(),
        hold_expiry=timedelta(days=1),
        retention=Retention(),
        labels={NODE: "Leipzig"},
        unplanned_types=("ND", "X0"),
    )


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """Three days: the ERP's planner orders CUPS after the first review; the third is live."""
    directory = tmp_path_factory.mktemp("lived") / SITE
    clock = StillClock()
    erp = InMemoryErp(picture(clock), clock)
    shadow, live = wired(erp, ShadowPoster()), wired(erp, erp)
    meter = Meter(version="1", process=False)
    for wiring in (shadow, shadow, live):
        erp.snapshot = picture(clock, erp_orders(clock))
        desk = Desk(wiring, directory, clock, meter)
        desk.review_once()
        desk.close()
        clock.sleep(86_400)
    return Office(wiring=live, directory=directory, clock=clock, meter=meter)


@pytest.fixture
def office(lived, tmp_path):
    """A copy of the three days, to be damaged freely."""
    return replace(lived, directory=shutil.copytree(lived.directory, tmp_path / SITE))


def erp_orders(clock):
    return None if clock.now().date() == FIRST else requisition(30.0)


def account(office, days=28):
    with office._reading() as ledger:
        last = FIRST + timedelta(days=2)
        return read_account(ledger, SITE, last - timedelta(days=days - 1), last)


def test_the_account_tells_what_each_side_wanted_and_what_was_filed(office):
    told = account(office)
    assert told.reviews["day"].to_list() == [FIRST + timedelta(days=n) for n in range(3)]
    assert told.item_nodes == 2
    assert set(told.ours["item"]) == {OURS}
    assert told.ours["day"].to_list() == told.reviews["day"].to_list()
    assert told.foreign.rows() == [(FIRST, NODE, THEIRS, 30.0, 2.5)]
    (posted,) = told.posted.rows(named=True)
    assert (posted["item"], posted["day"]) == (OURS, FIRST + timedelta(days=2))
    assert posted["number"]
    assert told.modes.rows() == [
        (NODE, "shadow", FIRST, FIRST + timedelta(days=1)),
        (NODE, "live", FIRST + timedelta(days=2), FIRST + timedelta(days=2)),
    ]


def test_items_that_somebody_else_plans_are_listed_with_their_worth(office):
    (row,) = account(office).others.rows(named=True)
    assert row == {
        "node": NODE,
        "item": THEIRS,
        "mrp_type": "VB",
        "documents": 1,
        "quantity": 30.0,
        "value": (30.0 + 40.0) * 2.5,
    }


def test_the_page_is_written_where_it_was_asked_for(office, tmp_path):
    path = tmp_path / "there" / "report.html"
    assert office.report(path) == path
    page = path.read_text("utf-8")
    assert "Leipzig" in page
    assert "CHF" in page
    assert "Planned by someone else too" in page
    assert THEIRS in page.partition("Planned by someone else too")[2]
    assert "was pruned" not in page


def test_only_the_newest_days_are_told_when_few_are_asked_for(office, tmp_path):
    assert account(office, days=2).reviews.height == 2
    office.report(tmp_path / "two.html", days=2)
    page = (tmp_path / "two.html").read_text("utf-8")
    assert str(FIRST + timedelta(days=1)) in page
    assert str(FIRST) not in page


def test_pruned_evidence_is_said_and_does_not_end_the_report(office, tmp_path):
    pruned = account(office).reviews["review"][0]
    shutil.rmtree(tmp_path / SITE / "evidence" / SITE / pruned)
    told = account(office)
    assert (told.pruned, told.reviews.height) == (1, 3)
    assert told.ours["day"].to_list() == [FIRST + timedelta(days=n) for n in (1, 2)]
    office.report(tmp_path / "report.html")
    assert "The evidence of 1 of 3 reviews was pruned" in (tmp_path / "report.html").read_text()


def test_damaged_evidence_ends_the_report(office, tmp_path):
    newest = account(office).reviews["review"][2]
    damaged = tmp_path / SITE / "evidence" / SITE / newest / "lines.parquet"
    damaged.write_bytes(b"PAR1")
    with pytest.raises(LedgerUnavailable, match=r"lines\.parquet"):
        office.report(tmp_path / "report.html")
    assert not (tmp_path / "report.html").exists()


def test_without_a_review_there_is_nothing_to_report(office, tmp_path):
    nowhere = replace(office, directory=tmp_path / "elsewhere")
    with pytest.raises(LedgerUnavailable, match="holds no ledger"):
        nowhere.report(tmp_path / "report.html")
    Desk(office.wiring, nowhere.directory, office.clock, office.meter).close()
    with pytest.raises(CommandRefused, match="no review yet"):
        nowhere.report(tmp_path / "report.html")
