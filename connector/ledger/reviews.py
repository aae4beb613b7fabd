"""Reviews: one per slot, opened by one leader, closed with an outcome."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import datetime

from connector.errors import CommandRefused, NotLeader, ReviewSlotTaken
from connector.ledger import journal
from connector.ledger.moments import stamp
from connector.ledger.store import Row, Store, Write
from connector.ports import Slot

UNAVAILABLE = "unavailable"  # the outcome after which the same slot may be tried again
CRASHED = "crashed"
_TAKEOVERS_MAX = 5  # a slot that kills its process this often is left alone
_STEP_OF_COLLISION = 1_000  # far above any real line number


@dataclass(frozen=True, kw_only=True)
class ReviewRow:
    """One review as the ledger has it."""

    review_id: str
    site: str
    slot: str
    plan: str
    slot_at: str
    mode: str
    status: str
    takeovers: int
    opened_at: str
    recorded_at: str | None
    closed_at: str | None
    outcome: str
    detail: str
    erp_date: str | None
    accepted: int
    source: str
    policy_digest: str
    snapshot_digest: str
    evidence_digest: str
    counts: str


REVIEW_COLUMNS = ", ".join(ReviewRow.__dataclass_fields__)


def review_of(row: Row) -> ReviewRow:
    """Return the review of a row of REVIEW_COLUMNS."""
    return ReviewRow(**dict(zip(ReviewRow.__dataclass_fields__, row, strict=True)))


def select_reviews(
    source: Store | Write, where: str, values: tuple[str | int, ...]
) -> list[ReviewRow]:
    """Return reviews, newest slot first; `where` is a constant of the caller."""
    sql = f"SELECT {REVIEW_COLUMNS} FROM review WHERE {where} ORDER BY slot_at DESC"  # noqa: S608
    return [review_of(row) for row in source.rows(sql, values)]


def review_id_of(slot: Slot) -> str:
    """Return the id of a slot's review: sorts by time, the same in every process."""
    digest = hashlib.blake2b(slot.name.encode(), digest_size=4).digest()
    mark = base64.b32encode(digest).decode("ascii")[:6]
    return f"{slot.starts_at:%Y%m%dT%H%M%SZ}-{mark}"


def begin_epoch(store: Store, *, boot_id: str, pid: int, now: datetime) -> int:
    """Fence every earlier process: from now on only this epoch opens reviews and writes intents."""
    with store.write() as write:
        epoch = _newest_epoch(write) + 1
        write.run("INSERT INTO epoch VALUES (?, ?, ?, ?)", (epoch, boot_id, pid, stamp(now)))
        journal.append(write, "started", "", now, {"epoch": epoch, "boot": boot_id, "pid": pid})
    return epoch


def require_epoch(write: Write, epoch: int) -> None:
    """Refuse a process that was replaced, inside the transaction it would have written."""
    if (newest := _newest_epoch(write)) != epoch:
        msg = f"this process is epoch {epoch}; epoch {newest} holds the ledger"
        raise NotLeader(msg, hint="another daemon took over; this one must end")


def _newest_epoch(write: Write) -> int:
    return int(write.rows("SELECT coalesce(max(epoch), 0) FROM epoch")[0][0])


def open_review(store: Store, slot: Slot, *, mode: str, epoch: int, now: datetime) -> str:
    """Open the review of a slot or raise ReviewSlotTaken; return its id.

    An opening whose process died before it recorded anything is taken over, once per process. One
    that closed as `unavailable` may be tried again: nothing was decided in it.
    """
    review_id = review_id_of(slot)
    with store.write() as write:
        require_epoch(write, epoch)
        _require_not_overtaken(write, slot)
        _end_crashed(write, slot, epoch, now)
        found = select_reviews(write, "slot = ?", (slot.name,))
        if found:
            _reopen(write, found[0], epoch, now)
        else:
            write.run(
                "INSERT INTO review (review_id, site, slot, plan, slot_at, mode, status, epoch,"
                " opened_at) VALUES (:id, :site, :slot, :plan, :at, :mode, 'opened', :epoch, :now)",
                {
                    "id": review_id,
                    "site": slot.site,
                    "slot": slot.name,
                    "plan": slot.plan,
                    "at": stamp(slot.starts_at),
                    "mode": mode,
                    "epoch": epoch,
                    "now": stamp(now),
                },
            )
            write.run("INSERT INTO site (site) VALUES (?) ON CONFLICT DO NOTHING", (slot.site,))
        write.run("UPDATE review SET mode = ? WHERE review_id = ?", (mode, review_id))
        facts = {"review": review_id, "slot": slot.name, "mode": mode, "epoch": epoch}
        journal.append(write, "opened", slot.site, now, facts)
    return review_id


