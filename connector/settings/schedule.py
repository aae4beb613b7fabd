"""When a site is reviewed."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from apscheduler.triggers.cron import CronTrigger
from pydantic import AfterValidator, Field

from connector.settings.parts import Part, Text
from connector.settings.quantities import Duration, between

_FIELDS = 5
_WEEKDAY = 4


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        msg = "there is no such time zone; write one like Europe/Berlin or UTC"
        raise ValueError(msg) from None
    return value


def _cron(value: str) -> str:
    parts = value.split()
    if len(parts) != _FIELDS:
        msg = f"a cron line has 5 fields (minute hour day month weekday); this has {len(parts)}"
        raise ValueError(msg)
    # Crons disagree whether 0 is Sunday or Monday; the scheduler here and crontab(5) do too.
    if any(sign.isdigit() for sign in parts[_WEEKDAY].split("/")[0]):
        msg = "name the weekdays (mon-fri): their numbers mean different days in different crons"
        raise ValueError(msg)
    try:
        CronTrigger.from_crontab(value, timezone="UTC")
    except (ValueError, TypeError) as error:
        msg = f"not a cron line: {error}"
        raise ValueError(msg) from None
    return value


class ScheduleSettings(Part):
    """A cron line in the site's own time zone."""

    cron: Annotated[Text, AfterValidator(_cron)] = "0 6 * * *"
    """Minute hour day month weekday. Weekdays by name: mon-fri."""
    time_zone: Annotated[Text, AfterValidator(_time_zone)] = "UTC"
    """The zone in which the cron line is read and in which the site's days begin."""
    misfire_grace: Annotated[Duration, between("1s", "1d")] = Field(default=timedelta(hours=2))
    """How late a review may still start; later, it is left to the next slot."""
