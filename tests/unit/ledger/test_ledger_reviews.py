"""Slots, openings, the one commit."""

from __future__ import annotations

import polars as pl
import pytest
from ledger_fakes import Killed
from ledger_worlds import SECRET, SITE, World, a_record, planned, slot_on

from connector.errors import CommandRefused, LedgerUnavailable, ReviewSlotTaken
from connector.ledger import queries
from connector.ledger.key import line_key
from connector.ledger.lines import LEGAL, START, IllegalMove, Move, State, move
from connector.ledger.reviews import review_id_of
from connector.ports import Slot

S = State


def opened(world, day=0):
    return world.ledger.open_review(slot_on(day), mode=world.erp.mode, now=world.now())


def closed(world, review_id, outcome):
    world.ledger.close_review(review_id, outcome=outcome, detail="why", now=world.now())


def test_a_review_id_sorts_by_time_and_is_the_same_everywhere():
    ids = [review_id_of(slot_on(day)) for day in range(3)]
    assert ids == sorted(ids)
    assert ids[0] == "20261123T060000Z-" + ids[0][-6:]
    assert review_id_of(slot_on(0)) == ids[0]
    assert review_id_of(slot_on(0, site="south")) != ids[0]


def test_a_slot_is_opened_once_by_a_process(world):
    opened(world)
    with pytest.raises(ReviewSlotTaken, match=r"was opened at .* by this process"):
        opened(world)


def test_a_recorded_slot_is_taken_for_ever(world):
    world.review(0, [("1010", "A", "5")])
    for _ in range(2):
        with pytest.raises(ReviewSlotTaken, match="was recorded at") as caught:
            opened(world)
        world.restart()
    assert caught.value.exit_code == 0
    world.drain()
    assert set(world.erp.times_filed().values()) == {1}


def test_a_crashed_opening_is_taken_over_exactly_once_per_restart(world):
    review_id = opened(world)
    world.restart()
    assert opened(world) == review_id
    with pytest.raises(ReviewSlotTaken):
        opened(world)
    world.sound()


def test_a_slot_that_kills_its_process_again_and_again_is_left_alone(world):
    opened(world)
    for _ in range(5):
        world.restart()
        opened(world)
    world.restart()
    with pytest.raises(ReviewSlotTaken, match="ended its process 5 times"):
        opened(world)


def test_a_slot_that_closed_as_unavailable_may_be_tried_again(world):
    for _ in range(10):
        closed(world, opened(world), "unavailable")
    world.review(0, [("1010", "A", "5")])
    assert world.drain().filed == 1


@pytest.mark.parametrize("outcome", ["refused", "done", "held"])
def test_any_other_end_closes_the_slot(world, outcome):
    closed(world, opened(world), outcome)
    with pytest.raises(ReviewSlotTaken, match=r"was closed at .*: why"):
        opened(world)


def test_a_slot_older_than_a_recorded_one_is_refused(world):
    world.review(1)
    with pytest.raises(ReviewSlotTaken, match="is older than"):
        opened(world, 0)


def test_another_review_waits_while_one_is_decided(world):
    opened(world, 0)
    with pytest.raises(ReviewSlotTaken, match="is still being decided"):
        opened(world, 1)
    world.restart()
    opened(world, 1)
    crashed = queries.review(world.ledger.store, review_id_of(slot_on(0)))
    assert (crashed.status, crashed.outcome) == ("closed", "crashed")


def test_sites_and_plans_have_their_own_slots(world):
    opened(world)
    world.ledger.open_review(slot_on(0, site="south"), mode="live", now=world.now())
    closed(world, review_id_of(slot_on(0)), "done")
    other = Slot(site=SITE, starts_at=slot_on(0).starts_at, plan="transfers")
    world.ledger.open_review(other, mode="live", now=world.now())


def test_a_naive_moment_is_a_defect(world):
    with pytest.raises(ValueError, match="has no time zone"):
        world.ledger.open_review(slot_on(0), mode="live", now=world.now().replace(tzinfo=None))


def test_closing_twice_keeps_the_first_outcome(world):
    review_id = world.review(0)
    closed(world, review_id, "refused")
    assert queries.review(world.ledger.store, review_id).outcome == "done"
    with pytest.raises(CommandRefused, match="there is no review"):
        closed(world, "nothing", "done")


def test_a_review_is_recorded_in_one_commit(world):
    world.review(0, [("1010", "A", "5")], [("1010", "H", "2")])
    review_id = world.review(1, [("1010", "B", "5")], [("1020", "C", "9")])
    states = world.states()
    assert states == {"A": S.LAPSED, "H": S.LAPSED, "B": S.OWED, "C": S.HELD}
    row = queries.review(world.ledger.store, review_id)
    assert (row.status, row.source, row.erp_date) == ("closed", "base_stock", "2026-11-24")
    assert queries.reviews(world.ledger.store, SITE)[0] == row
    world.sound()


