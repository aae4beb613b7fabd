"""The answers of the fail-safes, in columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Action(IntEnum):
    """What a fail-safe does; the highest wins, nothing relaxes itself."""

    PASS = 0
    WARN = 1
    CLAMP = 2
    HOLD = 3  # the line waits for a person
    SUPPRESS = 4  # the line is not ordered in this review
    FALLBACK = 5  # base-stock instead, still guarded
    NODE_HOLD = 6  # nothing of this node in this review
    NODE_SHADOW = 7  # breaker: recorded, not posted, until a named person re-arms
    NODE_HALT = 8
    GLOBAL_HALT = 9


# A line that waits for a person: held itself, or with its whole node by a sum over it (A7, D2).
WAITING = (int(Action.HOLD), int(Action.NODE_HOLD))

# One row per (line, fail-safe) that did more than pass; site and node findings have item "".
FINDINGS = pl.Schema(
    {
        "node": pl.String,
        "item": pl.String,
        "guard": pl.String,  # catalogue id, "C2"
        "action": pl.Int8,
        "value": pl.Float64,  # what was measured
        "threshold": pl.Float64,  # what was allowed
        "before": pl.Float64,  # quantity before this fail-safe
        "after": pl.Float64,
        "detail": pl.String,
    }
)
# One row per line of the state, same order.
SCREENED = pl.Schema(
    {
        "node": pl.String,
        "item": pl.String,
        "requested": pl.Float64,  # the raw answer
        "rounded": pl.Float64,  # after lots, before clamps
        "quantity": pl.Float64,  # what may be ordered; 0 when held or suppressed
        "held": pl.Float64,  # what a person may approve; 0 = nothing
        "value": pl.Float64,  # quantity (or held) x unit cost
        "action": pl.Int8,  # highest over the line, its node and its site
        "guards": pl.UInt64,  # bit k set = catalogue position k did more than pass
        "source": pl.String,  # policy or base_stock: whose answer this line carries
    }
)


@dataclass(frozen=True, kw_only=True)
class Screened:
    """The verdict on every line, and every finding with both numbers."""

    lines: pl.DataFrame  # SCREENED
    findings: pl.DataFrame  # FINDINGS

    def ordered(self) -> pl.DataFrame:
        """Return the lines that may be posted."""
        return self.lines.filter(pl.col("quantity") > 0)

    def held(self) -> pl.DataFrame:
        """Return the lines that wait for a person."""
        return self.lines.filter(pl.col("held") > 0, pl.col("action").is_in(WAITING))


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One vectorised fail-safe's answer over N lines."""

    tripped: NDArray[np.bool_]
    value: NDArray[np.float64]
    threshold: NDArray[np.float64]
    allowed: NDArray[np.float64] | None = None  # for clamps
    detail: str = ""
