"""A send, written down before it happens and settled by what came back.

`begin` is the last door before the socket: everything that must hold for a send is checked inside
the transaction that writes the intent. The `settle_...` functions are one transaction each, too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from connector.errors import LedgerUnavailable
from connector.ledger import journal
from connector.ledger.key import document_key
from connector.ledger.lines import (
    Line,
    Move,
    State,
    by_keys,
    move,
)
from connector.ledger.moments import Instant, stamp
from connector.ledger.record import hash_of, payload_hash
from connector.ledger.reviews import is_deciding, require_epoch
from connector.ledger.store import Store, Write
from connector.ports import ErpMessage, Filed, RequisitionDocument


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who sends, and when, on which clocks: part of every intent."""

    site: str
    mode: str
    epoch: int
    at: Instant


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """A committed intent: the document may be sent once."""

    attempt_id: int
    document: RequisitionDocument
    lines: tuple[Line, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """Return the keys of the lines."""
        return tuple(line.key for line in self.lines)


@dataclass(frozen=True, kw_only=True)
class NoAttempt:
    """Nothing may be sent of this; `stop` = nor of anything else now."""

    why: str
    stop: bool = False
    halt: bool = False  # C16: a defect; a person must look before anything is sent again


def begin(store: Store, keys: Sequence[str], sender: Sender, secret: bytes) -> Attempt | NoAttempt:
    """Commit the intent to send these lines together, or say why not.

    Raises NotLeader for a replaced process and LedgerUnavailable when the intent did not commit.
    """
    with store.write() as write:
        require_epoch(write, sender.epoch)
        if is_deciding(write, sender.site, sender.epoch):
            return NoAttempt(why="a review of this site is being decided", stop=True)
        lines = _sendable(write, keys, sender)
        if not lines:
            return NoAttempt(why="nothing of it is owed any more")
        if why := beyond_decided(write, lines):
            return NoAttempt(why=why, stop=True, halt=True)
        return _commit_intent(write, lines, sender, secret)


def _sendable(write: Write, keys: Sequence[str], sender: Sender) -> list[Line]:
    """Return the lines that are owed now, in this mode, of items that are not in doubt."""
    doubtful = suppressed_items(write, sender.site)
    lines = [
        line
        for line in by_keys(write, keys)
        if line.state == State.OWED
        and line.mode == sender.mode
        and (line.node, line.item) not in doubtful
    ]
    for line in lines:
        if line.payload_hash != payload_of(line):
            msg = f"line {line.key} is not what was decided: its payload hash differs"
            raise LedgerUnavailable(msg, hint="the ledger was edited; run `replenishd verify`")
    return lines


def payload_of(line: Line) -> str:
    """Return the payload hash of a line as it stands."""
    what = (line.key, line.node, line.item, str(line.quantity), line.unit, line.due.isoformat())
    return payload_hash(*what, line.purchasing_group, line.supplying_node)


def suppressed_items(source: Store | Write, site: str) -> set[tuple[str, str]]:
    """Return the item-nodes of which the ERP may have a line we do not know (A9)."""
    rows = source.rows(
        "SELECT DISTINCT node, item FROM line"
        " WHERE site = ? AND state IN ('intent', 'in_doubt', 'conflict')",
        (site,),
    )
    return {(row[0], row[1]) for row in rows}


def beyond_decided(write: Write, lines: Sequence[Line]) -> str:
    """Return how sending these would exceed what was decided (C16), "" when it does not.

    Counts sends, not states: whatever moved a line back to owed, what may be in the ERP counts.
    """
    for line in lines:
        sent = write.rows(
            "SELECT quantity FROM attempt_line JOIN line USING (key)"
            " WHERE review_id = ? AND node = ? AND item = ?"
            " AND outcome IN ('', 'in_doubt', 'filed')",
            (line.review_id, line.node, line.item),
        )
        total = sum((Decimal(row[0]) for row in sent), start=line.quantity)
        if total > line.decided:
            return f"C16: {line.node}/{line.item} would get {total}; decided was {line.decided}"
    return ""


def document_of(lines: Sequence[Line], secret: bytes) -> RequisitionDocument:
    """Return the requisition that carries these lines of one node and purchasing group."""
    return RequisitionDocument(
        key=document_key(secret, (line.key for line in lines)),
        node=lines[0].node,
        purchasing_group=lines[0].purchasing_group,
        lines=tuple(line.requisition_line() for line in lines),
        description=lines[0].review_id,
    )


def _commit_intent(write: Write, lines: Sequence[Line], sender: Sender, secret: bytes) -> Attempt:
    document = document_of(lines, secret)
    payload = hash_of([line.payload_hash for line in lines])
    write.run(
        "INSERT INTO attempt (document_key, site, mode, epoch, boot_id, monotonic, at,"
        " payload_hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            document.key,
            sender.site,
            sender.mode,
            sender.epoch,
            sender.at.boot_id,
            sender.at.monotonic,
            stamp(sender.at.now),
            payload,
        ),
    )
    attempt_id = int(write.rows("SELECT last_insert_rowid()")[0][0])
    write.many(
        "INSERT INTO attempt_line (key, attempt_id) VALUES (?, ?)",
        [(line.key, attempt_id) for line in lines],
    )
    moves = [Move(line=line, to=State.INTENT) for line in lines]
    facts = {"attempt": attempt_id, "document": document.key, "payload": payload}
    move(write, "intent", moves, sender.at.now, facts)
    intended = by_keys(write, [line.key for line in lines])
    return Attempt(attempt_id=attempt_id, document=document, lines=tuple(intended))


