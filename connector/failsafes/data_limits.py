"""The numbers of layer B: what was read."""

from __future__ import annotations

from dataclasses import dataclass

from connector.failsafes.parameters import Parameters, parameter


@dataclass(frozen=True, kw_only=True)
class StaleData(Parameters):
    """B1."""

    hours: float = parameter(6.0, unit="h", low=0.1, high=168, means="the oldest usable picture")
    reviews: float = parameter(
        2.0, unit="review periods", low=0.1, high=10, means="the same, by the rhythm of reviews"
    )
    ahead_seconds: float = parameter(
        120.0, unit="s", low=0, high=3600, means="how far a picture may lie in the future"
    )


@dataclass(frozen=True, kw_only=True)
class PartialData(Parameters):
    """B2."""

    low: float = parameter(0.98, unit="1", low=0, high=1, means="rows against their median")
    high: float = parameter(1.10, unit="1", low=1, high=100, means="rows against their median")
    rows: int = parameter(
        5, unit="rows", low=0, high=1000, means="rows that may come or go in the smallest node"
    )
    sigmas: float = parameter(
        5.0,
        unit="sqrt(rows)",
        low=0,
        high=20,
        means="stock rows may vary so much besides: an item that is out has none",
    )
    keys: float = parameter(
        0.01, unit="1", low=0, high=1, means="item-nodes that may come or go since last time"
    )
    keys_few: int = parameter(
        2, unit="item-nodes", low=0, high=1000, means="so many may come or go in the smallest node"
    )
    pipeline_low: float = parameter(
        0.1, unit="1", low=0, high=1, means="open document lines against last time"
    )
    pipeline_rows: int = parameter(
        20, unit="rows", low=1, high=100_000, means="fewer open lines say nothing about the share"
    )
    history: int = parameter(
        4, unit="reviews", low=1, high=8, means="so many reviews make a median, of at most 8"
    )


@dataclass(frozen=True, kw_only=True)
class UnusableValue(Parameters):
    """B4."""

    quantity: float = parameter(
        1e10, unit="base units", low=1, high=1e12, means="no quantity is larger"
    )
    days: float = parameter(3650.0, unit="d", low=1, high=36500, means="no duration is longer")
    cost: float = parameter(1e9, unit="money", low=1, high=1e12, means="no base unit costs more")
    lines: float = parameter(
        0.001, unit="1", low=0, high=1, means="share of a node's lines that halts the node"
    )
    few: int = parameter(
        2, unit="lines", low=0, high=1000, means="so many lines never halt the smallest node"
    )


@dataclass(frozen=True, kw_only=True)
class NegativeStock(Parameters):
    """B5."""

    days: float = parameter(
        2.0, unit="d of demand", low=0, high=60, means="how deep below zero stock is still believed"
    )


@dataclass(frozen=True, kw_only=True)
class StockDrop(Parameters):
    """B7."""

    sigmas: float = parameter(
        8.0, unit="sd of demand", low=1, high=100, means="demand that explains a fall of stock"
    )
    lines: float = parameter(
        0.01, unit="1", low=0, high=1, means="share of a node's lines that holds the node"
    )
    few: int = parameter(
        2, unit="lines", low=0, high=1000, means="so many lines never hold the smallest node"
    )


@dataclass(frozen=True, kw_only=True)
class PipelineVanish(Parameters):
    """B8."""

    share: float = parameter(
        0.05, unit="1", low=0, high=1, means="share of a line's pipeline that may vanish"
    )
    lines: float = parameter(
        0.01, unit="1", low=0, high=1, means="share of a node's lines that holds the node"
    )
    few: int = parameter(
        2, unit="lines", low=0, high=1000, means="so many lines never hold the smallest node"
    )


@dataclass(frozen=True, kw_only=True)
class UnitMismatch(Parameters):
    """B9."""

    band: float = parameter(
        0.05, unit="ln", low=0, high=0.5, means="how near to a known factor is suspicious"
    )
    factors: tuple[float, ...] = parameter(
        (1000.0, 0.001), unit="1", low=1e-6, high=1e6, means="factors that units are confused by"
    )
    orders: int = parameter(
        3, unit="orders", low=1, high=12, means="so many earlier orders make a median, of 12"
    )
