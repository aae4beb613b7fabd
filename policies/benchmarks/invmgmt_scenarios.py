"""gym-invmgmt's 22 core scenarios, and what its authors publish on them.

Profits are means over the ten canonical seeds, from `docs/data/leaderboard.json` of the benchmark's
own repository (r2barati/gym-invmgmt-paper, MIT), made from `results/benchmark_final_merged.csv`.

The M5 trace is the one its `results/m5_window_metadata.json` names (FOODS_3_382 in CA_3, days
1841-1870), which the environment scales to a mean of 20. M5's licence forbids passing it on, and
gym-invmgmt does not ship it: its own adapter reads `sales_train_evaluation.csv`, which everybody
gets from the competition. REPLENISHD_M5 names that file here; without it the two M5 scenarios
are left out.
"""

from __future__ import annotations

import csv
import hashlib
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from connector.errors import ConfigError

SEEDS = (42, 123, 456, 789, 1011, 2022, 3033, 4044, 5055, 6066)
PERIODS = 30
RATE = 20.0
M5_FILE = "REPLENISHD_M5"  # environment variable: path of M5's sales_train_evaluation.csv
_M5_ITEM = "FOODS_3_382_CA_3_evaluation"
_M5_DAYS = tuple(f"d_{day}" for day in range(1841, 1871))
_M5_DIGEST = "59eadb85127a7a529985526b4c781f1cba854bd13747182784d9c6089ec413e6"
_STEADY: tuple[str, ...] = ()
_SWELL = ("trend", "seasonal")
_STORM = ("trend", "seasonal", "shock")


@cache
def m5() -> tuple[float, ...]:
    """Return the M5 trace, scaled to the benchmark's mean.

    ConfigError where there is no file, or not the benchmark's series in it.
    """
    place = os.environ.get(M5_FILE)
    if not place:
        raise ConfigError(
            "the M5 trace is not there",
            hint=f"download sales_train_evaluation.csv of M5, and set {M5_FILE} to its path",
        )
    try:
        with Path(place).open(encoding="utf-8", newline="") as lines:
            units = units_in(lines)
    except OSError as error:
        raise ConfigError(f"{M5_FILE}: {error}", hint="name a file that can be read") from error
    if hashlib.sha256(",".join(map(str, units)).encode()).hexdigest() != _M5_DIGEST:
        raise ConfigError(
            f"{place} has another series for {_M5_ITEM} than the benchmark's",
            hint="use the evaluation file as the competition gave it out",
        )
    return tuple(each * RATE * PERIODS / sum(units) for each in units)


def units_in(lines: Iterable[str]) -> tuple[int, ...]:
    """Return the units of the benchmark's window; ConfigError where item or days are missing."""
    row = next((row for row in csv.DictReader(lines) if row.get("id") == _M5_ITEM), None)
    if row is None:
        raise ConfigError(
            f"there is no {_M5_ITEM} in the M5 file", hint="use sales_train_evaluation.csv"
        )
    try:
        return tuple(int(row[day]) for day in _M5_DAYS)
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(
            f"{_M5_ITEM} has no whole number for every day from {_M5_DAYS[0]} to {_M5_DAYS[-1]}",
            hint="use sales_train_evaluation.csv",
        ) from error


