"""The posting protocol, outcome by outcome."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import polars as pl
import pytest
from ledger_fakes import StrictErp
from ledger_worlds import QUICK, SITE, World, planned, slot_on

from connector.errors import CommandRefused, ErpContractBroken, LedgerUnavailable
from connector.inventory.snapshot import PIPELINE
from connector.ledger import queries
from connector.ledger.lines import State
from connector.ledger.record import lapse_unsent

S = State
THREE = [("1010", "A", "5"), ("1010", "B", "7.5"), ("1020", "A", "3")]


def many(count):
    return [("1010", f"I{number:04}", "1") for number in range(count)]


def settle_time(world):
    """Let the quarantine and both looks pass."""
    world.clock.advance(QUICK.quarantine_seconds + QUICK.visibility_lag_seconds + 1)
    world.drain()
    world.clock.advance(QUICK.second_look_seconds)


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


def foreign(world, **cells):
    stored = world.erp.stored[-1]
    for name, value in cells.items():
        setattr(stored, name, value)


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


def test_a_filed_line_is_confirmed_then_closed(world):
    world.review(0, THREE)
    world.drain()
    assert world.outbox.confirm(SITE).confirmed == 3
    world.erp.stored[0].ordered = world.erp.stored[0].quantity
    world.erp.stored[1].deleted = True
    world.erp.stored[2].closed = True
    assert world.outbox.confirm(SITE).facts == {"closed": 2, "withdrawn": 1}
    assert sorted(line.state for line in world.all_lines()) == ["closed", "closed", "withdrawn"]
    asked = len(world.erp.finds)
    world.outbox.confirm(SITE)
    assert len(world.erp.finds) == asked  # nothing stands any more
    world.sound()


def test_a_partly_ordered_requisition_still_stands(world):
    world.review(0, [("1010", "A", "5")])
    world.drain()
    world.erp.stored[0].ordered = Decimal("4.999")
    world.outbox.confirm(SITE)
    assert world.states() == {"A": S.CONFIRMED}


def test_what_was_filed_and_is_gone_is_an_alarm_after_the_lag(world):
    world.review(0, [("1010", "A", "5")])
    world.drain()
    lost = world.erp.stored.pop()
    world.outbox.confirm(SITE)
    assert world.states() == {"A": S.FILED}
    world.clock.advance(QUICK.missing_after_seconds + 1)
    assert world.outbox.confirm(SITE).facts == {"missing": 1}
    assert [line.item for line in queries.standing(world.ledger.store, SITE).alarms] == ["A"]
    assert world.outbox.confirm(SITE).facts == {}
    world.erp.stored.append(lost)
    assert world.outbox.confirm(SITE).confirmed == 1
    world.erp.stored.clear()
    assert world.outbox.confirm(SITE).facts == {"missing": 1}  # it was seen before: at once
    world.ledger.write_off(world.lines()["A"].key, who="ada", why="gone", now=world.now())
    world.sound()


def test_a_pull_that_shows_our_requisition_spares_the_look(world):
    world.review(0, THREE)
    world.drain()
    rows = [
        dict.fromkeys(PIPELINE)
        | {"node": line.node, "item": line.item, "kind": "requisition", "tracking": line.key}
        | {"document": line.number.zfill(10), "line": line.number_line}
        for line in world.all_lines()
    ]
    rows[0]["kind"] = "purchase_order"  # carries our key on, and is not the requisition
    visible = pl.DataFrame(rows, schema=PIPELINE, orient="row")
    assert world.outbox.confirm(SITE, visible).confirmed == 3
    assert [len(keys) for keys in world.erp.finds] == [1]
    world.sound()


def test_settling_resolves_and_reads_back_and_sends_nothing(world):
    world.review(0, THREE)
    answers = iter(["lose", "unsent"])
    world.erp.faults = lambda _: next(answers)
    world.drain()
    settled = world.outbox.settle(SITE)
    assert (settled.filed, settled.confirmed) == (2, 2)
    assert len(world.erp.posts) == 2


def test_shadow_runs_the_same_path_and_records():
    world = World(mode="shadow")
    world.review(0, THREE)
    drained = world.drain()
    assert (drained.recorded, drained.filed) == (3, 0)
    assert world.states_of_all() == {S.RECORDED}
    assert world.erp.stored == []
    world.sound()


def test_validation_keeps_the_erps_words_and_stores_nothing():
    world = World(mode="validate")
    world.review(0, [("1010", "A", "5")])
    assert world.drain().validated == 1
    line = world.lines()["A"]
    assert (line.state, line.messages[0].text) == (S.VALIDATED, "fine")
    assert world.erp.stored == []


def test_a_flip_to_live_posts_nothing_of_yesterdays_shadow(world):
    world.switch("shadow")
    world.review(0, THREE)
    world.switch("live")
    drained = world.drain()
    assert (drained.filed, drained.facts) == (0, {"lapsed": 3})
    assert world.erp.posts == []
    assert {line.reason for line in world.all_lines()} == {"decided in shadow, now live"}


def test_a_flip_to_shadow_leaves_doubt_in_doubt_unless_somebody_can_look(world):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "lose"
    world.drain()
    world.switch("shadow")
    drained = world.drain()
    assert drained.in_doubt == 1
    assert drained.notes == ("1 lines in doubt were sent in live: not looked up",)
    assert world.outbox.confirm(SITE).notes == ()
    world.switch("live")
    world.switch("shadow", finder=True)
    assert world.drain().filed == 1
    assert world.outbox.confirm(SITE).confirmed == 1


def test_after_a_flip_to_shadow_what_is_absent_lapses(world):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "vanish"
    world.drain()
    world.switch("shadow", finder=True)
    settle_time(world)
    assert world.drain().facts == {"absent_lapsed": 1}


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


def test_keys_are_looked_up_in_bounded_pieces(world):
    world.review(0, many(120))
    world.erp.faults = lambda _: "lose"
    world.drain()
    world.drain()
    assert [len(keys) for keys in world.erp.finds] == [50, 50, 20]


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


def test_another_requisition_under_our_key_is_an_alarm(world):
    world.review(0, [("1010", "A", "5")])
    world.drain()
    foreign(world, number="10009999")
    assert world.outbox.confirm(SITE).facts == {"conflict": 1}
    assert world.lines()["A"].reason == (
        "filed as 10000001/10, but 0010009999/00010 carries this key"
    )


def test_what_was_filed_live_is_not_read_back_by_a_shadow_that_sees_nothing(world):
    world.review(0, [("1010", "A", "5")])
    world.drain()
    world.switch("shadow")
    assert world.outbox.confirm(SITE).notes == ("1 lines filed in live were not read back",)
    assert world.states() == {"A": S.FILED}
    shown = {"node": "1010", "item": "A", "kind": "requisition", "document": "10000001"}
    row = dict.fromkeys(PIPELINE) | shown | {"line": "10", "tracking": world.lines()["A"].key}
    visible = pl.DataFrame([row], schema=PIPELINE, orient="row")
    assert world.outbox.confirm(SITE, visible).confirmed == 1
    assert world.outbox.confirm(SITE, visible).notes == ()
