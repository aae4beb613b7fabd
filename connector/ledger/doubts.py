"""Lines in doubt: their quarantine, the looks into the ERP, and how the doubt ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from connector.ledger.attempts import doubt
from connector.ledger.lines import SENDS_NOTHING, Line, Move, State, in_states, move, select
from connector.ledger.moments import Instant, stamp
from connector.ledger.reviews import latest_recorded
from connector.ledger.store import Store, Write
from connector.ports import FiledLine


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Since when a line is in doubt, on the monotonic clock of one boot of the machine."""

    key: str
    boot_id: str
    since: float
    absent_since: float | None  # first complete look after the quarantine that found nothing


@dataclass(frozen=True, kw_only=True)
class Absence:
    """A line proven absent from the ERP, and what becomes of it."""

    line: Line
    to: State  # owed | held | lapsed
    reason: str
    expires_at: str | None = None


def recover(store: Store, site: str, at: Instant) -> int:
    """Put every intent without an answer in doubt: its process ended, or could not write.

    A shadow intent cannot have reached anything and is owed again. Returns how many are in doubt.
    """
    if not in_states(store, site, (State.INTENT,)):
        return 0
    with store.write() as write:
        left = in_states(write, site, (State.INTENT,))
        sent = [line for line in left if line.mode != SENDS_NOTHING]
        unsent = [line for line in left if line.mode == SENDS_NOTHING]
        doubt(write, sent, "its send was interrupted", at)
        again = [
            Move(line=line, to=State.OWED, reason="its send was interrupted") for line in unsent
        ]
        move(write, "owed", again, at.now)
        _end(write, [line.key for line in unsent], "not_sent")
    return len(sent)


def open_doubts(store: Store, site: str) -> list[tuple[Line, Doubt]]:
    """Return every line in doubt with its quarantine, in key order."""
    lines = in_states(store, site, (State.IN_DOUBT,))
    rows = store.rows(
        "SELECT key, boot_id, since, absent_since FROM doubt JOIN line USING (key)"
        " WHERE site = ? AND state = 'in_doubt'",
        (site,),
    )
    found = {
        row[0]: Doubt(key=row[0], boot_id=row[1], since=row[2], absent_since=row[3]) for row in rows
    }
    return [(line, found[line.key]) for line in lines]


def restart_quarantine(store: Store, keys: Sequence[str], at: Instant) -> None:
    """Start over after a reboot: the old boot's monotonic clock says nothing about this one."""
    with store.write() as write:
        write.many(
            "UPDATE doubt SET boot_id = ?, since = ?, since_at = ?, absent_since = NULL"
            " WHERE key = ?",
            [(at.boot_id, at.monotonic, stamp(at.now), key) for key in keys],
        )


def note_absent(store: Store, keys: Sequence[str], *, monotonic: float) -> None:
    """Remember the first complete look after the quarantine that found nothing."""
    if not keys:
        return
    with store.write() as write:
        write.many(
            "UPDATE doubt SET absent_since = ? WHERE key = ? AND absent_since IS NULL",
            [(monotonic, key) for key in keys],
        )


def settle_found(store: Store, found: Sequence[tuple[Line, FiledLine]], now: datetime) -> None:
    """Adopt what the ERP has under our keys: these lines were filed after all."""
    moves = [
        Move(
            line=line,
            to=State.FILED,
            reason="found in the ERP by its key",
            number=there.number,
            number_line=there.line,
            filed_at=stamp(now),
            erp_quantity=str(there.quantity),
        )
        for line, there in found
    ]
    if not moves:
        return
    with store.write() as write:
        move(write, "found", moves, now)
        _end(write, [line.key for line, _ in found], "filed")


def settle_conflict(store: Store, lines: Sequence[tuple[Line, str]], now: datetime) -> None:
    """Raise the alarm: what the ERP has under our key is not what was sent, or is there twice."""
    if not lines:
        return
    with store.write() as write:
        move(
            write,
            "conflict",
            [Move(line=line, to=State.CONFLICT, reason=why) for line, why in lines],
            now,
        )
        _end(write, [line.key for line, _ in lines], "in_doubt")


def settle_absent(store: Store, absences: Sequence[Absence], now: datetime) -> None:
    """End the doubt about lines that were proven absent."""
    moves = [
        Move(line=each.line, to=each.to, reason=each.reason, expires_at=each.expires_at)
        for each in absences
    ]
    if not moves:
        return
    with store.write() as write:
        move(write, "absent", moves, now)
        _end(write, [each.line.key for each in absences], "absent")


def _end(write: Write, keys: Sequence[str], outcome: str) -> None:
    """Drop the quarantine and write down what became of the sends it was about."""
    write.many("DELETE FROM doubt WHERE key = ?", [(key,) for key in keys])
    write.many(
        "UPDATE attempt_line SET outcome = ? WHERE key = ? AND outcome IN ('', 'in_doubt')",
        [(outcome, key) for key in keys],
    )


def is_overtaken(store: Store, line: Line) -> bool:
    """Tell whether a later review decided afresh, so that this line may never be sent again."""
    latest = latest_recorded(store, line.site)
    return latest is not None and latest.review_id != line.review_id


def lapse_other_modes(store: Store, site: str, mode: str, now: datetime) -> int:
    """End what is owed for another poster: a flip of the mode posts nothing of before it."""
    other = "site = ? AND state = 'owed' AND mode <> ?"
    if not select(store, other, (site, mode)):
        return 0
    with store.write() as write:
        owed = select(write, other, (site, mode))
        moves = [
            Move(line=line, to=State.LAPSED, reason=f"decided in {line.mode}, now {mode}")
            for line in owed
        ]
        move(write, "lapsed", moves, now)
    return len(moves)
