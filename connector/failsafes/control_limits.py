"""The numbers of layer A: the process and the way to the ERP."""

from __future__ import annotations

from dataclasses import dataclass

from connector.failsafes.parameters import Parameters, parameter


@dataclass(frozen=True, kw_only=True)
class ClockJump(Parameters):
    """A6."""

    wall_seconds: float = parameter(
        30.0, unit="s", low=1, high=600, means="wall time against monotonic time between readings"
    )
    erp_seconds: float = parameter(
        120.0, unit="s", low=1, high=3600, means="our wall time against the ERP's Date header"
    )


@dataclass(frozen=True, kw_only=True)
class Throttle(Parameters):
    """A7."""

    per_second: float = parameter(
        2.0, unit="sends/s", low=0.01, high=100, means="how fast sending permits come back"
    )
    burst: float = parameter(
        20.0, unit="sends", low=1, high=1000, means="how many permits can be saved up"
    )
    lines: int = parameter(
        50, unit="lines", low=1, high=1_000_000, means="a node may always order so many lines"
    )
    growth: float = parameter(
        1.5, unit="1", low=1, high=10, means="lines against the most in the history"
    )
    history: int = parameter(
        1, unit="reviews", low=1, high=8, means="so many reviews make a comparison, of at most 8"
    )
