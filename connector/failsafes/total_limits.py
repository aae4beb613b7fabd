"""The numbers of layer D: sums over lines."""

from __future__ import annotations

from dataclasses import dataclass

from connector.failsafes.parameters import Parameters, parameter


@dataclass(frozen=True, kw_only=True)
class Budget(Parameters):
    """D1: caps in site currency. None = not set; live refuses to start then."""

    line: float | None = parameter(
        None, unit="money", low=0, high=1e12, means="the most money of one line"
    )
    node_day: float | None = parameter(
        None, unit="money", low=0, high=1e12, means="the most money of one node and day"
    )
    node_review: float | None = parameter(
        None, unit="money", low=0, high=1e12, means="the most money of one node and review"
    )
    node_28_days: float | None = parameter(
        None, unit="money", low=0, high=1e12, means="the most money of one node in 28 days"
    )
    site_review: float | None = parameter(
        None, unit="money", low=0, high=1e12, means="the most money of the site in one review"
    )


@dataclass(frozen=True, kw_only=True)
class FleetJump(Parameters):
    """D2."""

    mads: float = parameter(
        6.0, unit="median absolute deviations", low=1, high=100, means="value above the median"
    )
    times: float = parameter(1.5, unit="1", low=1, high=100, means="value against the median")
    history: int = parameter(
        4, unit="reviews", low=2, high=8, means="so many reviews make a median, of at most 8"
    )
    backlog: float = parameter(
        14.0, unit="d", low=1, high=60, means="time without an order that may be caught up at once"
    )
