"""What moved, between reviews: columns in parts of one creation week each, kept once by content.

A review re-reads only the newest days, so most weeks are the same as in the review before. Each
part is written once and shared by the history and by the evidence of every review that saw it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path

import msgspec
import polars as pl

from connector.errors import LedgerUnavailable
from connector.inventory.snapshot import CONSUMPTION, ORDERS, RECEIPTS, History
from connector.ledger.files import read_frame, replace_durably, sha256_of, write_frame

_KINDS = {"consumption": CONSUMPTION, "receipts": RECEIPTS, "orders": ORDERS}
_INDEX = "history.json"
_SEED = 1  # fixed: the same rows have the same name in every process


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file of consecutive rows; a history is its parts in order."""

    kind: str
    name: str
    sha256: str
    rows: int


class _Index(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    since: date | None
    watermark: date | None
    parts: tuple[Part, ...]


class HistoryStore:
    """One directory of parts and the index of the newest history."""

    def __init__(self, directory: Path) -> None:
        """Keep parts in `directory`, made with the first of them."""
        self.directory = directory

    def save(self, history: History) -> tuple[Part, ...]:
        """Make this the newest history, durably; return its parts. Raises OSError."""
        self.directory.mkdir(parents=True, exist_ok=True)
        known = {part.name: part for part in self._index().parts}
        parts = tuple(
            self._keep(kind, rows, known)
            for kind in _KINDS
            for rows in _weeks(getattr(history, kind))
        )
        index = _Index(since=history.since, watermark=history.watermark, parts=parts)
        replace_durably(self.directory / _INDEX, msgspec.json.encode(index))
        return parts

    def newest(self) -> History:
        """Return the newest history, an empty one before the first; raise LedgerUnavailable."""
        index = self._index()
        return self.load(index.parts, index.since, index.watermark)

    def load(self, parts: Sequence[Part], since: date | None, watermark: date | None) -> History:
        """Return a history from its parts, rows in the order they were saved in."""
        frames = {}
        for kind, schema in _KINDS.items():
            files = [read_frame(self.directory / part.name) for part in parts if part.kind == kind]
            frames[kind] = pl.concat([schema.to_frame(), *files])
        return History(since=since, watermark=watermark, **frames)

    def faults(self, parts: Iterable[Part]) -> tuple[str, ...]:
        """Return which parts are not as they were written."""
        altered = (
            part.name for part in parts if sha256_of(self.directory / part.name) != part.sha256
        )
        return tuple(f"history/{name} was altered" for name in altered)

    def prune(self, referred: set[str]) -> int:
        """Remove parts that neither the newest history nor `referred` names; return octets."""
        used = referred | {part.name for part in self._index().parts}
        freed = 0
        for path in self.directory.glob("*.parquet"):
            if path.name not in used:
                freed += path.stat().st_size
                path.unlink()
        return freed

    def _keep(self, kind: str, rows: pl.DataFrame, known: dict[str, Part]) -> Part:
        name = f"{kind}-{_content(rows)}.parquet"
        path = self.directory / name
        if name in known and path.exists():
            return known[name]
        if not path.exists():
            beside = path.with_suffix(".new")
            write_frame(beside, rows)
            beside.replace(path)
        return Part(kind=kind, name=name, sha256=sha256_of(path), rows=rows.height)

    def _index(self) -> _Index:
        path = self.directory / _INDEX
        try:
            return msgspec.json.decode(path.read_bytes(), type=_Index)
        except FileNotFoundError:
            return _Index(since=None, watermark=None, parts=())
        except (OSError, msgspec.MsgspecError) as error:
            msg = f"{path}: the history cannot be read: {error}"
            hint = "remove the history directory; the next pull reads the whole window again"
            raise LedgerUnavailable(msg, hint=hint) from error


def _weeks(frame: pl.DataFrame) -> list[pl.DataFrame]:
    """Return a frame in pieces that keep its order: by creation week where it is sorted by day."""
    if frame.is_empty():
        return []
    if "created_on" not in frame.columns or not frame["created_on"].is_sorted():
        return [frame]
    starts = frame.select(pl.col("created_on").dt.truncate("1w").rle().struct.field("len"))
    pieces, at = [], 0
    for length in starts.to_series().to_list():
        pieces.append(frame.slice(at, length))
        at += length
    return pieces


def _content(rows: pl.DataFrame) -> str:
    """Name rows by what they hold; the file's own sha256 guards it against edits."""
    hashed = rows.hash_rows(_SEED).to_numpy().tobytes()
    return hashlib.sha256(hashed).hexdigest()[:24]
