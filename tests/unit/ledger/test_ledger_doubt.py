"""Doubt: how it starts, how long it lasts, how it ends."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from ledger_worlds import QUICK, SITE, THREE, World, foreign, many, settle_time

from connector.errors import CommandRefused, ErpContractBroken
from connector.ledger.lines import State

S = State


def test_doubt_stops_only_its_document(world):
    world.review(0, THREE)
    answers = iter(["vanish", "file"])
    world.erp.faults = lambda _: next(answers)
    drained = world.drain()
    assert (drained.in_doubt, drained.filed, drained.stopped) == (2, 1, "")


def test_three_doubts_in_a_row_stop_the_sending(world):
    world.review(0, [(str(node), "A", "1") for node in range(1000, 1010)])
    world.erp.faults = lambda _: "vanish"
    drained = world.drain()
    assert drained.in_doubt == 3
    assert drained.stopped == "3 documents in a row are in doubt (A8)"


def test_a_definite_answer_ends_the_row_of_doubts(world):
    world.review(0, [(str(node), "A", "1") for node in range(1000, 1006)])
    answers = iter(["vanish", "vanish", "file", "vanish", "vanish", "file"])
    world.erp.faults = lambda _: next(answers)
    assert world.drain().stopped == ""


def test_a_line_in_doubt_that_is_found_is_adopted(world):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "lose"
    world.drain()
    drained = world.drain()
    assert drained.filed == 1
    line = world.lines()["A"]
    assert (line.state, line.number, line.number_line) == (S.FILED, "0010000001", "00010")
    assert len(world.erp.posts) == 1
    world.sound()


def test_a_line_in_doubt_is_sent_again_only_after_quarantine_and_two_looks(world):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "vanish"
    world.drain()
    world.erp.faults = lambda _: "file"
    quarantine = QUICK.quarantine_seconds + QUICK.visibility_lag_seconds
    world.clock.advance(quarantine)  # exactly: not over yet
    assert world.drain().in_doubt == 1
    world.clock.advance(1)
    assert world.drain().in_doubt == 1  # the first look
    world.clock.advance(QUICK.second_look_seconds - 1)
    assert world.drain().in_doubt == 1  # too soon for the second
    assert len(world.erp.posts) == 1
    world.clock.advance(1)
    drained = world.drain()
    assert (drained.filed, drained.facts) == (1, {"absent_owed": 1})
    assert [post.lines[0].key for post in world.erp.posts] == [world.lines()["A"].key] * 2
    world.sound()


def test_the_next_look_is_announced(world):
    assert world.outbox.next_look_seconds(SITE) is None
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "vanish"
    world.drain()
    assert world.outbox.next_look_seconds(SITE) == 310
    world.clock.advance(311)
    assert world.outbox.next_look_seconds(SITE) == 0
    world.drain()
    assert world.outbox.next_look_seconds(SITE) == 30
    world.clock.reboot()
    assert world.outbox.next_look_seconds(SITE) == 310


def test_an_erp_that_cannot_be_asked_is_sent_nothing(world):
    world.review(0, [("1010", "A", "5"), ("1020", "B", "1")])
    answers = iter(["vanish", "unsent"])
    world.erp.faults = lambda _: next(answers)
    world.drain()
    world.erp.unreachable = True
    assert world.drain().stopped.startswith("the ERP could not be asked")
    assert world.states() == {"A": S.IN_DOUBT, "B": S.OWED}
    assert len(world.erp.posts) == 2


def test_a_broken_contract_passes_through_and_leaves_the_outbox_free(world):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "lose"
    world.drain()

    def broken():
        raise ErpContractBroken("renamed")

    world.erp.at_call = broken
    with pytest.raises(ErpContractBroken):
        world.drain()
    world.erp.at_call = lambda: None
    assert world.drain().filed == 1


def test_an_item_with_a_line_in_doubt_is_suppressed(world):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "vanish"
    world.drain()
    world.erp.faults = lambda _: "file"
    world.review(1, [("1010", "A", "9"), ("1010", "B", "1")])
    world.clock.boot = "boot-2"  # keeps the doubt in its quarantine
    drained = world.drain()
    assert (drained.filed, drained.facts["suppressed"]) == (1, 1)
    assert [line.item for post in world.erp.posts[1:] for line in post.lines] == ["B"]


def test_a_line_found_absent_after_a_later_review_lapses_and_is_never_sent(world):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "vanish"
    world.drain()
    world.erp.faults = lambda _: "file"
    world.review(1)
    settle_time(world)
    drained = world.drain()
    assert drained.facts == {"absent_lapsed": 1}
    assert world.lines()["A"].reason == "not in the ERP; a later review decided afresh"
    assert world.erp.times_filed() == {}


def test_a_site_that_never_reposts_asks_a_person():
    world = World(conduct=replace(QUICK, never_repost=True))
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "vanish"
    world.drain()
    world.erp.faults = lambda _: "file"
    settle_time(world)
    assert world.drain().facts == {"absent_held": 1}
    held = world.ledger.held(SITE)
    assert [line.item for line in held] == ["A"]
    world.ledger.approve(held[0].key, who="ada", now=world.now())
    assert world.drain().filed == 1
    world.sound()


def test_a_line_the_answer_does_not_name_is_in_doubt(world):
    for fault in ("mute", "nonumber"):
        world.erp.faults = lambda _, fault=fault: fault
        world.review(0 if fault == "mute" else 1, [("1010", fault, "5")])
        assert world.drain().in_doubt == 1
        assert world.drain().filed == 1
    assert set(world.erp.times_filed().values()) == {1}
    world.sound()


@pytest.mark.parametrize("cells", [{"node": "9999"}, {"item": "X"}, {"unit": "KG"}])
def test_a_key_on_another_payload_is_an_alarm_not_a_filing(world, cells):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "lose"
    world.drain()
    foreign(world, **cells)
    drained = world.drain()
    assert (drained.filed, drained.facts) == (0, {"conflict": 1})
    assert world.states() == {"A": S.CONFLICT}
    world.clock.advance(10_000)
    world.drain()
    assert len(world.erp.posts) == 1
    key = world.lines()["A"].key
    with pytest.raises(CommandRefused, match="nobody is named"):
        world.ledger.write_off(key, who="", why="collision", now=world.now())
    world.ledger.write_off(key, who="ada", why="collision", now=world.now())
    assert world.states() == {"A": S.WITHDRAWN}
    world.sound()


def test_a_conflict_can_be_adopted_by_a_person(world):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "lose"
    world.drain()
    foreign(world, unit="PC")
    world.drain()
    key = world.lines()["A"].key
    world.ledger.adopt(key, "10000001", "10", who="ada", now=world.now())
    assert world.states() == {"A": S.FILED}
    foreign(world, unit="EA")
    assert world.outbox.confirm(SITE).confirmed == 1
    with pytest.raises(CommandRefused, match="is confirmed; only"):
        world.ledger.adopt(key, "1", "1", who="ada", now=world.now())


def test_another_quantity_under_our_key_is_ours_a_person_changed_it(world):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "lose"
    world.drain()
    foreign(world, quantity=Decimal(4))
    assert world.drain().filed == 1
    assert world.lines()["A"].erp_quantity == "4"


def test_what_is_filed_twice_is_an_alarm(world):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "lose"
    world.drain()
    world.erp.store(world.erp.posts[0])  # somebody copied the requisition
    assert world.drain().facts == {"conflict": 1}
    assert "filed 2 times" in world.lines()["A"].reason
    world.sound()


def test_keys_are_looked_up_in_bounded_pieces(world):
    world.review(0, many(120))
    world.erp.faults = lambda _: "lose"
    world.drain()
    world.drain()
    assert [len(keys) for keys in world.erp.finds] == [50, 50, 20]