def playable() -> tuple[Scenario, ...]:
    """Return the scenarios that can be lived through here: M5's only where its file is named.

    ConfigError where it is named and `m5` refuses it.
    """
    if os.environ.get(M5_FILE):
        m5()
        return SCENARIOS
    return tuple(each for each in SCENARIOS if each.demand is not None)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One row of the leaderboard: published mean profits of three of its entries."""

    network: str  # the environment's name: network (the paper's "base"), serial
    demand: tuple[str, ...] | None  # effects on a rate of 20; None: the M5 trace
    goodwill: bool
    backlog: bool
    oracle: float
    program: float  # MSSP-I, the informed stochastic program
    learned: float  # PPO-Transformer, the best of the learned

    @property
    def name(self) -> str:
        """Return a short name for people."""
        effects = "M5" if self.demand is None else "+".join(self.demand) or "stationary"
        kinds = ("goodwill " if self.goodwill else "") + ("backlog" if self.backlog else "lost")
        return f"{'base' if self.network == 'network' else self.network} {effects} {kinds}"

    @property
    def mean(self) -> tuple[float, ...]:
        """Return the expected demand of each period, at goodwill 1: the informed tier's."""
        return m5() if self.demand is None else tuple(map(self._mean, range(PERIODS)))

    def _mean(self, period: int) -> float:
        effects = self.demand or ()
        rate = RATE * (1.0 + 0.05 * period if "trend" in effects else 1.0)
        if "seasonal" in effects:
            rate *= 1.0 + 0.5 * math.sin(2.0 * math.pi / PERIODS * period)
        return rate * (2.0 if "shock" in effects and period >= PERIODS // 2 else 1.0)

    def settings(self) -> dict[str, Any]:
        """Return the environment's keyword arguments, as the benchmark's runner makes them."""
        demand: dict[str, Any] = {"base_mu": 20, "use_goodwill": self.goodwill}
        if self.demand is None:
            demand |= {"type": "stationary", "base_mu": RATE, "noise_scale": 0.0}
            demand["external_series"] = list(m5())
        elif self.demand:
            demand |= {"type": "combined_chaos", "effects": list(self.demand)}
        else:
            demand["type"] = "stationary"
        return {
            "scenario": self.network,
            "demand_config": demand,
            "num_periods": PERIODS,
            "backlog": self.backlog,
        }


def _rows(
    network: str, demand: tuple[str, ...] | None, *figures: tuple[bool, bool, float, float, float]
) -> tuple[Scenario, ...]:
    return tuple(
        Scenario(
            network=network,
            demand=demand,
            goodwill=goodwill,
            backlog=backlog,
            oracle=oracle,
            program=program,
            learned=learned,
        )
        for goodwill, backlog, oracle, program, learned in figures
    )


SCENARIOS = (
    *_rows(
        "network",
        _STORM,
        (False, False, 2067.2379, 2028.5634, 1909.24),
        (False, True, 2454.0433, 2435.6694, 2331.85),
        (True, False, 1368.3705, 1210.0178, 1157.69),
        (True, True, 1570.5119, 1344.3170, 1298.59),
    ),
    *_rows(
        "network",
        _SWELL,
        (False, False, 1163.0308, 1136.8895, 943.22),
        (False, True, 1556.7684, 1546.7377, 1383.69),
        (True, False, 812.8618, 726.0328, 567.14),
        (True, True, 1082.5913, 925.0794, 821.76),
    ),
    *_rows(
        "network",
        _STEADY,
        (False, False, 841.9742, 809.1292, 587.05),
        (False, True, 845.6955, 835.0208, 591.25),
    ),
    *_rows("network", None, (False, True, 751.9401, 751.2032, 436.23)),
    *_rows(
        "serial",
        _STORM,
        (False, False, 2013.626, 1965.705, 1525.39),
        (False, True, 2136.785, 2104.518, 1402.39),
        (True, False, 1761.440, 1568.765, 1401.29),
        (True, True, 1734.208, 1560.002, 1116.96),
    ),
    *_rows(
        "serial",
        _SWELL,
        (False, False, 1406.778, 1364.570, 1067.34),
        (False, True, 1529.937, 1502.403, 1241.04),
        (True, False, 1241.584, 1144.281, 804.28),
        (True, True, 1278.228, 1186.473, 633.46),
    ),
    *_rows(
        "serial",
        _STEADY,
        (False, False, 1023.787, 986.468, 769.92),
        (False, True, 1023.938, 1006.307, 836.68),
    ),
    *_rows("serial", None, (False, True, 942.4491, 938.9094, 544.25)),
)


def gap(oracle: float, profit: float) -> float:
    """Return the benchmark's gap to the oracle, as a share of the oracle's profit."""
    return (oracle - profit) / abs(oracle)
