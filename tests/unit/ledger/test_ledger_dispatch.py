"""The posting protocol, outcome by outcome."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest
from ledger_fakes import StrictErp
from ledger_worlds import QUICK, SITE, THREE, World, many, planned, slot_on

from connector.errors import LedgerUnavailable
from connector.ledger import queries
from connector.ledger.lines import State
from connector.ledger.record import lapse_unsent

S = State


def test_what_is_owed_is_filed_once_with_its_numbers(world):
    world.review(0, THREE)
    drained = world.drain()
    assert (drained.filed, drained.stopped) == (3, "")
    assert [(d.node, [line.item for line in d.lines]) for d in world.erp.posts] == [
        ("1010", ["A", "B"]),
        ("1020", ["A"]),
    ]
    assert {line.number for line in world.all_lines()} == {"10000001", "10000002"}
    assert world.drain().filed == 0
    assert set(world.erp.times_filed().values()) == {1}
    world.sound()


def test_what_is_sent_is_what_the_ledger_holds_to_the_last_decimal(world):
    world.review(0, [("1010", "A", "12345678901.001")])
    world.drain()
    assert world.erp.posts[0].lines[0].quantity == Decimal("12345678901.001")
    assert str(world.lines()["A"].quantity) == "12345678901.001"


def test_documents_hold_one_node_and_group_and_at_most_a_hundred_lines(world):
    lines = pl.concat([planned(many(230)), planned([("1010", "Z", "1")], purchasing_group="002")])
    world.review(0, lines=lines)
    assert world.drain().filed == 231
    shapes = [(d.purchasing_group, len(d.lines)) for d in world.erp.posts]
    assert shapes == [("001", 100), ("001", 100), ("001", 30), ("002", 1)]
    assert len({d.key for d in world.erp.posts}) == 4


def test_documents_are_the_same_in_every_process(world):
    other = World()
    for each in (world, other):
        each.review(0, THREE)
        each.drain()
    assert world.erp.posts == other.erp.posts


def test_the_intent_is_committed_before_the_send(world):
    world.review(0, THREE)
    seen = []

    def look(_):
        seen.append((world.ledger.store.connection.get_autocommit(), world.states_of_all()))
        return "file"

    world.erp.faults = look
    world.drain()
    assert seen[0] == (True, {S.INTENT, S.OWED})
    sends = queries.sends(world.ledger.store, world.lines()["B"].key)
    assert [(each.mode, each.outcome) for each in sends] == [("live", "filed")]


def test_the_line_an_erp_refuses_is_parked_and_the_others_are_sent(world):
    world.review(0, THREE)
    bad = world.lines()["B"].key
    world.erp.bad_keys = {bad}
    drained = world.drain()
    assert (drained.filed, drained.rejected, drained.stopped) == (2, 1, "")
    parked = world.lines()["B"]
    assert (parked.state, parked.reason) == (S.REJECTED, "06/002 blocked")
    assert [message.text for message in parked.messages] == ["blocked"]
    assert world.drain().filed == 0
    world.sound()


@pytest.mark.parametrize("bad", [1, 2, 5, 8])
def test_a_refusal_that_names_no_line_is_bisected(world, bad):
    world.review(0, many(8))
    keys = sorted(line.key for line in world.all_lines())
    world.erp.mute_keys = set(keys[:bad])
    drained = world.drain()
    assert (drained.filed, drained.rejected) == (8 - bad, bad)
    rejected = {line.key for line in world.all_lines() if line.state == S.REJECTED}
    assert rejected == world.erp.mute_keys
    assert set(world.erp.times_filed().values()) <= {1}
    world.sound()


def test_refusals_in_one_pass_are_bounded_and_nothing_is_parked_for_that():
    world = World(conduct=replace(QUICK, rounds=2))
    world.review(0, many(16))
    world.erp.mute_keys = {world.all_lines()[0].key}
    drained = world.drain()
    assert drained.rejected == 0
    assert "4 lines wait: refused 2 times in this pass" in drained.notes
    assert world.drain().rejected == 1
    assert world.states_of_all() == {S.FILED, S.REJECTED}


def test_an_erp_that_refuses_everything_is_left_alone_after_a_while(world):
    world.review(0, many(60))
    world.erp.faults = lambda _: "refuse"
    drained = world.drain()
    assert drained.stopped == "20 documents in a row were refused"
    assert len(world.erp.posts) == 20


def test_nothing_sent_is_owed_again_and_ends_the_pass(world):
    world.review(0, THREE)
    world.erp.faults = lambda _: "unsent"
    drained = world.drain()
    assert (drained.not_sent, drained.stopped) == (2, "not sent: connection refused")
    assert world.states_of_all() == {S.OWED}
    world.erp.faults = lambda _: "file"
    assert world.drain().filed == 3


def test_a_short_retry_after_is_waited_out_on_the_spot(world):
    world.review(0, THREE)
    answers = iter(["busy:7", "file", "file"])
    world.erp.faults = lambda _: next(answers)
    before = world.clock.elapsed
    assert world.drain().filed == 3
    assert world.clock.elapsed - before == 7


def test_a_long_retry_after_ends_the_pass(world):
    world.review(0, THREE)
    world.erp.faults = lambda _: "busy:3600"
    before = world.clock.elapsed
    assert world.drain().stopped == "not sent: 429"
    assert world.clock.elapsed == before


def test_retry_after_for_ever_is_bounded(world):
    world.review(0, THREE)
    world.erp.faults = lambda _: "busy:7"
    assert world.drain().stopped == "not sent: 429"
    assert len(world.erp.posts) == 9  # 8 waits of 7 s fit into a minute


def test_sends_are_throttled():
    world = World(conduct=replace(QUICK, sends_per_second=1.0, sends_at_once=2, document_lines=1))
    world.review(0, many(5))
    before = world.clock.elapsed
    assert world.drain().filed == 5
    assert world.clock.elapsed - before == pytest.approx(3.0)


def test_a_throttle_beyond_patience_ends_the_pass():
    conduct = replace(QUICK, sends_per_second=0.01, sends_at_once=1, document_lines=1)
    world = World(conduct=conduct)
    world.review(0, many(3))
    drained = world.drain()
    assert drained.filed == 1
    assert drained.stopped == "throttled: the next send is due in 100.0 s"


def test_nothing_owed_before_is_sent_while_a_review_decides(world):
    world.review(0, THREE)
    world.clock.advance(86_400)
    review_id = world.ledger.open_review(slot_on(1), mode="live", now=world.now())
    assert world.drain().stopped == "a review of this site is being decided"
    world.ledger.close_review(review_id, outcome="unavailable", detail="", now=world.now())
    assert world.drain().filed == 3


def test_sending_more_than_was_decided_halts_the_site(world):
    world.review(0, [("1010", "A", "5")])
    world.drain()
    # A defect that owes a filed line again, past the state machine:
    world.ledger.store.connection.execute("UPDATE line SET state = 'owed'")
    drained = world.drain()
    assert drained.stopped == "C16: 1010/A would get 10; decided was 5"
    assert world.ledger.brake.reason(SITE).startswith("halted by replenishd")
    assert len(world.erp.posts) == 1


def test_a_line_edited_in_the_file_is_not_sent(world):
    world.review(0, [("1010", "A", "5")])
    connection = world.ledger.store.connection
    connection.execute("DROP TRIGGER line_payload_is_not_edited")
    connection.execute("UPDATE line SET quantity = '500', decided = '500'")
    with pytest.raises(LedgerUnavailable, match="is not what was decided"):
        world.drain()
    assert world.erp.posts == []


def test_a_second_pass_at_the_same_time_ends_at_once(world):
    world.review(0, [("1010", "A", "5")])
    inner = []

    def drain_again(_):
        inner.append(world.drain().stopped)
        return "file"

    world.erp.faults = drain_again
    assert world.drain().filed == 1
    assert inner == ["another pass over this outbox is under way"]


def test_the_fake_erp_files_twice_when_asked_twice(world):
    world.review(0, [("1010", "A", "5")])
    world.drain()
    world.erp.post(world.erp.posts[0])
    assert set(world.erp.times_filed().values()) == {2}
    assert isinstance(world.erp, StrictErp)


def test_what_is_owed_no_longer_is_not_begun(world):
    world.review(0, [("1010", "A", "5"), ("1020", "B", "5")])
    keys = {item: line.key for item, line in world.lines().items()}

    def another_review_comes_between(_):
        with world.ledger.store.write() as write:
            lapse_unsent(write, SITE, world.now())
        return "file"

    world.erp.faults = another_review_comes_between
    drained = world.drain()
    assert (drained.filed, drained.stopped) == (1, "")
    assert world.states()["B"] == S.LAPSED
    assert [line.key for post in world.erp.posts for line in post.lines] == [keys["A"]]
