"""The append-only, hash-chained record of everything that changed.

A chain proves that nothing inside it was edited or removed. It cannot prove that its end was not
cut off or all of it rewritten: for that the head must be known elsewhere (`anchor.py`, the logs).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from connector.ledger.moments import stamp
from connector.ledger.store import Row, Store, Write

GENESIS = "0" * 64


@dataclass(frozen=True, kw_only=True)
class Head:
    """The newest record: what to keep in a second place."""

    seq: int
    hash: str


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something in the ledger that is not as it was written."""

    seq: int
    what: str  # altered | deleted | truncated | rewritten | disagrees
    detail: str


def link(previous: str, record: Row) -> str:
    """Return the hash of (seq, at, kind, site, body) after its predecessor."""
    canonical = orjson.dumps([previous, *record[:5]])
    return hashlib.sha256(canonical).hexdigest()


def head_of(rows: list[Row]) -> Head:
    """Return the head from a query of (seq, hash), the genesis when there is none."""
    return Head(seq=rows[0][0], hash=rows[0][1]) if rows else Head(seq=0, hash=GENESIS)


_HEAD = "SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1"


def head(store: Store) -> Head:
    """Return the committed head."""
    return head_of(store.rows(_HEAD))


def append(write: Write, kind: str, site: str, now: datetime, facts: Mapping[str, Any]) -> int:
    """Append one record inside the transaction that does what it says; return its number."""
    last = head_of(write.rows(_HEAD))
    body = orjson.dumps(facts, option=orjson.OPT_SORT_KEYS).decode()
    record: Row = (last.seq + 1, stamp(now), kind, site, body)
    write.run(
        "INSERT INTO journal (seq, at, kind, site, body, hash) VALUES (?, ?, ?, ?, ?, ?)",
        (*record, link(last.hash, record)),
    )
    return last.seq + 1


def verify_chain(records: Iterable[Row], anchors: Iterable[Head] = ()) -> list[Fault]:
    """Re-compute the chain over (seq, at, kind, site, body, hash) and compare with known heads."""
    faults: list[Fault] = []
    previous, expected, known = GENESIS, 1, {anchor.seq: anchor.hash for anchor in anchors}
    for record in records:
        seq, written = record[0], record[5]
        if seq != expected:
            gap = f"records {expected} to {seq - 1} are gone"
            faults.append(Fault(seq=seq, what="deleted", detail=gap))
        elif link(previous, record) != written:
            detail = f"record {seq} does not match its hash"
            faults.append(Fault(seq=seq, what="altered", detail=detail))
        if known.pop(seq, written) != written:
            detail = f"record {seq} is not the one that was anchored"
            faults.append(Fault(seq=seq, what="rewritten", detail=detail))
        previous, expected = written, seq + 1
    for seq in sorted(known):
        if seq >= expected:
            detail = f"the journal ends at {expected - 1}; record {seq} was anchored"
            faults.append(Fault(seq=seq, what="truncated", detail=detail))
    return faults


def records(store: Store) -> Iterator[Row]:
    """Return every record in order, in bounded pieces."""
    after = 0
    sql = "SELECT seq, at, kind, site, body, hash FROM journal WHERE seq > ? ORDER BY seq LIMIT 500"
    while page := store.rows(sql, (after,)):
        yield from page
        after = page[-1][0]
