"""What a desk's state looks like from outside: the values behind /readyz and /status.json."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import orjson

from connector.errors import LedgerUnavailable
from connector.ledger.lines import Line
from connector.ledger.moments import moment as _moment
from connector.ledger.queries import standing
from connector.ledger.reviews import ReviewRow
from connector.site.desk import Desk
from connector.web.health import LastReview, SiteHealth

_PERIODS_KEPT = 2.5  # a picture older than this many review periods is no longer fresh
_LEAST_SECONDS = 21_600.0
_PROOF_SECONDS = 10.0


def site_health(desk: Desk) -> SiteHealth:
    """Return how a site stands; never raises, never waits for the site's work."""
    notes, wiring, monotonic = desk.notes, desk.wiring, desk.clock.monotonic()
    stand = standing(desk.ledger.store, desk.name)
    brake = desk.ledger.brake.reason(desk.name)
    now = desk.clock.now()
    # Of the slot last reviewed: until the next one is less and less the nearer that comes
    slot = now if stand.latest is None else _moment(stand.latest.slot_at)
    period = desk.schedule.review_days(slot) * 86_400.0
    limit = max(_LEAST_SECONDS, _PERIODS_KEPT * period)
    answered, taken = notes.erp_answered_at, notes.data_taken_at
    return SiteHealth(
        site=desk.name,
        mode=wiring.erp.poster.mode,
        pilot=wiring.pilot.nodes,
        halted=bool(brake),
        halted_why=brake,
        leader=desk.leads(),
        ledger_writable=_writable(desk),
        erp_answered_seconds=None if answered is None else monotonic - answered,
        erp_answered_limit=limit,
        erp_trouble=notes.erp_trouble,
        data_age_seconds=None if taken is None else (now - taken).total_seconds(),
        data_age_limit=limit,
        next_review=desk.schedule.next_after(now),
        last_review=_last(stand.latest, desk),
        in_doubt=len(stand.in_doubt),
        in_doubt_oldest_seconds=_oldest(stand.in_doubt, now),
        outbox=stand.states.get("owed", 0) + stand.states.get("intent", 0),
        policy=wiring.policy.name,
        policy_refused="; ".join(wiring.policy.refusals),
    )


def _oldest(doubtful: Sequence[Line], now: datetime) -> float:
    """Return for how many seconds the oldest line in doubt has been."""
    ages = ((now - _moment(line.changed_at)).total_seconds() for line in doubtful)
    return max(ages, default=0.0)


def _writable(desk: Desk) -> bool:
    """Prove now and then that a commit still works: a polled face must not wear the disk."""
    notes, now = desk.notes, desk.clock.monotonic()
    if now - notes.proved_at > _PROOF_SECONDS:
        notes.proved_at, notes.writable = now, _commits(desk)
    return notes.writable


def _commits(desk: Desk) -> bool:
    try:
        desk.ledger.prove_writable(desk.clock.now())
    except LedgerUnavailable:
        return False
    return True


def _last(row: ReviewRow | None, desk: Desk) -> LastReview | None:
    if row is None:
        return None
    counts = orjson.loads(row.counts)
    report = desk.notes.report
    mine = report is not None and report.review == row.review_id
    return LastReview(
        review=row.review_id,
        slot=row.slot,
        outcome=row.outcome or row.status,
        finished_at=None if row.closed_at is None else _moment(row.closed_at),
        lines=counts.get("items", 0),
        ordered=counts.get("ordered", 0),
        held=counts.get("held", 0),
        posted=report.drained.filed if mine and report is not None else 0,
        seconds=dict(desk.notes.seconds) if mine else {},
        detail=row.detail,
    )
