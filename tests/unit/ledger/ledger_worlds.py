"""A site with its ledger, its outbox and a strict ERP, for tests to break."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import polars as pl
from ledger_fakes import START, FakeClock, StrictErp

from connector.inventory.memory import VITALS
from connector.ledger.conduct import Conduct, Outside
from connector.ledger.dispatch import Dispatcher
from connector.ledger.evidence import EvidenceStore
from connector.ledger.lines import Line, State, select
from connector.ledger.moments import instant
from connector.ledger.planned import PLANNED, Counts
from connector.ledger.record import ReviewRecord
from connector.ledger.resolve import Resolver
from connector.ledger.reviews import begin_epoch
from connector.ledger.sqlite import SqliteLedger
from connector.ports import Drained, Slot

SITE = "north"
SECRET = b"a site secret of 32 octets......"
QUICK = Conduct(quarantine_seconds=300.0, visibility_lag_seconds=10.0, second_look_seconds=30.0)

Ordered = tuple[str, str, str]  # node, item, quantity


def planned(owed: Sequence[Ordered], held: Sequence[Ordered] = (), **cells: object) -> pl.DataFrame:
    rows = [
        {
            "node": node,
            "item": item,
            "quantity": quantity,
            "held": is_held,
            "unit": "EA",
            "due": date(2026, 12, 1),
            "purchasing_group": "001",
            "supplying_node": "",
            "value": float(quantity) * 2,
            "reasons": "C4: 9 against 3" if is_held else "",
        }
        | cells
        for is_held, lines in ((False, owed), (True, held))
        for node, item, quantity in lines
    ]
    return pl.DataFrame(rows, schema=PLANNED, orient="row")


def counts(items: int = 0) -> Counts:
    return Counts(
        items=items,
        ordered=0,
        held=0,
        stopped=0,
        value=0.0,
        held_value=0.0,
        by_action={},
        by_guard={},
    )


def a_record(slot: Slot, lines: pl.DataFrame, **changes: object) -> ReviewRecord:
    record = ReviewRecord(
        slot=slot,
        erp_date=slot.starts_at.date(),
        lines=lines,
        counts=counts(lines.height),
        source="base_stock",
        policy_digest="p" * 64,
        snapshot_digest="s" * 64,
        evidence_digest="e" * 64,
        held_until=slot.starts_at + timedelta(days=1),
        vitals=VITALS.to_frame(),
    )
    return replace(record, **changes)


def slot_on(day: int, site: str = SITE) -> Slot:
    return Slot(site=site, starts_at=START + timedelta(days=day))


class World:
    """One site. In memory unless a directory is given; `restart` is a death and a new process."""

    def __init__(
        self,
        *,
        directory: Path | None = None,
        mode: str = "live",
        conduct: Conduct = QUICK,
        dispatcher: type[Dispatcher] = Dispatcher,
        resolver: type[Resolver] = Resolver,
        control: Path | None = None,
    ) -> None:
        self.clock = FakeClock()
        self.erp = StrictErp(clock=self.clock, mode=mode)
        self.conduct = conduct
        self.leads: Callable[[], bool] = lambda: True
        self.stopping: Callable[[], bool] = lambda: False
        self.finder: StrictErp | None = None
        self._kinds = (dispatcher, resolver)
        self._directory, self._control = directory, control
        self._restored = False  # what an operator says of a backup
        self.ledger = self._open()
        self.outbox = self._dispatcher()

    def _open(self) -> SqliteLedger:
        at = instant(self.clock)
        if self._directory is not None:
            return SqliteLedger.open(
                self._directory,
                at=at,
                secret=SECRET,
                control=self._control,
                restored=self._restored,
            )
        nowhere = EvidenceStore(Path("/nonexistent"))
        return SqliteLedger.in_memory(at=at, secret=SECRET, evidence=nowhere, control=self._control)

    def _dispatcher(self) -> Dispatcher:
        outside = Outside(
            store=self.ledger.store,
            secret=SECRET,
            epoch=self.ledger.epoch,
            poster=self.erp,
            clock=self.clock,
            brake=self.ledger.brake,
            leads=self._leads,
            stopping=self._stopping,
            finder=self.finder,
            conduct=self.conduct,
        )
        dispatcher, resolver = self._kinds
        return dispatcher(outside, resolver(outside))

    def _leads(self) -> bool:
        return self.leads()

    def _stopping(self) -> bool:
        return self.stopping()

    def restart(self) -> None:
        if self._directory is not None:
            self.ledger.store.close()
            self.ledger = self._open()
        else:
            store = self.ledger.store
            store._passes.clear()  # a lock dies with its process
            epoch = begin_epoch(store, boot_id=self.clock.boot, pid=1, now=self.clock.wall)
            self.ledger = replace(self.ledger, epoch=epoch)
        self.outbox = self._dispatcher()

    def switch(self, mode: str, *, finder: bool = False) -> None:
        """Change the mode as a reload does: another poster over the same ERP."""
        before = self.erp
        self.erp = replace(before, mode=mode)
        self.finder = before if finder else None
        self.outbox = self._dispatcher()

    def review(
        self,
        day: int,
        owed: Sequence[Ordered] = (),
        held: Sequence[Ordered] = (),
        **changes: object,
    ) -> str:
        """Open, record and close the review of a day; the clock goes to its slot first."""
        slot = slot_on(day)
        if self.clock.wall < slot.starts_at:
            self.clock.advance((slot.starts_at - self.clock.wall).total_seconds())
        review_id = self.ledger.open_review(slot, mode=self.erp.mode, now=self.clock.wall)
        record = replace(a_record(slot, planned(owed, held)), **changes)
        self.ledger.record(review_id, record, now=self.clock.wall)
        self.ledger.close_review(review_id, outcome="done", detail="", now=self.clock.wall)
        return review_id

    def drain(self) -> Drained:
        return self.outbox.drain(SITE)

    def lines(self) -> dict[str, Line]:
        """Return the lines by item."""
        return {line.item: line for line in select(self.ledger.store, "site = ?", (SITE,))}

    def states(self) -> dict[str, State]:
        return {item: line.state for item, line in self.lines().items()}

    def all_lines(self) -> list[Line]:
        return select(self.ledger.store, "site = ?", (SITE,))

    def states_of_all(self) -> set[State]:
        return {line.state for line in self.all_lines()}

    def now(self) -> datetime:
        return self.clock.wall

    def sound(self) -> None:
        assert self.ledger.store.integrity() == ()
        assert self.ledger.verify() == []


THREE = [("1010", "A", "5"), ("1010", "B", "7.5"), ("1020", "A", "3")]


def many(count):
    return [("1010", f"I{number:04}", "1") for number in range(count)]


def settle_time(world):
    """Let the quarantine and both looks pass."""
    world.clock.advance(QUICK.quarantine_seconds + QUICK.visibility_lag_seconds + 1)
    world.drain()
    world.clock.advance(QUICK.second_look_seconds)


def foreign(world, **cells):
    stored = world.erp.stored[-1]
    for name, value in cells.items():
        setattr(stored, name, value)
