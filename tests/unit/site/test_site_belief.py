"""A reading that was not believed stays unbelieved, until it comes back or is accepted.

The hole this guards: if a review kept the raw reading, the next one would compare 0 with 0, find
nothing, and order against a stock that was never gone.
"""

from __future__ import annotations

from dataclasses import replace

import pytest
from site_desks import DAILY, ENOUGH, ITEM_NAMES, SITE, START, TEA

from connector.cycle import decide
from connector.errors import CommandRefused
from connector.ledger.control import Command, Mailbox
from connector.site.replay import redecide

NODE = [("1010", item) for item in ITEM_NAMES]


def reads_zero(house, days, places=(TEA,)):
    """Let days go by in which the ERP shows nothing at these places; yield each review."""
    for _ in range(days):
        house.sells()
        house.stock |= dict.fromkeys(places, 0.0)
        house.desk.tick()
        yield house.desk.notes.report


def filed(house):
    return {(line.node, line.item) for line in house.erp.filed}


def remembered(house):
    """Return what the next review will compare with, as stock by place."""
    memory = house.desk.ledger.remember(SITE, house.clock.wall.date())
    rows = memory.previous.select("node", "item", "on_hand").rows()
    return {(node, item): on_hand for node, item, on_hand in rows}


def test_a_stock_read_as_zero_is_held_in_the_first_and_every_following_review(house):
    house.desk.tick()
    for day, report in enumerate(reads_zero(house, 6), start=1):
        assert report.outcome == "held"
        assert house.said("B7") == {TEA}
        assert house.states() == {TEA: "held"}
        # What was known, less what will have been sold since
        assert remembered(house)[TEA] == ENOUGH - DAILY * day
        assert remembered(house)["1020", "TEA"] == house.stock["1020", "TEA"]
    assert TEA not in filed(house)


def test_raw_readings_would_have_ordered_in_the_second_review(house):
    """Show that the test above can fail: with what was read as the measure, B7 is silent."""
    house.desk.tick()
    first, second = (report.review for report in reads_zero(house, 2))
    evidence = house.desk.ledger.evidence
    as_it_was = redecide(evidence, SITE, second, house.wiring.trust)
    raw = evidence.read_whole(SITE, first)
    assert raw.filter(node="1010", item="TEA")["on_hand"].to_list() == [0.0]
    memory = replace(as_it_was.memory, previous=raw)
    naive = decide(
        as_it_was.rules, house.wiring.policy, as_it_was.snapshot, memory, as_it_was.now
    ).screened
    row = naive.lines.filter(node="1010", item="TEA").row(0, named=True)
    assert row["quantity"] > 0
    assert naive.findings.filter(guard="B7", item="TEA").height == 0
    held = as_it_was.screened.lines.filter(node="1010", item="TEA").row(0, named=True)
    assert (held["quantity"], held["held"]) == (0.0, row["quantity"])


def test_a_stock_that_comes_back_is_believed_at_once(house):
    house.desk.tick()
    list(reads_zero(house, 3))
    house.sells()
    house.stock[TEA] = ENOUGH - DAILY * 4
    house.desk.tick()
    assert house.said("B7") == set()
    assert house.outcomes()[-1] == "done"
    assert filed(house) == set()
    assert remembered(house)[TEA] == ENOUGH - DAILY * 4


def test_a_restart_changes_no_belief(house):
    house.desk.tick()
    list(reads_zero(house, 1))
    house.desk.close()
    house.desk = house.open()
    list(reads_zero(house, 1))
    assert house.said("B7") == {TEA}
    assert filed(house) == set()


def test_a_whole_node_read_as_zero_is_held_and_the_other_goes_on(house):
    house.stock |= {("1020", item): 40.0 for item in ITEM_NAMES}
    house.desk.tick()
    for _ in reads_zero(house, 3, NODE):
        assert {place for place, state in house.states().items() if state == "held"} == set()
        findings = house.desk.notes.report.screened.findings
        assert findings.filter(guard="B7", node="1010", item="").height == 1
    assert {node for node, _ in filed(house)} == {"1020"}
    # Nobody may let single lines of such a picture go
    assert all(state != "held" for state in house.states().values())


