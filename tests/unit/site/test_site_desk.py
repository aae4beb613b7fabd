"""The desk: one review a slot, tried again when the ERP was away, and nothing lost in a crash."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from site_desks import AWAY, DAILY, DAY, HOUR, LOW, NODES, SITE, START, TEA, House, at

from connector.errors import (
    CommandRefused,
    ErpDenied,
    NotLeader,
    ReviewSlotTaken,
    SnapshotUnfit,
)
from connector.inventory.snapshot import PIPELINE
from connector.ledger.control import Command, Mailbox
from connector.ports import Slot
from connector.site.wiring import Pilot


def test_a_due_slot_is_reviewed_once_and_what_is_needed_is_filed(house):
    house.stock[TEA] = LOW
    for _ in range(5):
        at(house, 60.0)
    assert [review.slot for review in house.reviews()] == ["north/replenishment/20261123T060000Z"]
    assert house.outcomes() == ["done"]
    assert [(line.node, line.item) for line in house.erp.filed] == [TEA]
    assert house.states() == {TEA: "filed"}
    assert len(house.reader.pulls) == 1
    assert house.desk.due_slot() is None


def test_the_next_day_is_the_next_slot_and_what_was_filed_is_confirmed(house):
    house.stock[TEA] = LOW
    house.desk.tick()
    house.sells()
    house.desk.tick()
    assert [review.slot_at[:10] for review in house.reviews()] == ["2026-11-23", "2026-11-24"]
    first, *_ = sorted(house.lines(), key=lambda line: line.review_id)
    assert (first.item, str(first.state)) == ("TEA", "confirmed")
    assert first.number == house.erp.filed[0].number
    # Its own order is seen coming: together they are what base-stock wants once
    assert LOW - DAILY + sum(float(line.quantity) for line in house.erp.filed) < 36.0


def test_a_slot_is_not_repeated_by_another_process(house):
    house.stock[TEA] = LOW
    house.desk.tick()
    with pytest.raises(NotLeader):
        house.open()
    house.desk.close()
    house.desk = house.open()
    at(house, 60.0)
    assert len(house.reader.pulls) == 1
    assert len(house.erp.filed) == 1
    with pytest.raises(ReviewSlotTaken):
        house.desk.review_once(Slot(site=SITE, starts_at=START))


def test_before_its_time_and_beyond_its_grace_nothing_is_reviewed(tmp_path):
    house = House(tmp_path)
    house.clock.sleep(2 * HOUR + 1)
    house.desk.tick()
    assert house.reviews() == []
    at(house, 21 * HOUR)  # 05:00 of the next day
    assert house.reviews() == []
    at(house, HOUR)
    assert [review.slot_at[:10] for review in house.reviews()] == ["2026-11-24"]
    house.desk.close()


def test_asked_for_between_slots_a_review_is_named_for_its_second(house):
    house.clock.sleep(5 * HOUR)
    report = house.desk.review_once()
    assert report.slot.name == "north/replenishment/20261123T110000Z"


def test_an_erp_that_is_away_is_tried_again_ever_more_seldom_within_grace(house):
    house.stock[TEA] = LOW
    house.reader.refuses = [AWAY] * 50
    for _ in range(1_080):  # three hours
        at(house, 10.0)
    waits = [
        (later - sooner).total_seconds()
        for sooner, later in zip(house.reader.pulls, house.reader.pulls[1:], strict=False)
    ]
    assert waits[:4] == [30.0, 60.0, 120.0, 300.0]
    assert set(waits[4:]) == {600.0}
    # Given up when the grace is over
    assert house.reader.pulls[-1] <= START + timedelta(hours=2)
    assert len(house.reader.pulls) == 16
    assert house.outcomes() == ["unavailable"]
    assert house.erp.filed == []
    assert "the ERP does not answer" in house.desk.notes.last_error
    # The next slot decides afresh
    house.reader.refuses = []
    house.clock.sleep(21 * HOUR)
    house.desk.tick()
    assert house.outcomes() == ["unavailable", "done"]
    assert len(house.erp.filed) == 1


def test_an_erp_that_comes_back_within_grace_is_reviewed_in_its_own_slot(house):
    house.stock[TEA] = LOW
    house.reader.refuses = [AWAY, ErpDenied("no authorisation", hint="grant it")]
    for _ in range(100):
        at(house, 1.0)
    assert house.outcomes() == ["done"]
    assert house.reviews()[0].slot == "north/replenishment/20261123T060000Z"
    assert len(house.reader.pulls) == 3
    assert len(house.erp.filed) == 1
    # A success forgets the patience: the next failure waits 30 s again
    house.clock.sleep(DAY - 100.0)
    house.reader.refuses = [AWAY] * 2
    pulled = len(house.reader.pulls)
    for _ in range(40):
        at(house, 1.0)
    first, second = house.reader.pulls[pulled : pulled + 2]
    assert (second - first).total_seconds() == 30.0


def test_a_connection_that_is_down_from_the_first_call_is_tried_again_too(house):
    house.erp.is_down = True
    house.desk.tick()
    (missed,) = house.reviews()  # the slot came, and the ledger says why nothing happened
    assert (missed.slot_at[:10], missed.outcome) == ("2026-11-23", "unavailable")
    assert missed.detail
    assert house.desk.due_slot() is None  # it waits
    house.erp.is_down = False
    at(house, 30.0)
    assert house.outcomes() == ["done"]


def test_a_picture_that_cannot_be_ordered_from_is_not_tried_again(house):
    house.reader.refuses = [SnapshotUnfit("half of it is missing", hint="look")]
    for _ in range(120):
        at(house, 1.0)
    assert house.outcomes() == ["refused"]
    assert len(house.reader.pulls) == 1


def test_a_rehearsal_does_not_wait_long(tmp_path):
    house = House(tmp_path, rehearsal=True)
    house.reader.refuses = [AWAY] * 3
    for _ in range(5):
        at(house, 1.0)
    assert len(house.reader.pulls) == 4
    house.desk.close()


def test_outside_the_pilot_lines_are_only_recorded(tmp_path):
    house = House(tmp_path, pilot=Pilot(nodes=("1010",), items=("TEA", "SALT")))
    low = [(node, item) for node in NODES for item in ("CUPS", "TEA")]
    house.stock |= dict.fromkeys(low, LOW)
    house.desk.tick()
    assert [(line.node, line.item) for line in house.erp.filed] == [TEA]
    lines = {(line.node, line.item): line for line in house.lines()}
    assert set(lines) == set(low)
    modes = {place: (str(line.state), line.mode) for place, line in lines.items()}
    assert modes.pop(TEA) == ("filed", "live")
    assert set(modes.values()) == {("recorded", "shadow")}
    # Nobody is asked about them, and later ticks do not send them either
    at(house, 60.0)
    assert len(house.erp.filed) == 1
    with pytest.raises(CommandRefused, match="is recorded, not held"):
        house.desk.execute(command("approve", line=lines["1020", "TEA"].key))
    vitals = house.desk.ledger.store.rows("SELECT node, lines, value > 0 FROM vital ORDER BY node")
    assert vitals == [("1010", 2, 1), ("1020", 0, 0)]
    house.desk.close()


def test_in_shadow_nothing_is_sent_and_everything_recorded(tmp_path):
    house = House(tmp_path, mode="shadow")
    house.stock[TEA] = LOW
    house.desk.tick()
    at(house, 60.0)
    assert house.states() == {TEA: "recorded"}
    assert (house.erp.posts, house.erp.filed) == (0, [])
    house.desk.close()


def test_a_desk_told_to_stop_starts_nothing_more(house):
    house.desk.stop_sending()
    house.desk.tick()
    assert house.reviews() == []


def command(verb, **facts):
    return Command(verb=verb, site=SITE, who="ada", at=START, **facts)


def test_what_people_ask_by_mail_is_done_at_the_next_tick_before_anything_else(house):
    house.stock[TEA] = LOW
    mailbox = Mailbox(house.directory / "control")
    mailbox.send("halt-north-1", command("halt", why="audit"))
    house.desk.tick()
    answer = mailbox.wait("halt-north-1", clock=house.clock, seconds=1.0)
    assert answer.done
    assert house.states() == {TEA: "owed"}
    mailbox.send("resume-north-1", command("resume"))
    at(house, 1.0)
    assert house.states() == {TEA: "filed"}


def test_a_new_configuration_is_used_from_the_next_review_on(house):
    house.stock = dict.fromkeys(house.stock, 38.0)
    house.desk.tick()
    assert house.lines() == []
    house.desk.rewire(replace(house.wiring, pilot=Pilot(nodes=("1020",))))
    house.sells()
    house.desk.tick()
    assert {line.node for line in house.erp.filed} == {"1020"}
    assert {line.node for line in house.lines() if line.mode == "shadow"} == {"1010"}
    assert len(house.lines()) == len(house.stock)


def test_the_picture_of_the_test_is_whole(house):
    assert house.picture().pipeline.schema == PIPELINE
    house.desk.tick()
    report = house.desk.notes.report
    assert report.items == len(house.stock)
    assert report.outcome == "done"
    assert report.held == 0
