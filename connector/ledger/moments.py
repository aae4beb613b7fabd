"""Moments as the ledger writes them: UTC text of one width, so that text order is time order."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from connector.ports import Clock


@dataclass(frozen=True, kw_only=True)
class Instant:
    """One moment on both clocks: wall time for people, monotonic time for quarantines."""

    now: datetime
    boot_id: str
    monotonic: float


def instant(clock: Clock) -> Instant:
    """Read both clocks."""
    return Instant(now=clock.now(), boot_id=clock.boot_id(), monotonic=clock.monotonic())


def stamp(moment: datetime) -> str:
    """Return an aware moment as text; a naive one is a defect of the caller."""
    if moment.tzinfo is None:
        msg = f"{moment.isoformat()} has no time zone"
        raise ValueError(msg)
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """Return the aware moment that `stamp` wrote."""
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
