"""Answers what people ask of a site, and passes on what they decide, with or without a daemon.

Questions read the ledger beside whoever writes it. Decisions go through the mailbox when a daemon
holds the site; when none does, the office takes the lock for as long as it needs.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from connector.cycle import ReviewReport
from connector.errors import CommandRefused, NotLeader, ReplenishError
from connector.inventory.snapshot import Snapshot
from connector.ledger.control import Answer, Command, Mailbox
from connector.ledger.evidence import EvidenceStore
from connector.ports import Slot
from connector.site.desk import Desk
from connector.site.questions import Questions

_ANSWER_SECONDS = 60.0
_KEY_LENGTH = 10
_REVIEWS_MOST = 100_000
_FAULTS_MOST = 200
_DATA_HINT = "not ordered until it is corrected in the ERP"


@dataclass(frozen=True, kw_only=True)
class Office(Questions):
    """One site as the command line sees it: questions, and what people decide."""

    def check(self, offline: bool) -> list[dict[str, Any]]:
        """Check the policy bundle and, unless offline, the ERP; one finding a row."""
        policy = self.wiring.policy
        found = [_finding("policy", "failed", each) for each in policy.refusals]
        if not found:
            found = [_finding("policy", "ok", f"{policy.name} is admitted")]
        if offline:
            return found
        for check in self.wiring.erp.checks:
            found += [_as_finding(each) for each in check()]
        if any(each["outcome"] == "failed" for each in found):
            return found
        return found + self._of_the_picture()

    def api_plan(self) -> list[Any]:
        """Return every call that can be made."""
        return list(self.wiring.erp.api_plan())

    def close(self) -> None:
        """Give the connection back."""
        self.wiring.erp.close()

    def review_once(self, slot: datetime | None = None) -> ReviewReport:
        """Run one review in this process; raise NotLeader while a daemon holds the site."""
        with self._leading() as desk:
            return desk.review_once(None if slot is None else Slot(site=self.name, starts_at=slot))

    def approve(self, line: str, who: str) -> str:
        """Owe a held line exactly as it was held."""
        return self.command("approve", who=who, line=line)

    def reject(self, line: str, who: str, why: str = "") -> str:
        """Take a held line back."""
        return self.command("reject", who=who, line=line, why=why)

    def halt(self, who: str, why: str) -> str:
        """Stop every send of the site from the next one on."""
        return self.command("halt", who=who, why=why)

    def resume(self, who: str) -> str:
        """Lift the halt."""
        return self.command("resume", who=who)

    def accept(self, who: str, why: str) -> str:
        """Let later reviews compare with a picture that a data fail-safe held."""
        return self.command("accept", who=who, why=why)

    def rearm(self, node: str, who: str) -> str:
        """Let a tripped node post again."""
        return self.command("rearm", who=who, node=node)

    def write_off(self, line: str, who: str, why: str) -> str:
        """End an alarm: the line is not, or no longer, in the ERP as ours."""
        return self.command("write_off", who=who, line=line, why=why)

    def adopt(self, line: str, number: str, number_line: str, who: str) -> str:
        """End a conflict: this line of the ERP is ours."""
        return self.command("adopt", who=who, line=line, number=number, number_line=number_line)

    def restored(self, who: str) -> str:
        """Open a ledger restored from a backup: everything owed is looked up before it is sent."""
        desk = Desk(self.wiring, self.directory, self.clock, self.meter, restored=True)
        desk.close()
        return f"{who}: the ledger of {self.name} is open as restored; its past slots stay closed"

    def command(self, verb: str, *, who: str, **facts: str) -> str:
        """Carry out what a person decided and return the sentence that says so."""
        command = Command(
            verb=verb,  # type: ignore[arg-type]
            site=self.name,
            who=who,
            at=self.clock.now(),
            **facts,
        )
        try:
            with self._leading() as desk:
                return desk.execute(command)
        except NotLeader:
            return self._by_mail(command)

    def _of_the_picture(self) -> list[dict[str, Any]]:
        """Pull once and tell what is wrong with the data, and who else plans an item."""
        history = EvidenceStore(self.directory / "evidence").history(self.name).newest()
        try:
            snapshot = self.wiring.erp.reader.pull(self.clock.now(), history)
        except ReplenishError as error:
            return [_finding("picture", "failed", error.args[0], error.hint)]
        return _unreadable_values(snapshot.faults) + self._others_who_plan(snapshot)

    def _others_who_plan(self, snapshot: Snapshot) -> list[dict[str, Any]]:
        """Tell who else plans an item: its planning type, or requisitions that are not ours."""
        found = [
            _finding(f"planner of {row['node']}/{row['item']}", "warning", row["detail"])
            for row in self.wiring.erp.other_planners(snapshot).iter_rows(named=True)
        ]
        return found or [_finding("other planners", "ok", "nobody else plans these items")]

    def _by_mail(self, command: Command) -> str:
        mailbox, name = Mailbox(self.directory / "control"), uuid.uuid4().hex
        mailbox.send(name, command)
        answer: Answer = mailbox.wait(name, clock=self.clock, seconds=_ANSWER_SECONDS)
        if not answer.done:
            raise CommandRefused(answer.message, hint=answer.hint)
        return answer.message

    @contextmanager
    def _leading(self) -> Iterator[Desk]:
        desk = Desk(self.wiring, self.directory, self.clock, self.meter)
        try:
            yield desk
        finally:
            desk.close()


def _unreadable_values(faults: pl.DataFrame) -> list[dict[str, Any]]:
    """Tell which item-nodes are not ordered for a value of theirs."""
    told = [
        _finding(f"data of {row['node']}/{row['item']}", "warning", row["detail"], _DATA_HINT)
        for row in faults.head(_FAULTS_MOST).iter_rows(named=True)
    ]
    if faults.height > _FAULTS_MOST:
        rest = f"{faults.height - _FAULTS_MOST} values more cannot be used"
        told.append(_finding("data", "warning", rest, _DATA_HINT))
    return told


def _finding(layer: str, outcome: str, detail: str, hint: str = "") -> dict[str, Any]:
    return {"layer": layer, "outcome": outcome, "detail": detail, "hint": hint}


def _as_finding(told: Any) -> dict[str, Any]:
    outcome = {"error": "failed", "warning": "warning", "info": "ok"}[told.severity]
    return _finding(f"{told.subject}", outcome, told.message, told.hint)
