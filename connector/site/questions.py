"""Questions about a site, answered from its ledger and evidence beside whoever writes them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson

from connector.errors import CommandRefused, LedgerUnavailable
from connector.inventory.explain import units_waterfall
from connector.ledger import queries
from connector.ledger.anchor import read_anchor
from connector.ledger.approvals import held_lines
from connector.ledger.journal import Fault
from connector.ledger.leader import holder_of
from connector.ledger.lines import Line
from connector.ledger.reviews import ReviewRow, latest_recorded
from connector.ledger.sqlite import SqliteLedger
from connector.policy.explain import Explanation, explain_line
from connector.ports import Clock
from connector.site.account import Account, day_of, read_account
from connector.site.recorded import recorded
from connector.site.replay import Replay, redecide, replay
from connector.site.wiring import Wiring
from connector.telemetry.metrics import Meter
from connector.telemetry.report import write_report

_ANSWER_SECONDS = 60.0
_KEY_LENGTH = 10
_REVIEWS_MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What can be asked of a site without changing anything."""

    wiring: Wiring
    directory: Path
    clock: Clock
    meter: Meter

    @property
    def name(self) -> str:
        """Return the site's name."""
        return self.wiring.name

    def status(self) -> dict[str, Any]:
        """Return where the site stands, as plain data."""
        with self._reading() as ledger:
            stand = queries.standing(ledger.store, self.name)
            return {
                "site": self.name,
                "mode": self.wiring.erp.poster.mode,
                "halted": ledger.brake.reason(self.name),
                "tripped_nodes": ledger.brake.tripped(self.name),
                "leader": self.led_by(),
                "last_review": None if stand.latest is None else _review(stand.latest),
                "missed_review": None if stand.missed is None else _review(stand.missed),
                "lines": stand.states,
                "held_value": stand.held_value,
                "currency": self.wiring.currency,
                "in_doubt": [_line(each) for each in stand.in_doubt],
                "alarms": [_line(each) for each in stand.alarms],
                "policy": self.wiring.policy.name,
                "policy_refused": list(self.wiring.policy.refusals),
                "next_review": _iso(self.wiring.schedule.next_after(self.clock.now())),
                "journal_head": asdict(stand.head),
            }

    def held(self) -> list[dict[str, Any]]:
        """Return the lines that wait for a person, most money first."""
        with self._reading() as ledger:
            return [_line(each) for each in held_lines(ledger.store, self.name)]

    def reviews(self, most: int = 50) -> list[dict[str, Any]]:
        """Return the newest reviews, newest first."""
        with self._reading() as ledger:
            return [_review(each) for each in queries.reviews(ledger.store, self.name, most)]

    def lines(self, review: str) -> list[dict[str, Any]]:
        """Return what a review owed or held."""
        with self._reading() as ledger:
            self._review_row(ledger, review)
            return [_line(each) for each in queries.lines_of(ledger.store, review)]

    def explain(self, what: str, review: str = "") -> tuple[Explanation, dict[str, Any]]:
        """Explain a line by its key, or NODE/ITEM in a review ("" = the latest).

        Returns the explanation and the line's life in the ledger; raises CommandRefused.
        """
        with self._reading() as ledger:
            line = queries.line(ledger.store, what) if len(what) == _KEY_LENGTH else None
            node, item = (line.node, line.item) if line else _place(what)
            chosen = line.review_id if line else review or self._latest(ledger).review_id
            self._require_decided(ledger, chosen)
            decision = redecide(ledger.evidence, self.name, chosen, self.wiring.trust)
            steps = units_waterfall(
                decision.state,
                decision.snapshot,
                decision.memory,
                decision.rules.network,
                node=node,
                item=item,
            )
            bundles = self.wiring.policy.bundles
            explanation = explain_line(
                decision.state,
                decision.recommendation,
                decision.screened,
                node=node,
                item=item,
                steps=steps,
                bundle=bundles[0] if bundles else None,
            )
            return explanation, self._life(ledger, chosen, line, node, item)

    def replay(self, review: str) -> Replay:
        """Decide a stored review again and compare.

        Raises CommandRefused for a review that is none, LedgerUnavailable, PolicyUnusable.
        """
        with self._reading() as ledger:
            self._require_decided(ledger, review)
            return replay(ledger.evidence, self.name, review, self.wiring.trust)

    def report(self, path: Path, days: int = 28) -> Path:
        """Write the HTML report of the newest days and return where it lies.

        The days end with the newest review, `days` of them or as many as there are. Raises
        CommandRefused before the first review, ConfigError when the page cannot be written.
        """
        account = self._account(days)
        reviewed = account.reviews["day"].sort()
        data = recorded(
            account,
            site=self.name,
            currency=self.wiring.currency,
            first=reviewed[0],
            last=reviewed[-1],
            made_at=self.clock.now(),
            node_labels=self.wiring.labels,
        )
        write_report(data, path)
        return path

    def verify(self) -> dict[str, Any]:
        """Check the hash chain, the lines against it, and the evidence against the ledger."""
        with self._reading() as ledger:
            rows = queries.reviews(ledger.store, self.name, most=_REVIEWS_MOST)
            # Read before the chain: a running daemon may append to both in between
            anchor = read_anchor(self.directory / "ledger.anchor")
            faults = ledger.verify([anchor] if anchor is not None and anchor.seq else [])
            for row in rows:
                faults += self._evidence_faults(ledger, row)
            integrity = list(ledger.store.integrity())
            return {
                "intact": not faults and not integrity,
                "reviews": len(rows),
                "integrity": integrity,
                "faults": [asdict(each) for each in faults],
                "head": asdict(queries.standing(ledger.store, self.name).head),
            }

    def led_by(self) -> str:
        """Return the process id of whoever holds the site now, "" when nobody does."""
        return holder_of(self.directory)

    @contextmanager
    def _reading(self) -> Iterator[SqliteLedger]:
        if not (self.directory / "ledger.sqlite").exists():
            raise LedgerUnavailable(
                f"{self.directory} holds no ledger yet", hint="run `replenishd once` first"
            )
        ledger = SqliteLedger.open_reader(self.directory, control=self.directory / "control")
        try:
            yield ledger
        finally:
            ledger.close()

    def _latest(self, ledger: SqliteLedger) -> ReviewRow:
        row = latest_recorded(ledger.store, self.name)
        if row is None:
            raise CommandRefused(f"{self.name} has no review yet", hint="run `replenishd once`")
        return row

    def _account(self, days: int) -> Account:
        with self._reading() as ledger:
            last = day_of(self._latest(ledger))
            return read_account(
                ledger,
                self.name,
                last - timedelta(days=days - 1),
                last,
                unplanned=("", *self.wiring.unplanned_types),
            )

    def _review_row(self, ledger: SqliteLedger, review: str) -> ReviewRow:
        row = queries.review(ledger.store, review)
        if row is None or row.site != self.name:
            raise CommandRefused(
                f"there is no review {review!r} of {self.name}",
                hint="`replenishd reviews` lists them",
            )
        return row

    def _require_decided(self, ledger: SqliteLedger, review: str) -> None:
        row = self._review_row(ledger, review)
        if row.recorded_at is None:
            raise CommandRefused(
                f"review {review} decided nothing: {row.detail or row.outcome or row.status}",
                hint="name one with an outcome of done or held",
            )

    def _life(
        self, ledger: SqliteLedger, review: str, line: Line | None, node: str, item: str
    ) -> dict[str, Any]:
        found = line or next(
            (
                each
                for each in queries.lines_of(ledger.store, review)
                if (each.node, each.item) == (node, item)
            ),
            None,
        )
        if found is None:
            return {"review": review, "line": None, "steps": [], "sends": []}
        return {
            "review": review,
            "line": _line(found),
            "steps": [_plain(each) for each in queries.steps(ledger.store, found.key)],
            "sends": [_plain(each) for each in queries.sends(ledger.store, found.key)],
        }

    def _evidence_faults(self, ledger: SqliteLedger, row: ReviewRow) -> list[Fault]:
        directory = ledger.evidence.directory(self.name, row.review_id)
        if row.recorded_at is None or not directory.is_dir():  # pruned by its retention
            return []
        told = list(ledger.evidence.faults(self.name, row.review_id))
        if ledger.evidence.digest(self.name, row.review_id) != row.evidence_digest:
            told.append(f"{row.review_id}: the evidence is not the one the ledger recorded")
        return [Fault(seq=0, what="evidence", detail=each) for each in told]


def _place(what: str) -> tuple[str, str]:
    node, slash, item = what.partition("/")
    if not slash or not node or not item:
        raise CommandRefused(
            f"there is no line with the key {what!r}",
            hint="name a line's 10 characters, as `replenishd lines` shows them, or NODE/ITEM",
        )
    return node, item


def _review(row: ReviewRow) -> dict[str, Any]:
    plain = asdict(row)
    plain["counts"] = orjson.loads(row.counts)
    return plain


def _line(line: Line) -> dict[str, Any]:
    return _plain(line) | {"requisition": line.number}


def _plain(value: Any) -> dict[str, Any]:
    """Return a frozen value as JSON would have it: decimals and dates as text."""
    plain: dict[str, Any] = orjson.loads(orjson.dumps(asdict(value), default=str))
    return plain


def _iso(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat()
