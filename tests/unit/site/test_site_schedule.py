"""Which slot is due: the newest within its grace, whatever was missed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.ports import Slot
from connector.schedule import Schedule


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def daily(grace=timedelta(hours=2), zone="UTC"):
    return Schedule("0 6 * * *", zone, grace)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (utc(2026, 11, 24, 5, 59, 59), None),
        (utc(2026, 11, 24, 6), utc(2026, 11, 24, 6)),
        (utc(2026, 11, 24, 8), utc(2026, 11, 24, 6)),
        (utc(2026, 11, 24, 8, 0, 1), None),
        (utc(2026, 11, 25, 6), utc(2026, 11, 25, 6)),
    ],
)
def test_a_slot_is_due_from_its_moment_to_the_end_of_its_grace(now, due):
    assert daily().latest_due(now) == due


def test_of_several_missed_slots_only_the_newest_is_made_up_for():
    schedule = Schedule("*/15 * * * *", "UTC", timedelta(hours=2))
    assert schedule.latest_due(utc(2026, 11, 24, 9, 59)) == utc(2026, 11, 24, 9, 45)
    long = daily(grace=timedelta(days=1))
    assert long.latest_due(utc(2026, 11, 25, 5, 59)) == utc(2026, 11, 24, 6)
    assert long.latest_due(utc(2026, 11, 25, 6)) == utc(2026, 11, 25, 6)


def test_the_next_slot_is_later_than_now_even_on_a_slot():
    assert daily().next_after(utc(2026, 11, 24, 6)) == utc(2026, 11, 25, 6)
    assert daily().next_after(utc(2026, 11, 24, 5, 59, 59)) == utc(2026, 11, 24, 6)


def test_a_slot_that_never_comes_is_none():
    never = Schedule("0 6 30 2 *", "UTC", timedelta(hours=2))
    assert never.next_after(utc(2026, 11, 24)) is None
    assert never.latest_due(utc(2026, 11, 24)) is None
    assert never.review_days(utc(2026, 11, 24)) == 1.0


def test_a_slot_is_named_in_utc_wherever_the_site_is():
    winter = daily(zone="Europe/Zurich").latest_due(utc(2026, 11, 24, 5))
    summer = daily(zone="Europe/Zurich").latest_due(utc(2026, 7, 24, 4))
    assert Slot(site="n", starts_at=winter).name == "n/replenishment/20261124T050000Z"
    assert Slot(site="n", starts_at=summer).name == "n/replenishment/20260724T040000Z"


@pytest.mark.parametrize(
    ("cron", "now", "days"),
    [
        ("0 6 * * *", utc(2026, 11, 24, 6), 1.0),
        ("0 6 * * *", utc(2026, 11, 24, 7), 1.0),  # late, and still that slot's
        ("0 6 * * mon-fri", utc(2026, 11, 27, 6), 3.0),  # a Friday
        ("0 6 * * mon", utc(2026, 11, 23, 6), 7.0),
        ("0 */6 * * *", utc(2026, 11, 24, 6), 0.25),
        ("* * * * *", utc(2026, 11, 24, 6), 1 / 24),  # no shorter
        ("0 6 * * *", utc(2026, 11, 24, 18), 0.5),  # between slots: until the next
    ],
)
def test_the_review_period_lasts_until_the_following_slot(cron, now, days):
    assert Schedule(cron, "UTC", timedelta(hours=2)).review_days(now) == pytest.approx(days)


@pytest.mark.parametrize(
    ("now", "days"),
    [
        (utc(2027, 3, 27, 5), 23 / 24),
        (utc(2027, 3, 28, 4), 1.0),
        (utc(2026, 10, 24, 4), 25 / 24),
        (utc(2026, 10, 25, 5), 1.0),
    ],
)
def test_a_day_with_a_clock_change_is_as_long_as_it_is(now, days):
    schedule = daily(zone="Europe/Zurich")
    assert schedule.latest_due(now) == now
    assert schedule.review_days(now) == pytest.approx(days)


def test_an_hour_that_does_not_exist_is_reviewed_after_the_change():
    schedule = Schedule("30 2 * * *", "Europe/Zurich", timedelta(hours=1))
    assert schedule.next_after(utc(2027, 3, 27, 12)) == utc(2027, 3, 28, 1, 30)  # 03:30 there
    assert schedule.next_after(utc(2027, 3, 28, 1, 30)) == utc(2027, 3, 29, 0, 30)


def test_a_wall_time_that_comes_twice_is_one_slot():
    """Europe/Berlin 2026-10-25: 02:30 comes at 00:30 and again at 01:30 UTC."""
    nightly = Schedule("30 2 * * *", "Europe/Berlin", timedelta(hours=1))
    assert nightly.next_after(utc(2026, 10, 24, 12)) == utc(2026, 10, 25, 0, 30)
    assert nightly.next_after(utc(2026, 10, 25, 0, 30)) == utc(2026, 10, 26, 1, 30)
    assert nightly.latest_due(utc(2026, 10, 25, 1, 30)) == utc(2026, 10, 25, 0, 30)
    assert nightly.latest_due(utc(2026, 10, 25, 1, 45)) is None
    assert nightly.review_days(utc(2026, 10, 25, 0, 30)) == pytest.approx(25 / 24)


def test_every_other_wall_time_of_that_night_keeps_its_slot():
    often = Schedule("*/20 * * * *", "Europe/Berlin", timedelta(hours=1))
    slots = [utc(2026, 10, 25, 0, 0)]
    while slots[-1] < utc(2026, 10, 25, 3):
        slots.append(often.next_after(slots[-1]))
    walls = [f"{slot.astimezone(often.zone):%H:%M}" for slot in slots]
    assert walls == ["02:00", "02:20", "02:40", "03:00", "03:20", "03:40", "04:00"]
    for minute in range(180):
        now = utc(2026, 10, 25) + timedelta(minutes=minute)
        assert often.next_after(now) == min(slot for slot in slots if slot > now)


seconds = st.integers(0, 381 * 86_400)  # a year and its clock changes
moments = seconds.map(lambda since: utc(2026, 3, 20) + timedelta(seconds=since))


@given(
    now=moments,
    cron=st.sampled_from(["0 6 * * *", "30 2 * * *", "15 */3 * * mon-fri", "*/20 * * * *"]),
    zone=st.sampled_from(["UTC", "Europe/Zurich", "America/New_York", "Australia/Lord_Howe"]),
    grace=st.integers(60, 6 * 3600).map(lambda seconds: timedelta(seconds=seconds)),
)
@settings(max_examples=60, deadline=None)
def test_laws_of_the_schedule(now, cron, zone, grace):
    schedule = Schedule(cron, zone, grace)
    following, due = schedule.next_after(now), schedule.latest_due(now)
    assert following > now
    assert following.utcoffset() == timedelta()
    if due is not None:
        assert now - grace <= due <= now
        # The newest: nothing lies between it and now
        assert schedule.next_after(due) > now
        assert schedule.latest_due(due) == due  # the same slot, whenever one looks
