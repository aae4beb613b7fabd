"""The mailbox: hostile files, lost processes, and what each command does."""

from __future__ import annotations

import os

import msgspec
import pytest
from ledger_fakes import FakeClock
from ledger_worlds import SITE, World

from connector.errors import CommandRefused, LedgerUnavailable
from connector.ledger.commands import execute
from connector.ledger.control import (
    ANSWERS_MAX,
    COMMANDS_MAX,
    OCTETS_MAX,
    Answer,
    Command,
    Mailbox,
)
from connector.ledger.lines import State


@pytest.fixture
def mailbox(tmp_path):
    box = Mailbox(tmp_path / "control")
    box.prepare()
    return box


def command(verb="halt", **fields):
    return Command(**{"verb": verb, "site": SITE, "who": "ada", "at": World().now()} | fields)


def answer(mailbox, name="20261123-0001"):
    return msgspec.json.decode((mailbox.outbox / f"{name}.json").read_bytes(), type=Answer)


def obey(_):
    return "so be it"


def test_a_command_is_carried_out_and_answered_once(mailbox):
    asked = []
    mailbox.send("20261123-0001", command(why="audit"))

    def carry_out(each):
        asked.append(each)
        return "done"

    assert mailbox.serve(carry_out) == 1
    assert mailbox.serve(carry_out) == 0
    assert asked == [command(why="audit")]
    assert mailbox.wait("20261123-0001", clock=FakeClock(), seconds=1) == Answer(
        done=True, message="done"
    )
    assert list(mailbox.outbox.iterdir()) == []


def test_the_sender_waits_and_is_told_when_nobody_answers(mailbox):
    clock = FakeClock()
    mailbox.send("20261123-0001", command())
    with pytest.raises(CommandRefused, match="no answer after 5 s"):
        mailbox.wait("20261123-0001", clock=clock, seconds=5)
    assert clock.elapsed == pytest.approx(1005, abs=0.2)


def test_a_refusal_is_an_answer_with_its_hint(mailbox):
    mailbox.send("20261123-0001", command())

    def refuse(_):
        raise CommandRefused("no", hint="ask again")

    mailbox.serve(refuse)
    assert answer(mailbox) == Answer(done=False, message="no", hint="ask again")


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"not json",
        b"[]",
        b'{"verb": "halt"}',
        b'{"verb": "drop", "site": "n", "who": "a", "at": "2026-11-23T06:00:00Z"}',
        b'{"verb": "halt", "site": "n", "who": "a", "at": "2026-11-23T06:00:00Z", "extra": 1}',
        b'{"verb": "halt", "site": 1, "who": "a", "at": "2026-11-23T06:00:00Z"}',
        b"\xff\xfe\x00",
        b"[" * 15_000,
    ],
)
def test_what_is_not_a_command_is_refused_and_removed(mailbox, octets):
    (mailbox.inbox / "20261123-0001.json").write_bytes(octets)
    assert mailbox.serve(obey) == 1
    assert answer(mailbox).message.startswith("not a command")
    assert list(mailbox.inbox.iterdir()) == []


def test_a_file_that_is_too_large_is_not_read(mailbox):
    (mailbox.inbox / "20261123-0001.json").write_bytes(b" " * (OCTETS_MAX + 1))
    mailbox.serve(obey)
    assert f"at most {OCTETS_MAX} are read" in answer(mailbox).message


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_only_regular_files_are_read(mailbox, tmp_path, kind):
    path = mailbox.inbox / "20261123-0001.json"
    if kind == "link":
        secret = tmp_path / "secret"
        secret.write_bytes(msgspec.json.encode(command()))
        path.symlink_to(secret)
    else:
        os.mkfifo(path)
    mailbox.serve(obey)
    assert answer(mailbox).message.startswith("the command cannot be read")
    assert list(mailbox.inbox.iterdir()) == []


def test_a_mailbox_that_cannot_be_answered_says_so(mailbox):
    mailbox.send("20261123-0001", command())
    mailbox.outbox.rmdir()
    with pytest.raises(LedgerUnavailable, match="cannot be answered"):
        mailbox.serve(obey)


def test_an_answer_that_is_none_is_not_believed(mailbox):
    (mailbox.outbox / "20261123-0001.json").write_bytes(b'{"done": "maybe"}')
    with pytest.raises(CommandRefused, match="the answer cannot be read"):
        mailbox.wait("20261123-0001", clock=FakeClock(), seconds=1)


