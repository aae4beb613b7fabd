"""When a site is due: cron in the site's own time zone, the same slots after any restart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from apscheduler.triggers.cron import CronTrigger


@dataclass(frozen=True)
class Schedule:
    """A cron expression in a time zone; a slot later than `grace` is left to the next one."""

    cron: str
    time_zone: str
    grace: timedelta

    @cached_property
    def trigger(self) -> CronTrigger:
        """Return APScheduler's trigger for this schedule."""
        return CronTrigger.from_crontab(self.cron, timezone=ZoneInfo(self.time_zone))

    def next_after(self, now: datetime) -> datetime | None:
        """Return the first slot later than `now`, aware, or None if there is none."""
        fire: datetime | None = self.trigger.get_next_fire_time(None, now + timedelta(seconds=1))
        return fire

    def latest_due(self, now: datetime) -> datetime | None:
        """Return the last slot at or before `now` that is still within grace, or None."""
        latest: datetime | None = None
        fire = self.trigger.get_next_fire_time(None, now - self.grace)
        while fire is not None and fire <= now:
            latest = fire
            fire = self.trigger.get_next_fire_time(None, fire + timedelta(seconds=1))
        return latest

    def review_days(self, now: datetime) -> float:
        """Return the days from the slot at `now` to the one after it: the review period."""
        due = self.latest_due(now) or now
        following = self.next_after(due)
        return max((following - due) / timedelta(days=1), 1 / 24) if following else 1.0
