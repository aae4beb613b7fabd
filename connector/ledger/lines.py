"""The life of a requisition line: its states, the legal moves, and the one way to move it.

held ──> owed ──> intent ──> filed ──> confirmed ──> closed
                    │  └──> rejected      └──> missing, conflict (a person)
                    └─────> in_doubt ──> filed | owed again, same key | lapsed
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

import orjson

from connector.errors import LedgerUnavailable
from connector.ledger import journal
from connector.ledger.moments import stamp
from connector.ledger.store import Row, Store, Write
from connector.ports import ErpMessage, RequisitionLine


class State(StrEnum):
    """Where a line stands."""

    HELD = "held"  # waits for a person
    OWED = "owed"  # may be sent
    INTENT = "intent"  # about to be sent, or sent and the answer not written down yet
    IN_DOUBT = "in_doubt"  # may have been stored, now or later
    FILED = "filed"  # the ERP gave a number
    CONFIRMED = "confirmed"  # read back
    CLOSED = "closed"  # ordered in full, or closed in the ERP
    REJECTED = "rejected"  # the ERP refused it
    LAPSED = "lapsed"  # never stored in the ERP; a later review decides afresh
    RECORDED = "recorded"  # shadow: not sent, on purpose
    VALIDATED = "validated"  # checked by the ERP, not stored
    WITHDRAWN = "withdrawn"  # taken back by a person, here or in the ERP
    MISSING = "missing"  # alarm: filed, and no longer in the ERP
    CONFLICT = "conflict"  # alarm: the ERP's line with our key is not our line, or there are two


S = State
LEGAL: Mapping[State, frozenset[State]] = {
    S.HELD: frozenset({S.OWED, S.LAPSED, S.WITHDRAWN}),
    S.OWED: frozenset({S.INTENT, S.LAPSED, S.IN_DOUBT}),  # in doubt: after a restored backup
    S.INTENT: frozenset({S.FILED, S.REJECTED, S.OWED, S.IN_DOUBT, S.RECORDED, S.VALIDATED}),
    S.IN_DOUBT: frozenset({S.FILED, S.OWED, S.LAPSED, S.HELD, S.CONFLICT}),
    S.FILED: frozenset({S.CONFIRMED, S.CLOSED, S.WITHDRAWN, S.MISSING, S.CONFLICT}),
    S.CONFIRMED: frozenset({S.CLOSED, S.WITHDRAWN, S.MISSING, S.CONFLICT}),
    S.MISSING: frozenset({S.CONFIRMED, S.CLOSED, S.WITHDRAWN, S.CONFLICT}),
    S.CONFLICT: frozenset({S.FILED, S.WITHDRAWN}),
    S.CLOSED: frozenset(),
    S.REJECTED: frozenset(),
    S.LAPSED: frozenset(),
    S.RECORDED: frozenset(),
    S.VALIDATED: frozenset(),
    S.WITHDRAWN: frozenset(),
}
START = frozenset({S.OWED, S.HELD, S.RECORDED})  # recorded: outside the pilot
ALARMS = (S.MISSING, S.CONFLICT)
SENDS_NOTHING = "shadow"  # the only mode in which an interrupted send cannot have stored anything
STORES_NOTHING = ("shadow", "validate")


class IllegalMove(LedgerUnavailable):
    """A line was asked to move where it may not: a defect, and nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of the outbox."""

    key: str
    review_id: str
    site: str
    node: str
    item: str
    line_no: int
    quantity: Decimal
    decided: Decimal
    unit: str
    due: date
    purchasing_group: str
    supplying_node: str
    mode: str
    owed_on: date
    value: float
    line_hash: str
    payload_hash: str
    reasons: str
    expires_at: str
    state: State
    changed_at: str
    reason: str
    number: str
    number_line: str
    filed_at: str
    erp_quantity: str
    messages: tuple[ErpMessage, ...]

    def requisition_line(self) -> RequisitionLine:
        """Return what is sent of it."""
        return RequisitionLine(
            key=self.key,
            site=self.site,
            node=self.node,
            item=self.item,
            quantity=self.quantity,
            unit=self.unit,
            due=self.due,
            purchasing_group=self.purchasing_group,
            supplying_node=self.supplying_node,
        )


_NAMES = tuple(column.name for column in fields(Line))
COLUMNS = ", ".join(_NAMES)


def line_of(row: Row) -> Line:
    """Return the line of a row of COLUMNS."""
    cells: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    return Line(
        **cells
        | {
            "quantity": Decimal(cells["quantity"]),
            "decided": Decimal(cells["decided"]),
            "due": date.fromisoformat(cells["due"]),
            "owed_on": date.fromisoformat(cells["owed_on"]),
            "state": State(cells["state"]),
            "messages": tuple(ErpMessage(**each) for each in orjson.loads(cells["messages"])),
        }
    )


def select(source: Store | Write, where: str, values: Sequence[Any]) -> list[Line]:
    """Return lines in key order; `where` is a constant of the caller, values are bound."""
    sql = f"SELECT {COLUMNS} FROM line WHERE {where} ORDER BY key"  # noqa: S608
    return [line_of(row) for row in source.rows(sql, values)]


def by_keys(source: Store | Write, keys: Sequence[str]) -> list[Line]:
    """Return the lines with these keys."""
    return select(source, "key IN (SELECT value FROM json_each(?))", (as_json(keys),))


def in_states(source: Store | Write, site: str, states: Sequence[State]) -> list[Line]:
    """Return the lines of a site in any of these states."""
    return select(
        source, "site = ? AND state IN (SELECT value FROM json_each(?))", (site, as_json(states))
    )


def as_json(values: Sequence[str]) -> str:
    """Return a list to bind to json_each."""
    return orjson.dumps([str(value) for value in values]).decode()


@dataclass(frozen=True, kw_only=True)
class Move:
    """One line to another state, and what is learnt by it."""

    line: Line
    to: State
    reason: str = ""
    number: str | None = None
    number_line: str | None = None
    filed_at: str | None = None
    erp_quantity: str | None = None
    expires_at: str | None = None
    messages: tuple[ErpMessage, ...] | None = None


# Settings of None keep what stands.
_MOVE = """
UPDATE line SET state = ?, changed_at = ?, reason = ?, number = coalesce(?, number),
    number_line = coalesce(?, number_line), filed_at = coalesce(?, filed_at),
    erp_quantity = coalesce(?, erp_quantity), expires_at = coalesce(?, expires_at),
    messages = coalesce(?, messages)