def test_names_that_are_none_are_left_alone(mailbox):
    for name in (".20261123-0001.json.new", "short.json", "20261123_0001.json", "20261123-0001"):
        (mailbox.inbox / name).write_bytes(b"{}")
    (mailbox.inbox / "20261123-0001.json").mkdir()
    assert mailbox.serve(obey) == 0
    assert list(mailbox.outbox.iterdir()) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a/b-cdefgh", "short", "x" * 90])
def test_a_command_cannot_be_sent_elsewhere(mailbox, name):
    with pytest.raises(CommandRefused, match="cannot name a command"):
        mailbox.send(name, command())


def test_a_mailbox_that_cannot_be_written_is_refused(tmp_path):
    with pytest.raises(CommandRefused, match="cannot be left"):
        Mailbox(tmp_path / "nowhere").send("20261123-0001", command())


def test_one_pass_is_bounded_and_goes_by_name(mailbox):
    for number in reversed(range(COMMANDS_MAX + 3)):
        mailbox.send(f"20261123-{number:04}", command(why=str(number)))
    order = []

    def carry_out(each):
        order.append(int(each.why))
        return ""

    assert mailbox.serve(carry_out) == COMMANDS_MAX
    assert mailbox.serve(carry_out) == 3
    assert order == list(range(COMMANDS_MAX + 3))


def test_answers_nobody_came_for_are_forgotten(mailbox):
    for number in range(ANSWERS_MAX + 5):
        (mailbox.outbox / f"old-{number:06}.json").write_bytes(b"{}")
    mailbox.serve(obey)
    assert len(list(mailbox.outbox.iterdir())) == ANSWERS_MAX


def test_a_crash_between_deed_and_answer_does_the_deed_once(mailbox):
    world = World()
    world.review(0, [], [("1010", "A", "5")])
    mailbox.send("20261123-0001", command("approve", line=world.lines()["A"].key))
    waiting = (mailbox.inbox / "20261123-0001.json").read_bytes()
    mailbox.serve(lambda each: execute(world.ledger, each, world.now()))
    assert answer(mailbox).done
    (mailbox.inbox / "20261123-0001.json").write_bytes(waiting)
    world.restart()
    mailbox.serve(lambda each: execute(world.ledger, each, world.now()))
    assert answer(mailbox).message.endswith("is owed, not held")
    assert world.drain().filed == 1


def test_the_directories_are_the_services_own(mailbox):
    assert {path.stat().st_mode & 0o777 for path in (mailbox.inbox, mailbox.outbox)} == {0o700}


def test_each_command_does_what_it_says(world):
    def told(verb, **fields):
        return execute(world.ledger, command(verb, **fields), world.now())

    world.review(0, [("1010", "A", "5")], [("1010", "B", "1"), ("1010", "C", "2")])
    world.drain()
    lines = world.lines()
    assert told("approve", line=lines["B"].key) == (
        f"{lines['B'].key}: 1 EA of B at 1010 will be sent"
    )
    assert told("reject", line=lines["C"].key, why="no").endswith("will not be sent")
    assert told("halt", why="audit").startswith("north is halted")
    assert told("resume") == "north is released (1 halts lifted)"
    assert told("halt", site="", why="all").startswith("every site is halted")
    told("resume", site="")
    world.ledger.brake.trip(site=SITE, node="1010", why="D3", now=world.now())
    assert told("rearm", node="1010") == "north/1010 posts again"
    review = world.ledger.store.rows("SELECT review_id FROM review")[0][0]
    assert told("accept", why="moved") == f"{review}: later reviews compare with this picture"
    world.erp.stored[0].unit = "KG"
    world.outbox.confirm(SITE)
    assert told("adopt", line=lines["A"].key, number="7", number_line="10").endswith(
        "is 7/10 in the ERP"
    )
    world.outbox.confirm(SITE)
    assert told("write_off", line=lines["A"].key, why="not ours").endswith("is written off")
    assert world.states() == {"A": State.WITHDRAWN, "B": State.OWED, "C": State.WITHDRAWN}
    with pytest.raises(CommandRefused, match="is of site north, not of south"):
        told("approve", site="south", line=lines["B"].key)
    world.sound()
