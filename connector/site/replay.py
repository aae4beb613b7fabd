"""Re-runs the pure part of a stored review and compares every verdict, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import msgspec
import polars as pl

from connector import __version__
from connector.cycle import Decision, Rules, decide
from connector.errors import PolicyUnusable
from connector.failsafes.limits import Limits
from connector.inventory.network import Network
from connector.inventory.planning import Planning
from connector.ledger.evidence import EvidenceStore
from connector.ledger.verdicts import verdict_lines
from connector.policy.base_stock import BaseStockPolicy
from connector.policy.fallback import FallbackPolicy, Place, choose
from connector.policy.trust import Trust


@dataclass(frozen=True, kw_only=True)
class Replay:
    """Whether a review gives the same verdicts again, and where it does not."""

    review: str
    matches: bool
    lines: int
    differences: tuple[str, ...]


def redecide(evidence: EvidenceStore, site: str, review: str, trust: Trust) -> Decision:
    """Decide a stored review again from what it saw; raise LedgerUnavailable, PolicyUnusable."""
    context = evidence.read_context(site, review)
    snapshot = evidence.read_snapshot(site, review)
    rules = Rules(
        site=site,
        network=msgspec.convert(context["network"], Network),
        planning=msgspec.convert(context["planning"], Planning),
        limits=msgspec.convert(context["limits"], Limits),
        blocked_nodes=context["blocked_nodes"],
    )
    policy = _policy(evidence, context["policy"], context["refused"], trust, snapshot.erp_date)
    now = datetime.fromisoformat(context["now"])
    return decide(rules, policy, snapshot, evidence.read_memory(site, review), now)


def replay(evidence: EvidenceStore, site: str, review: str, trust: Trust) -> Replay:
    """Compare a review's stored verdicts with a fresh decision on the same evidence."""
    again = redecide(evidence, site, review, trust)
    lines = verdict_lines(again.state, again.recommendation, again.screened)
    differences = [
        *evidence.faults(site, review),
        *_compare("lines", evidence.read_lines(site, review), lines),
        *_compare("findings", evidence.read_findings(site, review), again.screened.findings),
    ]
    return Replay(
        review=review, matches=not differences, lines=lines.height, differences=tuple(differences)
    )


def _policy(
    evidence: EvidenceStore, digest: str, refused: str, trust: Trust, today: date
) -> FallbackPolicy | BaseStockPolicy:
    if not digest:
        return BaseStockPolicy(refused=refused)
    evidence.read_policy(digest)
    place = Place(directory=evidence.root / "policies" / digest)
    chosen = choose([place], trust, today=today, connector_version=__version__)
    if not chosen.bundles:
        raise PolicyUnusable(
            f"the policy {digest[:12]} that decided cannot be loaded: {chosen.refusals[0]}",
            hint="trust the key that signed it, or replay with the version that ran then",
        )
    return chosen


def _compare(what: str, stored: pl.DataFrame, fresh: pl.DataFrame) -> list[str]:
    """Return one sentence for each column that is not the same, bit for bit."""
    if stored.height != fresh.height:
        return [f"{what}: {stored.height} rows were stored, {fresh.height} come out now"]
    if stored.columns != fresh.columns:
        return [f"{what}: the columns differ; another version of the connector decided"]
    found = []
    for name in stored.columns:
        unequal = int((~stored[name].eq_missing(fresh[name])).sum())
        if unequal:
            found.append(f"{what}.{name}: {unequal} of {stored.height} rows differ")
    return found