WHERE key = ? AND state = ?
"""


def move(
    write: Write,
    kind: str,
    moves: Sequence[Move],
    now: datetime,
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Move lines of one site and journal it in the same transaction; raise IllegalMove."""
    if not moves:
        return
    for each in moves:
        _move_one(write, each, now)
    told = [[each.line.key, each.line.state, each.to, each.number or ""] for each in moves]
    site = moves[0].line.site
    seq = journal.append(write, kind, site, now, {**(facts or {}), "moves": told})
    write.many(
        "INSERT INTO transition VALUES (?, ?, ?)",
        [(each.line.key, seq, each.to.value) for each in moves],
    )


def _move_one(write: Write, each: Move, now: datetime) -> None:
    line, to = each.line, each.to
    if to not in LEGAL[line.state]:
        msg = f"line {line.key} may not go from {line.state} to {to}"
        raise IllegalMove(msg, hint="this is a defect; report it")
    messages = None if each.messages is None else as_messages(each.messages)
    changed = write.run(
        _MOVE,
        (
            to.value,
            stamp(now),
            each.reason,
            each.number,
            each.number_line,
            each.filed_at,
            each.erp_quantity,
            each.expires_at,
            messages,
            line.key,
            line.state.value,
        ),
    )
    if changed != 1:
        msg = f"line {line.key} is no longer {line.state}"
        raise IllegalMove(msg, hint="two parts of this process moved it; report it")


def as_messages(messages: Sequence[ErpMessage]) -> str:
    """Return the ERP's words as they are stored."""
    return orjson.dumps(list(messages)).decode()
