"""The ledger of one state directory, as the review, the daemon and the commands use it.

A thin front: each method is one function of a neighbouring module, bound to the open file, this
process's epoch and the site secret. One object per file and process; it may be shared by threads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Self

from connector.errors import LedgerUnavailable
from connector.inventory.memory import Memory
from connector.ledger import approvals, journal, memory, queries, reviews
from connector.ledger import record as records
from connector.ledger.anchor import is_behind, read_anchor, write_anchor
from connector.ledger.approvals import Approver
from connector.ledger.attempts import doubt
from connector.ledger.brake import Brake
from connector.ledger.evidence import EvidenceStore
from connector.ledger.journal import Fault, Head
from connector.ledger.key import require_secret
from connector.ledger.lines import STORES_NOTHING, Line, select
from connector.ledger.memory import Pictures
from connector.ledger.moments import Instant, moment, stamp
from connector.ledger.record import ReviewRecord
from connector.ledger.store import Store, Write
from connector.ports import Slot


@dataclass(frozen=True, kw_only=True)
class SqliteLedger:
    """An open ledger."""

    store: Store
    evidence: EvidenceStore
    brake: Brake
    epoch: int  # 0 = for reading only
    secret: bytes = field(repr=False)
    anchor: Path | None = None

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        at: Instant,
        secret: bytes,
        control: Path | None,
        evidence: EvidenceStore | None = None,
        durable: bool = False,
        restored: bool = False,
    ) -> Self:
        """Open `<directory>/ledger.sqlite` for writing, as a new epoch. Hold the leader lock first.

        Raises LedgerUnavailable; also when the file is older than its anchor, unless `restored`:
        then everything owed is looked up in the ERP before it may be sent, and slots up to now
        stay closed.
        """
        require_secret(secret)
        path, anchor = directory / "ledger.sqlite", directory / "ledger.anchor"
        store = Store.open(path, now=at.now, durable=durable)
        try:
            cls._require_newest(store, anchor, restored=restored)
            epoch = reviews.begin_epoch(store, boot_id=at.boot_id, pid=os.getpid(), now=at.now)
            if restored:
                _distrust(store, at)
        except BaseException:
            store.close()
            raise
        ledger = cls(
            store=store,
            evidence=evidence or EvidenceStore(directory / "evidence"),
            brake=Brake(store, control),
            epoch=epoch,
            secret=secret,
            anchor=anchor,
        )
        ledger.anchor_head()
        return ledger

    @classmethod
    def open_reader(cls, directory: Path, *, control: Path | None = None) -> Self:
        """Open for reading, beside a running daemon; every change is refused."""
        store = Store.open_reader(directory / "ledger.sqlite")
        return cls(
            store=store,
            evidence=EvidenceStore(directory / "evidence"),
            brake=Brake(store, control),
            epoch=0,
            secret=b"",
        )

    @classmethod
    def in_memory(
        cls,
        *,
        at: Instant,
        secret: bytes,
        evidence: EvidenceStore,
        control: Path | None = None,
    ) -> Self:
        """Return a ledger that forgets: for tests and rehearsals, never beside an ERP."""
        store = Store.in_memory(at.now)
        epoch = reviews.begin_epoch(store, boot_id=at.boot_id, pid=os.getpid(), now=at.now)
        brake = Brake(store, control)
        return cls(
            store=store, evidence=evidence, brake=brake, epoch=epoch, secret=require_secret(secret)
        )

    def close(self) -> None:
        """Anchor the head and close the file."""
        if self.epoch:
            self.anchor_head()
        self.store.close()

    # Reviews

    def open_review(self, slot: Slot, *, mode: str, now: datetime) -> str:
        """Open the review of a slot or raise ReviewSlotTaken; return its id."""
        return reviews.open_review(self.store, slot, mode=mode, epoch=self.epoch, now=now)

    def remember(self, site: str, erp_date: date, *, mode: str | None = None) -> Memory:
        """Return what earlier reviews left."""
        pictures = Pictures(
            believed=lambda review: self.evidence.read_previous(site, review),
            whole=lambda review: self.evidence.read_whole(site, review),
        )
        return memory.remember(self.store, site, erp_date, pictures, mode=mode)

    def record(self, review_id: str, decided: ReviewRecord, *, now: datetime) -> int:
        """Commit a review: verdicts, owed and held lines, lapses; return how many lapsed."""
        lapsed = records.record(
            self.store, review_id, decided, secret=self.secret, epoch=self.epoch, now=now
        )
        self.anchor_head()
        return lapsed

    def close_review(self, review_id: str, *, outcome: str, detail: str, now: datetime) -> None:
        """End a review; `unavailable` leaves its slot open for another try."""
        reviews.close_review(self.store, review_id, outcome=outcome, detail=detail, now=now)
        self.anchor_head()

    # People

    def held(self, site: str) -> list[Line]:
        """Return the lines that wait for a person, most money first."""
        return approvals.held_lines(self.store, site)

    def approve(self, line: str, *, who: str, now: datetime) -> Line:
        """Owe a held line exactly as held; raise CommandRefused."""
        return approvals.approve(self.store, line, self._approver(line, who, now))

    def refuse(self, line: str, *, who: str, why: str, now: datetime) -> Line:
        """Take a held line back; raise CommandRefused."""
        return approvals.refuse(self.store, line, why, self._approver(line, who, now))

    def write_off(self, key: str, *, who: str, why: str, now: datetime) -> Line:
        """End an alarm: the line is not in the ERP as ours; raise CommandRefused."""
        return approvals.write_off(self.store, key, why, self._approver(key, who, now))

    def adopt(self, key: str, number: str, number_line: str, *, who: str, now: datetime) -> Line:
        """End a conflict: this line of the ERP is ours; raise CommandRefused."""
        by = self._approver(key, who, now)
        return approvals.adopt(self.store, key, number, number_line, by)

    # Health

    def verify(self, anchors: Iterable[Head] = ()) -> list[Fault]:
        """Check the chain, the lines against it, and the head against the anchor."""
        kept = read_anchor(self.anchor) if self.anchor is not None else None
        known = [*anchors, *([kept] if kept is not None and kept.seq else [])]
        return queries.verify(self.store, known)

    def prove_writable(self, now: datetime) -> None:
        """Commit one row; raise LedgerUnavailable when that no longer works."""
        with self.store.write() as write:
            # SQLite does not write a row that stays the same, and a clock may stand still.
            write.run(
                "INSERT INTO beat VALUES (1, :now) ON CONFLICT DO UPDATE"
                " SET at = iif(at = :now, :now || ' again', :now)",
                {"now": stamp(now)},
            )

    def last_entry(self) -> datetime | None:
        """Return when the newest record was written, None before the first."""
        rows = self.store.rows("SELECT at FROM journal ORDER BY seq DESC LIMIT 1")
        return moment(rows[0][0]) if rows else None

    def anchor_head(self) -> Head:
        """Keep the journal's head outside the file and return it, for the log."""
        head = journal.head(self.store)
        if self.anchor is not None:
            write_anchor(self.anchor, head)
        return head

    def _approver(self, line: str, who: str, now: datetime) -> Approver:
        found = select(self.store, "? IN (key, line_hash)", (line,))
        brake = self.brake.reason(found[0].site) if found else ""
        return Approver(who=who, now=now, epoch=self.epoch, brake=brake)

    @staticmethod
    def _require_newest(store: Store, anchor: Path, *, restored: bool) -> None:
        kept = None if restored else read_anchor(anchor)
        if kept is not None and is_behind(store, kept):
            head = journal.head(store)
            msg = f"{store.path} ends at record {head.seq}; record {kept.seq} was anchored"
            hint = "a restored backup: open it as restored, and everything is looked up first"
            raise LedgerUnavailable(msg, hint=hint)


def _distrust(store: Store, at: Instant) -> None:
    """After a restore: what is owed may have been sent, what was decided may be gone."""
    with store.write() as write:
        journal.append(write, "restored", "", at.now, {"boot": at.boot_id})
        _close_past_slots(write, at.now)
        owed = select(write, "state = 'owed'", ())
        for site in sorted({line.site for line in owed}):
            sent = [line for line in owed if line.site == site and line.mode not in STORES_NOTHING]
            why = "the ledger was restored; it may have been sent"
            doubt(write, sent, why, at)


def _close_past_slots(write: Write, now: datetime) -> None:
    write.run("INSERT INTO site (site) VALUES ('') ON CONFLICT DO NOTHING")
    write.run("UPDATE site SET not_before = ?", (stamp(now),))
