"""The files a review is replayed from and judged by: every frame it saw and every line it decided.

A review's directory appears whole or not at all, before the ledger commits its digest. A manifest
lists the sha256 of every file; the digest of the manifest stands in the ledger and its journal.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import msgspec
import orjson
import polars as pl

from connector.errors import LedgerUnavailable
from connector.failsafes.verdicts import Screened
from connector.inventory.memory import Memory
from connector.inventory.recommendation import Recommendation
from connector.inventory.snapshot import Feed, Snapshot
from connector.inventory.state import State
from connector.ledger.files import (
    durable_write,
    json_octets,
    read_frame,
    read_octets,
    safe_name,
    sha256_of,
    sync_directory,
    write_frame,
)
from connector.ledger.history import HistoryStore, Part
from connector.ledger.verdicts import verdict_lines, whole_picture

_SNAPSHOT = ("items", "stock", "pipeline", "faults")
_MEMORY = ("own", "ordered", "previous", "vitals", "spent")
_MANIFEST = "manifest.json"


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    sha256: str
    octets: int


class _Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    review: str
    files: tuple[_File, ...]
    history: tuple[Part, ...]
    history_since: date | None
    history_watermark: date | None


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What was written, and the digests the ledger binds it with."""

    path: Path
    digest: str
    snapshot_digest: str
    octets: int


@dataclass(frozen=True, kw_only=True)
class Seen:
    """Everything one review saw and decided."""

    snapshot: Snapshot
    memory: Memory
    state: State
    recommendation: Recommendation
    screened: Screened
    previous: pl.DataFrame  # PREVIOUS: what the next review compares with
    context: Mapping[str, Any]  # now, limits, planning, network, policy digest, versions, ...


