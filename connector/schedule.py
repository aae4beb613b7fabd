"""When a site is due: cron in the site's own time zone, the same slots after any restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@dataclass(frozen=True)
class Schedule:
    """A cron expression in a time zone; a slot later than `grace` is left to the next one."""

    cron: str
    time_zone: str
    grace: timedelta

    @cached_property
    def zone(self) -> ZoneInfo:
        """Return the time zone in which the cron expression is read."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def trigger(self) -> CronTrigger:
        """Return APScheduler's trigger for this schedule."""
        return CronTrigger.from_crontab(self.cron, timezone=self.zone)

    def next_after(self, now: datetime) -> datetime | None:
        """Return the first slot later than `now`, in UTC, or None if there is none.

        A wall time that a clock change brings twice is one slot: the first.
        """
        at = now.astimezone(UTC)
        # In UTC: the hour that a clock change repeats would be found again and again
        while (fire := self.trigger.get_next_fire_time(None, at + _SECOND)) is not None:
            found: datetime = fire.astimezone(UTC)
            if found > at and not found.astimezone(self.zone).fold:
                return found
            at = max(found, at + _MINUTE)
        return None

    def latest_due(self, now: datetime) -> datetime | None:
        """Return the last slot at or before `now` that is still within grace, in UTC, or None."""
        latest: datetime | None = None
        fire = self.next_after(now - self.grace - _SECOND)
        while fire is not None and fire <= now:
            latest = fire
            fire = self.next_after(fire)
        return latest

    def review_days(self, now: datetime) -> float:
        """Return the days from the slot at `now` to the one after it: the review period."""
        due = self.latest_due(now) or now
        following = self.next_after(due)
        return max((following - due) / timedelta(days=1), 1 / 24) if following else 1.0
