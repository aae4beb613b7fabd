"""What the next review is told of the earlier ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import polars as pl
import pytest
from ledger_fakes import START
from ledger_memories import recorded, told
from ledger_worlds import SITE, World, slot_on

from connector.errors import CommandRefused
from connector.inventory.memory import ORDERED, OWN, PREVIOUS, SPENT, VITALS

TODAY = START.date()


def test_the_first_review_remembers_nothing(remembering):
    memory = told(remembering)
    assert memory.previous_on is None
    frames = (memory.own, memory.ordered, memory.previous, memory.vitals, memory.spent)
    assert [frame.schema for frame in frames] == [OWN, ORDERED, PREVIOUS, VITALS, SPENT]
    assert not any(frame.height for frame in frames)


def test_own_lines_are_what_may_still_bring_stock(remembering):
    lines = [("1010", item, "5") for item in "ABCDEFG"]
    recorded(remembering, 0, lines)
    remembering.conduct = replace(remembering.conduct, document_lines=1)
    remembering.outbox = remembering._dispatcher()
    answers = iter(["file", "file", "lose", "lose", "refuse", "vanish", "unsent"])
    remembering.erp.faults = lambda _: next(answers)
    remembering.drain()
    stored = {each.key: each for each in remembering.erp.stored}
    keys = {item: line.key for item, line in remembering.lines().items()}
    stored[keys["D"]].unit = "KG"
    remembering.outbox.settle(SITE)
    remembering.erp.stored.remove(stored[keys["B"]])
    remembering.outbox.settle(SITE)
    states = {item: str(state) for item, state in remembering.states().items()}
    assert states == {
        "A": "confirmed",
        "B": "missing",
        "C": "confirmed",
        "D": "conflict",
        "E": "rejected",
        "F": "in_doubt",
        "G": "owed",
    }
    own = told(remembering).own.sort("item")
    assert own.select("item", "state", "quantity").rows() == [
        ("A", "confirmed", 5.0),
        ("B", "confirmed", 5.0),  # not shown by the pull: B8 will say so
        ("C", "confirmed", 5.0),
        ("D", "in_doubt", 5.0),
        ("F", "in_doubt", 5.0),
    ]
    first = own.row(0, named=True)
    assert first["number"] == "10000001"
    assert first["filed_on"] == TODAY
    assert first["due"] == date(2026, 12, 1)
    assert own.row(4, named=True)["filed_on"] is None


def test_closed_and_withdrawn_lines_are_ours_no_longer(remembering):
    recorded(remembering, 0, [("1010", "A", "5"), ("1010", "B", "5")])
    remembering.drain()
    remembering.erp.stored[0].closed = True
    remembering.erp.stored[1].deleted = True
    remembering.outbox.confirm(SITE)
    assert told(remembering).own.height == 0
    assert told(remembering).ordered["item"].to_list() == [remembering.lines()["A"].item]


def test_shadow_lines_bring_no_stock_and_are_forgotten_when_live(remembering):
    remembering.switch("shadow")
    recorded(remembering, 0, [("1010", "A", "5")])
    remembering.drain()
    memory = told(remembering)
    assert memory.own.height == 0
    assert memory.ordered.select("item", "ordered_on", "quantity", "value").rows() == [
        ("A", TODAY, 5.0, 10.0)
    ]
    assert memory.spent.height == 0  # no money left the house
    assert told(remembering, mode="live").ordered.height == 0
    remembering.switch("live")
    remembering.ledger.open_review(slot_on(1), mode="live", now=remembering.now())
    assert told(remembering).ordered.height == 0
    assert told(remembering).spent.height == 0


def test_checked_lines_are_ordered_in_their_mode_and_spent_in_none(remembering):
    remembering.switch("validate")
    recorded(remembering, 0, [("1010", "A", "5")])
    assert remembering.drain().validated == 1
    assert told(remembering, mode="validate").ordered.height == 1
    for mode in ("shadow", "validate", "live"):
        memory = told(remembering, mode=mode)
        assert (memory.spent.height, memory.own.height) == (0, 0)
        assert (memory.ordered.height == 1) is (mode == "validate")


def test_live_lines_are_remembered_and_spent_in_shadow(remembering):
    recorded(remembering, 0, [("1010", "A", "5")])
    remembering.drain()
    remembering.switch("shadow")
    assert told(remembering, mode="shadow").ordered.height == 1
    assert told(remembering, mode="shadow").own.height == 1
    assert told(remembering, mode="shadow").spent.rows() == [("1010", TODAY, 10.0)]


def test_lines_outside_the_pilot_are_recorded_and_neither_sent_nor_spent(remembering):
    owed, held = [("1010", "A", "5"), ("1020", "B", "3")], [("1020", "C", "4")]
    recorded(remembering, 0, owed, held=held, pilot=["1010"])
    found = remembering.lines()
    assert {item: (str(line.state), line.mode) for item, line in found.items()} == {
        "A": ("owed", "live"),
        "B": ("recorded", "shadow"),
        "C": ("recorded", "shadow"),  # nobody is asked about it
    }
    assert remembering.drain().filed == 1
    assert [line.item for post in remembering.erp.posts for line in post.lines] == ["A"]
    with pytest.raises(CommandRefused, match="is recorded, not held"):
        remembering.ledger.approve(found["C"].key, who="ada", now=remembering.now())
    assert told(remembering, mode="live").spent.rows() == [("1010", TODAY, 10.0)]
    assert told(remembering, mode="live").ordered["item"].to_list() == ["A"]
    shadow = told(remembering, mode="shadow")
    assert sorted(shadow.ordered["item"]) == ["A", "B", "C"]
    assert shadow.spent.rows() == [("1010", TODAY, 10.0)]
    remembering.sound()


def test_doubt_counts_as_spent_and_what_was_refused_does_not(remembering):
    recorded(remembering, 0, [("1010", "A", "5"), ("1020", "B", "5"), ("1030", "C", "5")])
    answers = iter(["vanish", "refuse", "unsent"])
    remembering.erp.faults = lambda _: next(answers)
    remembering.drain()
    assert told(remembering).spent.rows() == [("1010", TODAY, 10.0)]


def test_windows_end(remembering):
    recorded(remembering, 0, [("1010", "A", "5"), ("1020", "B", "1")])
    remembering.drain()
    assert told(remembering, day=27).spent.height == 2
    assert told(remembering, day=28).spent.height == 0
    assert told(remembering, day=90).ordered.height == 2
    assert told(remembering, day=91).ordered.height == 0
    assert told(remembering, day=55).vitals.height > 0
    assert told(remembering, day=56).vitals.height == 0


def test_the_previous_view_comes_from_the_evidence_of_the_last_recorded_review(remembering):
    recorded(remembering, 0, [])
    what = recorded(remembering, 1, [])
    memory = told(remembering, day=2)
    assert memory.previous_on == what.snapshot.erp_date
    assert memory.previous.schema == PREVIOUS
    assert memory.previous["item"].to_list() == what.state.frame["item"].to_list()
    assert memory.previous["on_hand"].equals(what.state.frame["on_hand"], null_equal=True)
    # What is usual is counted node by node, whether or not the picture became the measure
    assert set(memory.vitals["slot"]) == {slot_on(0).name, slot_on(1).name}
    newer = recorded(remembering, 2, [])
    assert told(remembering, day=3).previous_on == newer.snapshot.erp_date


def test_sites_do_not_remember_each_other(remembering):
    recorded(remembering, 0, [("1010", "A", "5")])
    remembering.drain()
    memory = remembering.ledger.remember("south", TODAY)
    assert (memory.own.height, memory.ordered.height, memory.vitals.height) == (0, 0, 0)


def test_spent_adds_up_per_node_and_day(remembering):
    recorded(remembering, 0, [("1010", "A", "5"), ("1010", "B", "1"), ("1020", "A", "2")])
    remembering.drain()
    recorded(remembering, 1, [("1010", "A", "7")])
    remembering.drain()
    expected = pl.DataFrame(
        [("1010", TODAY, 12.0), ("1010", TODAY + timedelta(days=1), 14.0), ("1020", TODAY, 4.0)],
        schema=SPENT,
        orient="row",
    )
    assert told(remembering, day=2).spent.equals(expected)


def test_what_was_usual_in_another_mode_is_no_measure_of_orders(remembering):
    remembering.switch("shadow")
    recorded(remembering, 0, [], items=200)
    remembering.switch("live")
    recorded(remembering, 1, [], items=200)
    counted = ("stock_rows", "pipeline_rows", "items")
    for mode, day in (("shadow", 0), ("live", 1)):
        vitals = told(remembering, day=2, mode=mode).vitals
        ordered = vitals.filter(pl.col("lines") > 0)
        assert set(ordered["slot"]) == {slot_on(day).name}
        assert set(vitals.filter(pl.col("value") > 0)["slot"]) == {slot_on(day).name}
        assert set(vitals["slot"]) == {slot_on(0).name, slot_on(1).name}
        assert (vitals.select(pl.min_horizontal(counted)).to_series() > 0).all()


def test_the_newest_entry_of_the_journal_is_known(state_dir):
    world = World(directory=state_dir)
    assert world.ledger.last_entry() == START  # the epoch
    world.review(1)
    assert world.ledger.last_entry() == START + timedelta(days=1)
    world.restart()
    assert world.ledger.last_entry() == world.now()


def test_orders_of_a_shadow_are_no_measure_of_what_is_on_its_way(remembering):
    recorded(remembering, 0, [])
    assert told(remembering, mode="shadow").posted_since == TODAY + timedelta(days=2)
    assert told(remembering, mode="live").posted_since is None
