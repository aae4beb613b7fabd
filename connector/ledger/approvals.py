"""What a person decides about held lines: bound to the line's hash, its review, and a deadline."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.errors import CommandRefused
from connector.ledger.attempts import payload_of
from connector.ledger.lines import ALARMS, Line, Move, State, in_states, move, select
from connector.ledger.moments import moment, stamp
from connector.ledger.record import hash_of
from connector.ledger.reviews import is_deciding, latest_recorded, require_epoch, select_reviews
from connector.ledger.store import Store, Write

KEY_WIDTH = 10
HASH_WIDTH = 64


def held_lines(store: Store, site: str) -> list[Line]:
    """Return the lines that wait for a person, most money at risk first."""
    return sorted(in_states(store, site, (State.HELD,)), key=lambda line: (-line.value, line.key))


@dataclass(frozen=True, kw_only=True)
class Approver:
    """Who decides, when, and why nothing may be sent now ("" = something may)."""

    who: str
    now: datetime
    epoch: int
    brake: str = ""


def approve(store: Store, line: str, by: Approver) -> Line:
    """Owe a held line, named by its key or its whole hash, exactly as it was held.

    Raises CommandRefused when it is not held, expired, overtaken by a later review, not the line
    that was shown, or while the site is halted.
    """
    _require_name(by.who)
    if by.brake:
        msg = f"the site is stopped: {by.brake}"
        raise CommandRefused(msg, hint="resume first; an approval is an order")
    with store.write() as write:
        require_epoch(write, by.epoch)
        found = _held(write, line)
        _require_current(write, found, by)
        reason = f"approved by {by.who}"
        facts = {"who": by.who, "line_hash": found.line_hash}
        move(write, "approved", [Move(line=found, to=State.OWED, reason=reason)], by.now, facts)
        return _one(write, found.key)


def refuse(store: Store, line: str, why: str, by: Approver) -> Line:
    """Take a held line back in a person's name; the next review decides afresh."""
    _require_name(by.who)
    with store.write() as write:
        require_epoch(write, by.epoch)
        found = _held(write, line)
        reason = f"refused by {by.who}: {why}" if why else f"refused by {by.who}"
        facts = {"who": by.who, "why": why, "line_hash": found.line_hash}
        move(write, "refused", [Move(line=found, to=State.WITHDRAWN, reason=reason)], by.now, facts)
        return _one(write, found.key)


def expire(store: Store, site: str, now: datetime) -> int:
    """Lapse the held lines whose time is over; return how many."""
    over, bound = "site = ? AND state = 'held' AND expires_at <= ?", (site, stamp(now))
    if not select(store, over, bound):
        return 0
    with store.write() as write:
        late = select(write, over, bound)
        moves = [Move(line=line, to=State.LAPSED, reason="expired unapproved") for line in late]
        move(write, "expired", moves, now)
    return len(moves)


def write_off(store: Store, key: str, why: str, by: Approver) -> Line:
    """End an alarm in a person's name: the line is not, or no longer, in the ERP as ours."""
    _require_name(by.who)
    with store.write() as write:
        require_epoch(write, by.epoch)
        found = _alarmed(write, key)
        reason = f"written off by {by.who}: {why}"
        facts = {"who": by.who, "why": why}
        moves = [Move(line=found, to=State.WITHDRAWN, reason=reason)]
        move(write, "written_off", moves, by.now, facts)
        return _one(write, found.key)


def adopt(store: Store, key: str, number: str, number_line: str, by: Approver) -> Line:
    """End a conflict in a person's name: this requisition line in the ERP is ours."""
    _require_name(by.who)
    with store.write() as write:
        require_epoch(write, by.epoch)
        found = _alarmed(write, key)
        if found.state != State.CONFLICT:
            msg = f"line {key} is {found.state}; only a conflict can be adopted"
            raise CommandRefused(msg, hint="a missing line comes back by itself when it is found")
        adopted = Move(
            line=found,
            to=State.FILED,
            reason=f"adopted by {by.who}",
            number=number,
            number_line=number_line,
            filed_at=stamp(by.now),
        )
        move(write, "adopted", [adopted], by.now, {"who": by.who, "number": number})
        return _one(write, found.key)


def _held(write: Write, line: str) -> Line:
    column = {KEY_WIDTH: "key = ?", HASH_WIDTH: "line_hash = ?"}.get(len(line))
    found = select(write, column, (line,)) if column else []
    if not found:
        msg = f"there is no line {line!r}"
        raise CommandRefused(msg, hint="name its key (10 characters) or its hash (64)")
    if found[0].state != State.HELD:
        msg = f"line {found[0].key} is {found[0].state}, not held"
        raise CommandRefused(msg, hint="only held lines wait for a person")
    return found[0]


def _require_current(write: Write, line: Line, by: Approver) -> None:
    """Refuse to order from a picture of the past, or another line than the one that was shown."""
    if stamp(by.now) >= line.expires_at:
        msg = f"line {line.key} expired at {moment(line.expires_at):%Y-%m-%d %H:%M:%S} UTC"
        raise CommandRefused(msg, hint="the next review plans it afresh")
    latest = latest_recorded(write, line.site)
    if latest is None or latest.review_id != line.review_id:
        msg = f"line {line.key} is from review {line.review_id}; a later one decided afresh"
        raise CommandRefused(msg, hint="approve the line of the latest review")
    if is_deciding(write, line.site, by.epoch):
        msg = f"a review of {line.site} is being decided right now"
        raise CommandRefused(msg, hint="look at its held lines when it is done")
    if line.payload_hash != payload_of(line) or line.line_hash != line_hash_of(write, line):
        msg = f"line {line.key} is not the line that was held: its hash differs"
        raise CommandRefused(msg, hint="the ledger was edited; run `replenishd verify`")


def line_hash_of(write: Write, line: Line) -> str:
    """Return the hash that the line's cells, its snapshot and its policy give now."""
    review = select_reviews(write, "review_id = ?", (line.review_id,))[0]
    what = [line.node, line.item, str(line.quantity), line.unit, line.due.isoformat()]
    what += [line.purchasing_group, line.supplying_node]
    return hash_of([review.slot, *what, review.snapshot_digest, review.policy_digest])


def _alarmed(write: Write, key: str) -> Line:
    found = _one(write, key)
    if found.state not in ALARMS:
        msg = f"line {key} is {found.state}; only {' and '.join(ALARMS)} lines wait for a person"
        raise CommandRefused(msg, hint="see `replenishd status`")
    return found


def _one(write: Write, key: str) -> Line:
    found = select(write, "key = ?", (key,))
    if not found:
        msg = f"there is no line {key!r}"
        raise CommandRefused(msg, hint="name its key, 10 characters")
    return found[0]


def _require_name(who: str) -> None:
    if not who.strip():
        msg = "nobody is named"
        raise CommandRefused(msg, hint="say who decides this")
