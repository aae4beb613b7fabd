"""Files that appear whole or not at all, and survive a power loss once they did."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import orjson
import polars as pl

from connector.errors import CommandRefused, LedgerUnavailable

_SAFE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


def safe_name(name: str) -> str:
    """Return a name that stays inside its directory, or refuse it."""
    if not name or name.startswith(".") or not _SAFE.issuperset(name):
        msg = f"{name!r} cannot name a file"
        raise CommandRefused(msg, hint="letters, digits, '.', '_' and '-', not first a '.'")
    return name


def durable_write(path: Path, octets: bytes) -> None:
    """Write a new file and wait until the disk has it; raise OSError."""
    with path.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())


def replace_durably(path: Path, octets: bytes) -> None:
    """Replace a file: a reader sees the old one or the new one; raise OSError."""
    beside = path.with_name(f".{path.name}.new")
    durable_write(beside, octets)
    beside.replace(path)
    sync_directory(path.parent)


def sync_directory(directory: Path) -> None:
    """Make the names in a directory survive a power loss; raise OSError."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_frame(path: Path, frame: pl.DataFrame) -> None:
    """Write a frame as Parquet and wait until the disk has it; raise OSError."""
    # Level 1: a review waits for this; higher levels save little on such columns.
    frame.write_parquet(path, compression="zstd", compression_level=1, statistics=False)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_frame(path: Path) -> pl.DataFrame:
    """Return a frame written by `write_frame`; raise LedgerUnavailable."""
    try:
        return pl.read_parquet(path, glob=False)
    except (OSError, pl.exceptions.PolarsError) as error:
        msg = f"{path}: the evidence cannot be read: {error}"
        raise LedgerUnavailable(msg, hint="it was pruned, edited or damaged") from error


def read_octets(path: Path) -> bytes:
    """Return a file's bytes; raise LedgerUnavailable."""
    try:
        return path.read_bytes()
    except OSError as error:
        msg = f"{path}: the evidence cannot be read: {error}"
        raise LedgerUnavailable(msg, hint="it was pruned, or the disk failed") from error


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file; raise LedgerUnavailable."""
    return hashlib.sha256(read_octets(path)).hexdigest()


def json_octets(value: object) -> bytes:
    """Return canonical JSON."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY)
