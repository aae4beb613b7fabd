"""Read-your-writes, and what a change of the mode leaves behind."""

from __future__ import annotations

from decimal import Decimal

import polars as pl
from ledger_worlds import QUICK, SITE, THREE, World, foreign, settle_time

from connector.inventory.snapshot import PIPELINE
from connector.ledger import queries
from connector.ledger.lines import State

S = State


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
