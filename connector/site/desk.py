"""One site's desk: it holds the lock, opens the review that is due, and minds the outbox between.

A desk does one thing at a time. Every wake-up is a `tick`: first what people asked, then the review
if its slot is due and unopened, else what is in doubt, owed or approved.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from connector.cycle import Edges, ReviewReport, Rules, review
from connector.errors import (
    ErpDenied,
    ErpUnavailable,
    LedgerUnavailable,
    ReplenishError,
    ReviewSlotTaken,
)
from connector.failsafes.control import Reading, clock_jump
from connector.ledger.commands import execute
from connector.ledger.conduct import Outside
from connector.ledger.control import Command, Mailbox
from connector.ledger.dispatch import Dispatcher
from connector.ledger.key import site_secret
from connector.ledger.leader import LeaderLock
from connector.ledger.moments import instant
from connector.ledger.queries import standing, unfinished
from connector.ledger.sqlite import SqliteLedger
from connector.ports import Clock, Drained, Slot
from connector.schedule import Schedule
from connector.site.journal import SiteJournal
from connector.site.notes import Notes
from connector.site.outbox import SiteOutbox
from connector.site.wiring import Wiring
from connector.telemetry.logs import bind_review
from connector.telemetry.metrics import Meter

log = structlog.get_logger("replenishd.site")

_RETRY_SECONDS = (30.0, 60.0, 120.0, 300.0, 600.0)  # after an ERP that did not answer


class Desk:
    """The leader of one site. Raises NotLeader when another process is."""

    def __init__(
        self, wiring: Wiring, directory: Path, clock: Clock, meter: Meter, *, restored: bool = False
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.clock, self.directory = clock, directory
        self.mailbox = Mailbox(directory / "control")
        self.mailbox.prepare()
        self._lock = LeaderLock(directory)
        try:
            self.ledger = SqliteLedger.open(
                directory,
                at=instant(clock),
                secret=site_secret(directory / "secret"),
                control=self.mailbox.control,
                durable=wiring.durable,
                restored=restored,
            )
        except BaseException:
            self._lock.release()
            raise
        self.notes = Notes(wiring.name, clock, meter)
        self._busy = threading.Lock()
        self._busy_since: float | None = None
        self._stopping = False
        self._before: Reading | None = None
        self._failures = 0
        self._retry_at = 0.0
        self._fit(wiring)
        self.notes.recall(self.ledger.store)
        self._close_unfinished()

    # What the daemon asks

    @property
    def name(self) -> str:
        """Return the site's name."""
        return self.wiring.name

    @property
    def schedule(self) -> Schedule:
        """Return when the site is reviewed."""
        return self.wiring.schedule

    @property
    def tick_seconds(self) -> float:
        """Return how often the outbox and the mailbox are looked at."""
        return self.wiring.tick_seconds

    def busy_seconds(self) -> float:
        """Return for how long the present call has been going on, 0 when idle."""
        since = self._busy_since
        return 0.0 if since is None else self.clock.monotonic() - since

    def leads(self) -> bool:
        """Tell whether this process still holds the site."""
        return self._lock.held()

    def stop_sending(self) -> None:
        """Finish the send in progress and start no other."""
        self._stopping = True

    def rewire(self, wiring: Wiring) -> None:
        """Take another configuration between two pieces of work."""
        with self._working():
            before = self.wiring
            self._fit(wiring)
            before.erp.close()

    def close(self) -> None:
        """Give the site back."""
        with self._working():
            self.ledger.close()
            self.wiring.erp.close()
            self._lock.release()

    # The work

    def tick(self) -> None:
        """Do what is due; whatever fails is logged, noted and left to the next tick."""
        self.notes.heartbeat_at = self.clock.monotonic()
        if self._stopping or not self._busy.acquire(blocking=False):
            return
        self._busy.release()
        try:
            with self._working():
                self._serve_people()
                slot = self.due_slot()
                if slot is not None:
                    self._review_noting(slot)
                else:
                    self._mind_outbox()
        except ReplenishError as error:
            self.notes.last_error = str(error)
            log.warning("work_failed", site=self.name, error=str(error), hint=error.hint)

    def due_slot(self) -> Slot | None:
        """Return the slot that is due and not reviewed, None when there is none or it must wait."""
        now = self.clock.now()
        due = self.schedule.latest_due(now)
        if due is None or self.clock.monotonic() < self._retry_at:
            return None
        slot = Slot(site=self.name, starts_at=due)
        rows = self.ledger.store.rows(
            "SELECT recorded_at, outcome FROM review WHERE slot = ?", (slot.name,)
        )
        if rows and (rows[0][0] or rows[0][1] not in {"", "unavailable", "crashed"}):
            return None
        return slot

    def review_once(self, slot: Slot | None = None) -> ReviewReport:
        """Review now: the given slot, the one that is due, or one named for this very second."""
        with self._working():
            chosen = slot or self.due_slot()
            if chosen is None:
                chosen = Slot(site=self.name, starts_at=self.clock.now().replace(microsecond=0))
            return self._review(chosen, aloud=False)  # whoever asked is told what fails

    def drain(self) -> Drained:
        """Settle and send what is owed, outside a review."""
        with self._working():
            return self._dispatcher.drain(self.name)

    # Inside

    def _fit(self, wiring: Wiring) -> None:
        self.wiring = wiring
        outside = Outside(
            store=self.ledger.store,
            secret=self.ledger.secret,
            epoch=self.ledger.epoch,
            poster=wiring.erp.poster,
            clock=self.clock,
            brake=self.ledger.brake,
            leads=self._lock.held,
            stopping=lambda: self._stopping,
            finder=wiring.erp.finder,
            conduct=wiring.conduct,
        )
        self._dispatcher = Dispatcher(outside)
        self._journal = SiteJournal(ledger=self.ledger, wiring=wiring)
        self.notes.wired(wiring)

    def _close_unfinished(self) -> None:
        """Close reviews whose process died while posting; their lines are in the outbox."""
        for row in unfinished(self.ledger.store, self.name):
            self._journal.close(row.review_id, "interrupted", "", self.clock.now())

    @contextmanager
    def _working(self) -> Iterator[None]:
        with self._busy:
            self._busy_since = self.clock.monotonic()
            try:
                yield
            finally:
                self._busy_since = None

    def _serve_people(self) -> None:
        self.mailbox.serve(self.execute)

    def execute(self, command: Command) -> str:
        """Carry out what a person decided; raise CommandRefused."""
        done = execute(self.ledger, command, self.clock.now())
        log.info("command_done", site=self.name, verb=command.verb, who=command.who, result=done)
        return done

    def _review_noting(self, slot: Slot) -> None:
        """Review; what fails has been logged once it comes here, and is left to a later tick."""
        try:
            self._review(slot)
        except (ErpUnavailable, ErpDenied, LedgerUnavailable):
            wait = _RETRY_SECONDS[min(self._failures, len(_RETRY_SECONDS) - 1)]
            self._retry_at = self.clock.monotonic() + (1.0 if self.wiring.rehearsal else wait)
            self._failures += 1
        except ReviewSlotTaken:
            self._mind_outbox()  # the slot is closed, what is owed and in doubt is not
        except ReplenishError:
            pass
        else:
            self._failures = 0

    def _review(self, slot: Slot, *, aloud: bool = True) -> ReviewReport:
        with bind_review(site=self.name, review=slot.name, slot=slot.name):
            try:
                report = review(self._rules, self._edges(), slot)
            except ReplenishError as error:
                self.notes.failed(error, aloud=aloud)
                raise
            self.notes.reviewed(report, self.ledger.store)
        return report

    def _rules(self) -> Rules:
        period = self.schedule.review_days(self.clock.now())
        return Rules(
            site=self.name,
            network=self.wiring.network,
            planning=self.wiring.planning(period),
            limits=self.wiring.limits,
            blocked_nodes=self._blocked(),
        )

    def _blocked(self) -> dict[str, str]:
        """Return why the site may not order: a clock nobody can trust (A6)."""
        now = Reading(
            wall=self.clock.now(), monotonic=self.clock.monotonic(), boot_id=self.clock.boot_id()
        )
        rulings = clock_jump(
            now,
            self.wiring.limits.clock_jump,
            # A simulated day passes in a second of the machine's own clock
            before=None if self.wiring.rehearsal else self._before,
            erp_date=self.wiring.erp.reader.server_time(),
            last_ledger_entry=self.ledger.last_entry(),
        )
        self._before = now
        if not rulings:
            return {}
        why = rulings[0]
        return {"": f"{why} ({why.value:.0f} against {why.threshold:.0f})"}

    def _edges(self) -> Edges:
        return Edges(
            reader=self.wiring.erp.reader,
            policy=self.wiring.policy,
            journal=self._journal,
            outbox=SiteOutbox(name=self.name, dispatcher=self._dispatcher),
            now=self.clock.now,
            step=self.notes.step,
        )

    def _mind_outbox(self) -> None:
        """Between reviews: settle what is in doubt, send what was approved."""
        states = standing(self.ledger.store, self.name).states
        if not any(states.get(each) for each in ("owed", "intent", "in_doubt", "held")):
            return
        wait = self._dispatcher.next_look_seconds(self.name)
        if not states.get("owed") and wait is not None and wait > 0:
            return
        self.notes.drained(self._dispatcher.drain(self.name), self.ledger.store)