def _require_not_overtaken(write: Write, slot: Slot) -> None:
    """Refuse a slot older than what is already decided, or than a restored backup."""
    moment = stamp(slot.starts_at)
    later = write.rows(
        "SELECT slot FROM review WHERE site = ? AND plan = ? AND slot_at > ?"
        " AND recorded_at IS NOT NULL LIMIT 1",
        (slot.site, slot.plan, moment),
    )
    if later:
        msg = f"slot {slot.name} is older than {later[0][0]}, which is recorded"
        raise ReviewSlotTaken(msg, hint="the next slot decides afresh")
    restored = write.rows("SELECT not_before FROM site WHERE site IN (?, '')", (slot.site,))
    if any(row[0] >= moment for row in restored):
        msg = f"slot {slot.name} is from before this ledger was restored"
        raise ReviewSlotTaken(msg, hint="its lines may be in the ERP already; wait for the next")


def _end_crashed(write: Write, slot: Slot, epoch: int, now: datetime) -> None:
    """Close other openings of dead processes; refuse while another review is being decided."""
    for other in write.rows(
        "SELECT review_id, slot, epoch FROM review"
        " WHERE site = ? AND slot <> ? AND status = 'opened'",
        (slot.site, slot.name),
    ):
        if other[2] == epoch:
            msg = f"slot {slot.name}: the review of {other[1]} is still being decided"
            raise ReviewSlotTaken(msg, hint="it is tried again within its grace")
        _close(write, other[0], CRASHED, "its process ended before it decided", now)


def _reopen(write: Write, found: ReviewRow, epoch: int, now: datetime) -> None:
    opened_by = write.rows("SELECT epoch FROM review WHERE review_id = ?", (found.review_id,))
    if found.recorded_at is not None:
        msg = f"slot {found.slot} was recorded at {found.recorded_at}"
        raise ReviewSlotTaken(msg, hint="nothing to do; its lines are in the outbox")
    if found.status == "opened" and opened_by[0][0] == epoch:
        msg = f"slot {found.slot} was opened at {found.opened_at} by this process"
        raise ReviewSlotTaken(msg, hint="nothing to do; it is being decided")
    if found.status == "closed" and found.outcome not in {UNAVAILABLE, CRASHED}:
        msg = f"slot {found.slot} was closed at {found.closed_at}: {found.detail or found.outcome}"
        raise ReviewSlotTaken(msg, hint="the next slot decides afresh")
    takeovers = found.takeovers + (found.outcome != UNAVAILABLE)
    if takeovers > _TAKEOVERS_MAX:
        msg = f"slot {found.slot} ended its process {found.takeovers} times"
        raise ReviewSlotTaken(msg, hint="look into the log of the crashes; the next slot is free")
    write.run(
        "UPDATE review SET status = 'opened', epoch = ?, takeovers = ?, opened_at = ?,"
        " closed_at = NULL, outcome = '', detail = '' WHERE review_id = ?",
        (epoch, takeovers, stamp(now), found.review_id),
    )


def is_deciding(source: Store | Write, site: str, epoch: int) -> bool:
    """Tell whether a review of this process is open and undecided: older lines must wait for it."""
    sql = "SELECT 1 FROM review WHERE site = ? AND status = 'opened' AND epoch = ? LIMIT 1"
    return bool(source.rows(sql, (site, epoch)))


def latest_recorded(source: Store | Write, site: str) -> ReviewRow | None:
    """Return the newest review of a site that decided anything."""
    found = select_reviews(
        source,
        "review_id = (SELECT review_id FROM review WHERE site = ? AND recorded_at"
        " IS NOT NULL ORDER BY slot_at DESC LIMIT 1)",
        (site,),
    )
    return found[0] if found else None


def close_review(store: Store, review_id: str, *, outcome: str, detail: str, now: datetime) -> None:
    """End a review with its outcome; closing it again changes nothing."""
    with store.write() as write:
        found = select_reviews(write, "review_id = ?", (review_id,))
        if not found:
            msg = f"there is no review {review_id}"
            raise CommandRefused(msg, hint="see `replenishd status` for the latest")
        if found[0].status != "closed":
            _close(write, review_id, outcome, detail, now)


def accept_review(store: Store, site: str, *, who: str, why: str, now: datetime) -> str:
    """Let later reviews compare with the whole newest picture, as if it were a site's first.

    For a change that is real though a data fail-safe did not believe it: a range of new items, a
    warehouse that moved. Returns the review's id; raises CommandRefused when there is none.
    """
    if not who.strip():
        msg = "nobody is named"
        raise CommandRefused(msg, hint="say who decides this")
    found = latest_recorded(store, site)
    if found is None:
        msg = f"{site} has no picture to accept"
        raise CommandRefused(msg, hint="run a review first")
    with store.write() as write:
        write.run(
            "UPDATE site SET previous_review = ?, accepted_review = ? WHERE site = ?",
            (found.review_id, found.review_id, site),
        )
        facts = {"review": found.review_id, "who": who, "why": why}
        journal.append(write, "accepted", site, now, facts)
    return found.review_id


def _close(write: Write, review_id: str, outcome: str, detail: str, now: datetime) -> None:
    write.run(
        "UPDATE review SET status = 'closed', closed_at = ?, outcome = ?, detail = ?"
        " WHERE review_id = ?",
        (stamp(now), outcome, detail, review_id),
    )
    site = write.rows("SELECT site FROM review WHERE review_id = ?", (review_id,))[0][0]
    facts = {"review": review_id, "outcome": outcome, "detail": detail}
    journal.append(write, "closed", site, now, facts)
