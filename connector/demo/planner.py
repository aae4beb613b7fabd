"""The planner of the demo: looks at the held lines each morning and approves what was a catch-up.

A person would look at the items; this one approves what only the item's or the node's own habits
held (C4, A7, D2) and leaves to expire what the budget or another fail-safe held.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path

from connector.demo.stage import SITE
from connector.errors import LedgerUnavailable
from connector.ledger.approvals import held_lines
from connector.ledger.control import Command, Mailbox
from connector.ledger.lines import Line
from connector.ledger.sqlite import SqliteLedger
from connector.ports import Clock

WHO = "demo planner"
_HABITS = frozenset({"C4", "A7", "D2"})
_ANSWER_SECONDS = 20.0


@dataclass(frozen=True, kw_only=True)
class Planner:
    """Decides through the daemon's mailbox, as `replenishd approve` does."""

    directory: Path  # of the site's state
    clock: Clock

    def decide(self) -> int:
        """Approve what was a catch-up; return how many lines were."""
        mailbox = Mailbox(self.directory / "control")
        asked = []
        for line in self._held():
            if is_catch_up(line):
                name = uuid.uuid4().hex
                mailbox.send(
                    name,
                    Command(
                        verb="approve", site=SITE, who=WHO, at=self.clock.now(), line=line.line_hash
                    ),
                )
                asked.append(name)
        answers = [mailbox.wait(name, clock=self.clock, seconds=_ANSWER_SECONDS) for name in asked]
        return sum(answer.done for answer in answers)

    def _held(self) -> list[Line]:
        try:
            ledger = SqliteLedger.open_reader(self.directory)
        except LedgerUnavailable:
            return []
        try:
            return held_lines(ledger.store, SITE)
        finally:
            ledger.close()


def is_catch_up(line: Line) -> bool:
    """Tell whether only habits held a line: `reasons` names each guard with both numbers."""
    guards = {reason.partition(":")[0].strip() for reason in line.reasons.split("; ")}
    return guards <= _HABITS
