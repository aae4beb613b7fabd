"""The one commit of a review: verdicts, what is owed, what is held, what lapses."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

import orjson
import polars as pl

from connector.errors import CommandRefused
from connector.ledger import journal
from connector.ledger.key import line_key
from connector.ledger.lines import SENDS_NOTHING, Move, State, move, select
from connector.ledger.moments import stamp
from connector.ledger.planned import Counts
from connector.ledger.reviews import ReviewRow, require_epoch, select_reviews
from connector.ledger.store import Store, Write
from connector.ports import Slot

_STEP_OF_COLLISION = 1_000  # far above any real line number
_INSERT_LINE = """
INSERT INTO line (key, review_id, site, node, item, line_no, quantity, decided, unit, due,
    purchasing_group, supplying_node, mode, owed_on, value, line_hash, payload_hash, reasons,
    expires_at, changed_at, state)
VALUES (:key, :review_id, :site, :node, :item, :line_no, :quantity, :quantity, :unit, :due,
    :purchasing_group, :supplying_node, :mode, :owed_on, :value, :line_hash, :payload_hash,
    :reasons, :expires_at, :changed_at, :state)
"""
_INSERT_VITAL = """
INSERT INTO vital (site, day, slot, weekday, node, items, stock_rows, pipeline_rows, zero_share,
    lines, value)
VALUES (:site, :day, :slot, :weekday, :node, :items, :stock_rows, :pipeline_rows, :zero_share,
    :lines, :value)
"""
_SETTLE_REVIEW = """
UPDATE review SET status = 'recorded', recorded_at = :at, erp_date = :erp_date,
    accepted = 1, source = :source, policy_digest = :policy, snapshot_digest = :snapshot,
    evidence_digest = :evidence, counts = :counts