class EvidenceStore:
    """`<root>/<site>/<review>/` per review, `<root>/policies/<digest>/` per policy."""

    def __init__(self, root: Path) -> None:
        """Keep evidence below `root`."""
        self.root = root

    def directory(self, site: str, review: str) -> Path:
        """Return where a review's evidence stands."""
        return self.root / safe_name(site) / safe_name(review)

    def history(self, site: str) -> HistoryStore:
        """Return the site's store of what moved, shared by all its reviews."""
        return HistoryStore(self.root / safe_name(site) / "history")

    def write(self, site: str, review: str, seen: Seen) -> Evidence:
        """Write a review's evidence durably; one that was never recorded is replaced.

        Raises LedgerUnavailable when it cannot be written: then nothing may be recorded either.
        """
        target = self.directory(site, review)
        beside = target.with_name(f".{target.name}.new")
        try:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            parts = self.history(site).save(seen.snapshot.history)
            files = _store(beside, seen)
            manifest = msgspec.json.encode(
                _Manifest(
                    review=review,
                    files=tuple(files),
                    history=parts,
                    history_since=seen.snapshot.history.since,
                    history_watermark=seen.snapshot.history.watermark,
                )
            )
            durable_write(beside / _MANIFEST, manifest)
            sync_directory(beside)
            shutil.rmtree(target, ignore_errors=True)
            beside.rename(target)
            sync_directory(target.parent)
        except (OSError, pl.exceptions.PolarsError) as error:
            shutil.rmtree(beside, ignore_errors=True)
            msg = f"{target}: the evidence cannot be written: {error}"
            raise LedgerUnavailable(msg, hint="free space, check owner and mode") from error
        return Evidence(
            path=target,
            digest=hashlib.sha256(manifest).hexdigest(),
            snapshot_digest=_snapshot_digest(files, parts),
            octets=sum(file.octets for file in files),
        )

    def read_snapshot(self, site: str, review: str) -> Snapshot:
        """Return the snapshot a review decided from, bit for bit."""
        manifest = self._manifest(site, review)
        header = orjson.loads(self._octets(site, review, "snapshot.json"))
        frames = {name: self._frame(site, review, f"{name}.parquet") for name in _SNAPSHOT}
        history = self.history(site).load(
            manifest.history, manifest.history_since, manifest.history_watermark
        )
        return Snapshot(
            site=header["site"],
            taken_at=datetime.fromisoformat(header["taken_at"]),
            erp_date=date.fromisoformat(header["erp_date"]),
            history=history,
            feeds=tuple(msgspec.convert(each, Feed) for each in header["feeds"]),
            **frames,
        )

    def read_memory(self, site: str, review: str) -> Memory:
        """Return what a review remembered, bit for bit."""
        header = orjson.loads(self._octets(site, review, "snapshot.json"))
        frames = {name: self._frame(site, review, f"memory_{name}.parquet") for name in _MEMORY}
        return Memory(
            previous_on=_day(header["previous_on"]),
            posted_since=_day(header["posted_since"]),
            **frames,
        )

    def read_lines(self, site: str, review: str) -> pl.DataFrame:
        """Return the columns of a review: state, recommendation, verdict; one row per item-node."""
        return self._frame(site, review, "lines.parquet")

    def read_previous(self, site: str, review: str) -> pl.DataFrame:
        """Return PREVIOUS as a review left it for the next one: what was believed."""
        return self._frame(site, review, "previous.parquet")

    def read_whole(self, site: str, review: str) -> pl.DataFrame:
        """Return PREVIOUS as a review read it, believed or not."""
        return whole_picture(self.read_lines(site, review), self.read_previous(site, review))

    def read_findings(self, site: str, review: str) -> pl.DataFrame:
        """Return every finding of a review's fail-safes."""
        return self._frame(site, review, "findings.parquet")

    def read_context(self, site: str, review: str) -> dict[str, Any]:
        """Return what else a review depended on."""
        context: dict[str, Any] = orjson.loads(self._octets(site, review, "context.json"))
        return context

    def digest(self, site: str, review: str) -> str:
        """Return the digest of the evidence as it stands, to compare with the ledger's."""
        octets = read_octets(self.directory(site, review) / _MANIFEST)
        return hashlib.sha256(octets).hexdigest()

    def faults(self, site: str, review: str) -> tuple[str, ...]:
        """Return which files are not as they were written; empty = all are."""
        manifest = self._manifest(site, review)
        found = []
        for file in manifest.files:
            octets = read_octets(self.directory(site, review) / file.name)
            if hashlib.sha256(octets).hexdigest() != file.sha256:
                found.append(f"{review}/{file.name} was altered")
        return (*found, *self.history(site).faults(manifest.history))

    def keep_policy(self, digest: str, files: Mapping[str, bytes]) -> Path:
        """Keep the bytes of a policy bundle once, under the digest reviews name it by."""
        target = self.root / "policies" / safe_name(digest)
        if target.is_dir():
            return target
        beside = target.with_name(f".{target.name}.new")
        try:
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir(parents=True)
            for name, octets in files.items():
                durable_write(beside / safe_name(name), octets)
            sync_directory(beside)
            beside.rename(target)
            sync_directory(target.parent)
        except OSError as error:
            msg = f"{target}: the policy cannot be kept: {error}"
            raise LedgerUnavailable(msg, hint="free space, check owner and mode") from error
        return target

    def read_policy(self, digest: str) -> dict[str, bytes]:
        """Return the kept bytes of a policy bundle."""
        kept = self.root / "policies" / safe_name(digest)
        if not kept.is_dir():
            msg = f"{kept}: this policy is not kept here"
            raise LedgerUnavailable(msg, hint="it was pruned with the last review that used it")
        return {file.name: read_octets(file) for file in sorted(kept.iterdir())}

    def parts_of(self, site: str, review: str) -> set[str]:
        """Return the names of the history files a review refers to."""
        return {part.name for part in self._manifest(site, review).history}

    def _manifest(self, site: str, review: str) -> _Manifest:
        octets = read_octets(self.directory(site, review) / _MANIFEST)
        try:
            return msgspec.json.decode(octets, type=_Manifest)
        except msgspec.MsgspecError as error:
            msg = f"{self.directory(site, review)}: the manifest cannot be read: {error}"
            raise LedgerUnavailable(msg, hint="the evidence was edited or damaged") from error

    def _octets(self, site: str, review: str, name: str) -> bytes:
        return read_octets(self.directory(site, review) / name)

    def _frame(self, site: str, review: str, name: str) -> pl.DataFrame:
        return read_frame(self.directory(site, review) / name)


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _store(directory: Path, seen: Seen) -> list[_File]:
    """Write every frame and text of a review; return their names and digests."""
    snapshot, memory = seen.snapshot, seen.memory
    frames = {f"{name}.parquet": getattr(snapshot, name) for name in _SNAPSHOT}
    frames |= {f"memory_{name}.parquet": getattr(memory, name) for name in _MEMORY}
    frames["lines.parquet"] = verdict_lines(seen.state, seen.recommendation, seen.screened)
    frames["findings.parquet"] = seen.screened.findings
    frames["previous.parquet"] = seen.previous
    for name, frame in frames.items():
        write_frame(directory / name, frame)
    texts = {"snapshot.json": _header(snapshot, memory), "context.json": dict(seen.context)}
    for name, value in texts.items():
        durable_write(directory / name, json_octets(value))
    return [
        _File(
            name=name,
            sha256=sha256_of(directory / name),
            octets=(directory / name).stat().st_size,
        )
        for name in (*frames, *texts)
    ]


def _snapshot_digest(files: list[_File], parts: tuple[Part, ...]) -> str:
    """Return what identifies the picture alone: an approval is bound to it."""
    of_snapshot = {"snapshot.json", *(f"{name}.parquet" for name in _SNAPSHOT)}
    told = [f"{file.name} {file.sha256}" for file in files if file.name in of_snapshot]
    told += [f"{part.name} {part.sha256}" for part in parts]
    return hashlib.sha256("\n".join(sorted(told)).encode()).hexdigest()


def _header(snapshot: Snapshot, memory: Memory) -> dict[str, Any]:
    return {
        "site": snapshot.site,
        "taken_at": snapshot.taken_at.isoformat(),
        "erp_date": snapshot.erp_date.isoformat(),
        "previous_on": memory.previous_on,
        "posted_since": memory.posted_since,
        "feeds": [msgspec.to_builtins(feed) for feed in snapshot.feeds],
    }
