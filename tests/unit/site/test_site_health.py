"""What a site says of itself: ready only while it reads, decides and can write."""

from __future__ import annotations

from datetime import timedelta

import pytest
from site_desks import DAY, HOUR, LOW, SITE, START, TEA, House

from connector.errors import ErpDenied, ErpUnavailable
from connector.ledger.control import Command
from connector.schedule import Schedule
from connector.site.health import site_health
from connector.site.wiring import Pilot


def health(house):
    return site_health(house.desk)


def test_before_its_first_review_a_site_is_not_ready(house):
    told = health(house)
    assert told.unready() == ("north: the ERP never answered", "north: the data never came")
    assert told.last_review is None
    assert (told.leader, told.ledger_writable, told.halted) == (True, True, False)
    assert told.next_review == START + timedelta(days=1)


def test_after_a_review_it_is_and_tells_of_it(house):
    house.stock[TEA] = LOW
    house.desk.tick()
    house.clock.sleep(90.0)
    told = health(house)
    assert told.unready() == ()
    assert (told.site, told.mode, told.pilot, told.policy) == (SITE, "live", (), "base_stock")
    assert (told.erp_answered_seconds, told.data_age_seconds) == (90.0, 90.0)
    assert (told.in_doubt, told.outbox) == (0, 0)
    last = told.last_review
    assert last.slot == "north/replenishment/20261123T060000Z"
    assert (last.outcome, last.lines, last.ordered, last.held, last.posted) == ("done", 8, 1, 0, 1)
    assert last.finished_at == START
    assert set(last.seconds) == {"pull", "settle", "decide", "record", "post"}


def test_a_daily_site_is_ready_all_day_and_night(house):
    house.desk.tick()
    for _ in range(24):
        house.clock.sleep(HOUR)
        assert health(house).unready() == ()


def test_a_weekend_is_no_reason_to_be_unready(tmp_path):
    weekdays = Schedule("0 6 * * mon-fri", "UTC", timedelta(hours=2))
    house = House(tmp_path, schedule=weekdays)
    house.clock.sleep(4 * DAY)  # a Friday
    house.desk.tick()
    house.clock.sleep(3 * DAY)
    assert health(house).unready() == ()
    house.desk.close()


def test_two_and_a_half_periods_without_a_picture_are_too_many(house):
    house.desk.tick()
    house.clock.sleep(2.5 * DAY)
    assert health(house).unready() == ()
    house.clock.sleep(1.0)
    assert health(house).unready() == (
        "north: the ERP answered 216001 s ago; at most 216000 s is allowed",
        "north: the data came 216001 s ago; at most 216000 s is allowed",
    )


def test_a_site_reviewed_often_is_given_six_hours(tmp_path):
    house = House(tmp_path, schedule=Schedule("*/15 * * * *", "UTC", timedelta(minutes=10)))
    house.desk.tick()
    house.clock.sleep(6 * HOUR)
    assert health(house).unready() == ()
    house.clock.sleep(1.0)
    assert len(health(house).unready()) == 2
    house.desk.close()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (ErpUnavailable("no route"), "north: the ERP did not answer the last review"),
        (ErpDenied("no role"), "north: the ERP denied the last review what it needs"),
    ],
)
def test_an_erp_that_failed_the_last_review_is_told_until_one_succeeds(house, error, says):
    house.desk.tick()
    house.sells()
    house.reader.refuses = [error]
    house.desk.tick()
    assert health(house).unready() == (says,)
    # The newest review that decided anything is still yesterday's; what failed is told beside it
    assert health(house).last_review.slot == "north/replenishment/20261123T060000Z"
    assert house.desk.notes.last_error == str(error)
    house.clock.sleep(60.0)
    house.desk.tick()
    assert health(house).unready() == ()


def test_a_restart_alone_is_no_reason_to_be_unready(house):
    house.desk.tick()
    house.desk.close()
    house.clock.sleep(HOUR)
    house.desk = house.open()
    told = health(house)
    assert told.unready() == ()
    assert (told.erp_answered_seconds, told.data_age_seconds) == (HOUR, HOUR)
    # What only the process that reviewed knew is not made up
    assert (told.last_review.outcome, told.last_review.posted) == ("done", 0)
    assert dict(told.last_review.seconds) == {}


def test_a_halted_site_is_ready_and_says_who_halted_it(house):
    house.desk.tick()
    house.desk.execute(Command(verb="halt", site=SITE, who="ada", why="audit", at=START))
    told = health(house)
    assert told.unready() == ()
    assert told.halted
    assert "halted by ada" in told.halted_why
    assert told.halted_why.endswith("audit")


def doubts(told):
    return told.in_doubt, told.in_doubt_oldest_seconds


def test_what_waits_and_what_is_in_doubt_is_counted(house):
    house.stock |= {TEA: LOW, ("1020", "TEA"): LOW}
    house.erp.troubles = ["lost_before", "unreachable"]
    house.desk.tick()
    told = health(house)
    assert (told.in_doubt, told.outbox) == (1, 1)
    house.clock.sleep(120.0)
    assert doubts(health(house)) == (1, 120.0)
    assert told.last_review.outcome == "held"
    for _ in range(10):
        house.clock.sleep(60.0)
        house.desk.tick()
    told = health(house)
    assert (told.in_doubt, told.outbox) == (0, 0)
    assert doubts(told) == (0, 0.0)
    assert len(house.erp.filed) == 2


def test_a_disk_that_takes_no_commit_is_told_within_ten_seconds(house):
    house.desk.tick()
    assert health(house).unready() == ()
    house.desk.ledger.store._connection.execute("PRAGMA query_only = ON")
    house.clock.sleep(11.0)
    assert health(house).unready() == ("north: the ledger cannot be written",)
    house.desk.ledger.store._connection.execute("PRAGMA query_only = OFF")
    house.clock.sleep(11.0)
    assert health(house).unready() == ()


def test_a_polled_face_does_not_wear_the_disk(house):
    def beats():
        return house.desk.ledger.store.rows("SELECT at FROM beat")

    health(house)
    first = beats()
    house.clock.sleep(9.0)
    health(house)
    assert beats() == first
    house.clock.sleep(2.0)
    health(house)
    assert beats() != first


def test_a_lock_that_was_taken_away_is_told(house):
    house.desk.tick()
    house.desk._lock.path.unlink()
    assert health(house).unready() == ("north: another process holds this site",)


def test_mode_and_pilot_are_told(tmp_path):
    house = House(tmp_path, mode="shadow", pilot=Pilot(nodes=("1020",)))
    told = health(house)
    assert (told.mode, told.pilot) == ("shadow", ("1020",))
    house.desk.close()
