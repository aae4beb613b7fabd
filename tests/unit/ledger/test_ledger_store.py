from __future__ import annotations

import sqlite3
from pathlib import Path

import apsw
import pytest
from ledger_disks import BrokenDisk
from ledger_fakes import START
from ledger_worlds import World

from connector.errors import LedgerUnavailable
from connector.ledger.filesystem import filesystem_of, require_local
from connector.ledger.store import Store, require_library, unavailable


@pytest.fixture
def disk():
    disk = BrokenDisk()
    yield disk
    disk.unregister()


def test_a_new_ledger_is_durable_and_says_so(tmp_path):
    store = Store.open(tmp_path / "l.sqlite", now=START)
    pragmas = ("journal_mode", "synchronous", "foreign_keys", "trusted_schema", "user_version")
    assert [store.connection.pragma(name) for name in pragmas] == ["wal", 2, 1, 0, 1]
    assert store.rows("SELECT version, applied_at FROM migration") == [
        (1, "2026-11-23T06:00:00.000000Z")
    ]
    assert store.integrity() == ()


def test_opening_again_keeps_what_was_committed(tmp_path):
    with (store := Store.open(tmp_path / "l.sqlite", now=START)).write() as write:
        write.run("INSERT INTO beat VALUES (1, 'kept')")
    store.close()
    again = Store.open(tmp_path / "l.sqlite", now=START)
    assert again.rows("SELECT at FROM beat") == [("kept",)]
    assert len(again.rows("SELECT * FROM migration")) == 1


def test_every_table_is_strict():
    store = Store.in_memory(START)
    loose = "SELECT name FROM pragma_table_list WHERE type = 'table' AND schema = 'main'"
    assert store.rows(f"{loose} AND strict = 0 AND name NOT LIKE 'sqlite_%'") == []


def test_a_transaction_that_fails_leaves_nothing(tmp_path):
    store = Store.open(tmp_path / "l.sqlite", now=START)

    def fail_half_way() -> None:
        with store.write() as write:
            write.run("INSERT INTO beat VALUES (1, 'lost')")
            _ = 1 / 0

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert store.rows("SELECT * FROM beat") == []
    with store.write() as write:
        write.run("INSERT INTO beat VALUES (1, 'next')")


def test_a_transaction_inside_another_is_a_defect():
    store = Store.in_memory(START)
    with pytest.raises(RuntimeError, match="inside another"), store.write(), store.write():
        pass


@pytest.mark.parametrize(
    ("error", "words"),
    [(apsw.FullError("no space"), "the disk is full"), (apsw.IOError("gone"), "the disk failed")],
)
def test_a_failing_disk_is_ledger_unavailable_and_loses_nothing(tmp_path, disk, error, words):
    store = Store.open(tmp_path / "l.sqlite", now=START, vfs="broken-disk")
    with store.write() as write:
        write.run("INSERT INTO beat VALUES (1, 'acknowledged')")
    disk.error = error
    with pytest.raises(LedgerUnavailable, match=words), store.write() as write:
        write.run("UPDATE beat SET at = 'half-written'")
    disk.error = None
    assert store.rows("SELECT at FROM beat") == [("acknowledged",)]
    store.close()
    again = Store.open(tmp_path / "l.sqlite", now=START)
    assert again.rows("SELECT at FROM beat") == [("acknowledged",)]
    assert again.integrity() == ()


def test_a_disk_that_really_has_no_page_left_is_ledger_unavailable(tmp_path):
    store = Store.open(tmp_path / "l.sqlite", now=START)
    store.connection.pragma("max_page_count", store.connection.pragma("page_count"))

    def fill() -> None:
        with store.write() as write:
            for number in range(10_000):
                write.run(
                    "INSERT INTO halt (site, at, who, why) VALUES (?, '', '', '')", ("x" * number,)
                )

    with pytest.raises(LedgerUnavailable, match="the disk is full"):
        fill()
    assert store.rows("SELECT * FROM halt") == []
    assert store.integrity() == ()