def test_a_death_anywhere_in_the_commit_leaves_nothing_of_it(state_dir):
    world = World(directory=state_dir)
    world.review(0, [("1010", "A", "5")])
    review_id = opened(world, 1)

    def die():
        raise Killed

    world.ledger.store.connection.set_commit_hook(die)
    record = a_record(slot_on(1), planned([("1010", "B", "1")]))
    with pytest.raises(Killed):
        world.ledger.record(review_id, record, now=world.now())
    world.ledger.store.connection.set_commit_hook(None)
    assert world.states() == {"A": S.OWED}
    world.restart()
    world.review(1, [("1010", "B", "1")])
    assert world.states() == {"A": S.LAPSED, "B": S.OWED}
    world.sound()


def test_only_the_open_review_of_its_slot_can_be_recorded(world):
    review_id = opened(world)
    with pytest.raises(CommandRefused, match="is not open for"):
        world.ledger.record(review_id, a_record(slot_on(1), planned([])), now=world.now())
    with pytest.raises(CommandRefused, match="is not open for"):
        world.ledger.record("nothing", a_record(slot_on(0), planned([])), now=world.now())
    world.ledger.record(review_id, a_record(slot_on(0), planned([])), now=world.now())
    with pytest.raises(CommandRefused, match="is not open for"):
        world.ledger.record(review_id, a_record(slot_on(0), planned([])), now=world.now())


def test_lines_outside_the_pilot_are_recorded_and_nobody_is_asked(world):
    world.review(
        0,
        [("1010", "A", "5"), ("1020", "B", "5")],
        [("1010", "C", "1"), ("1020", "D", "1")],
        piloted=pl.Series([True, False, True, False]),
    )
    outside = {"B": S.RECORDED, "D": S.RECORDED}
    assert world.states() == {"A": S.OWED, "C": S.HELD, **outside}
    assert world.drain().filed == 1
    assert {line.item for line in world.all_lines() if line.mode == "shadow"} == set(outside)
    world.sound()


def test_lines_in_doubt_never_lapse(world):
    world.review(0, [("1010", "A", "5"), ("1020", "B", "5")])
    answers = iter(["vanish", "unsent"])
    world.erp.faults = lambda _: next(answers)
    world.drain()
    world.review(1)
    assert world.states() == {"A": S.IN_DOUBT, "B": S.LAPSED}


def test_keys_come_from_node_item_slot_and_line(world):
    world.review(0, [("1010", "A", "5")])
    expected = line_key(SECRET, node="1010", item="A", slot=slot_on(0).name, line_no=1)
    assert world.lines()["A"].key == expected


def test_a_key_that_another_line_ever_had_is_not_given_again(world):
    taken = line_key(SECRET, node="1010", item="B", slot=slot_on(1).name, line_no=1)
    world.review(0, [("1010", "A", "5")])
    connection = world.ledger.store.connection
    connection.execute("DROP TRIGGER line_payload_is_not_edited")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("UPDATE line SET key = ?", (taken,))
    world.review(1, [("1010", "B", "5")])
    line = world.lines()["B"]
    assert line.line_no == 1001
    assert line.key == line_key(SECRET, node="1010", item="B", slot=slot_on(1).name, line_no=1001)


def test_a_recorded_review_that_was_never_closed_is_found_and_finished(world):
    review_id = opened(world)
    record = a_record(slot_on(0), planned([("1010", "A", "5")]))
    world.ledger.record(review_id, record, now=world.now())
    world.restart()
    assert [row.review_id for row in queries.unfinished(world.ledger.store, SITE)] == [review_id]
    assert world.drain().filed == 1
    closed(world, review_id, "done")
    assert queries.unfinished(world.ledger.store, SITE) == []


@pytest.mark.parametrize("was", State)
@pytest.mark.parametrize("to", State)
def test_only_the_drawn_moves_are_made(world, was, to):
    world.review(0, [("1010", "A", "5")])
    store = world.ledger.store
    store.connection.execute("UPDATE line SET state = ?", (was.value,))
    moves = [Move(line=world.lines()["A"], to=to)]
    if to in LEGAL[was]:
        with store.write() as write:
            move(write, "test", moves, world.now())
        assert world.states() == {"A": to}
    else:
        with pytest.raises(IllegalMove, match="may not go from"), store.write() as write:
            move(write, "test", moves, world.now())
        assert world.states() == {"A": was}


def test_every_state_is_reached_from_the_start_and_every_life_can_end():
    reached, frontier = set(START), set(START)
    while frontier:
        frontier = set().union(*(LEGAL[state] for state in frontier)) - reached
        reached |= frontier
    assert reached == set(State)
    for state in State:
        ends, seen = {state}, set()
        while ends - seen:
            seen |= ends
            ends = ends.union(*(LEGAL[each] for each in ends))
        assert any(not LEGAL[each] for each in seen), state


def test_a_line_that_moved_meanwhile_is_not_moved_again(world):
    world.review(0, [("1010", "A", "5")])
    stale = world.lines()["A"]
    world.drain()
    refused = pytest.raises(IllegalMove, match="is no longer owed")
    with refused as caught, world.ledger.store.write() as write:
        move(write, "test", [Move(line=stale, to=S.LAPSED)], world.now())
    assert isinstance(caught.value, LedgerUnavailable)
