"""The numbers of layer C: one line."""

from __future__ import annotations

from dataclasses import dataclass

from connector.errors import ConfigError
from connector.failsafes.parameters import Parameters, parameter
from connector.inventory.ordering import WHOLE_UNITS


@dataclass(frozen=True, kw_only=True)
class Floor(Parameters):
    """What limits told in days of demand always leave room for, so that no slow item starves."""

    units: float = parameter(
        10.0, unit="base units", low=0, high=1e6, means="the most units that the floor allows"
    )
    value: float = parameter(
        500.0, unit="money", low=0, high=1e9, means="the most money that the floor allows"
    )


@dataclass(frozen=True, kw_only=True)
class FatFinger(Parameters):
    """C1."""

    days: float = parameter(
        60.0, unit="d of demand", low=1, high=730, means="the most that one line may buy"
    )
    quantity: float | None = parameter(
        None, unit="base units", low=0, high=1e10, means="the most units of one line; None = any"
    )
    value: float | None = parameter(
        None, unit="money", low=0, high=1e12, means="the most money of one line; None = any"
    )


@dataclass(frozen=True, kw_only=True)
class PositionCap(Parameters):
    """C2; `sigmas` also shapes the cap that C1, C4 and C10 refer to."""

    sigmas: float = parameter(
        3.5, unit="sd of demand", low=0, high=10, means="buffer over lead time and review period"
    )
    clamp: float = parameter(
        1.2, unit="caps", low=0.1, high=10, means="orders are cut to this position"
    )
    hold: float = parameter(
        1.5, unit="caps", low=0.1, high=10, means="orders beyond this position wait for a person"
    )

    def __post_init__(self) -> None:
        """Refuse a cut above the hold: it would never be reached."""
        super().__post_init__()
        if self.clamp > self.hold:
            msg = f"PositionCap.clamp is {self.clamp} and PositionCap.hold is {self.hold}"
            raise ConfigError(msg, hint="hold must not be lower than clamp")


@dataclass(frozen=True, kw_only=True)
class RelativeJump(Parameters):
    """C4."""

    times: float = parameter(
        3.0, unit="1", low=1, high=100, means="order against the largest of the last 12"
    )
    cap: float = parameter(
        0.25, unit="caps", low=0, high=10, means="orders smaller than this are never a jump"
    )
    backlog: float = parameter(
        14.0, unit="d", low=0, high=60, means="time without an order that may be caught up at once"
    )
    orders: int = parameter(
        3, unit="orders", low=1, high=12, means="so many earlier orders make a comparison"
    )


@dataclass(frozen=True, kw_only=True)
class Collar(Parameters):
    """C6."""

    high: float = parameter(
        2.0, unit="1", low=1, high=100, means="order against base-stock's: cut above"
    )
    low: float = parameter(
        0.0, unit="1", low=0, high=1, means="order against base-stock's: warned below"
    )
    hold: float = parameter(
        2.0, unit="collars", low=1, high=100, means="orders beyond this wait for a person"
    )


@dataclass(frozen=True, kw_only=True)
class Cumulative(Parameters):
    """C7."""

    times: float = parameter(
        1.3, unit="1", low=1, high=10, means="orders of a horizon against its demand"
    )
    sigmas: float = parameter(
        3.5, unit="sd of demand", low=0, high=10, means="buffer over the horizon"
    )
    days: tuple[float, ...] = parameter(
        (7.0, 28.0), unit="d", low=0.1, high=28,
        means="horizons, besides the review period and lead time + review period",
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class DuplicateOpen(Parameters):
    """C9."""

    low: float = parameter(0.8, unit="1", low=0, high=1, means="order against the open document")
    high: float = parameter(1.25, unit="1", low=1, high=100, means="order against the open one")
    reviews: float = parameter(
        1.0, unit="review periods", low=0, high=10, means="how near the two need dates lie"
    )


@dataclass(frozen=True, kw_only=True)
class Lots(Parameters):
    """C10."""

    discard: float = parameter(
        0.5, unit="lots", low=0, high=1, means="less than this of a lot is not ordered"
    )
    step: float = parameter(
        0.001, unit="base units", low=0.001, high=1, means="smallest step of units that divide"
    )
    whole_units: tuple[str, ...] = parameter(
        WHOLE_UNITS, unit="", low=0, high=0, means="units that only come whole"
    )


@dataclass(frozen=True, kw_only=True)
class UnderOrder(Parameters):
    """C14."""

    reviews: int = parameter(
        2, unit="reviews", low=1, high=30, means="reviews in a row without an order when short"
    )
    constant: float = parameter(
        0.5,
        unit="1",
        low=0.01,
        high=1,
        means="share of a node's items with one and the same answer",
    )
    lines: float = parameter(
        0.05, unit="1", low=0, high=1, means="share of starved lines that gives up on the policy"
    )
    few: int = parameter(
        20, unit="lines", low=1, high=10_000, means="smaller nodes say nothing about shares"
    )
