"""What a lived year is worth, in the field's terms, each figure with its 95 % interval.

Every figure is a ratio of sums over items, so its spread is that of items drawn with replacement
(the bootstrap); two policies are compared on the same draws, since they met the same customers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from connector.twin.scenario import CENTRAL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from policies.proving.trial import Lived
    from policies.rewards import Weights

    Floats = NDArray[np.float64]

YEAR, WEEK = 365.0, 7
DRAWS = 1_000
_TAIL = 2.5  # per cent, at both ends
_SEED = 20_260


@dataclass(frozen=True, kw_only=True)
class Sums:
    """A lived year as sums by item [B]: all that figures are made of."""

    columns: Mapping[str, Floats]
    days: int

    @classmethod
    def of(cls, lived: Lived, weights: Weights) -> Sums:
        """Add up a year."""
        days, price = lived.days, lived.year.price
        beyond = np.maximum(days.on_hand - lived.year.excess_level, 0.0)
        stock, excess = _value(days.on_hand, price), _value(beyond, price)
        lost = _value(days.demand - days.served, price)
        lines = (days.ordered > 0).sum(axis=(0, 2)).astype(np.float64)
        asked = days.demand > 0
        full = asked & (days.served >= days.demand)
        cycles, good = _cycles(days.received, days.demand > days.served)
        bought, wanted = _weekly(days.ordered[:, :, CENTRAL]), _weekly(days.demand.sum(axis=2))
        columns = {
            "demand": _value(days.demand, price),
            "served": _value(days.served, price),
            "stock": stock,
            "excess": excess,
            "asked_days": asked.sum(axis=(0, 2)).astype(np.float64),
            "full_days": full.sum(axis=(0, 2)).astype(np.float64),
            "cycles": cycles,
            "good_cycles": good,
            "lines": lines,
            "lanes": np.full(len(lines), float(days.demand.shape[2])),
            "bought_variance": bought.var(axis=0) * price[:, 0] ** 2,
            "wanted_variance": wanted.var(axis=0) * price[:, 0] ** 2,
            "cost": weights.cost(stock=stock, excess=excess, lost=lost),
        }
        return cls(columns=MappingProxyType(columns), days=len(days.demand))

    def some(self, rows: NDArray[np.bool_]) -> Sums:
        """Return those of some items."""
        return Sums(
            columns=MappingProxyType({n: column[rows] for n, column in self.columns.items()}),
            days=self.days,
        )

    def __len__(self) -> int:
        """Return B."""
        return len(self.columns["demand"])


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One figure: a ratio of two sums, and which way is better."""

    name: str
    unit: str
    means: str
    better: str  # higher | lower
    of: Callable[[Mapping[str, Floats], int], Floats]
    digits: int


def _share(part: str, whole: str) -> Callable[[Mapping[str, Floats], int], Floats]:
    return lambda s, _: 100.0 * s[part] / np.maximum(s[whole], 1e-12)


MEASURES = (
    Measure(name="cost", unit="% of sales",
        means="Holding, shortage and excess as the rewards file weighs them, over sales.",
        better="lower", of=_share("cost", "served"), digits=2),
    Measure(name="fill rate", unit="%",
        means="Share of demand, by value, served on the day from stock (beta).",
        better="higher", of=_share("served", "demand"), digits=2),
    Measure(
        name="service", unit="%",
        means="Share of item-node days with demand on which all of it was served (alpha).",
        better="higher", of=_share("full_days", "asked_days"), digits=2
    ),
    Measure(
        name="cycle service", unit="%",
        means="Share of replenishment cycles, receipt to receipt, without a day short.",
        better="higher", of=_share("good_cycles", "cycles"),
        digits=2,
    ),
    Measure(
        name="turns", unit="a year",
        means="A year's sales at cost over the average stock on hand.",
        better="higher", digits=2,
        of=lambda s, _: YEAR * s["served"] / np.maximum(s["stock"], 1e-12),
    ),
    Measure(
        name="days of supply", unit="days",
        means="Average stock on hand over a day's demand, both at cost.",
        better="lower", digits=2,
        of=lambda s, _: s["stock"] / np.maximum(s["demand"], 1e-12),
    ),
    Measure(
        name="excess", unit="money",
        means="Average stock beyond 1.5 times the order-up-to level of 98 %, at cost.",
        better="lower", digits=0,
        of=lambda s, days: s["excess"] / days,
    ),
    Measure(
        name="bullwhip", unit="1",
        means="Variance of what the site buys in a week over that of its customers' demand.",
        better="lower", digits=2,
        of=lambda s, _: s["bought_variance"] / np.maximum(s["wanted_variance"], 1e-12),
    ),
    Measure(
        name="order lines", unit="a year",
        means="Order lines of an item at a node.",
        better="lower", digits=1,
        of=lambda s, days: YEAR * s["lines"] / s["lanes"] / days,
    ),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float


def figures(sums: Sums) -> dict[str, Figure]:
    """Return every measure of a policy."""
    whole, drawn = _totals(sums)
    return {each.name: _figure(each.of(whole, sums.days), each.of(drawn, sums.days))
            for each in MEASURES}  # fmt: skip


def changes(ours: Sums, theirs: Sums) -> dict[str, Figure]:
    """Return by how many per cent each measure of ours differs from theirs, on the same draws."""
    ours_whole, ours_drawn = _totals(ours)
    whole, drawn = _totals(theirs)

    def change(each: Measure, a: Mapping[str, Floats], b: Mapping[str, Floats]) -> Floats:
        return 100.0 * (each.of(a, ours.days) / np.maximum(each.of(b, theirs.days), 1e-12) - 1.0)

    return {
        each.name: _figure(change(each, ours_whole, whole), change(each, ours_drawn, drawn))
        for each in MEASURES
    }


def _figure(value: Floats, drawn: Floats) -> Figure:
    low, high = np.percentile(drawn, (_TAIL, 100.0 - _TAIL))
    return Figure(value=float(value), low=float(low), high=float(high))


def _totals(sums: Sums) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """Return each column's sum, and its sums over items drawn with replacement [DRAWS]."""
    size = len(sums)
    chance = np.random.default_rng(_SEED)
    times = chance.multinomial(size, np.full(size, 1.0 / size), size=DRAWS).astype(np.float64)
    whole = {name: np.asarray(column.sum()) for name, column in sums.columns.items()}
    return whole, {name: times @ column for name, column in sums.columns.items()}


def _value(units: Floats, price: Floats) -> Floats:
    worth: Floats = (units * price).sum(axis=(0, 2))
    return worth


def _weekly(daily: Floats) -> Floats:
    weeks = len(daily) // WEEK
    sums: Floats = daily[: weeks * WEEK].reshape(weeks, WEEK, -1).sum(axis=1)
    return sums


def _cycles(received: NDArray[np.bool_], short: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return by item how many cycles ended [B], and how many of them without a day short."""
    cycle = np.cumsum(received, axis=0)
    days, items, nodes = received.shape
    lane = np.arange(items * nodes).reshape(items, nodes)
    most = days + 1
    key = (lane[None] * most + cycle).ravel()
    spoilt = np.bincount(key, short.ravel(), minlength=items * nodes * most) > 0
    spoilt = spoilt.reshape(items, nodes, most)
    ended = cycle[-1]
    counts = np.arange(most)[None, None] < ended[..., None]  # the last one goes on
    return (
        counts.sum(axis=(1, 2)).astype(np.float64),
        (counts & ~spoilt).sum(axis=(1, 2)).astype(np.float64),
    )
