"""A clock that nobody sets by accident and an ERP that is as unforgiving as the real one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from connector.errors import ErpUnavailable
from connector.ports import (
    ErpMessage,
    Filed,
    FiledLine,
    InDoubt,
    NotSent,
    PostOutcome,
    Recorded,
    Rejected,
    RequisitionDocument,
    Validated,
)

START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


class Killed(BaseException):
    """The process died here."""


class FakeClock:
    """Wall time and monotonic time, moved by the test only; `at_call` may kill the process."""

    def __init__(self, start: datetime = START) -> None:
        self.wall = start
        self.age = 0.0  # true time, which only the ERP of a test may read
        self.elapsed = 1_000.0
        self.boot = "boot-1"
        self.at_call: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        self.at_call()
        return self.wall

    def monotonic(self) -> float:
        self.at_call()
        return self.elapsed

    def boot_id(self) -> str:
        return self.boot

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.elapsed += seconds
        self.age += seconds

    def set_wall(self, seconds: float) -> None:
        """Jump as an operator or a bad time server does: only people's time moves."""
        self.wall += timedelta(seconds=seconds)

    def reboot(self, seconds: float = 30.0) -> None:
        self.advance(seconds)
        self.boot = f"boot-{int(self.boot.removeprefix('boot-')) + 1}"
        self.elapsed = 5.0


@dataclass
class Stored:
    """One requisition line in the ERP."""

    key: str
    number: str
    line: str
    node: str
    item: str
    unit: str
    quantity: Decimal
    visible_at: float
    ordered: Decimal = Decimal(0)
    deleted: bool = False
    closed: bool = False


@dataclass
class StrictErp:
    """Files twice when asked twice; loses answers, stores late, refuses, hides.

    `faults` is asked before every post and names what happens to it:
    file | lose (stored, answer lost) | late:SECONDS (stored later, answer lost) | vanish (never
    stored, answer lost) | unsent | busy:SECONDS | refuse | mute (filed, no line named) | number
    """

    clock: FakeClock
    mode: str = "live"
    faults: Callable[[RequisitionDocument], str] = lambda _: "file"
    bad_keys: set[str] = field(default_factory=set)  # refused, and named
    mute_keys: set[str] = field(default_factory=set)  # refused, not named
    visibility_lag: float = 0.0
    stored: list[Stored] = field(default_factory=list)
    under_way: list[tuple[float, RequisitionDocument]] = field(default_factory=list)
    posts: list[RequisitionDocument] = field(default_factory=list)
    finds: list[tuple[str, ...]] = field(default_factory=list)
    unreachable: bool = False
    at_call: Callable[[], None] = lambda: None
    numbers: int = 10_000_000

    def post(self, document: RequisitionDocument) -> PostOutcome:
        self.at_call()
        self.posts.append(document)
        assert 1 <= len(document.lines) <= 100
        assert len({(document.node, document.purchasing_group)}) == 1
        outcome = self._outcome(document, self.faults(document))
        self.at_call()
        return outcome

    def _outcome(  # noqa: C901, PLR0911 - one line a fault reads best in one place
        self, document: RequisitionDocument, fault: str
    ) -> PostOutcome:
        name, _, seconds = fault.partition(":")
        if self.mode == "shadow":
            return Recorded()
        if name == "unsent":
            return NotSent(reason="connection refused")
        if name == "busy":
            return NotSent(reason="429", retry_after_seconds=float(seconds))
        if name == "vanish":
            return InDoubt(reason="reset before it was stored")
        if name == "late":
            self.under_way.append((self.clock.age + float(seconds), document))
            return InDoubt(reason="timeout, still working")
        if refusal := self._refusal(document, name):
            return refusal
        if self.mode == "validate":
            return Validated(messages=(ErpMessage(code="06/042", text="fine", severity="info"),))
        number, lines = self.store(document)
        if name == "lose":
            return InDoubt(reason="connection lost")
        if name == "mute":
            return Filed(number=number, lines={})
        if name == "nonumber":
            return Filed(number="", lines=lines)
        return Filed(number=number, lines=lines)

    def _refusal(self, document: RequisitionDocument, name: str) -> Rejected | None:
        if name == "refuse":
            return Rejected(messages=(ErpMessage(code="06/001", text="no authorisation"),))
        keys = [line.key for line in document.lines]
        named = [key for key in keys if key in self.bad_keys]
        if named:
            return Rejected(
                messages=(
                    ErpMessage(code="BAPI/001", text="requisition could not be created"),
                    *(ErpMessage(code="06/002", text="blocked", line_key=key) for key in named),
                )
            )
        if self.mute_keys.intersection(keys):
            return Rejected(messages=(ErpMessage(code="06/003", text="something is wrong"),))
        return None

    def store(self, document: RequisitionDocument) -> tuple[str, dict[str, str]]:
        self.numbers += 1
        lines = {}
        for position, line in enumerate(document.lines, start=1):
            lines[line.key] = str(position * 10)
            self.stored.append(
                Stored(
                    key=line.key,
                    number=str(self.numbers),
                    line=str(position * 10),
                    node=line.node,
                    item=line.item,
                    unit=line.unit,
                    quantity=line.quantity,
                    visible_at=self.clock.age + self.visibility_lag,
                )
            )
        return str(self.numbers), lines

    def arrive(self) -> None:
        """Store what was under way and is due by now."""
        due = [each for each in self.under_way if each[0] <= self.clock.age]
        self.under_way = [each for each in self.under_way if each[0] > self.clock.age]
        for _, document in due:
            self.store(document)

    def find(self, keys: Sequence[str]) -> list[FiledLine]:
        self.at_call()
        if self.unreachable:
            raise ErpUnavailable("the ERP does not answer", hint="wait")
        self.arrive()
        self.finds.append(tuple(keys))
        found = [
            FiledLine(
                key=each.key,
                number=each.number.zfill(10),
                line=each.line.zfill(5),
                node=each.node,
                item=each.item,
                unit=each.unit,
                quantity=each.quantity,
                ordered=each.ordered,
                deleted=each.deleted,
                closed=each.closed,
            )
            for each in self.stored
            if each.key in keys and each.visible_at <= self.clock.age
        ]
        self.at_call()
        return found

    def times_filed(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for each in self.stored:
            counts[each.key] = counts.get(each.key, 0) + 1
        return counts