def _settle(write: Write, attempt: Attempt, outcome: str, detail: str, now: datetime) -> None:
    write.run(
        "UPDATE attempt SET outcome = ?, detail = ?, settled_at = ? WHERE attempt_id = ?",
        (outcome, detail, stamp(now), attempt.attempt_id),
    )
    write.run(
        "UPDATE attempt_line SET outcome = ? WHERE attempt_id = ?", (outcome, attempt.attempt_id)
    )


def settle_as(
    store: Store,
    attempt: Attempt,
    to: State,
    now: datetime,
    *,
    reason: str = "",
    messages: tuple[ErpMessage, ...] | None = None,
) -> None:
    """Move every line of an attempt to one state: owed again, recorded or validated."""
    with store.write() as write:
        _settle(write, attempt, "not_sent" if to == State.OWED else to.value, reason, now)
        moves = [Move(line=line, to=to, reason=reason, messages=messages) for line in attempt.lines]
        move(write, to.value, moves, now, {"attempt": attempt.attempt_id})


def settle_filed(store: Store, attempt: Attempt, filed: Filed, at: Instant) -> tuple[int, int]:
    """Write the numbers down; a line that the answer does not name is in doubt.

    Returns how many were filed and how many are in doubt.
    """
    named = [line for line in attempt.lines if filed.number and line.key in filed.lines]
    unnamed = [line for line in attempt.lines if not (filed.number and line.key in filed.lines)]
    with store.write() as write:
        _settle(write, attempt, "filed" if named else "in_doubt", filed.number, at.now)
        moves = [
            Move(
                line=line,
                to=State.FILED,
                number=filed.number,
                number_line=filed.lines[line.key],
                filed_at=stamp(at.now),
                messages=filed.messages,
            )
            for line in named
        ]
        facts = {"attempt": attempt.attempt_id, "number": filed.number}
        move(write, "filed", moves, at.now, facts)
        doubt(write, unnamed, "the answer does not name this line", at)
    return len(named), len(unnamed)


def settle_rejected(
    store: Store, attempt: Attempt, parked: Mapping[str, tuple[ErpMessage, ...]], now: datetime
) -> None:
    """Park the lines that the ERP refused, with its words; the others are owed again."""
    moves = []
    for line in attempt.lines:
        if line.key in parked:
            words = parked[line.key]
            reason = "; ".join(f"{each.code} {each.text}".strip() for each in words)
            move_to = Move(line=line, to=State.REJECTED, reason=reason, messages=words)
        else:
            move_to = Move(line=line, to=State.OWED, reason="its document was refused")
        moves.append(move_to)
    with store.write() as write:
        _settle(write, attempt, "rejected", f"{len(parked)} lines parked", now)
        move(write, "rejected", moves, now, {"attempt": attempt.attempt_id})


def settle_in_doubt(store: Store, attempt: Attempt, reason: str, at: Instant) -> None:
    """Start the quarantine of every line: from here on nobody knows, until the ERP is asked."""
    with store.write() as write:
        _settle(write, attempt, "in_doubt", reason, at.now)
        doubt(write, attempt.lines, reason, at)


def doubt(write: Write, lines: Sequence[Line], reason: str, at: Instant) -> None:
    """Put lines in doubt. The quarantine starts now, never at the intent.

    Between the intent and now the request may have left at any moment, the last one included; a
    clock that starts later can only wait longer.
    """
    moves = [Move(line=line, to=State.IN_DOUBT, reason=reason) for line in lines]
    clocks = {"boot": at.boot_id, "monotonic": at.monotonic}
    move(write, "in_doubt", moves, at.now, clocks)
    write.many(
        "UPDATE attempt_line SET outcome = 'in_doubt' WHERE key = ? AND outcome IN ('', 'filed')",
        [(line.key,) for line in lines],
    )
    write.many(
        "INSERT OR REPLACE INTO doubt (key, boot_id, since, since_at, absent_since)"
        " VALUES (?, ?, ?, ?, NULL)",
        [(line.key, at.boot_id, at.monotonic, stamp(at.now)) for line in lines],
    )


def halt_for(store: Store, site: str, why: str, now: datetime) -> None:
    """Stop the site in the program's own name: a defect was found on the last meter."""
    with store.write() as write:
        write.run(
            "INSERT INTO halt (site, at, who, why) VALUES (?, ?, 'replenishd', ?)",
            (site, stamp(now), why),
        )
        journal.append(write, "halted", site, now, {"who": "replenishd", "why": why})
