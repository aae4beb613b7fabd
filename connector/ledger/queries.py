"""What people ask the ledger: where things stand, how a line got there, whether all is intact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import orjson
import polars as pl

from connector.ledger import journal
from connector.ledger.attempts import payload_of
from connector.ledger.journal import Fault, Head
from connector.ledger.lines import ALARMS, LEGAL, START, Line, State, in_states, line_of, select
from connector.ledger.lines import COLUMNS as LINE_COLUMNS
from connector.ledger.moments import moment
from connector.ledger.reviews import ReviewRow, latest_recorded, select_reviews
from connector.ledger.store import Store

# One row per line, for reports.
LINES = pl.Schema(
    {
        "key": pl.String,
        "review": pl.String,
        "slot_at": pl.String,
        "owed_on": pl.String,
        "mode": pl.String,
        "node": pl.String,
        "item": pl.String,
        "quantity": pl.Float64,
        "unit": pl.String,
        "value": pl.Float64,
        "state": pl.String,
        "reason": pl.String,
        "number": pl.String,
        "number_line": pl.String,
        "due": pl.String,
    }
)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One transition of a line."""

    seq: int
    at: datetime
    kind: str
    state: State


@dataclass(frozen=True, kw_only=True)
class Send:
    """One attempt to send a line."""

    attempt_id: int
    document_key: str
    mode: str
    at: datetime
    outcome: str  # of this line
    detail: str


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Where a site stands."""

    latest: ReviewRow | None  # that decided anything
    missed: ReviewRow | None  # a later one that ended without a decision
    states: dict[str, int]  # lines by state
    held_value: float
    in_doubt: tuple[Line, ...]
    alarms: tuple[Line, ...]
    head: Head


def standing(store: Store, site: str) -> Standing:
    """Return where a site stands now."""
    counts = store.rows("SELECT state, count(*) FROM line WHERE site = ? GROUP BY state", (site,))
    held = store.rows(
        "SELECT coalesce(sum(value), 0.0) FROM line WHERE site = ? AND state = 'held'", (site,)
    )
    newest = reviews(store, site, 1)
    return Standing(
        latest=latest_recorded(store, site),
        missed=next((row for row in newest if row.recorded_at is None and row.outcome), None),
        states={row[0]: row[1] for row in counts},
        held_value=held[0][0],
        in_doubt=tuple(in_states(store, site, (State.IN_DOUBT, State.INTENT))),
        alarms=tuple(in_states(store, site, ALARMS)),
        head=journal.head(store),
    )


def line(store: Store, key: str) -> Line | None:
    """Return a line by its key."""
    found = select(store, "key = ?", (key,))
    return found[0] if found else None


def lines_of(store: Store, review_id: str) -> list[Line]:
    """Return the lines a review decided."""
    return select(store, "review_id = ?", (review_id,))


def review(store: Store, review_id: str) -> ReviewRow | None:
    """Return a review by its id."""
    found = select_reviews(store, "review_id = ?", (review_id,))
    return found[0] if found else None


def reviews(store: Store, site: str, most: int = 50) -> list[ReviewRow]:
    """Return a site's newest reviews, newest slot first."""
    newest = (
        "review_id IN (SELECT review_id FROM review WHERE site = ? ORDER BY slot_at DESC LIMIT ?)"
    )
    return select_reviews(store, newest, (site, most))


def unfinished(store: Store, site: str) -> list[ReviewRow]:
    """Return reviews that were recorded and never closed: their process ended while posting."""
    return select_reviews(store, "site = ? AND status = 'recorded'", (site,))


def steps(store: Store, key: str) -> list[Step]:
    """Return the life of a line so far."""
    rows = store.rows(
        "SELECT seq, at, kind, state FROM transition JOIN journal USING (seq)"
        " WHERE key = ? ORDER BY seq",
        (key,),
    )
    return [Step(seq=row[0], at=moment(row[1]), kind=row[2], state=State(row[3])) for row in rows]


def sends(store: Store, key: str) -> list[Send]:
    """Return every attempt to send a line."""
    rows = store.rows(
        "SELECT attempt_id, document_key, mode, at, attempt_line.outcome, detail"
        " FROM attempt_line JOIN attempt USING (attempt_id) WHERE key = ? ORDER BY attempt_id",
        (key,),
    )
    return [
        Send(
            attempt_id=row[0],
            document_key=row[1],
            mode=row[2],
            at=moment(row[3]),
            outcome=row[4],
            detail=row[5],
        )
        for row in rows
    ]


def lines_frame(store: Store, site: str, since: date) -> pl.DataFrame:
    """Return LINES: every line of a site owed on or after an ERP day, oldest first."""
    rows = store.rows(
        "SELECT key, review_id, slot_at, owed_on, line.mode, node, item, CAST(quantity AS REAL),"
        " unit, value, state, reason, number, number_line, due"
        " FROM line JOIN review USING (review_id)"
        " WHERE line.site = ? AND owed_on >= ? ORDER BY slot_at, node, item, key",
        (site, since.isoformat()),
    )
    return pl.DataFrame(rows, schema=LINES, orient="row")


def verify(store: Store, anchors: Iterable[Head] = ()) -> list[Fault]:
    """Re-compute the whole chain and compare every line with what the journal says of it.

    `anchors` are heads known from elsewhere: without one, a cut-off end cannot be seen.
    """
    faults = journal.verify_chain(journal.records(store), anchors)
    told = _fold(store, faults)
    for row in store.rows(f"SELECT {LINE_COLUMNS} FROM line ORDER BY key"):  # noqa: S608
        here = line_of(row)
        state, payload, line_hash = told.pop(here.key, ("", "", ""))
        differs = [
            what
            for what, same in (
                (f"is {here.state}, the journal says {state or 'nothing'}", here.state == state),
                ("has another payload than was journaled", here.payload_hash == payload),
                ("has another line hash than was journaled", here.line_hash == line_hash),
                ("does not match its payload hash", payload_of(here) == here.payload_hash),
            )
            if not same
        ]
        faults += [Fault(seq=0, what="disagrees", detail=f"line {here.key} {w}") for w in differs]
    faults += [
        Fault(seq=0, what="disagrees", detail=f"line {key} is journaled and gone") for key in told
    ]
    return faults


def _fold(store: Store, faults: list[Fault]) -> dict[str, tuple[str, str, str]]:
    """Return (state, payload hash, line hash) of every line as the journal tells it."""
    told: dict[str, tuple[str, str, str]] = {}
    for seq, _, _, _, body, _ in journal.records(store):
        facts = orjson.loads(body)
        for key, state, _, _, payload, line_hash in facts.get("lines", ()):
            if State(state) not in START:
                faults.append(_illegal(seq, key, "nothing", state))
            told[key] = (state, payload, line_hash)
        for key, was, to, _ in facts.get("moves", ()):
            before, payload, line_hash = told.get(key, ("", "", ""))
            if before != was or State(to) not in LEGAL[State(was)]:
                faults.append(_illegal(seq, key, before or "nothing", to))
            told[key] = (to, payload, line_hash)
    return told


def _illegal(seq: int, key: str, was: str, to: str) -> Fault:
    return Fault(seq=seq, what="disagrees", detail=f"line {key} went from {was} to {to}")
