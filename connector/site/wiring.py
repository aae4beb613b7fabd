"""Everything a desk needs of one site's configuration: built by bootstrap, swapped at a reload."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import polars as pl

from connector.failsafes.limits import Limits
from connector.inventory.network import Network
from connector.inventory.planning import Planning
from connector.inventory.snapshot import Snapshot
from connector.ledger.conduct import Conduct
from connector.ledger.retention import Retention
from connector.policy.fallback import FallbackPolicy, Place
from connector.policy.trust import Trust
from connector.ports import RequisitionPoster, StockReader
from connector.schedule import Schedule


@dataclass(frozen=True, kw_only=True)
class Pilot:
    """The nodes and items that posting is narrowed to; empty = all."""

    nodes: tuple[str, ...] = ()
    items: tuple[str, ...] = ()

    def holds(self) -> pl.Expr:
        """Return which rows with `node` and `item` are inside the pilot."""
        inside = pl.lit(value=True)
        if self.nodes:
            inside = inside & pl.col("node").is_in(self.nodes)
        if self.items:
            inside = inside & pl.col("item").is_in(self.items)
        return inside


@dataclass(frozen=True, kw_only=True)
class Erp:
    """Everything a desk asks of an ERP. Its poster is all that knows shadow from live."""

    reader: StockReader
    poster: RequisitionPoster
    finder: RequisitionPoster | None  # sees in the ERP what another mode sent
    checks: Sequence[Callable[[], Sequence[Any]]]  # connection, $metadata
    api_plan: Callable[[], Sequence[Any]]  # every call that can be made
    other_planners: Callable[[Snapshot], pl.DataFrame]  # node, item, reason, detail
    close: Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Wiring:
    """One site as configured."""

    name: str
    currency: str
    schedule: Schedule
    tick_seconds: float
    network: Network
    planning: Callable[[float], Planning]  # of a review period in days
    limits: Limits
    pilot: Pilot
    erp: Erp
    policy: FallbackPolicy
    places: Sequence[Place]
    trust: Trust
    conduct: Conduct
    hold_expiry: timedelta
    retention: Retention
    labels: Mapping[str, str] = field(default_factory=dict)  # of nodes, for people
    unplanned_types: tuple[str, ...] = ()  # planning types under which nobody else plans
    rehearsal: bool = False  # follows a simulated clock
    durable: bool = False  # money may be committed: memory-backed file systems are refused
    facts: dict[str, str] = field(default_factory=dict)  # digests and versions, for the journal
