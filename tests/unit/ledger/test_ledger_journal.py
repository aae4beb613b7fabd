from __future__ import annotations

import random

import apsw
import pytest
from ledger_worlds import World

from connector.errors import LedgerUnavailable, ReviewSlotTaken
from connector.ledger import journal
from connector.ledger.anchor import is_behind, read_anchor, write_anchor
from connector.ledger.journal import Head, verify_chain
from connector.ledger.lines import State
from connector.ledger.store import Store


@pytest.fixture
def busy(world):
    world.review(0, [("1010", "A", "5"), ("1010", "B", "2")], [("1010", "C", "1")])
    world.drain()
    world.outbox.confirm("north")
    return world


def records(world):
    return [list(row) for row in journal.records(world.ledger.store)]


def test_an_untouched_ledger_verifies(busy):
    assert busy.ledger.verify([journal.head(busy.ledger.store)]) == []


def test_every_edit_of_every_record_is_found(busy):
    for number, record in enumerate(records(busy)):
        for column in range(1, 6):
            edited = records(busy)
            edited[number][column] = record[column] + "x"
            assert verify_chain(edited), (number, column)


def test_a_removed_record_is_found(busy):
    for number in range(len(records(busy)) - 1):
        cut = records(busy)
        del cut[number]
        assert any(fault.what == "deleted" for fault in verify_chain(cut))


def test_a_cut_off_end_is_found_by_an_anchor_only(busy):
    anchor = journal.head(busy.ledger.store)
    cut = records(busy)[:-1]
    assert verify_chain(cut) == []
    assert [fault.what for fault in verify_chain(cut, [anchor])] == ["truncated"]


def test_a_rewritten_journal_is_found_by_an_anchor_only(busy):
    anchor = journal.head(busy.ledger.store)
    rewritten, previous = records(busy), journal.GENESIS
    rewritten[1][2] = "another"
    for record in rewritten:
        record[5] = previous = journal.link(previous, tuple(record))
    assert verify_chain(rewritten) == []
    assert [fault.what for fault in verify_chain(rewritten, [anchor])] == ["rewritten"]


def test_random_tamperings_of_the_file_are_all_found(busy):
    connection = busy.ledger.store.connection
    for name in ("journal_is_not_edited", "line_payload_is_not_edited"):
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("PRAGMA foreign_keys = OFF")
    rng = random.Random(1)  # noqa: S311
    keys = [line.key for line in busy.all_lines()]
    last = journal.head(busy.ledger.store).seq
    edits = [
        lambda: ("UPDATE line SET quantity = '99' WHERE key = ?", rng.choice(keys)),
        lambda: ("UPDATE line SET state = 'owed' WHERE key = ?", rng.choice(keys)),
        lambda: ("UPDATE line SET line_hash = 'x' WHERE key = ?", rng.choice(keys)),
        lambda: ("UPDATE line SET key = 'AAAAAAAAAA' WHERE key = ?", rng.choice(keys)),
        lambda: ("UPDATE journal SET body = '{}' WHERE seq = ?", rng.randint(1, last)),
        lambda: ("UPDATE journal SET hash = 'x' WHERE seq = ?", rng.randint(1, last)),
    ]
    for number in range(200):
        connection.execute("BEGIN")
        sql, value = edits[number % len(edits)]()
        connection.execute(sql, (value,))
        assert connection.changes() == 1
        assert busy.ledger.verify() != [], (sql, value)
        connection.execute("ROLLBACK")
    assert busy.ledger.verify() == []


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE journal SET body = '{}'",
        "DELETE FROM journal",
        "DELETE FROM line",
        "UPDATE line SET quantity = '1'",
        "UPDATE line SET node = '1'",
    ],
)
def test_the_file_itself_refuses_edits_of_what_was_decided(busy, sql):
    refused = pytest.raises(LedgerUnavailable, match="a rule of the ledger was broken")
    with refused as caught, busy.ledger.store.write() as write:
        write.run(sql)
    assert isinstance(caught.value.__cause__, apsw.ConstraintError)


