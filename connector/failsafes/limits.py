"""What people allow: a group of numbers for each fail-safe that has any, in catalogue order.

No number here makes an order larger than the policy or base-stock asked. A limit that has no safe
default is None = not set; `missing_caps` names those that live posting must not start without.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from connector.failsafes.control_limits import ClockJump, Throttle
from connector.failsafes.data_limits import (
    NegativeStock,
    PartialData,
    PipelineVanish,
    StaleData,
    StockDrop,
    UnitMismatch,
    UnusableValue,
)
from connector.failsafes.line_limits import (
    Collar,
    Cumulative,
    DuplicateOpen,
    FatFinger,
    Floor,
    Lots,
    PositionCap,
    RelativeJump,
    UnderOrder,
)
from connector.failsafes.total_limits import Budget, FleetJump


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Every number that people decide about a site, by fail-safe."""

    floor: Floor = field(default_factory=Floor)
    clock_jump: ClockJump = field(default_factory=ClockJump)
    throttle: Throttle = field(default_factory=Throttle)
    stale_data: StaleData = field(default_factory=StaleData)
    partial_data: PartialData = field(default_factory=PartialData)
    unusable_value: UnusableValue = field(default_factory=UnusableValue)
    negative_stock: NegativeStock = field(default_factory=NegativeStock)
    stock_drop: StockDrop = field(default_factory=StockDrop)
    pipeline_vanish: PipelineVanish = field(default_factory=PipelineVanish)
    unit_mismatch: UnitMismatch = field(default_factory=UnitMismatch)
    fat_finger: FatFinger = field(default_factory=FatFinger)
    position_cap: PositionCap = field(default_factory=PositionCap)
    relative_jump: RelativeJump = field(default_factory=RelativeJump)
    collar: Collar = field(default_factory=Collar)
    cumulative: Cumulative = field(default_factory=Cumulative)
    duplicate_open: DuplicateOpen = field(default_factory=DuplicateOpen)
    lots: Lots = field(default_factory=Lots)
    under_order: UnderOrder = field(default_factory=UnderOrder)
    budget: Budget = field(default_factory=Budget)
    fleet_jump: FleetJump = field(default_factory=FleetJump)


def missing_caps(limits: Limits) -> tuple[str, ...]:
    """Return the settings without which live posting must not start."""
    caps = ("line", "node_day", "node_review", "node_28_days", "site_review")
    return tuple(f"limits.budget.{cap}" for cap in caps if getattr(limits.budget, cap) is None)
