"""Held lines and the people who decide about them."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from ledger_worlds import SITE, World, slot_on

from connector.errors import CommandRefused
from connector.ledger.lines import State

S = State


@pytest.fixture
def holding():
    world = World()
    world.review(0, [("1010", "A", "5")], [("1010", "B", "7.25"), ("1020", "C", "100")])
    return world


def approve(world, line, who="ada"):
    return world.ledger.approve(line, who=who, now=world.now())


def test_held_lines_are_shown_most_money_first_with_reason_and_deadline(holding):
    shown = holding.ledger.held(SITE)
    assert [(line.item, line.value, line.reasons) for line in shown] == [
        ("C", 200.0, "C4: 9 against 3"),
        ("B", 14.5, "C4: 9 against 3"),
    ]
    assert {line.expires_at for line in shown} == {"2026-11-24T06:00:00.000000Z"}
    assert all(len(line.line_hash) == 64 for line in shown)


@pytest.mark.parametrize("by", ["key", "line_hash"])
def test_an_approved_line_is_sent_exactly_as_it_was_held(holding, by):
    line = holding.lines()["B"]
    owed = approve(holding, getattr(line, by))
    assert (owed.state, owed.reason) == (S.OWED, "approved by ada")
    assert holding.drain().filed == 2
    sent = {each.key: each.quantity for post in holding.erp.posts for each in post.lines}
    assert sent[line.key] == Decimal("7.25")
    assert holding.states()["C"] == S.HELD
    holding.sound()


def test_an_approval_is_given_once(holding):
    key = holding.lines()["B"].key
    approve(holding, key)
    with pytest.raises(CommandRefused, match="is owed, not held"):
        approve(holding, key)
    holding.drain()
    with pytest.raises(CommandRefused, match="is filed, not held"):
        approve(holding, key)


@pytest.mark.parametrize("line", ["AAAAAAAAAA", "f" * 64, "", "A", "%"])
def test_a_line_nobody_holds_cannot_be_approved(holding, line):
    with pytest.raises(CommandRefused, match="there is no line"):
        approve(holding, line)


def test_nobody_cannot_approve(holding):
    with pytest.raises(CommandRefused, match="nobody is named"):
        approve(holding, holding.lines()["B"].key, who="  ")


def test_an_approval_after_the_deadline_is_refused_and_the_line_lapses(holding):
    key = holding.lines()["B"].key
    holding.clock.advance(timedelta(days=1).total_seconds() - 1)
    approve(holding, holding.lines()["C"].key)  # one second before it
    holding.clock.advance(1)
    with pytest.raises(CommandRefused, match="expired at 2026-11-24 06:00:00 UTC"):
        approve(holding, key)
    assert holding.drain().facts == {"expired": 1}
    assert holding.lines()["B"].reason == "expired unapproved"
    holding.sound()


def test_a_later_review_ends_every_earlier_approval(holding):
    key = holding.lines()["B"].key
    holding.review(1)
    with pytest.raises(CommandRefused, match="is lapsed, not held"):
        approve(holding, key)


def test_a_held_line_of_an_older_review_is_refused_even_if_it_still_stands(holding):
    held = holding.lines()["B"]
    holding.review(1, held_until=slot_on(5).starts_at)
    # As after a defect that left it standing:
    holding.ledger.store.connection.execute(
        "UPDATE line SET state = 'held', expires_at = '2099' WHERE key = ?", (held.key,)
    )
    with pytest.raises(CommandRefused, match="a later one decided afresh"):
        approve(holding, held.key)


def test_nothing_is_approved_while_the_next_review_decides(holding):
    holding.clock.advance(3600)
    holding.ledger.open_review(slot_on(1), mode="live", now=holding.now())
    with pytest.raises(CommandRefused, match="is being decided right now"):
        approve(holding, holding.lines()["B"].key)


def test_nothing_is_approved_while_the_site_is_stopped(holding):
    holding.ledger.brake.halt(site=SITE, who="bob", why="audit", now=holding.now())
    with pytest.raises(CommandRefused, match="the site is stopped: halted by bob"):
        approve(holding, holding.lines()["B"].key)
    assert holding.states()["B"] == S.HELD


@pytest.mark.parametrize(
    "edit", ["quantity = '700'", "node = '1060'", "due = '2027-01-01'", "line_hash = 'x'"]
)
def test_a_line_that_is_not_the_one_shown_cannot_be_approved(holding, edit):
    connection = holding.ledger.store.connection
    connection.execute("DROP TRIGGER line_payload_is_not_edited")
    key = holding.lines()["B"].key
    connection.execute(f"UPDATE line SET {edit} WHERE key = ?", (key,))  # noqa: S608
    with pytest.raises(CommandRefused, match="is not the line that was held"):
        approve(holding, key)


@pytest.mark.parametrize("edit", ["snapshot_digest = 'x'", "policy_digest = 'x'"])
def test_an_approval_is_bound_to_the_picture_and_the_policy(holding, edit):
    holding.ledger.store.connection.execute(f"UPDATE review SET {edit}")  # noqa: S608
    with pytest.raises(CommandRefused, match="is not the line that was held"):
        approve(holding, holding.lines()["B"].key)


def test_a_refused_line_is_never_sent(holding):
    key = holding.lines()["C"].key
    refused = holding.ledger.refuse(key, who="ada", why="phased out", now=holding.now())
    assert (refused.state, refused.reason) == (S.WITHDRAWN, "refused by ada: phased out")
    assert holding.drain().filed == 1
    with pytest.raises(CommandRefused, match="is withdrawn, not held"):
        approve(holding, key)
    assert (
        holding.ledger.refuse(holding.lines()["B"].key, who="ada", why="", now=holding.now()).reason
        == "refused by ada"
    )
    with pytest.raises(CommandRefused, match="nobody is named"):
        holding.ledger.refuse(key, who="", why="", now=holding.now())
    holding.sound()


def test_an_approval_in_shadow_is_only_recorded():
    world = World(mode="shadow")
    world.review(0, [], [("1010", "B", "7")])
    approve(world, world.lines()["B"].key)
    assert world.drain().recorded == 1
    assert world.erp.stored == []


def test_only_alarms_are_written_off(holding):
    by = {"who": "ada", "why": "x", "now": holding.now()}
    with pytest.raises(CommandRefused, match="is held; only missing and conflict"):
        holding.ledger.write_off(holding.lines()["B"].key, **by)
    with pytest.raises(CommandRefused, match="there is no line"):
        holding.ledger.write_off("AAAAAAAAAA", **by)
    holding.drain()
    holding.erp.stored.clear()
    holding.clock.advance(10_000)
    holding.outbox.confirm(SITE)
    key = holding.lines()["A"].key
    with pytest.raises(CommandRefused, match="is missing; only a conflict can be adopted"):
        holding.ledger.adopt(key, "1", "1", who="ada", now=holding.now())
    assert holding.ledger.write_off(key, **by).state == S.WITHDRAWN