def test_the_head_is_anchored_outside_the_file(state_dir):
    world = World(directory=state_dir)
    world.review(0, [("1010", "A", "5")])
    assert read_anchor(state_dir / "ledger.anchor") == journal.head(world.ledger.store)
    world.drain()
    world.ledger.close()
    kept = read_anchor(state_dir / "ledger.anchor")
    world.restart()
    assert world.ledger.verify([kept]) == []


def test_a_damaged_anchor_stops_the_start(state_dir):
    World(directory=state_dir).ledger.close()
    (state_dir / "ledger.anchor").write_text("{}")
    with pytest.raises(LedgerUnavailable, match="anchor cannot be read"):
        World(directory=state_dir)


def test_an_anchor_that_cannot_be_written_is_ledger_unavailable(tmp_path):
    with pytest.raises(LedgerUnavailable, match="cannot be written"):
        write_anchor(tmp_path / "nowhere" / "a", Head(seq=1, hash="x"))


def test_a_lost_ledger_beside_its_anchor_is_not_silently_started_afresh(state_dir):
    World(directory=state_dir).ledger.close()
    for file in state_dir.glob("ledger.sqlite*"):
        file.unlink()
    with pytest.raises(LedgerUnavailable, match="was anchored"):
        World(directory=state_dir)


def test_a_restored_backup_is_refused_then_looked_up_before_anything_is_sent(state_dir, tmp_path):
    world = World(directory=state_dir)
    world.review(0, [("1010", "A", "5"), ("1010", "B", "1")])
    backup = tmp_path / "backup.sqlite"
    world.ledger.store.snapshot_to(backup)
    world.drain()  # both are filed after the backup was made
    world.review(1, [("1010", "A", "7")])
    world.drain()
    world.ledger.close()
    for file in state_dir.glob("ledger.sqlite*"):
        file.unlink()
    backup.rename(state_dir / "ledger.sqlite")
    with pytest.raises(LedgerUnavailable, match="restored backup"):
        world.restart()
    world._restored = True
    world.restart()
    assert world.states() == {"A": State.IN_DOUBT, "B": State.IN_DOUBT}
    with pytest.raises(ReviewSlotTaken, match="before this ledger was restored"):
        world.review(1, [("1010", "A", "7")])
    assert world.drain().filed == 2
    world.clock.advance(100_000)
    world.review(3, [("1010", "A", "1")])
    world.drain()
    assert set(world.erp.times_filed().values()) == {1}
    world.sound()


def test_records_are_read_in_pieces():
    store = Store.in_memory(World().now())
    with store.write() as write:
        for _ in range(1_200):
            journal.append(write, "test", "", _NOW, {})
    assert [row[0] for row in journal.records(store)] == list(range(1, 1_201))


_NOW = World().now()


def test_an_anchor_of_a_removed_record_does_not_make_the_end_look_cut(busy):
    anchor = Head(seq=2, hash="x")
    cut = [record for record in records(busy) if record[0] != 2]
    assert [fault.what for fault in verify_chain(cut, [anchor])] == ["deleted"]


def test_a_line_that_began_where_none_begins_is_found(busy):
    moved = {"lines": [["AAAAAAAAAA", "filed", "1", "live", "p", "l"]], "moves": []}
    with busy.ledger.store.write() as write:
        journal.append(write, "recorded", "north", _NOW, moved)
    details = [fault.detail for fault in busy.ledger.verify()]
    assert "line AAAAAAAAAA went from nothing to filed" in details
    assert "line AAAAAAAAAA is journaled and gone" in details


def test_an_anchor_that_cannot_be_read_stops_the_start(state_dir):
    (state_dir / "ledger.anchor").mkdir()
    with pytest.raises(LedgerUnavailable, match="anchor cannot be read"):
        World(directory=state_dir)


def test_a_ledger_is_never_behind_an_empty_anchor(world):
    assert not is_behind(world.ledger.store, Head(seq=0, hash=journal.GENESIS))
