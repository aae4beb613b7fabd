from __future__ import annotations

import random

import pytest
from sandbox_worlds import world

from connector.errors import ConfigError, LedgerUnavailable
from connector.sandbox.faults import BEFORE, PHASES, WRITE, Occasion, Switchboard
from connector.sandbox.filing import NewLine
from connector.sandbox.journal import Journal
from connector.sandbox.judge import Judged

ASKED = Occasion(service="S", entity="E", method="POST")


def judged(key, **said):
    line = NewLine(line=10, cell=1, quantity=12.345, due=740_000, group="001", tracking=key, **said)
    return Judged(
        lines=[line], document_type="NB", description="d", only_validate=False, warnings=()
    )


def test_a_journal_is_lived_through_again(tmp_path):
    file = tmp_path / "state.jsonl"
    first = Journal(world(), file)
    chance = random.Random(5)  # noqa: S311
    for n in range(40):
        deed = chance.choice(["file", "file", "lose", "advance", "plan", "delete"])
        if deed == "file":
            first.file(judged(f"K{n % 7}"), by="A")
        elif deed == "lose":
            first.lose()
        elif deed == "advance":
            first.advance()
        elif deed == "plan":
            first.switch_planning("1010", on=chance.random() < 0.5)
        elif first.filed:
            first.delete(chance.choice(first.filed)["number"], 10)
    first.close()
    again = Journal(world(), file)
    again.close()
    assert again.ledger() == first.ledger()
    assert again.world.chronicle.days == first.world.chronicle.days
    assert again.world.on_hand.tolist() == first.world.on_hand.tolist()
    assert again.ledger()["duplicates"]
    assert again.ledger()["lines"][0]["quantity"] == 12.345


def test_a_torn_last_line_is_cut_off_and_writing_goes_on(tmp_path):
    file = tmp_path / "state.jsonl"
    first = Journal(world(), file)
    first.file(judged("A"), by="A")
    first.close()
    whole = file.read_bytes()
    file.write_bytes(whole + b'{"event":"filed","numb')
    second = Journal(world(), file)
    second.file(judged("B"), by="A")
    second.close()
    assert file.read_bytes().startswith(whole)
    third = Journal(world(), file)
    third.close()
    assert [each["key"] for each in third.filed] == ["A", "B"]


def test_a_journal_of_another_world_is_refused(tmp_path):
    file = tmp_path / "state.jsonl"
    Journal(world(), file).close()
    with pytest.raises(LedgerUnavailable, match="another world"):
        Journal(world(seed=99), file)


def test_a_journal_that_gives_another_number_is_refused(tmp_path):
    file = tmp_path / "state.jsonl"
    first = Journal(world(), file)
    first.file(judged("A"), by="A")
    first.close()
    number = str(first.filed[0]["number"]).encode()
    file.write_bytes(file.read_bytes().replace(number, b"77"))
    with pytest.raises(LedgerUnavailable, match="77"):
        Journal(world(), file)


def test_without_a_file_everything_is_forgotten():
    journal = Journal(world(), None)
    journal.file(judged("A"), by="A")
    journal.close()
    assert journal.ledger()["documents"] == 1
    assert journal.delete(999, 10) is False
    assert journal.switch_planning("7777", on=True) is False


def test_faults_count_wait_and_match():
    board = Switchboard(1)
    board.plant({"kind": "status", "count": 2, "after": 1, "entity": "E"})
    board.plant({"kind": "reset", "match": {"method": "GET"}})
    board.plant({"kind": "lost_answer"})
    fired = [len(board.fire(BEFORE, ASKED)) for _ in range(5)]
    assert fired == [0, 1, 1, 0, 0]
    assert [fault.kind for fault in board.fire(WRITE, ASKED)] == ["lost_answer"]
    assert [each["kind"] for each in board.log] == ["status", "status", "lost_answer"]


def test_chances_are_seeded():
    def drawn(seed):
        board = Switchboard(seed)
        board.plant({"kind": "status", "probability": 0.3})
        return [len(board.fire(BEFORE, ASKED)) for _ in range(300)]

    assert drawn(4) == drawn(4)
    assert drawn(4) != drawn(5)
    assert 60 < sum(drawn(4)) < 120


@pytest.mark.parametrize("kind", PHASES)
def test_every_fault_fires_in_its_own_phase_only(kind):
    board = Switchboard(1)
    board.plant({"kind": kind, "property": "P", "plant": "1"})
    fired = [phase for phase in (*set(PHASES.values()),) if board.fire(phase, ASKED)]
    assert fired == [PHASES[kind]]


@pytest.mark.parametrize("spec", [{}, {"kind": "flood"}, {"kind": "reset", "match": {"x": "y"}}])
def test_an_unknown_fault_is_refused(spec):
    with pytest.raises(ConfigError, match="fault"):
        Switchboard(1).plant(spec)
