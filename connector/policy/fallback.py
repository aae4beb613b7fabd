"""Chooses who answers: the configured bundle, else the previous one, else base-stock. Loudly.

Refused at loading and refused while answering take the same road, and both leave the reason in the
log and in the recommendation that the ledger keeps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import structlog

from connector.errors import PolicyUnusable
from connector.inventory.recommendation import Recommendation
from connector.inventory.state import State
from connector.policy.base_stock import BaseStockPolicy
from connector.policy.bundle import Bundle, load_bundle
from connector.policy.files import BundleLimits
from connector.policy.onnx import OnnxPolicy
from connector.policy.trust import Trust

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a bundle lies."""

    directory: Path
    hard_links: bool = False  # only for bundles that came with the installed package


@dataclass(frozen=True, kw_only=True)
class FallbackPolicy:
    """Asks the admitted bundles in order, then base-stock; answers always."""

    bundles: tuple[Bundle, ...]
    refusals: tuple[str, ...] = ()  # at loading, in order of preference

    @property
    def name(self) -> str:
        """Return who answers first."""
        return self.bundles[0].name if self.bundles else "base_stock"

    def recommend(self, state: State) -> Recommendation:
        """Return the first answer that is not refused; `refused` says what was passed over."""
        refusals = list(self.refusals)
        for bundle in self.bundles:
            try:
                answer = OnnxPolicy(bundle=bundle).recommend(state)
            except PolicyUnusable as error:
                _log.warning(
                    "policy_unusable", policy=bundle.name, error=str(error), hint=error.hint
                )
                refusals.append(f"{bundle.name}: {error}")
                continue
            return replace(answer, refused="; ".join(refusals))
        reason = "; ".join(refusals)
        if reason:
            _log.warning("base_stock_took_over", site=state.site, reason=reason)
        return BaseStockPolicy(refused=reason).recommend(state)


def choose(
    places: Sequence[Place],
    trust: Trust,
    *,
    today: date,
    connector_version: str,
    limits: BundleLimits | None = None,
) -> FallbackPolicy:
    """Load the bundles in order of preference; what is refused is logged and remembered.

    No places at all means that base-stock is what was asked for.
    """
    bundles: list[Bundle] = []
    refusals: list[str] = []
    for place in places:
        try:
            bundle = load_bundle(
                place.directory,
                trust,
                today=today,
                connector_version=connector_version,
                limits=limits,
                hard_links=place.hard_links,
            )
        except PolicyUnusable as error:
            _log.warning(
                "policy_refused", bundle=str(place.directory), error=str(error), hint=error.hint
            )
            refusals.append(f"{place.directory.name}: {error}")
        else:
            _log.info("policy_admitted", policy=bundle.name, digest=bundle.digest)
            bundles.append(bundle)
    return FallbackPolicy(bundles=tuple(bundles), refusals=tuple(refusals))
