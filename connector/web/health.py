"""What the web shows, as plain frozen values: whoever serves it fills them, the web only reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class LastReview:
    """The newest finished review of a site."""

    review: str
    slot: str
    outcome: str
    finished_at: datetime | None = None
    lines: int = 0
    ordered: int = 0
    held: int = 0
    posted: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)  # by step
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class SiteHealth:
    """One site now. Ages are seconds; None = never happened."""

    site: str
    mode: str
    pilot: tuple[str, ...] = ()  # the nodes that `mode` is narrowed to, empty = all
    halted: bool = False
    halted_why: str = ""
    leader: bool = False
    ledger_writable: bool = False
    erp_answered_seconds: float | None = None  # since the ERP last answered
    erp_answered_limit: float = 21_600.0
    erp_trouble: str = ""  # how the ERP failed the last review, "" = it did not
    data_age_seconds: float | None = None  # of the picture behind the last review
    data_age_limit: float = 21_600.0
    next_review: datetime | None = None
    last_review: LastReview | None = None
    in_doubt: int = 0
    in_doubt_oldest_seconds: float = 0.0
    outbox: int = 0
    policy: str = ""
    policy_refused: str = ""  # why base-stock decides instead, "" = it does not

    def unready(self) -> tuple[str, ...]:
        """Return why this site is not ready, in plain sentences; empty when it is."""
        reasons = (
            self.erp_trouble
            or _overdue("the ERP", "answered", self.erp_answered_seconds, self.erp_answered_limit),
            _overdue("the data", "came", self.data_age_seconds, self.data_age_limit),
            "" if self.ledger_writable else "the ledger cannot be written",
            "" if self.leader else "another process holds this site",
        )
        return tuple(f"{self.site}: {reason}" for reason in reasons if reason)


@dataclass(frozen=True, kw_only=True)
class Health:
    """The whole process now. A halted site is ready: it reads, decides and records."""

    version: str
    started_at: datetime
    now: datetime
    heartbeat_seconds: float  # since the scheduler's last sign of life
    heartbeat_limit: float = 60.0
    sites: tuple[SiteHealth, ...] = ()
    notes: tuple[str, ...] = ()  # what an operator should read: a refused reload, a quarantine

    def dead(self) -> str:
        """Return why the process should be restarted, "" when it should not."""
        if self.heartbeat_seconds <= self.heartbeat_limit:
            return ""
        return (
            f"the scheduler gave no sign of life for {self.heartbeat_seconds:.0f} s; "
            f"at most {self.heartbeat_limit:.0f} s is allowed"
        )

    def unready(self) -> tuple[str, ...]:
        """Return why the process is not ready; empty when it is."""
        reasons = [self.dead()] if self.dead() else []
        if not self.sites:
            reasons.append("no site is configured")
        return (*reasons, *(reason for site in self.sites for reason in site.unready()))

    def status(self) -> dict[str, Any]:
        """Return the document behind /status.json."""
        return {
            "version": self.version,
            "started_at": _iso(self.started_at),
            "now": _iso(self.now),
            "ready": not self.unready(),
            "notes": list(self.notes),
            "sites": [_site(site) for site in self.sites],
        }


def _site(site: SiteHealth) -> dict[str, Any]:
    return {
        "site": site.site,
        "mode": site.mode,
        "pilot": list(site.pilot),
        "halted": site.halted,
        "halted_why": site.halted_why,
        "leader": site.leader,
        "ledger_writable": site.ledger_writable,
        "erp_answered_seconds": site.erp_answered_seconds,
        "data_age_seconds": site.data_age_seconds,
        "next_review": _iso(site.next_review),
        "last_review": None if site.last_review is None else _review(site.last_review),
        "in_doubt": site.in_doubt,
        "outbox": site.outbox,
        "policy": site.policy,
        "policy_refused": site.policy_refused,
        "unready": list(site.unready()),
    }


def _review(review: LastReview) -> dict[str, Any]:
    return {
        "review": review.review,
        "slot": review.slot,
        "finished_at": _iso(review.finished_at),
        "outcome": review.outcome,
        "detail": review.detail,
        "lines": review.lines,
        "ordered": review.ordered,
        "held": review.held,
        "posted": review.posted,
        "seconds": {step: round(seconds, 4) for step, seconds in review.seconds.items()},
    }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")


def _overdue(who: str, did: str, seconds: float | None, limit: float) -> str:
    """Return the sentence on an age beyond its limit; an age that is no number counts as beyond."""
    if seconds is None:
        return f"{who} never {did}"
    if seconds <= limit:
        return ""
    return f"{who} {did} {seconds:.0f} s ago; at most {limit:.0f} s is allowed"
