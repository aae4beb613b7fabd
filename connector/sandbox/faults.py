"""The switchboard of faults: what shall go wrong, how often, for whom.

Each fault fires in one phase of a request. Draws are seeded, and everything that fired is logged,
so a failed test can be understood and repeated.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from connector.errors import ConfigError

BEFORE, PAGE, WRITE, DELIVERY, STANDING = "before", "page", "write", "delivery", "standing"
PHASES: Mapping[str, str] = {
    # before anything was done
    "status": BEFORE,  # status, retry_after, format: json|html|none
    "reset": BEFORE,
    "slow": BEFORE,  # delay_ms until the first byte
    "html_login": BEFORE,
    "redirect": BEFORE,  # location
    "token_expired": BEFORE,  # 401, as an OAuth token that ran out
    "csrf_invalid": BEFORE,  # the session's token is forgotten
    # while a page is cut
    "duplicate_rows": PAGE,  # rows: how many of the page before come again
    "missing_rows": PAGE,  # rows: how many are left out
    "page_loop": PAGE,
    "page_shrink": PAGE,  # rows: the page's size from here
    "empty_last_page": PAGE,
    "no_paging": PAGE,
    "wrong_count": PAGE,  # off_by
    "foreign_next": PAGE,  # host
    "skiptoken_expired": PAGE,
    # while a requisition is stored
    "error_after_commit": WRITE,  # status
    "lost_answer": WRITE,
    "late_commit": WRITE,  # delay_ms until the commit, hold_ms until the connection closes, status
    "update_task_failed": WRITE,  # 201 with a number, and the document never comes
    "lock": WRITE,  # materials, lines (positions from 1) or share
    "reject_document": WRITE,  # code, message; names no line
    "warn": WRITE,  # code, message
    # while the answer is sent
    "truncate": DELIVERY,  # share of the body, with a Content-Length that fits
    "cut": DELIVERY,  # share of the body, then the connection is closed
    "drip": DELIVERY,  # chunk_bytes, delay_ms
    "skewed_date": DELIVERY,  # seconds
    # as long as the fault is there
    "property_removed": STANDING,  # property
    "property_renamed": STANDING,  # property, to
    "unknown_unit": STANDING,  # materials, unit
    "negative_stock": STANDING,  # materials, quantity
    "empty_plant": STANDING,  # plant
    "missing_factor": STANDING,  # materials
    "set_value": STANDING,  # property, value (JSON text), where: {property: value}
    "drop_rows": STANDING,  # where
}
_MATCHES = ("service", "entity", "method")
_LOG_MOST = 10_000


@dataclass(frozen=True, kw_only=True)
class Occasion:
    """What a request asks for, as far as faults are chosen by it."""

    service: str
    entity: str
    method: str


@dataclass(kw_only=True)
class Fault:
    """One planted fault. `remaining` counts down to 0, None = never ends."""

    number: int
    kind: str
    probability: float = 1.0
    remaining: int | None = None
    after: int = 0  # so many matching requests pass first
    match: dict[str, str] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    fired: int = 0

    def record(self) -> dict[str, Any]:
        """Return the fault for JSON."""
        return dict(self.__dict__)

    def says(self, name: str, default: float) -> float:
        """Return a numeric option."""
        return float(self.options.get(name, default))

    def fits(self, occasion: Occasion) -> bool:
        """Return whether it is meant for this request."""
        return all(getattr(occasion, name) == value for name, value in self.match.items())


class Switchboard:
    """All planted faults, in the order they were planted."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
        self._faults: list[Fault] = []
        self._next = 1
        self.changes = 0  # a reader's cache key for standing faults
        self.log: list[dict[str, Any]] = []

    def plant(self, spec: Mapping[str, Any]) -> Fault:
        """Add a fault; raise ConfigError for one that cannot be."""
        said = dict(spec)
        kind = said.pop("kind", None)
        if kind not in PHASES:
            msg = f"there is no fault {kind!r}"
            raise ConfigError(msg, hint=f"one of {', '.join(PHASES)}")
        match = dict(said.pop("match", {})) | {
            name: said.pop(name) for name in _MATCHES if name in said
        }
        if not set(match) <= set(_MATCHES):
            msg = f"a fault cannot match on {sorted(set(match) - set(_MATCHES))}"
            raise ConfigError(msg, hint=f"match on {', '.join(_MATCHES)}")
        fault = Fault(
            number=self._next,
            kind=kind,
            probability=float(said.pop("probability", 1.0)),
            remaining=said.pop("count", None),
            after=int(said.pop("after", 0)),
            match=match,
            options=said,
        )
        self._next += 1
        self._faults.append(fault)
        self.changes += 1
        return fault

    def clear(self, number: int | None = None) -> int:
        """Remove one fault, or all; return how many went."""
        before = len(self._faults)
        self._faults = [] if number is None else [f for f in self._faults if f.number != number]
        self.changes += 1
        return before - len(self._faults)

    def planted(self) -> list[Fault]:
        """Return every fault."""
        return list(self._faults)

    def standing(self, entity: str) -> list[Fault]:
        """Return the faults that change what an entity set is."""
        return [
            fault
            for fault in self._faults
            if PHASES[fault.kind] == STANDING and fault.match.get("entity", entity) == entity
        ]

    def fire(self, phase: str, occasion: Occasion) -> list[Fault]:
        """Return the faults that happen now, counted and logged."""
        happening = []
        for fault in self._faults:
            if PHASES[fault.kind] != phase or not fault.fits(occasion) or fault.remaining == 0:
                continue
            if fault.after > 0:
                fault.after -= 1
                continue
            if fault.probability < 1.0 and self._chance.random() >= fault.probability:
                continue
            if fault.remaining is not None:
                fault.remaining -= 1
            fault.fired += 1
            happening.append(fault)
            self._write(fault, occasion)
        return happening

    def chance(self) -> float:
        """Return a seeded draw from [0, 1) for faults that choose among lines."""
        return self._chance.random()

    def _write(self, fault: Fault, occasion: Occasion) -> None:
        if len(self.log) < _LOG_MOST:
            self.log.append({"fault": fault.number, "kind": fault.kind, **occasion.__dict__})