def test_what_a_person_accepts_is_compared_with_from_the_next_review_on(house):
    house.desk.tick()
    list(reads_zero(house, 2))
    mailbox = Mailbox(house.directory / "control")
    asked = Command(verb="accept", site=SITE, who="ada", why="it burnt", at=START)
    mailbox.send("accept-north-1", asked)
    house.desk.tick()
    answer = mailbox.wait("accept-north-1", clock=house.clock, seconds=1.0)
    newest = house.reviews()[-1].review_id
    assert answer.message == f"{newest}: later reviews compare with this picture"
    assert remembered(house)[TEA] == 0.0
    assert filed(house) == set()  # accepting orders nothing by itself
    list(reads_zero(house, 1))
    assert house.said("B7") == set()
    assert filed(house) == {TEA}
    assert house.desk.ledger.verify() == []


def test_without_a_daemon_the_same_is_accepted_at_the_office(house):
    house.desk.tick()
    list(reads_zero(house, 1, NODE))
    house.desk.close()
    office = house.office()
    with pytest.raises(CommandRefused, match="nobody is named"):
        office.accept(" ", "moved")
    assert "later reviews compare with this picture" in office.accept("ada", "it moved")
    house.desk = house.open()
    list(reads_zero(house, 1, NODE))
    findings = house.desk.notes.report.screened.findings
    assert findings.filter(guard="B7", item="").filter(action=6).height == 0
    assert {node for node, _ in filed(house)} == {"1010"}


def test_an_accepted_picture_is_not_a_licence_for_the_next_drop(house):
    house.desk.tick()
    list(reads_zero(house, 1))
    house.desk.execute(Command(verb="accept", site=SITE, who="ada", why="gone", at=START))
    list(reads_zero(house, 1, [TEA, ("1020", "SALT")]))
    assert house.said("B7") == {("1020", "SALT")}
    list(reads_zero(house, 1, [TEA, ("1020", "SALT")]))
    assert house.said("B7") == {("1020", "SALT")}


def test_a_held_line_can_be_approved_and_is_sent_as_it_was_held(house):
    house.desk.tick()
    list(reads_zero(house, 1))
    (line,) = (each for each in house.lines() if each.state == "held")
    assert line.reasons.startswith("B7: ")
    house.desk.execute(Command(verb="approve", site=SITE, who="ada", line=line.line_hash, at=START))
    house.clock.sleep(1.0)
    house.desk.tick()
    assert [(each.node, each.item, each.quantity) for each in house.erp.filed] == [
        (*TEA, line.quantity)
    ]


@pytest.mark.parametrize("restarts", [False, True])
def test_who_approves_a_line_is_not_asked_again_about_its_reading(house, restarts):
    house.desk.tick()
    places = [TEA, ("1020", "SALT")]
    list(reads_zero(house, 1, places))
    assert house.said("B7") == set(places)
    (line,) = (each for each in house.lines() if (each.node, each.item) == TEA)
    house.desk.execute(Command(verb="approve", site=SITE, who="ada", line=line.key, at=START))
    if restarts:
        house.desk.close()
        house.desk = house.open()
    assert remembered(house)[TEA] == 0.0
    assert remembered(house)["1020", "SALT"] == ENOUGH - DAILY
    (report,) = reads_zero(house, 1, places)
    assert house.said("B7") == {("1020", "SALT")}
    assert report.screened.lines.filter(node="1010", item="TEA")["held"].to_list() == [0.0]
    assert house.office().replay(report.review).matches


def test_a_held_line_that_nobody_approves_expires(house):
    house.desk.tick()
    list(reads_zero(house, 1))
    house.clock.sleep(house.wiring.hold_expiry.total_seconds() + 1)
    house.desk.tick()
    assert house.states() == {TEA: "lapsed"}
    assert filed(house) == set()