WHERE review_id = :review_id
"""


@dataclass(frozen=True, kw_only=True)
class ReviewRecord:
    """Everything one review decided, ready for its one commit."""

    slot: Slot
    erp_date: date
    lines: pl.DataFrame  # planned.PLANNED
    counts: Counts
    source: str  # whose answer: "policy_id@version" or "base_stock"
    policy_digest: str
    snapshot_digest: str
    evidence_digest: str
    held_until: datetime
    vitals: pl.DataFrame  # inventory.memory.VITALS
    piloted: pl.Series | None = None  # which lines the mode is for, the rest is only recorded
    facts: Mapping[str, str] = field(default_factory=dict)  # limits digest, versions, ...


def record(
    store: Store, review_id: str, decided: ReviewRecord, *, secret: bytes, epoch: int, now: datetime
) -> int:
    """Write the verdicts and what is owed, end what earlier reviews left unsent: one commit.

    Returns how many earlier lines lapsed; lines in doubt never do. Raises CommandRefused when the
    review is not open, NotLeader when this process was replaced.
    """
    site = decided.slot.site
    with store.write() as write:
        require_epoch(write, epoch)
        found = select_reviews(write, "review_id = ?", (review_id,))
        if not found or found[0].status != "opened" or found[0].slot != decided.slot.name:
            msg = f"review {review_id} is not open for {decided.slot.name}"
            raise CommandRefused(msg, hint="open the slot first; a slot is recorded once")
        lapsed = lapse_unsent(write, site, now)
        lines = _line_rows(write, found[0], decided, secret, now)
        write.many(_INSERT_LINE, lines)
        _insert_vitals(write, decided)
        _settle_review(write, review_id, decided, now)
        seq = journal.append(write, "recorded", site, now, _facts(review_id, decided, lines))
        write.many(
            "INSERT INTO transition VALUES (?, ?, ?)",
            [(line["key"], seq, line["state"]) for line in lines],
        )
    return lapsed


def lapse_unsent(write: Write, site: str, now: datetime) -> int:
    """End every earlier line that was never sent: owed or waiting for a person."""
    unsent = select(write, "site = ? AND state IN ('owed', 'held')", (site,))
    why = {State.HELD: "expired unapproved", State.OWED: "unsent; a later review decided afresh"}
    moves = [Move(line=line, to=State.LAPSED, reason=why[line.state]) for line in unsent]
    move(write, "lapsed", moves, now)
    return len(moves)


def _line_rows(
    write: Write, review: ReviewRow, decided: ReviewRecord, secret: bytes, now: datetime
) -> list[dict[str, Any]]:
    known: set[str] = set()
    rows = []
    inside = [True] * decided.lines.height if decided.piloted is None else decided.piloted
    for line, piloted in zip(decided.lines.iter_rows(named=True), inside, strict=True):
        key, line_no = _free_key(write, line, secret=secret, slot=decided.slot, known=known)
        known.add(key)
        due = line["due"].isoformat()
        what = [line["node"], line["item"], line["quantity"], line["unit"], due]
        what += [line["purchasing_group"], line["supplying_node"]]
        bound = [decided.slot.name, *what, decided.snapshot_digest, decided.policy_digest]
        rows.append(
            line
            | {
                "key": key,
                "review_id": review.review_id,
                "site": review.site,
                "line_no": line_no,
                "due": due,
                "mode": review.mode if piloted else SENDS_NOTHING,
                "owed_on": decided.erp_date.isoformat(),
                "line_hash": hash_of(bound),
                "payload_hash": payload_hash(key, *what),
                "expires_at": stamp(decided.held_until) if line["held"] else "",
                "changed_at": stamp(now),
                "state": _start(held=line["held"], piloted=piloted).value,
            }
        )
    return rows


def _start(*, held: bool, piloted: bool) -> State:
    """Return where a line begins; outside the pilot nobody is asked and nothing is sent."""
    if not piloted:
        return State.RECORDED
    return State.HELD if held else State.OWED


def _free_key(
    write: Write, line: Mapping[str, Any], *, secret: bytes, slot: Slot, known: set[str]
) -> tuple[str, int]:
    """Return the line's key; where another line ever had it, a later line number's."""
    line_no = 1
    while True:
        key = line_key(
            secret, node=line["node"], item=line["item"], slot=slot.name, line_no=line_no
        )
        if key not in known and not write.rows("SELECT 1 FROM line WHERE key = ?", (key,)):
            return key, line_no
        line_no += _STEP_OF_COLLISION


def payload_hash(*parts: str) -> str:
    """Return what binds a key to what is sent under it: key, node, item, quantity, unit, ..."""
    return hash_of(list(parts))


def hash_of(parts: list[str]) -> str:
    """Return the sha256 of parts that cannot run into each other."""
    return hashlib.sha256(orjson.dumps(parts)).hexdigest()


def _insert_vitals(write: Write, decided: ReviewRecord) -> None:
    if decided.vitals.height:
        of = {"site": decided.slot.site, "day": decided.erp_date.isoformat()}
        write.many(_INSERT_VITAL, [row | of for row in decided.vitals.iter_rows(named=True)])


def _settle_review(write: Write, review_id: str, decided: ReviewRecord, now: datetime) -> None:
    write.run(
        _SETTLE_REVIEW,
        {
            "at": stamp(now),
            "erp_date": decided.erp_date.isoformat(),
            "source": decided.source,
            "policy": decided.policy_digest,
            "snapshot": decided.snapshot_digest,
            "evidence": decided.evidence_digest,
            "counts": orjson.dumps(asdict(decided.counts)).decode(),
            "review_id": review_id,
        },
    )
    write.run("UPDATE site SET previous_review = ? WHERE site = ?", (review_id, decided.slot.site))


def _facts(review_id: str, decided: ReviewRecord, lines: list[dict[str, Any]]) -> dict[str, object]:
    # The payload hash and the line hash pin every cell of a line.
    pinned = ("key", "state", "quantity", "mode", "payload_hash", "line_hash")
    return {
        "review": review_id,
        "source": decided.source,
        "policy": decided.policy_digest,
        "snapshot": decided.snapshot_digest,
        "evidence": decided.evidence_digest,
        "counts": asdict(decided.counts),
        "facts": dict(decided.facts),
        "lines": [[line[name] for name in pinned] for line in lines],
    }