def test_a_second_writer_is_refused_not_waited_for_ever(tmp_path):
    path = tmp_path / "l.sqlite"
    store, other = Store.open(path, now=START), Store.open(path, now=START)
    other.connection.set_busy_timeout(10)
    refused = pytest.raises(LedgerUnavailable, match="another process is writing")
    with store.write(), refused, other.write():
        pass


def test_a_foreign_database_is_refused_and_untouched(tmp_path):
    path = tmp_path / "l.sqlite"
    with sqlite3.connect(path) as foreign:
        foreign.execute("CREATE TABLE theirs (a)")
    foreign.close()
    before = path.read_bytes()
    with pytest.raises(LedgerUnavailable, match="another program"):
        Store.open(path, now=START)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(tmp_path):
    path = tmp_path / "l.sqlite"
    path.write_bytes(b"these are not the pages you are looking for" * 100)
    with pytest.raises(LedgerUnavailable, match="not a ledger"):
        Store.open(path, now=START)


def test_a_damaged_ledger_is_refused(tmp_path):
    path = tmp_path / "l.sqlite"
    store = Store.open(path, now=START)
    with store.write() as write:
        for number in range(500):
            write.run(
                "INSERT INTO halt (site, at, who, why) VALUES (?, 'at', 'who', 'why')",
                (f"site {number}" * 20,),
            )
    store.close()
    octets = bytearray(path.read_bytes())
    for page in range(8, len(octets) // 4096):
        octets[page * 4096 : page * 4096 + 64] = b"\xff" * 64
    path.write_bytes(octets)
    with pytest.raises(LedgerUnavailable, match="damaged"):
        Store.open(path, now=START)


def test_a_ledger_of_a_newer_version_is_refused(tmp_path):
    store = Store.open(tmp_path / "l.sqlite", now=START)
    store.connection.pragma("user_version", 2)
    store.close()
    with pytest.raises(LedgerUnavailable, match="schema 2; this version reads up to 1"):
        Store.open(tmp_path / "l.sqlite", now=START)


def test_an_older_ledger_is_brought_forward_once(tmp_path):
    Store.open(tmp_path / "l.sqlite", now=START).close()
    steps = ("schema.sql", "../../tests/unit/ledger/second.sql")
    package = Path(__file__).parents[3] / "connector" / "ledger"
    assert (package / steps[1]).resolve() == Path(__file__).parent / "second.sql"
    for _ in range(2):
        store = Store.open(tmp_path / "l.sqlite", now=START, migrations=steps)
        assert store.rows("SELECT version FROM migration ORDER BY version") == [(1,), (2,)]
        assert store.rows("SELECT * FROM second") == []
        store.close()


def test_a_reader_sees_commits_and_cannot_write(tmp_path):
    store = Store.open(tmp_path / "l.sqlite", now=START)
    reader = Store.open_reader(tmp_path / "l.sqlite")
    with store.write() as write:
        write.run("INSERT INTO beat VALUES (1, 'seen')")
    assert reader.rows("SELECT at FROM beat") == [("seen",)]
    with pytest.raises(LedgerUnavailable, match="may not be written"), reader.write() as write:
        write.run("DELETE FROM beat")


def test_a_reader_of_nothing_is_told_so(tmp_path):
    with pytest.raises(LedgerUnavailable, match="cannot be opened"):
        Store.open_reader(tmp_path / "l.sqlite")


def test_a_missing_state_directory_is_named(tmp_path):
    with pytest.raises(LedgerUnavailable, match="not a directory"):
        Store.open(tmp_path / "nowhere" / "l.sqlite", now=START)


@pytest.mark.parametrize("filesystem", ["nfs", "cifs", "smb2", "9p", "ceph", "lustre"])
def test_a_network_file_system_is_refused(tmp_path, filesystem):
    with pytest.raises(LedgerUnavailable, match=f"lies on {filesystem}"):
        Store.open(tmp_path / "l.sqlite", now=START, filesystem=lambda _: filesystem)
    assert not (tmp_path / "l.sqlite").exists()


@pytest.mark.parametrize("filesystem", ["tmpfs", "overlay", "fuse"])
def test_a_file_system_that_forgets_is_refused_only_for_live_sites(tmp_path, filesystem):
    require_local(tmp_path, filesystem, durable=False)
    with pytest.raises(LedgerUnavailable, match="does not outlive"):
        require_local(tmp_path, filesystem, durable=True)
    require_local(tmp_path, "ext4", durable=True)


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no memory file system here")  # noqa: S108
def test_the_kernel_names_the_file_system():
    assert filesystem_of(Path("/dev/shm")) == "tmpfs"  # noqa: S108


def test_a_path_that_is_not_there_has_no_file_system(tmp_path):
    with pytest.raises(LedgerUnavailable, match="cannot tell"):
        filesystem_of(tmp_path / "nowhere")


@pytest.mark.parametrize("version", ["3.51.3", "3.51.10", "3.60.0", "4.0.0"])
def test_a_library_with_the_fix_is_taken(version):
    require_library(version)


@pytest.mark.parametrize("version", ["3.51.2", "3.40.1", "3.7.0"])
def test_a_library_without_the_fix_is_refused(version):
    with pytest.raises(LedgerUnavailable, match=f"is {version}; at least 3.51.3"):
        require_library(version)


def test_a_consistent_copy_can_be_made_while_in_use(state_dir, tmp_path):
    world = World(directory=state_dir)
    world.review(0, [("1010", "A", "5")])
    world.ledger.store.snapshot_to(tmp_path / "copy.sqlite")
    copy = Store.open_reader(tmp_path / "copy.sqlite")
    assert copy.rows("SELECT item FROM line") == [("A",)]
    assert copy.integrity() == ()


def test_health_proves_that_a_commit_works(state_dir):
    world = World(directory=state_dir)
    written = state_dir / "ledger.sqlite-wal"
    world.ledger.prove_writable(world.now())
    for _ in range(3):
        before = written.stat().st_size
        world.ledger.prove_writable(world.now())  # the clock stands still
        assert written.stat().st_size > before
    assert world.ledger.store.free_octets() > 0
    world.ledger.store.connection.pragma("query_only", 1)
    with pytest.raises(LedgerUnavailable):
        world.ledger.prove_writable(world.now())


def test_trouble_without_a_name_of_its_own_is_still_ledger_unavailable():
    said = unavailable(apsw.NoMemError("out of memory"), "l.sqlite")
    assert str(said).startswith("l.sqlite: NoMemError: out of memory")


def test_a_place_where_no_wal_can_be_kept_is_refused(tmp_path):
    with pytest.raises(LedgerUnavailable, match="journal_mode is 'memory'; 'wal' is needed"):
        Store.open(tmp_path / "l.sqlite", now=START, vfs="memdb")


def test_a_row_that_no_rule_would_let_in_is_damage(tmp_path):
    path = tmp_path / "l.sqlite"
    Store.open(path, now=START).close()
    strict, loose = "at TEXT NOT NULL\n) STRICT", "at TEXT\n) STRICT"
    for step in ((strict, loose), (loose, strict)):
        connection = apsw.Connection(str(path))
        connection.pragma("writable_schema", 1)
        connection.execute(
            "UPDATE sqlite_schema SET sql = replace(sql, ?, ?) WHERE name = 'beat'", step
        )
        connection.close()
        if step[1] == loose:
            connection = apsw.Connection(str(path))
            connection.execute("INSERT INTO beat VALUES (1, NULL)")
            connection.close()
    with pytest.raises(LedgerUnavailable, match=r"the file is damaged: NULL value in beat\.at"):
        Store.open(path, now=START)
