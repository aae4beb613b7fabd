"""How patiently and how fast the outbox talks to the ERP, and everything it needs to do so."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from connector.ledger.brake import Brake
from connector.ledger.store import Store
from connector.ports import Clock, Drained, FiledLine, RequisitionPoster


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """The assumptions and limits of the posting protocol.

    `quarantine_seconds` must exceed the longest time after which the ERP may still store a request
    it received; `visibility_lag_seconds` the time until what it stored is found by key. The
    promise of "exactly once" rests on these two.
    """

    quarantine_seconds: float = 900.0
    visibility_lag_seconds: float = 60.0
    second_look_seconds: float = 60.0  # at least this long between two looks that found nothing
    never_repost: bool = False  # a line proven absent waits for a person instead
    reapproval_seconds: float = 86_400.0  # how long it waits
    missing_after_seconds: float = 900.0  # filed this long and not found = alarm
    document_lines: int = 100
    find_keys: int = 50  # keys asked for at once
    sends_per_second: float = 2.0
    sends_at_once: int = 20
    patience_seconds: float = 60.0  # longest wait inside one pass, for a token or Retry-After
    in_doubts_in_a_row: int = 3
    refusals_in_a_row: int = 20
    rounds: int = 12  # how often what is left of a refused document is sent again in one pass


class Finder(Protocol):
    """Looks requisition lines up by our keys."""

    def find(self, keys: Sequence[str]) -> list[FiledLine]:
        """Return every line with one of these keys, deleted ones too; raise ErpUnavailable."""


def _never() -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Outside:
    """Everything the posting protocol touches."""

    store: Store
    secret: bytes = field(repr=False)
    epoch: int
    poster: RequisitionPoster
    clock: Clock
    brake: Brake
    leads: Callable[[], bool]  # the leader lock is still held
    stopping: Callable[[], bool] = _never
    finder: Finder | None = None  # looks up lines that another poster sent; None = they wait
    conduct: Conduct = field(default_factory=Conduct)

    def finder_for(self, mode: str) -> Finder | None:
        """Return who can see in the ERP what was sent in this mode."""
        return self.poster if mode == self.poster.mode else self.finder


@dataclass
class Tally:
    """Counts lines while a pass goes on."""

    filed: int = 0
    confirmed: int = 0
    rejected: int = 0
    in_doubt: int = 0
    recorded: int = 0
    validated: int = 0
    not_sent: int = 0
    stopped: str = ""
    notes: list[str] = field(default_factory=list)
    facts: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, lines: int) -> None:
        """Add to a fact that has no field of its own."""
        if lines:
            self.facts[what] = self.facts.get(what, 0) + lines

    def drained(self) -> Drained:
        """Return the pass as the review reports it."""
        return Drained(
            filed=self.filed,
            confirmed=self.confirmed,
            rejected=self.rejected,
            in_doubt=self.in_doubt,
            recorded=self.recorded,
            validated=self.validated,
            not_sent=self.not_sent,
            stopped=self.stopped,
            notes=tuple(self.notes),
            facts=dict(self.facts),
        )
