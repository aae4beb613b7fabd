"""Slots around a clock change: found once each, and always found in the end."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from connector.schedule import Schedule


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def days_of(cron: str, start: datetime, count: int) -> list[datetime]:
    schedule, found = Schedule(cron, "Europe/Zurich", timedelta(hours=2)), [start]
    for _ in range(count):
        found.append(schedule.next_after(found[-1]))
    return found[1:]


def test_a_review_at_six_stays_at_six_through_both_changes():
    spring = days_of("0 6 * * *", utc(2027, 3, 27, 6), 2)
    autumn = days_of("0 6 * * *", utc(2026, 10, 24, 6), 2)
    assert spring == [utc(2027, 3, 28, 4), utc(2027, 3, 29, 4)]
    assert autumn == [utc(2026, 10, 25, 5), utc(2026, 10, 26, 5)]


@pytest.mark.parametrize("hour", range(6))
@pytest.mark.parametrize("cron", ["30 2 * * *", "*/15 * * * *", "0 3 * * *"])
def test_the_repeated_hour_ends(cron: str, hour: int):
    # Adding a second in local time finds the slot of a repeated hour for ever.
    schedule = Schedule(cron, "Europe/Zurich", timedelta(hours=2))
    now = utc(2026, 10, 25, hour, 31)
    due = schedule.latest_due(now)
    assert due is None or now - timedelta(hours=2) <= due <= now
    assert schedule.next_after(now) > now


def test_a_slot_later_than_its_grace_is_left_to_the_next():
    schedule = Schedule("0 6 * * *", "UTC", timedelta(hours=2))
    assert schedule.latest_due(utc(2026, 11, 24, 8)) == utc(2026, 11, 24, 6)
    assert schedule.latest_due(utc(2026, 11, 24, 8, 1)) is None
    assert schedule.review_days(utc(2026, 11, 24, 6)) == 1.0
