"""An ERP in memory, as unforgiving as the real ones: asked twice it files twice.

It loses answers after it has stored, stores late, rejects whole documents for one bad line, hides
lines from a search, and is unreachable, whenever it is told to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from connector.errors import ErpUnavailable
from connector.ports import (
    ErpMessage,
    Filed,
    FiledLine,
    InDoubt,
    NotSent,
    PostOutcome,
    Rejected,
    RequisitionDocument,
    Validated,
)

if TYPE_CHECKING:
    from connector.inventory.snapshot import History, Snapshot
    from connector.ports import Clock

Trouble = Literal["unreachable", "throttled", "lost_before", "lost_after", "late"]
_FIRST_NUMBER = 10_000_000
_STEP = 10


@dataclass(frozen=True, kw_only=True)
class _Held:
    lines: tuple[FiledLine, ...]
    visible_at: float  # monotonic seconds


class InMemoryErp:
    """Implements both ports over one snapshot. `filed` is what a buyer would see.

    `troubles` is used up from the front, one per post: "unreachable" and "throttled" store nothing
    and say so, "lost_before" stores nothing and loses the answer, "lost_after" stores and loses it,
    "late" loses it and stores `late_seconds` later. `rejects` maps an item to the ERP's words.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        clock: Clock,
        *,
        mode: Literal["validate", "live"] = "live",
        late_seconds: float = 60.0,
    ) -> None:
        self.mode: str = mode
        self.snapshot = snapshot
        self.troubles: list[Trouble] = []
        self.rejects: dict[str, str] = {}
        self.hidden: set[str] = set()  # keys a search does not show
        self.is_down = False
        self.posts = 0
        self._late_seconds = late_seconds
        self._clock = clock
        self._held: list[_Held] = []
        self._next = _FIRST_NUMBER

    @property
    def filed(self) -> list[FiledLine]:
        """Return every line stored by now, duplicates and all."""
        now = self._clock.monotonic()
        return [line for held in self._held if held.visible_at <= now for line in held.lines]

    def pull(self, now: datetime, history: History) -> Snapshot:
        """Return the snapshot as of `now`; the history is the snapshot's own."""
        del history
        self._require_up()
        return replace(self.snapshot, taken_at=now)

    def server_time(self) -> datetime:
        """Return the clock's wall time."""
        self._require_up()
        return self._clock.now()

    def post(self, document: RequisitionDocument) -> PostOutcome:
        """Store the document, or fail in the way the next trouble says."""
        self.posts += 1
        trouble = self.troubles.pop(0) if self.troubles else None
        if self.is_down or trouble == "unreachable":
            return NotSent(reason="connection refused")
        if trouble == "throttled":
            return NotSent(reason="throttled: 429", retry_after_seconds=1.0)
        if refused := self._refused(document):
            return Rejected(messages=refused)
        if self.mode == "validate":
            return Validated()
        if trouble == "lost_before":
            return InDoubt(reason="the answer was lost")
        filed = self._store(document, self._late_seconds if trouble == "late" else 0.0)
        return InDoubt(reason="the answer was lost") if trouble is not None else filed

    def find(self, keys: Sequence[str]) -> list[FiledLine]:
        """Return what is stored under these keys and not hidden."""
        self._require_up()
        wanted = set(keys) - self.hidden
        return [line for line in self.filed if line.key in wanted]

    def delete(self, number: str, line: str) -> None:
        """Mark a line deleted, as a buyer does: it stays to be found."""
        self._change(number, line, deleted=True)

    def convert(self, number: str, line: str, ordered: Decimal) -> None:
        """Convert so much of a line into an order."""
        self._change(number, line, ordered=ordered)

    def _change(self, number: str, line: str, **values: bool | Decimal) -> None:
        changed: Mapping[str, object] = values

        def new(old: FiledLine) -> FiledLine:
            mine = (old.number, old.line) == (number, line)
            return replace(old, **changed) if mine else old  # type: ignore[arg-type]

        self._held = [replace(each, lines=tuple(map(new, each.lines))) for each in self._held]

    def _refused(self, document: RequisitionDocument) -> tuple[ErpMessage, ...]:
        return tuple(
            ErpMessage(code="ME/083", text=self.rejects[line.item], line_key=line.key)
            for line in document.lines
            if line.item in self.rejects
        )

    def _store(self, document: RequisitionDocument, delay_seconds: float) -> Filed:
        number = str(self._next)
        self._next += 1
        numbers = {line.key: str(_STEP * (n + 1)) for n, line in enumerate(document.lines)}
        lines = tuple(
            FiledLine(
                key=line.key,
                number=number,
                line=numbers[line.key],
                node=line.node,
                item=line.item,
                unit=line.unit,
                quantity=line.quantity,
                ordered=Decimal(0),
                deleted=False,
                closed=False,
            )
            for line in document.lines
        )
        visible_at = self._clock.monotonic() + delay_seconds
        self._held.append(_Held(lines=lines, visible_at=visible_at))
        return Filed(number=number, lines=numbers)

    def _require_up(self) -> None:
        if self.is_down:
            msg = "the ERP does not answer"
            raise ErpUnavailable(msg, hint="the next review tries again")
