"""What people ask the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from ledger_worlds import SITE, World, slot_on

from connector.errors import LedgerUnavailable
from connector.ledger import queries


def test_where_a_site_stands_and_how_a_line_got_there(world):
    world.review(0, [("1010", "A", "5")], [("1010", "H", "4")])
    world.erp.faults = lambda _: "lose"
    world.drain()
    store = world.ledger.store
    now = queries.standing(store, SITE)
    assert now.states == {"in_doubt": 1, "held": 1}
    assert (now.held_value, [line.item for line in now.in_doubt]) == (8.0, ["A"])
    assert now.latest.slot == slot_on(0).name
    world.drain()
    key = world.lines()["A"].key
    kinds = [(step.kind, step.state) for step in queries.steps(store, key)]
    assert kinds == [
        ("recorded", "owed"),
        ("intent", "intent"),
        ("in_doubt", "in_doubt"),
        ("found", "filed"),
    ]
    assert queries.line(store, key).number == "0010000001"
    assert queries.line(store, "nothing") is None
    assert queries.review(store, "nothing") is None
    assert [line.item for line in queries.lines_of(store, world.lines()["A"].review_id)]


def test_reports_read_lines_as_columns(world):
    world.review(0, [("1010", "A", "5")])
    world.drain()
    world.review(1, [("1010", "B", "2")])
    frame = queries.lines_frame(world.ledger.store, SITE, slot_on(0).starts_at.date())
    assert frame.select("item", "quantity", "state", "number").rows() == [
        ("A", 5.0, "filed", "10000001"),
        ("B", 2.0, "owed", ""),
    ]
    later = slot_on(1).starts_at.date()
    assert queries.lines_frame(world.ledger.store, SITE, later)["item"].to_list() == ["B"]
    assert queries.lines_frame(world.ledger.store, SITE, later + timedelta(days=1)).height == 0


def test_a_reader_process_may_look_and_not_open(state_dir):
    world = World(directory=state_dir)
    world.review(0, [("1010", "A", "5")])
    reader = replace(world.ledger).open_reader(state_dir)
    assert queries.standing(reader.store, SITE).states == {"owed": 1}
    with pytest.raises(LedgerUnavailable, match="may not be written"):
        reader.brake.halt(site=SITE, who="ada", why="x", now=world.now())
    reader.close()
    world.ledger.close()
