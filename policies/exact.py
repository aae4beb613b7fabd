"""Optimal costs without simulation: what a trained policy is measured against.

Lost sales, one item: relative value iteration, with bounds that enclose the optimum.
Serial systems with backorders: the recursion of Clark and Scarf (1960), on a grid.

Both follow the twin's order of events: receive, order, ship, demand, cost. With lead time L the
last node therefore has to cover the demand of L + 1 periods, and every other node that of L, since
what reaches it can be shipped on in the same period. Books that let a period begin with demand and
only then order (Snyder and Shen, stockpyl) cover L periods at the last node: their instances are
the twin's with the last node's lead time shorter by one, at equal cost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connector.errors import ConfigError
from connector.twin.dynamics import Stock, coming

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_TAIL = 1e-13  # probability of demand that is left out
_MOST_CELLS = 4e7  # states x orders of a lost-sales problem that is still worked out
_WIDE = 8.0  # standard deviations that the serial grid reaches beyond the mean


def poisson(mean: float) -> Floats:
    """Return P(demand = 0, 1, ..)."""
    most = int(mean + 10.0 * math.sqrt(mean) + 20.0)
    logs = [k * math.log(mean) - mean - math.lgamma(k + 1.0) for k in range(most)]
    return _cut(np.array([math.exp(each) for each in logs]))


def geometric(mean: float) -> Floats:
    """Return P(demand = 0, 1, ..), each the same share of the one before."""
    ratio = mean / (1.0 + mean)
    most = math.ceil(math.log(_TAIL) / math.log(ratio))
    return _cut((1.0 - ratio) * ratio ** np.arange(most, dtype=np.float64))


def normal(mean: float, sd: float, step: float) -> Floats:
    """Return P(demand = 0, step, 2 step, ..); demand below zero counts as none."""
    edges = (np.arange(int((mean + _WIDE * sd) / step) + 2) - 0.5) * step
    below = [0.5 * math.erfc((mean - edge) / (sd * math.sqrt(2.0))) for edge in edges[1:]]
    return _cut(np.diff(below, prepend=0.0))


def _cut(odds: Floats) -> Floats:
    """Leave out the tail that has next to no chance; the rest adds up to 1."""
    rest = np.cumsum(odds[::-1])[::-1]
    kept = odds[rest > _TAIL]
    return np.asarray(kept / kept.sum(), dtype=np.float64)


def over_periods(demand: Floats, periods: int) -> Floats:
    """Return the distribution of the demand of some periods together."""
    total = np.ones(1)
    for _ in range(periods):
        total = _folded(total, demand)
    return np.clip(total, 0.0, None)


@dataclass(frozen=True, kw_only=True)
class LostSales:
    """One item, whole units, everything unserved is lost; `demand[k]` = P(demand = k)."""

    demand: Floats
    lead_time: int
    shortage: float
    holding: float = 1.0
    fixed: float = 0.0  # per order placed


@dataclass(frozen=True, kw_only=True)
class Optimum:
    """The optimal average cost per period, and what to order in each state.

    `order[x, q1, .., q(L-1)]`: x on hand after receipts, q1 due next period, and so on.
    """

    cost: float
    within: float  # the optimum is at most this far from `cost`
    order: Ints

    def __call__(self, stock: Stock, _: int) -> Floats:
        """Be the policy: whole units, one node."""
        seen = (stock.on_hand, *coming(stock)[: self.order.ndim - 1])
        at = tuple(
            np.clip(np.rint(units).astype(np.int64), 0, size - 1)
            for units, size in zip(seen, self.order.shape, strict=True)
        )
        return np.asarray(self.order[at], dtype=np.float64)


def optimal_lost_sales(
    problem: LostSales, *, tolerance: float = 1e-5, most_iterations: int = 5_000
) -> Optimum:
    """Return the optimum, by relative value iteration.

    Errors: ConfigError for a problem too large, with lead time 0, or if it does not converge.
    """
    on_hand, ordered = _bounds(problem)
    served = np.arange(on_hand + 1)
    per_state = _period_cost(problem, served)
    leaves = _leaves(problem.demand, on_hand)
    reach = np.minimum(served[:, None] + np.arange(ordered + 1)[None, :], on_hand)
    charge = problem.fixed * (np.arange(ordered + 1) > 0)
    states = (on_hand + 1, *(ordered + 1 for _ in range(problem.lead_time - 1)))
    per_state = per_state.reshape(-1, *(1 for _ in states[1:]))
    value = np.zeros(states)
    for _ in range(most_iterations):
        # After demand: y left and the orders o1 .. oL on their way; o1 is received next
        after = value[reach].reshape(on_hand + 1, -1)
        ahead = (leaves @ after).reshape(*states, ordered + 1) + charge
        better = per_state + ahead.min(axis=-1)
        change = better - value
        low, high = float(change.min()), float(change.max())
        value = better - better.flat[0]
        if high - low < tolerance:
            order = np.asarray(ahead.argmin(axis=-1), dtype=np.int64)
            return Optimum(cost=(low + high) / 2.0, within=(high - low) / 2.0, order=order)
    raise ConfigError(
        f"bounds are {high - low:.2g} apart after {most_iterations} iterations",
        hint=f"ask for less than {tolerance:.2g}",
    )


def _bounds(problem: LostSales) -> tuple[int, int]:
    """Return the most on hand and the most ordered that are looked at.

    The position never pays above the newsvendor's level of lead time + review (Zipkin 2008) plus
    an economic lot; one order never pays above one period's, where the pipeline holds others.
    """
    if problem.lead_time < 1:
        raise ConfigError(
            f"lead time is {problem.lead_time}, at least 1 period is needed",
            hint="with lead time 0 the newsvendor's level is optimal",
        )
    enough = 1.0 - problem.holding / (problem.holding + problem.shortage)
    mean = float(problem.demand @ np.arange(len(problem.demand)))
    lot = math.ceil(math.sqrt(2.0 * problem.fixed * mean / problem.holding))
    cover = over_periods(problem.demand, problem.lead_time + 1)
    on_hand = math.ceil(1.2 * _quantile(cover, enough)) + 2 * lot + 5
    single = _quantile(problem.demand, 1.0 - (1.0 - enough) / 10.0) + 2 * lot
    ordered = min(on_hand, single) if problem.lead_time > 1 else on_hand
    cells = (on_hand + 1.0) * (ordered + 1.0) ** problem.lead_time
    if cells > _MOST_CELLS:
        raise ConfigError(
            f"lead time {problem.lead_time} needs {cells:.1e} cells, at most {_MOST_CELLS:.0e}",
            hint="state space grows with each period of lead time; compare with simulation",
        )
    return on_hand, ordered


def _quantile(odds: Floats, chance: float) -> int:
    return int(np.searchsorted(np.cumsum(odds), chance))


def _period_cost(problem: LostSales, served: Ints) -> Floats:
    """Return the expected holding and shortage cost of a period that begins with x on hand."""
    left = served[:, None] - np.arange(len(problem.demand))[None, :]
    cost = problem.holding * np.clip(left, 0, None) + problem.shortage * np.clip(-left, 0, None)
    return np.asarray(cost @ problem.demand, dtype=np.float64)


def _leaves(demand: Floats, on_hand: int) -> Floats:
    """Return P(y are left of x) [x, y]."""
    odds = np.zeros((on_hand + 1, on_hand + 1))
    for x in range(on_hand + 1):
        some = demand[:x]
        odds[x, x - np.arange(len(some))] = some
        odds[x, 0] = 1.0 - some.sum()
    return odds


@dataclass(frozen=True, kw_only=True)
class Serial:
    """A serial system, upstream first; customers wait at the last node.

    `holding` is per unit on the node's shelf, lead times are the twin's.
    """

    lead_times: tuple[int, ...]
    holding: tuple[float, ...]
    shortage: float


@dataclass(frozen=True, kw_only=True)
class SerialOptimum:
    """Echelon base-stock levels, upstream first, and the average cost per period they give.

    `in_transit` is what goods on their way between nodes would cost if each were charged as on its
    supplier's shelf: a constant that `cost` leaves out and most books add.
    """

    levels: tuple[float, ...]
    cost: float
    in_transit: float


def clark_scarf(
    system: Serial,
    demand: Floats,
    step: float = 1.0,
    *,
    levels: tuple[float, ...] | None = None,
) -> SerialOptimum:
    """Return the optimum for P(demand = 0, step, 2 step, ..), or the cost of given levels."""
    count = len(system.lead_times)
    if count != len(system.holding) or (levels is not None and count != len(levels)):
        raise ConfigError(
            f"{count} lead times and {len(system.holding)} holding costs",
            hint="give one of each, and a level if any, for every node, upstream first",
        )
    mean = step * float(demand @ np.arange(len(demand)))
    grid = _grid(system, demand, step)
    below = np.clip(-grid, 0.0, None) * (system.shortage + system.holding[-1])
    found: list[float] = []
    cost = 0.0
    for node in reversed(range(count)):
        echelon = system.holding[node] - (system.holding[node - 1] if node else 0.0)
        cover = system.lead_times[node]
        if node == count - 1:
            stage = _expected(below, over_periods(demand, cover + 1))
        else:
            stage = _expected(below, over_periods(demand, cover))
        stage = stage + echelon * (grid - (cover + 1) * mean)
        best = int(stage.argmin())
        if levels is not None:
            best = int(np.rint((levels[node] - grid[0]) / step))
        found.append(float(grid[best]))
        cost = float(stage[best])
        below = stage[np.minimum(np.arange(len(grid)), best)]
    pairs = zip(system.holding, system.lead_times[1:], strict=False)
    under_way = mean * sum(held * lead for held, lead in pairs)
    return SerialOptimum(levels=tuple(found[::-1]), cost=cost - under_way, in_transit=under_way)


def _grid(system: Serial, demand: Floats, step: float) -> Floats:
    """Return echelon positions: from just below zero, where every cost is linear, upwards."""
    at = np.arange(len(demand))
    mean = float(demand @ at)
    sd = math.sqrt(float(demand @ at**2) - mean**2)
    periods = sum(system.lead_times) + 1
    most = int(periods * mean + _WIDE * sd * math.sqrt(periods)) + 2
    return (np.arange(most, dtype=np.float64) - 2.0) * step


def _expected(values: Floats, demand: Floats) -> Floats:
    """Return E f(y - demand) on the grid of f, which goes on in a straight line below it."""
    more = len(demand) - 1
    line = values[0] + (values[0] - values[1]) * np.arange(more, 0, -1)
    return _folded(np.concatenate([line, values]), demand)[more : more + len(values)]


def _folded(first: Floats, second: Floats) -> Floats:
    """Return the convolution, by Fourier transform where that is quicker."""
    size = len(first) + len(second) - 1
    if min(len(first), len(second)) < 64:  # noqa: PLR2004 - below, the sum itself is as quick
        return np.asarray(np.convolve(first, second), dtype=np.float64)
    padded = 1 << (size - 1).bit_length()
    product = np.fft.rfft(first, padded) * np.fft.rfft(second, padded)
    return np.asarray(np.fft.irfft(product, padded)[:size], dtype=np.float64)
