"""Writes down what a review saw and decided: evidence first, then the one commit of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import polars as pl
import structlog

from connector import __version__
from connector.cycle import Decision
from connector.inventory.memory import Memory
from connector.inventory.snapshot import History, Snapshot
from connector.ledger.evidence import Seen
from connector.ledger.planned import counts_of, plan_lines
from connector.ledger.record import ReviewRecord
from connector.ledger.retention import prune, prune_policies
from connector.ledger.sqlite import SqliteLedger
from connector.policy.files import BundleLimits, read_files
from connector.ports import Slot
from connector.site.wiring import Wiring


@dataclass(frozen=True, kw_only=True)
class SiteJournal:
    """The journal of one site, as the review sees it."""

    ledger: SqliteLedger
    wiring: Wiring

    def open(self, slot: Slot, now: datetime) -> str:
        """Open the slot's review or raise ReviewSlotTaken; from here on the log names it."""
        review = self.ledger.open_review(slot, mode=self.wiring.erp.poster.mode, now=now)
        structlog.contextvars.bind_contextvars(review=review)
        return review

    def history(self) -> History:
        """Return what earlier pulls left."""
        return self.ledger.evidence.history(self.wiring.name).newest()

    def remember(self, snapshot: Snapshot) -> Memory:
        """Return what earlier reviews left that this one must respect."""
        mode = self.wiring.erp.poster.mode
        return self.ledger.remember(self.wiring.name, snapshot.erp_date, mode=mode)

    def record(self, review: str, slot: Slot, decision: Decision) -> None:
        """Keep the evidence durably, then commit verdicts, owed and held lines together."""
        self._keep_policy(decision)
        seen = Seen(
            snapshot=decision.snapshot,
            memory=decision.memory,
            state=decision.state,
            recommendation=decision.recommendation,
            screened=decision.screened,
            previous=decision.believed(),
            context=context_of(decision, slot),
        )
        evidence = self.ledger.evidence.write(self.wiring.name, review, seen)
        lines = plan_lines(decision.state, decision.screened, decision.snapshot.erp_date)
        record = ReviewRecord(
            slot=slot,
            erp_date=decision.snapshot.erp_date,
            lines=lines,
            counts=counts_of(decision.screened),
            source=decision.recommendation.source,
            policy_digest=decision.recommendation.digest,
            snapshot_digest=evidence.snapshot_digest,
            evidence_digest=evidence.digest,
            held_until=decision.now + self.wiring.hold_expiry,
            vitals=self._vitals(slot, decision),
            facts=self.wiring.facts,
            piloted=lines.with_columns(inside=self.wiring.pilot.holds())["inside"],
        )
        self.ledger.record(review, record, now=decision.now)

    def close(self, review: str, outcome: str, detail: str, now: datetime) -> None:
        """End the review and drop evidence beyond its retention."""
        self.ledger.close_review(review, outcome=outcome, detail=detail, now=now)
        self._prune(now)

    def _keep_policy(self, decision: Decision) -> None:
        """Keep the bytes that decided, once, so that a replay can load them again."""
        digest = decision.recommendation.digest
        for bundle, place in zip(self.wiring.policy.bundles, self.wiring.places, strict=False):
            if bundle.digest == digest:
                files = read_files(place.directory, BundleLimits(), hard_links=place.hard_links)
                self.ledger.evidence.keep_policy(digest, files)

    def _vitals(self, slot: Slot, decision: Decision) -> pl.DataFrame:
        """Count what later reviews compare with; outside the pilot somebody else orders."""
        vitals = decision.vitals(slot.name)
        nodes = self.wiring.pilot.nodes or decision.rules.network.names
        here = pl.col("node").is_in(nodes)
        return vitals.with_columns(
            lines=pl.when(here).then("lines").otherwise(0),
            value=pl.when(here).then("value").otherwise(0.0),
        )

    def _prune(self, now: datetime) -> None:
        rows = self.ledger.store.rows(
            "SELECT previous_review FROM site WHERE site = ?", (self.wiring.name,)
        )
        keep = {row[0] for row in rows if row[0]}
        evidence = self.ledger.evidence
        if prune(evidence, self.wiring.name, self.wiring.retention, now, keep).reviews:
            prune_policies(evidence, self._policies_in_use())

    def _policies_in_use(self) -> set[str]:
        """Return the digests of the policies that reviews with evidence were decided by."""
        rows = self.ledger.store.rows(
            "SELECT site, review_id, policy_digest FROM review WHERE policy_digest <> ''"
        )
        directory = self.ledger.evidence.directory
        return {digest for site, review, digest in rows if directory(site, review).is_dir()}


def context_of(decision: Decision, slot: Slot) -> dict[str, Any]:
    """Return everything but the frames that the decision depended on, as plain JSON."""
    rules = decision.rules
    return {
        "connector": __version__,
        "slot": slot.name,
        "starts_at": slot.starts_at.isoformat(),
        "now": decision.now.isoformat(),
        "policy": decision.recommendation.digest,
        "source": decision.recommendation.source,
        "refused": decision.recommendation.refused,
        "blocked_nodes": dict(rules.blocked_nodes),
        "network": msgspec.to_builtins(rules.network),
        "planning": msgspec.to_builtins(rules.planning),
        "limits": msgspec.to_builtins(rules.limits),
    }
