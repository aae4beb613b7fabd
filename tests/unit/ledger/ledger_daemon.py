"""A small daemon for the kill test: one review of many lines, drained until nothing moves."""

from __future__ import annotations

import random
import sqlite3
import sys
import time
from decimal import Decimal
from pathlib import Path

from ledger_fakes import START
from ledger_worlds import SECRET, SITE, a_record, planned, slot_on

from connector.clock import SystemClock
from connector.errors import ReviewSlotTaken
from connector.ledger.conduct import Conduct, Outside
from connector.ledger.dispatch import Dispatcher
from connector.ledger.leader import LeaderLock
from connector.ledger.lines import State, in_states
from connector.ledger.moments import instant
from connector.ledger.sqlite import SqliteLedger
from connector.ports import Filed, FiledLine, InDoubt, NotSent

LINES = [("1010", f"I{number:03}", "1.5") for number in range(60)]
CONDUCT = Conduct(
    quarantine_seconds=0.08,
    visibility_lag_seconds=0.0,
    second_look_seconds=0.01,
    document_lines=3,
    sends_per_second=100,
    sends_at_once=1_000,
)


class FileErp:
    """An ERP in its own file that loses answers and files twice when asked twice."""

    mode = "live"

    def __init__(self, path: Path) -> None:
        self.database = sqlite3.connect(path, isolation_level=None, timeout=10)
        self.database.execute("PRAGMA synchronous = OFF")
        self.random = random.Random(time.time_ns())  # noqa: S311

    def post(self, document):
        fault = self.random.choice(("file", "file", "lose", "vanish", "unsent"))
        if fault == "unsent":
            return NotSent(reason="refused", retry_after_seconds=0.001)
        if fault != "vanish":
            self.database.execute("BEGIN IMMEDIATE")
            self.database.executemany(
                "INSERT INTO filed VALUES (?, ?, ?, ?)",
                [(x.key, x.node, x.item, str(x.quantity)) for x in document.lines],
            )
            self.database.execute("COMMIT")
        time.sleep(0.002)
        if fault == "file":
            return Filed(number="1", lines={line.key: line.key for line in document.lines})
        return InDoubt(reason=fault)

    def find(self, keys):
        marks = ",".join("?" * len(keys))
        rows = self.database.execute(
            f"SELECT key, node, item, quantity FROM filed WHERE key IN ({marks})",  # noqa: S608
            tuple(keys),
        )
        return [
            FiledLine(
                key=key,
                number="1",
                line=key,
                node=node,
                item=item,
                unit="EA",
                quantity=Decimal(quantity),
                ordered=Decimal(0),
                deleted=False,
                closed=False,
            )
            for key, node, item, quantity in rows
        ]


def main(state_dir: Path, erp: Path) -> None:
    clock = SystemClock()
    lock = LeaderLock(state_dir)
    ledger = SqliteLedger.open(state_dir, at=instant(clock), secret=SECRET, control=None)
    print("leading", flush=True)  # noqa: T201
    slot = slot_on(0)
    try:
        review_id = ledger.open_review(slot, mode="live", now=START)
        ledger.record(review_id, a_record(slot, planned(LINES)), now=START)
    except ReviewSlotTaken:
        pass
    outside = Outside(
        store=ledger.store,
        secret=SECRET,
        epoch=ledger.epoch,
        poster=FileErp(erp),
        clock=clock,
        brake=ledger.brake,
        leads=lock.held,
        conduct=CONDUCT,
    )
    outbox = Dispatcher(outside)
    moving = (State.OWED, State.INTENT, State.IN_DOUBT)
    while in_states(ledger.store, SITE, moving):
        outbox.drain(SITE)
        time.sleep(0.005)
    ledger.close()
    print("at rest", flush=True)  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
