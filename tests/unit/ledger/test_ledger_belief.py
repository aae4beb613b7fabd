"""What the next review compares with: what was believed, or the whole picture once accepted."""

from __future__ import annotations

import pytest
from ledger_fakes import START
from ledger_memories import as_believed, recorded, told, whole_of
from ledger_worlds import SITE, slot_on

from connector.errors import CommandRefused, LedgerUnavailable
from connector.inventory.memory import PREVIOUS
from connector.ledger.commands import execute
from connector.ledger.control import Command
from connector.ledger.memory import Pictures, remember

TODAY = START.date()


def told_to_accept(world, who="ada"):
    asked = Command(verb="accept", site=SITE, who=who, why="new", at=world.now())
    return execute(world.ledger, asked, world.now())


def test_what_was_not_believed_is_not_the_measure_of_the_next_review(remembering):
    what = recorded(remembering, 0, [], believed=["M0000000", "M0000001"])
    previous = told(remembering).previous
    assert previous.schema == PREVIOUS
    assert previous.equals(as_believed(what, ["M0000000", "M0000001"]))
    assert previous["on_hand"].to_list()[2:] == [77.0, 77.0]
    assert set(previous["starved_reviews"]) == {3}


def test_a_damaged_belief_is_not_silently_replaced_by_the_raw_readings(remembering):
    recorded(remembering, 0, [], believed=[])
    (kept,) = remembering.ledger.evidence.root.rglob("previous.parquet")
    kept.write_bytes(kept.read_bytes()[:40])
    with pytest.raises(LedgerUnavailable, match="cannot be read"):
        told(remembering)


def test_a_lost_belief_is_not_silently_replaced_by_the_raw_readings(remembering):
    recorded(remembering, 0, [], believed=[])
    for file in remembering.ledger.evidence.root.rglob("previous.parquet"):
        file.unlink()
    with pytest.raises(LedgerUnavailable, match="cannot be read"):
        told(remembering)


def test_an_accepted_picture_is_compared_with_whole_and_from_then_on(remembering):
    with pytest.raises(CommandRefused, match="no picture to accept"):
        told_to_accept(remembering)
    recorded(remembering, 0, [])
    what = recorded(remembering, 1, [], believed=[])
    assert set(told(remembering, day=2).previous["on_hand"]) == {77.0}
    with pytest.raises(CommandRefused, match="nobody is named"):
        told_to_accept(remembering, who=" ")
    assert set(told(remembering, day=2).previous["on_hand"]) == {77.0}
    assert told_to_accept(remembering).endswith("later reviews compare with this picture")
    memory = told(remembering, day=2)
    assert memory.previous_on == what.snapshot.erp_date
    assert memory.previous["on_hand"].equals(what.state.frame["on_hand"], null_equal=True)
    # As if it were the first: what was usual before it is forgotten
    assert set(memory.vitals["slot"]) == {slot_on(1).name}
    assert told_to_accept(remembering)  # again changes nothing
    assert told(remembering, day=2).previous.equals(memory.previous)
    remembering.sound()


def test_only_the_accepted_picture_is_whole_the_ones_after_it_are_believed_again(remembering):
    recorded(remembering, 0, [], believed=[])
    told_to_accept(remembering)
    recorded(remembering, 1, [], believed=[])
    memory = told(remembering, day=2)
    assert set(memory.previous["on_hand"]) == {77.0}
    assert set(memory.vitals["slot"]) == {slot_on(0).name, slot_on(1).name}


def test_pictures_are_asked_for_by_the_review_they_belong_to(remembering):
    what = recorded(remembering, 0, [])
    asked = []

    def told_as(name):
        return lambda review: asked.append((name, review)) or whole_of(what)

    pictures = Pictures(believed=told_as("believed"), whole=told_as("whole"))
    store = remembering.ledger.store
    remember(store, SITE, TODAY, pictures)
    told_to_accept(remembering)
    remember(store, SITE, TODAY, pictures, mode="live")
    review = store.rows("SELECT review_id FROM review")[0][0]
    assert asked == [("believed", review), ("whole", review)]
