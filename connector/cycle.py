"""One review of one site, top to bottom: the file to read first.

    pull -> snapshot -> state -> policy -> fail-safes -> ledger (one commit)
         -> post | shadow -> report

Shadow and live run the same lines of this file; they differ in the poster behind `edges.outbox`.
`decide` is the pure part: the same snapshot, memory, policy and rules give the same verdicts, bit
for bit, which is what `replenishd replay` proves.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import polars as pl

from connector.errors import ErpDenied, ErpUnavailable, LedgerUnavailable
from connector.failsafes.aftermath import previous_after, vitals_after
from connector.failsafes.limits import Limits
from connector.failsafes.screen import screen
from connector.failsafes.verdicts import Action, Screened
from connector.inventory.build import build_state
from connector.inventory.memory import Memory
from connector.inventory.network import Network
from connector.inventory.planning import Planning
from connector.inventory.recommendation import Recommendation
from connector.inventory.snapshot import History, Snapshot
from connector.inventory.state import State
from connector.ports import Drained, Policy, Slot, StockReader

_STOPS_TOLD = 5


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What people decided about a site: together with the snapshot, all that a decision needs."""

    site: str
    network: Network
    planning: Planning
    limits: Limits
    blocked_nodes: dict[str, str] = field(default_factory=dict)  # node -> why (breaker, operator)


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What a review decided, with everything it was decided from."""

    now: datetime
    rules: Rules
    snapshot: Snapshot
    memory: Memory
    state: State
    recommendation: Recommendation
    screened: Screened

    def believed(self) -> pl.DataFrame:
        """Return PREVIOUS for the next review, before any person said what is to be believed."""
        return previous_after(
            state=self.state,
            snapshot=self.snapshot,
            memory=self.memory,
            limits=self.rules.limits,
            screened=self.screened,
        )

    def vitals(self, slot: str) -> pl.DataFrame:
        """Return VITALS of the slot for later reviews."""
        return vitals_after(
            slot=slot,
            state=self.state,
            snapshot=self.snapshot,
            limits=self.rules.limits,
            screened=self.screened,
        )


def decide(
    rules: Rules, policy: Policy, snapshot: Snapshot, memory: Memory, now: datetime
) -> Decision:
    """Turn a picture of the site into verdicts. Pure: no clock, no network, no disk."""
    state = build_state(snapshot, memory, rules.network, rules.planning)
    recommendation = policy.recommend(state)
    screened = screen(
        state=state,
        recommendation=recommendation,
        snapshot=snapshot,
        memory=memory,
        limits=rules.limits,
        now=now,
        blocked_nodes=rules.blocked_nodes,
        nodes=rules.network.names,
    )
    return Decision(
        now=now,
        rules=rules,
        snapshot=snapshot,
        memory=memory,
        state=state,
        recommendation=recommendation,
        screened=screened,
    )


class Journal(Protocol):
    """What the review writes down. One commit holds the verdicts and what is owed to the ERP."""

    def open(self, slot: Slot, now: datetime) -> str:
        """Open the slot's review and return its id; raise ReviewSlotTaken."""

    def history(self) -> History:
        """Return what earlier pulls left of movements."""

    def remember(self, snapshot: Snapshot) -> Memory:
        """Return what earlier reviews left that this one must respect."""

    def record(self, review: str, slot: Slot, decision: Decision) -> None:
        """Keep the evidence, then commit verdicts and what is owed together."""

    def close(self, review: str, outcome: str, detail: str, now: datetime) -> None:
        """End the review with its outcome."""


class Outbox(Protocol):
    """What is owed to the ERP, and the only way anything is sent."""

    def settle(self, visible: pl.DataFrame) -> Drained:
        """Learn what became of earlier sends; `visible` is the pipeline just pulled."""

    def drain(self) -> Drained:
        """Send what is owed, in shadow nothing."""


@dataclass(frozen=True, kw_only=True)
class Edges:
    """The outside world as one review sees it."""

    reader: StockReader
    policy: Policy
    journal: Journal
    outbox: Outbox
    now: Callable[[], datetime]
    step: Callable[[str], AbstractContextManager[Any]]  # times a step, for metrics and report


@dataclass(frozen=True, kw_only=True)
class ReviewReport:
    """What a person should know of one review."""

    review: str
    slot: Slot
    outcome: str  # done | held | refused
    taken_at: datetime  # of the picture
    finished_at: datetime
    items: int
    ordered: int
    ordered_value: float
    held: int
    findings: int
    source: str
    drained: Drained
    screened: Screened
    detail: str = ""


def review(rules_now: Callable[[], Rules], edges: Edges, slot: Slot) -> ReviewReport:
    """Run one review; a failure closes it with its reason and nothing is ordered.

    The rules are asked for once the slot is open: to know them the ERP's clock is asked.
    """
    review_id = edges.journal.open(slot, edges.now())
    try:
        with edges.step("pull"):
            rules = rules_now()
            snapshot = edges.reader.pull(edges.now(), edges.journal.history())
        with edges.step("settle"):
            edges.outbox.settle(snapshot.pipeline)
        with edges.step("decide"):
            memory = edges.journal.remember(snapshot)
            decision = decide(rules, edges.policy, snapshot, memory, edges.now())
        with edges.step("record"):
            edges.journal.record(review_id, slot, decision)
        with edges.step("post"):
            drained = edges.outbox.drain()
    except Exception as error:  # a defect, too, must not leave its slot open
        edges.journal.close(review_id, outcome_of(error), str(error), edges.now())
        raise
    report = report_on(review_id, slot, decision, drained, edges.now())
    edges.journal.close(review_id, report.outcome, report.detail, report.finished_at)
    return report


def outcome_of(error: Exception) -> str:
    """Name how a review ended: one that is `unavailable` may be tried again in its slot.

    The ERP may answer later, and a full disk may be freed.
    """
    again = isinstance(error, ErpUnavailable | ErpDenied | LedgerUnavailable)
    return "unavailable" if again else "refused"


def report_on(
    review_id: str, slot: Slot, decision: Decision, drained: Drained, now: datetime
) -> ReviewReport:
    """Count what the review did."""
    ordered = decision.screened.ordered()
    held = decision.screened.held()
    value = ordered.select(pl.col("value").fill_nan(0.0).sum()).item()
    stops = stops_of(decision.screened)
    waits = held.height or stops or drained.stopped or drained.in_doubt
    return ReviewReport(
        review=review_id,
        slot=slot,
        outcome="held" if waits else "done",
        taken_at=decision.snapshot.taken_at,
        finished_at=now,
        items=len(decision.state),
        ordered=ordered.height,
        ordered_value=float(value),
        held=held.height,
        findings=decision.screened.findings.height,
        source=decision.recommendation.source,
        drained=drained,
        screened=decision.screened,
        detail="; ".join(each for each in (*stops, drained.stopped) if each),
    )


def stops_of(screened: Screened) -> list[str]:
    """Return why whole nodes, or the whole site, order nothing in this review: one sentence each.

    Nothing of them need be held for a person, who must hear of it all the same.
    """
    whole = (pl.col("item") == "") & (pl.col("action") >= Action.NODE_HOLD)
    found = screened.findings.filter(whole)
    told = [
        f"{guard} stops {node or 'the whole site'}: {detail.removeprefix(f'{guard}: ')}"
        for guard, node, detail in found.select("guard", "node", "detail").iter_rows()
    ]
    most = told[:_STOPS_TOLD]
    return most + ([f"{len(told) - len(most)} more such stops"] if len(told) > len(most) else [])
