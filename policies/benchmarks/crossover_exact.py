"""What can be known exactly where orders cross: base-stock costs, and the exponential's optimum.

Under a base-stock policy the units under way are Poisson, whatever the lead time's distribution
(Palm), so a base-stock level costs what a newsvendor's does. Exponential lead times have no memory:
the level of stock and the number under way are the whole state, and value iteration finds the best
of all policies that the published problem allows, see `crossover_protocol`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from connector.errors import ConfigError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MEAN = 2.0  # time units that a unit is under way
MOST_UNITS = 6  # in one order
BAND = 2.0  # square roots of the base-stock level: how far the position may leave it
_DEEP = 10.0  # square roots of it: no backlog is deeper
_TAIL = 12.0  # standard deviations of what is under way
_TOLERANCE, _MOST_ITERATIONS = 1e-8, 5_000
_NEVER = 1e9


@dataclass(frozen=True, kw_only=True)
class Crossed:
    """One item: customers per time unit, each for one unit; costs per unit and time unit."""

    customers: float
    holding: float
    shortage: float

    @cached_property
    def base_stock(self) -> tuple[int, float]:
        """Return the best base-stock level and its cost per time unit."""
        mean = MEAN * self.customers
        units = np.arange(int(mean + _TAIL * math.sqrt(mean)) + 20)
        logs = units * math.log(mean) - mean - np.asarray([math.lgamma(n + 1.0) for n in units])
        left = units[:, None] - units[None, :]
        cost = self.holding * np.clip(left, 0, None) + self.shortage * np.clip(-left, 0, None)
        costs = cost @ np.exp(logs)
        best = int(costs.argmin())
        return best, float(costs[best])

    @property
    def band(self) -> tuple[int, int]:
        """Return the lowest and highest position that an order may lead to."""
        level, _ = self.base_stock
        reach = math.ceil(BAND * math.sqrt(level))
        return max(0, level - reach), level + reach

    @cached_property
    def stock(self) -> Ints:
        """Return the levels of stock that are looked at, backlog below 0."""
        level, _ = self.base_stock
        return np.arange(-math.ceil(_DEEP * math.sqrt(level)), self.band[1] + 2)

    @cached_property
    def under_way(self) -> Ints:
        """Return the numbers under way that are looked at."""
        return np.arange(self.band[1] - int(self.stock[0]) + 1)


def optimum(item: Crossed) -> float:
    """Return the least cost per time unit for exponential lead times, within 1e-7."""
    position = item.stock[:, None] + item.under_way[None, :]
    low, high = item.band

    def decided(waiting: Floats) -> Floats:
        best = np.full_like(waiting, _NEVER)
        for order in range(MOST_UNITS + 1):
            ahead = np.full_like(waiting, _NEVER)
            ahead[:, : waiting.shape[1] - order] = waiting[:, order:]
            after = position + order
            inside = (after <= high) & ((after >= low) | (order == MOST_UNITS))
            allowed = inside | ((after > high) & (order == 0))
            best = np.minimum(best, np.where(allowed, ahead, _NEVER))
        return best

    return _settled(item, decided)


def cost_of(item: Crossed, orders: Ints) -> float:
    """Return the cost per time unit of a policy: what it orders at [stock, under way]."""
    count = len(item.under_way)
    column = np.clip(item.under_way[None, :] + orders, 0, count - 1)
    return _settled(item, lambda waiting: np.take_along_axis(waiting, column, axis=1))


def _settled(item: Crossed, decided: Callable[[Floats], Floats]) -> float:
    """Return the average cost by relative value iteration; a step is a customer."""
    level, _ = item.base_stock
    start = (-int(item.stock[0]), level)
    value = np.zeros((len(item.stock), len(item.under_way)))
    last = math.inf
    for _ in range(_MOST_ITERATIONS):
        after = decided(_until_customer(item, value))
        cost = float(after[start])
        value = after - cost
        if abs(cost - last) < _TOLERANCE:
            return cost * item.customers
        last = cost
    raise ConfigError(
        f"costs still move by more than {_TOLERANCE:.0e} after {_MOST_ITERATIONS} customers",
        hint="the policy lets stock run away",
    )


def _until_customer(item: Crossed, value: Floats) -> Floats:
    """Return the cost until the next customer and of what follows, at [stock, under way].

    Whatever happens first: a customer comes, or one of the k units under way arrives.
    """
    rate = np.where(item.stock >= 0, item.holding * item.stock, -item.shortage * item.stock)
    ahead = np.empty_like(value)
    for count in item.under_way:
        arrived = np.zeros(len(item.stock))
        if count:
            arrived[:-1] = ahead[1:, count - 1]
            arrived[-1] = ahead[-1, count - 1]
        served = np.concatenate([value[:1, count], value[:-1, count]])
        total = item.customers + count / MEAN
        ahead[:, count] = (rate + item.customers * served + count / MEAN * arrived) / total
    return ahead
