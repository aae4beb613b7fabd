"""The demo's planner: what it lets go, through the mailbox, as a person would."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import polars as pl
import pytest

from connector.demo.planner import Planner, is_catch_up
from connector.demo.stage import SITE
from connector.inventory.memory import VITALS
from connector.ledger.commands import execute
from connector.ledger.control import Mailbox
from connector.ledger.lines import select
from connector.ledger.moments import Instant
from connector.ledger.planned import PLANNED, Counts
from connector.ledger.record import ReviewRecord
from connector.ledger.sqlite import SqliteLedger
from connector.ports import Slot

NOW = datetime(2026, 11, 2, 6, 0, tzinfo=UTC)
REASONS = {
    "A": "C4: 90.0 against 30.0 (order against the largest of 12)",
    "B": "D2: 9000.0 against 3000.0; C4: 90.0 against 30.0",
    "C": "A7: 70.0 against 50.0 (lines)",
    "D": "C4: 90.0 against 30.0; D1: 9000.0 against 5000.0",
    "E": "B7: 0.0 against 90.0",
    "F": "C2: 90.0 against 30.0",
}


class Daemon:
    """A clock whose waiting gives the daemon its turn, as in real life."""

    def __init__(self, directory):
        self.directory, self.seconds = directory, 0.0
        at = Instant(now=NOW, monotonic=0.0, boot_id="boot-1")
        self.ledger = SqliteLedger.open(
            directory, at=at, secret=b"a site secret of 32 octets......", control=None
        )
        self.mailbox = Mailbox(directory / "control")
        self.mailbox.prepare()

    def now(self):
        return NOW

    def monotonic(self):
        return self.seconds

    def sleep(self, seconds):
        self.seconds += seconds
        self.mailbox.serve(lambda command: execute(self.ledger, command, NOW))

    def hold(self, reasons):
        rows = [
            {
                "node": "1010",
                "item": item,
                "quantity": "5.000",
                "held": True,
                "unit": "EA",
                "due": date(2026, 11, 9),
                "purchasing_group": "001",
                "supplying_node": "",
                "value": 10.0,
                "reasons": why,
            }
            for item, why in reasons.items()
        ]
        slot = Slot(site=SITE, starts_at=NOW)
        review = self.ledger.open_review(slot, mode="live", now=NOW)
        counts = Counts(
            items=6,
            ordered=0,
            held=6,
            stopped=0,
            value=0.0,
            held_value=60.0,
            by_action={},
            by_guard={},
        )
        record = ReviewRecord(
            slot=slot,
            erp_date=NOW.date(),
            lines=pl.DataFrame(rows, schema=PLANNED),
            counts=counts,
            source="base_stock",
            policy_digest="",
            snapshot_digest="s",
            evidence_digest="e",
            held_until=NOW + timedelta(days=1),
            vitals=VITALS.to_frame(),
        )
        self.ledger.record(review, record, now=NOW)
        self.ledger.close_review(review, outcome="held", detail="", now=NOW)

    def states(self):
        return {line.item: str(line.state) for line in select(self.ledger.store, "1 = 1", ())}


@pytest.fixture
def daemon(tmp_path):
    directory = tmp_path / SITE
    directory.mkdir()
    daemon = Daemon(directory)
    yield daemon
    daemon.ledger.close()


def test_catch_ups_are_approved_and_all_else_is_left_to_expire(daemon):
    daemon.hold(REASONS)
    planner = Planner(directory=daemon.directory, clock=daemon)
    assert planner.decide() == 3
    assert daemon.states() == {
        **dict.fromkeys("ABC", "owed"),
        **dict.fromkeys("DEF", "held"),
    }
    told = daemon.ledger.store.rows("SELECT body FROM journal WHERE kind = 'approved'")
    assert len(told) == 3
    assert all("demo planner" in facts for (facts,) in told)
    assert planner.decide() == 0  # what is owed is asked for once


def test_a_refused_approval_does_not_count(daemon):
    daemon.hold({"A": REASONS["A"]})
    daemon.ledger.brake.halt(site=SITE, who="ada", why="audit", now=NOW)
    assert Planner(directory=daemon.directory, clock=daemon).decide() == 0
    assert daemon.states() == {"A": "held"}


def test_a_site_without_a_ledger_has_nothing_to_approve(tmp_path):
    assert Planner(directory=tmp_path, clock=SimpleNamespace()).decide() == 0


@pytest.mark.parametrize(("item", "lets_go"), [(item, item in "ABC") for item in REASONS])
def test_only_habits_are_let_go(daemon, item, lets_go):
    daemon.hold({item: REASONS[item]})
    (line,) = select(daemon.ledger.store, "1 = 1", ())
    assert line.quantity == Decimal(5)
    assert is_catch_up(line) is lets_go
