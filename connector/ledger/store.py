"""One SQLite file, one writer connection, full durability or no service.

Everything SQLite can say about its own trouble leaves here as LedgerUnavailable, and a transaction
that did not commit never happened.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any

import apsw

from connector.errors import LedgerUnavailable
from connector.ledger.filesystem import filesystem_of, free_octets, require_local
from connector.ledger.moments import stamp

Row = tuple[Any, ...]
Values = Sequence[Any] | Mapping[str, Any]  # for ? and for :name

APPLICATION_ID = 0x52504C44  # "RPLD": how we know our own file
SQLITE_AT_LEAST = (3, 51, 3)  # older ones can lose a WAL reset under two connections
MIGRATIONS = ("schema.sql",)  # in order; the position is the version
_BUSY_MILLISECONDS = 5_000
_FULL = 2  # PRAGMA synchronous answers in numbers

_HINTS: tuple[tuple[type[apsw.Error], str, str], ...] = (
    (apsw.FullError, "the disk is full", "free space; nothing was half-written"),
    (apsw.IOError, "the disk failed", "check the disk and its cables, then the system log"),
    (apsw.BusyError, "another process is writing", "stop the second writer"),
    (apsw.LockedError, "another process is writing", "stop the second writer"),
    (apsw.CorruptError, "the file is damaged", "restore the last good backup"),
    (apsw.NotADBError, "the file is not a ledger", "point state_dir at its own directory"),
    (apsw.ReadOnlyError, "the file may not be written", "check owner and mode of state_dir"),
    (apsw.PermissionsError, "the file may not be opened", "check owner and mode of state_dir"),
    (apsw.CantOpenError, "the file cannot be opened", "check that state_dir exists and its owner"),
    (apsw.ConstraintError, "a rule of the ledger was broken", "this is a defect; report it"),
)


def unavailable(error: apsw.Error, path: str) -> LedgerUnavailable:
    """Say SQLite's trouble in the operator's words."""
    for kind, what, hint in _HINTS:
        if isinstance(error, kind):
            return LedgerUnavailable(f"{path}: {what}: {error}", hint=hint)
    hint = "nothing is posted until the ledger answers again"
    return LedgerUnavailable(f"{path}: {type(error).__name__}: {error}", hint=hint)


class Write:
    """An open transaction. Only `Store.write` makes one."""

    def __init__(self, connection: apsw.Connection) -> None:
        """Write through a connection that is inside BEGIN IMMEDIATE."""
        self._connection = connection

    def run(self, sql: str, values: Values = ()) -> int:
        """Run one statement and return how many rows it changed."""
        self._connection.execute(sql, values)
        return self._connection.changes()

    def many(self, sql: str, rows: Iterable[Values]) -> None:
        """Run one statement per row."""
        self._connection.executemany(sql, rows)

    def rows(self, sql: str, values: Values = ()) -> list[Row]:
        """Return every row of a query, as this transaction sees them."""
        return list(self._connection.execute(sql, values))


class Store:
    """The file, its one connection, and the lock that makes it one writer."""

    def __init__(self, connection: apsw.Connection, path: str) -> None:
        """Own a connection; `open` and its kin make one that is fit for service."""
        self._connection = connection
        self._lock = threading.RLock()
        self._writing = False
        self._passes: dict[str, threading.Lock] = {}
        self.path = path

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        now: datetime,
        durable: bool = False,
        vfs: str = "",
        filesystem: Callable[[Path], str] = filesystem_of,
        migrations: Sequence[str] = MIGRATIONS,
    ) -> Store:
        """Open for writing, create what is missing, prove durability; `durable` = for live sites.

        Raises LedgerUnavailable for a network file system, a foreign, newer or damaged file.
        """
        require_library(apsw.sqlite_lib_version())
        if not path.parent.is_dir():
            msg = f"{path.parent} is not a directory"
            raise LedgerUnavailable(msg, hint="create state_dir for the service's own user")
        require_local(path.parent, filesystem(path.parent), durable=durable)
        with _translated(path):
            store = cls(apsw.Connection(str(path), vfs=vfs or None), str(path))
            try:
                store._prepare(journal_mode="wal", migrations=migrations, now=now)
            except BaseException:
                store.close()
                raise
        _settle_directory(path.parent)
        return store

    @classmethod
    def open_reader(cls, path: Path) -> Store:
        """Open for reading beside the running daemon; every write is refused by SQLite itself."""
        require_library(apsw.sqlite_lib_version())
        with _translated(path):
            connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
            connection.set_busy_timeout(_BUSY_MILLISECONDS)
            store = cls(connection, str(path))
            store._require_ours(len(MIGRATIONS))
        return store

    @classmethod
    def in_memory(cls, now: datetime) -> Store:
        """Return a ledger that forgets: for tests and rehearsals, never beside an ERP."""
        store = cls(apsw.Connection(":memory:"), ":memory:")
        store._prepare(journal_mode="memory", migrations=MIGRATIONS, now=now)
        return store

    @property
    def connection(self) -> apsw.Connection:
        """Return the connection, for hooks of test harnesses and for backups."""
        return self._connection

    def pass_lock(self, site: str) -> threading.Lock:
        """Return the lock of a site's outbox: one pass at a time, whoever dispatches."""
        with self._lock:
            return self._passes.setdefault(site, threading.Lock())

    def close(self) -> None:
        """Close the file."""
        with self._lock, suppress(apsw.Error):
            self._connection.close()

    @contextmanager
    def write(self) -> Iterator[Write]:
        """Open BEGIN IMMEDIATE, commit at the end, roll back on anything else."""
        with self._lock:
            if self._writing:
                msg = "a ledger transaction was opened inside another"
                raise RuntimeError(msg)
            self._writing = True
            try:
                with _translated(self.path):
                    self._connection.execute("BEGIN IMMEDIATE")
                    yield Write(self._connection)
                    self._connection.execute("COMMIT")
            except BaseException:
                self._roll_back()
                raise
            finally:
                self._writing = False

    def rows(self, sql: str, values: Values = ()) -> list[Row]:
        """Return every row of a query over committed state."""
        with self._lock, _translated(self.path):
            return list(self._connection.execute(sql, values))

    def snapshot_to(self, target: Path) -> None:
        """Write a consistent copy, the only safe way to copy a ledger in use (VACUUM INTO)."""
        with self._lock, _translated(self.path):
            self._connection.execute("VACUUM INTO ?", (str(target),))

    def integrity(self) -> tuple[str, ...]:
        """Return what SQLite's full integrity check found; empty = sound."""
        found = [str(row[0]) for row in self.rows("PRAGMA integrity_check(20)")]
        broken = [str(row) for row in self.rows("PRAGMA foreign_key_check")]
        return tuple(line for line in (*found, *broken) if line != "ok")

    def free_octets(self) -> int | None:
        """Return the space left beside the file, None for a ledger in memory."""
        return None if self.path == ":memory:" else free_octets(Path(self.path).parent)

    def _roll_back(self) -> None:
        with suppress(apsw.Error):
            if not self._connection.get_autocommit():
                self._connection.execute("ROLLBACK")

    def _prepare(self, *, journal_mode: str, migrations: Sequence[str], now: datetime) -> None:
        self._connection.set_busy_timeout(_BUSY_MILLISECONDS)
        version = self._require_ours(len(migrations))
        self._require("journal_mode", journal_mode, journal_mode)
        self._require("synchronous", "FULL", _FULL)
        self._require("foreign_keys", "ON", 1)
        self._require("trusted_schema", "OFF", 0)
        if trouble := [row[0] for row in self.rows("PRAGMA quick_check(1)") if row[0] != "ok"]:
            msg = f"{self.path}: the file is damaged: {trouble[0]}"
            raise LedgerUnavailable(msg, hint="restore the last good backup")
        for number, name in list(enumerate(migrations, start=1))[version:]:
            self._migrate(number, name, now)

    def _require(self, pragma: str, wish: str, answer: str | int) -> None:
        """Set a pragma and read it back; SQLite ignores what it cannot do."""
        self._connection.execute(f"PRAGMA {pragma} = {wish}")
        got = self._connection.pragma(pragma)
        if got != answer:
            msg = f"{self.path}: {pragma} is {got!r}; {answer!r} is needed to survive a power loss"
            raise LedgerUnavailable(msg, hint="use a local disk that supports SQLite's WAL")

    def _require_ours(self, newest: int) -> int:
        """Return the schema version of our own file; refuse anybody else's and the future's."""
        version = int(self._connection.pragma("user_version"))
        application = int(self._connection.pragma("application_id"))
        used = self._connection.pragma("schema_version") or version or application
        if used and application != APPLICATION_ID:
            msg = f"{self.path} is a database of another program (id {application:#x})"
            raise LedgerUnavailable(msg, hint="point state_dir at its own directory")
        if version > newest:
            msg = f"{self.path} has schema {version}; this version reads up to {newest}"
            raise LedgerUnavailable(msg, hint="run the newer replenishd again, or restore a backup")
        return version

    def _migrate(self, number: int, name: str, now: datetime) -> None:
        sql = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
        digest = hashlib.sha256(sql.encode()).hexdigest()
        with self.write() as write:
            write.run(sql)
            write.run("INSERT INTO migration VALUES (?, ?, ?)", (number, stamp(now), digest))
            write.run(f"PRAGMA application_id = {APPLICATION_ID}")
            write.run(f"PRAGMA user_version = {number}")


def require_library(version: str) -> None:
    """Refuse an SQLite that is older than the fix of its WAL-reset defect."""
    if tuple(int(part) for part in version.split(".")) < SQLITE_AT_LEAST:
        needed = ".".join(map(str, SQLITE_AT_LEAST))
        msg = f"the SQLite library is {version}; at least {needed} is needed"
        raise LedgerUnavailable(msg, hint="install the project's own apsw wheel, which bundles one")


@contextmanager
def _translated(path: Path | str) -> Iterator[None]:
    try:
        yield
    except apsw.Error as error:
        raise unavailable(error, str(path)) from error


def _settle_directory(directory: Path) -> None:
    """Make a new file's name itself survive a power loss."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
