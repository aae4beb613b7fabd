"""What a desk survives: a death at any moment, a full disk, a clock nobody can trust."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from site_desks import DAY, LOW, TEA, House, Killed, at

from connector.erp.memory import InMemoryErp
from connector.errors import (
    ErpDenied,
    LedgerUnavailable,
)
from connector.site.desk import Desk


def test_a_crash_between_the_commit_and_the_first_send_loses_nothing(house):
    house.stock[TEA] = LOW

    def dies():
        if any(review.status == "recorded" for review in house.reviews()):
            raise Killed

    house.clock.at_call = dies
    with pytest.raises(Killed):
        house.desk.tick()
    assert house.erp.posts == 0
    assert house.states() == {TEA: "owed"}
    house.die()
    house.desk = house.open()
    assert house.outcomes() == ["interrupted"]
    at(house, 1.0)
    assert house.states() == {TEA: "filed"}
    for _ in range(5):
        at(house, 400.0)
    assert [(line.node, line.item) for line in house.erp.filed] == [TEA]
    assert len(house.reader.pulls) == 1  # the review itself is not repeated
    assert house.desk.ledger.verify() == []


def test_a_crash_before_the_commit_is_reviewed_again(house):
    house.stock[TEA] = LOW

    def dies():
        if house.reader.pulls:
            raise Killed

    house.clock.at_call = dies
    with pytest.raises(Killed):
        house.desk.tick()
    house.die()
    house.desk = house.open()
    at(house, 1.0)
    assert house.outcomes() == ["done"]
    assert len(house.erp.filed) == 1


class DyingErp(InMemoryErp):
    """Stores the document, and the process dies before it hears of it."""

    def post(self, document):
        super().post(document)
        raise Killed


def test_a_crash_after_the_erp_stored_is_looked_up_and_never_sent_twice(tmp_path):
    house = House(tmp_path)
    dying = DyingErp(house.picture(), house.clock)
    house.desk.rewire(replace(house.wiring, erp=replace(house.wiring.erp, poster=dying)))
    house.stock[TEA] = LOW
    with pytest.raises(Killed):
        house.desk.tick()
    house.die()
    house.erp._held = dying._held  # the same ERP, and a process that lives
    house.desk = house.open()
    for _ in range(20):
        at(house, 60.0)
    assert house.states()[TEA] in {"filed", "confirmed"}
    assert len(house.erp.filed) == 1
    assert house.erp.posts == 0
    house.desk.close()


def test_a_restored_ledger_settles_its_doubts_though_todays_slot_stays_closed(house):
    house.stock[TEA] = LOW
    kill = house.directory / "control" / "KILL"
    kill.touch()
    house.desk.tick()
    house.desk.close()
    kill.unlink()
    house.clock.sleep(DAY + 60.0)
    house.desk = Desk(house.wiring, house.directory, house.clock, house.meter, restored=True)
    assert [str(line.state) for line in house.lines()] == ["in_doubt"]
    for _ in range(10):
        at(house, 60.0)
    assert [str(line.state) for line in house.lines()] == ["filed"]
    assert len(house.reviews()) == 1  # what was restored does not review today's slot


class Forgetful(InMemoryErp):
    """Loses its answers and then denies to look them up."""

    def find(self, keys):
        raise ErpDenied("no authorisation to display", hint="grant it")


def test_a_review_that_decided_is_not_repeated_when_the_erp_denies_a_look(house):
    erp = Forgetful(house.picture(), house.clock)
    erp.troubles = ["lost_before"]
    wired = replace(house.wiring.erp, poster=erp, finder=None)
    house.desk.rewire(replace(house.wiring, erp=wired))
    house.stock |= {TEA: LOW, ("1020", "TEA"): LOW}
    house.desk.tick()
    assert sorted(house.states().values()) == ["filed", "in_doubt"]
    for _ in range(30):
        at(house, 60.0)
    assert len(house.reviews()) == 1
    assert len(house.reader.pulls) == 1
    assert sorted(house.states().values()) == ["filed", "in_doubt"]
    assert "no authorisation to display" in house.desk.notes.last_error


def test_a_clock_that_disagrees_with_the_erps_orders_nothing(house):
    house.stock[TEA] = LOW
    house.erp_ahead = timedelta(minutes=10)
    house.desk.tick()
    assert house.erp.filed == []
    assert house.states() == {}
    (finding,) = house.desk.notes.report.screened.findings.filter(guard="A6").rows(named=True)
    assert (finding["node"], finding["item"]) == ("", "")
    assert "our clock against the ERP's" in finding["detail"]


def test_a_wall_clock_that_jumps_between_two_reviews_orders_nothing(house):
    house.desk.tick()
    house.sells()
    house.clock.wall += timedelta(minutes=5)  # the machine's own clock knows nothing of it
    house.stock[TEA] = LOW
    house.desk.tick()
    assert house.erp.filed == []
    assert house.desk.notes.report.screened.findings.filter(guard="A6").height == 1


def test_a_kill_file_stops_the_sending_and_its_end_lets_it_go(house):
    house.stock[TEA] = LOW
    kill = house.directory / "control" / "KILL"
    kill.touch()
    house.desk.tick()
    assert house.erp.posts == 0
    assert house.states() == {TEA: "owed"}
    assert house.outcomes() == ["held"]
    kill.unlink()
    at(house, 1.0)
    assert house.states() == {TEA: "filed"}


def test_a_ledger_that_cannot_be_written_reviews_nothing_and_says_so(house):
    house.desk.ledger.store._connection.execute("PRAGMA query_only = ON")
    house.stock[TEA] = LOW
    house.desk.tick()
    assert house.erp.posts == 0
    assert house.desk.notes.last_error
    with pytest.raises(LedgerUnavailable):
        house.desk.review_once()
    house.desk.ledger.store._connection.execute("PRAGMA query_only = OFF")
    at(house, 60.0)
    assert house.states() == {TEA: "filed"}
