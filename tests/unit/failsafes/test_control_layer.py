from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.failsafes.control import (
    Bucket,
    Reading,
    clock_jump,
)
from connector.failsafes.control_limits import ClockJump, Throttle
from connector.failsafes.verdicts import Action

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def reading(wall=0.0, monotonic=0.0, boot_id="a"):
    return Reading(wall=NOON + wall * SECOND, monotonic=1000.0 + monotonic, boot_id=boot_id)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("jump", "stops"), [(29.9, False), (30.0, False), (30.1, True)])
def test_a6_wall_time_may_not_leave_monotonic_time(sign, jump, stops):
    now = reading(wall=60.0 + sign * jump, monotonic=60.0)
    rulings = clock_jump(now, ClockJump(), before=reading(), erp_date=now.wall)
    assert [each.action for each in rulings] == [Action.NODE_HOLD] * stops


def test_a6_cannot_compare_monotonic_clocks_of_two_boots():
    now = reading(wall=60.0, monotonic=-900.0, boot_id="b")
    assert clock_jump(now, ClockJump(), before=reading(), erp_date=now.wall) == ()


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("skew", "stops"), [(119.0, False), (120.0, False), (121.0, True)])
def test_a6_our_clock_may_not_leave_the_erps(sign, skew, stops):
    rulings = clock_jump(reading(), ClockJump(), erp_date=NOON + sign * skew * SECOND)
    assert len(rulings) == stops


def test_a6_holds_when_the_erp_tells_no_time():
    (ruling,) = clock_jump(reading(), ClockJump())
    assert ruling.stops
    assert "Date" in ruling.detail


@pytest.mark.parametrize("which", ["last_ledger_entry", "built_at"])
@pytest.mark.parametrize(("behind", "stops"), [(-1.0, False), (0.0, False), (0.001, True)])
def test_a6_time_may_not_be_before_what_already_happened(which, behind, stops):
    past = {which: NOON + behind * SECOND}
    assert len(clock_jump(reading(), ClockJump(), erp_date=NOON, **past)) == stops


def test_a6_says_every_reason():
    now = reading(wall=500.0)
    rulings = clock_jump(
        now, ClockJump(), before=reading(), erp_date=NOON, last_ledger_entry=NOON + 900 * SECOND
    )
    assert [round(each.value) for each in rulings] == [500, 500, 400]
    assert str(rulings[0]).startswith("A6: ")


def test_a6_a_clock_that_is_no_number_holds():
    now = Reading(wall=NOON, monotonic=float("nan"), boot_id="a")
    assert clock_jump(now, ClockJump(), before=reading(), erp_date=NOON)


def test_a7_a_burst_then_one_permit_at_a_time():
    limits = Throttle(per_second=2.0, burst=3.0)
    bucket = Bucket.full(limits, at=100.0)
    waits = []
    for _ in range(4):
        bucket, wait = bucket.take(100.0, limits)
        waits.append(wait)
    assert waits == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take(100.49, limits)[1] == pytest.approx(0.01)
    assert bucket.take(100.5, limits)[1] == 0.0


@pytest.mark.parametrize(("sends", "seconds"), [(1, 0.0), (3, 0.0), (4, 0.5), (7, 2.0)])
def test_a7_lets_a_burst_through_and_then_its_rate(sends, seconds):
    limits, now = Throttle(per_second=2.0, burst=3.0), 100.0
    bucket = Bucket.full(limits, at=now)
    for _ in range(sends):
        bucket, wait = bucket.take(now, limits)
        if wait:
            now += wait
            bucket, wait = bucket.take(now, limits)
        assert wait == 0.0
    assert now - 100.0 == pytest.approx(seconds)


def test_a7_a_clock_that_stands_brings_nothing():
    limits = Throttle(per_second=2.0, burst=1.0)
    bucket, first = Bucket.full(limits, at=10.0).take(10.0, limits)
    bucket, second = bucket.take(10.0, limits)
    assert (first, second) == (0.0, 0.5)
    assert bucket.take(5.0, limits)[1] == 0.5


def test_a7_permits_are_not_saved_beyond_the_burst():
    limits = Throttle(per_second=2.0, burst=3.0)
    bucket = Bucket(permits=0.0, at=0.0)
    sent = 0
    while True:
        bucket, wait = bucket.take(1e6, limits)
        if wait:
            break
        sent += 1
    assert sent == 3


def test_a7_a_clock_that_runs_backwards_brings_nothing():
    limits = Throttle(per_second=2.0, burst=3.0)
    bucket, wait = Bucket(permits=0.0, at=100.0).take(50.0, limits)
    assert wait == 0.5
    assert bucket.take(float("nan"), limits)[1] == 0.5


@given(
    moments=st.lists(st.floats(0.0, 60.0), min_size=1, max_size=200),
    rate=st.floats(0.1, 10.0),
    burst=st.floats(1.0, 20.0),
)
def test_a7_never_lets_more_through_than_burst_and_rate(moments, rate, burst):
    limits = Throttle(per_second=rate, burst=burst)
    bucket = Bucket.full(limits, at=0.0)
    sent = 0
    for moment in sorted(moments):
        bucket, wait = bucket.take(moment, limits)
        sent += wait == 0.0
        assert sent <= burst + rate * moment + 1e-6
