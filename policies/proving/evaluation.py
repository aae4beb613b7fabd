"""A policy beside the baselines: each set to the same service, then judged on other years.

Every contender has one knob for service: the critical ratio, or z of the reorder point. It is set
on a year of its own, to the least that serves the target; then all live through the same others.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from connector.failsafes.limits import Limits
from connector.failsafes.line_limits import Collar
from connector.inventory.planning import Planning
from connector.policy.base_stock import BaseStockPolicy
from connector.twin.demand import Moves
from connector.twin.scenario import WorldOptions, scenario
from policies.benchmarks.beside_rules import SPARE, TEXTBOOK_COVER
from policies.proving.contenders import NewsvendorPolicy, ReorderPointPolicy
from policies.proving.measures import Sums
from policies.proving.trial import SETTLE, Lived, Trial
from policies.proving.years import Year, drawn

if TYPE_CHECKING:
    from connector.ports import Policy
    from connector.twin.scenario import Scenario
    from policies.rewards import Rewards

Tell = Callable[[str], None]
_CLOSE = 0.0006  # of fill rate, that a knob may serve above what is wanted
_TRIES = 6
_FREE = 100.0  # times base-stock's order: as wide as a collar can be


@dataclass(frozen=True, kw_only=True)
class Knob:
    """What turns a contender's service: where it may stand, and where the search begins."""

    name: str
    low: float
    first: float
    step: float
    high: float
    ratio: Callable[[float], float | None] = lambda _: None  # what the site's settings say


@dataclass(frozen=True, kw_only=True)
class Contender:
    """Somebody who plans, with one knob for service."""

    name: str
    knob: Knob
    policy: Callable[[float], Policy]
    limits: Limits = field(default_factory=Limits)  # the fail-safes it goes through


@dataclass(frozen=True, kw_only=True)
class Setting:
    """A contender with its knob set, and what it served on the year of choice."""

    contender: Contender
    at: float
    served: float

    @property
    def told(self) -> str:
        """Return the knob as people write it."""
        ratio = self.contender.knob.ratio(self.at)
        return f"{self.contender.knob.name} {self.at if ratio is None else ratio:.4g}"


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What came of it, in the order of contenders; the first is the policy."""

    settings: tuple[Setting, ...]
    lived: tuple[Lived, ...]
    sums: Mapping[str, Sums]
    target: float
    worlds: str  # what they lived in, in words


@dataclass(frozen=True, kw_only=True)
class Proving:
    """The ground: a world, how many years are judged, and what planners want."""

    world: WorldOptions
    years: int
    seed: int
    target: float  # fill rate
    rewards: Rewards
    moves: Moves = field(default_factory=Moves)  # of demand, besides season and weekday
    settle: int = SETTLE  # days that nothing counts of
    days: int = 364  # that are judged
    choice_settle: int = 42
    choice_days: int = 140  # on which knobs are set

    def judge(self, contenders: tuple[Contender, ...], tell: Tell) -> Evaluation:
        """Set every contender to the target, and let all live through the same years."""
        facts = scenario(self.world)
        choice = drawn(facts, years=1, seed=self.seed, moves=self.moves).first(
            self.choice_settle + self.choice_days
        )
        settings = []
        for each in contenders:
            setting = self._set(each, choice)
            tell(f"{each.name}: {setting.told}, fill {setting.served:.2%} on the year of choice")
            settings.append(setting)
        year = drawn(facts, years=self.years, seed=self.seed + 1, moves=self.moves).first(
            self.settle + self.days
        )
        lived = []
        for setting in settings:
            lived.append(self._live(setting.contender, setting.at, year, self.settle))
            tell(f"{setting.contender.name}: {self.years} years lived")
        return Evaluation(
            settings=tuple(settings),
            lived=tuple(lived),
            sums={each.name: Sums.of(each, self.rewards.rewards) for each in lived},
            target=self.target,
            worlds=_in_words(facts, self),
        )

    def _live(self, who: Contender, knob: float, year: Year, settle: int) -> Lived:
        ratio = who.knob.ratio(knob)
        return Trial(
            name=who.name,
            policy=who.policy(knob),
            year=year,
            planning=Planning() if ratio is None else Planning(critical_ratio=ratio),
            limits=who.limits,
            settle=settle,
        ).live()

    def _set(self, who: Contender, choice: Year) -> Setting:
        """Return the least knob that was seen to serve the target, else the one that served most.

        The share not served falls about exponentially as the knob turns, so its logarithm is
        followed by the secant rule.
        """
        wanted = self.target + SPARE
        tried: list[Setting] = []

        def served(knob: float) -> float:
            fill = fill_rate(self._live(who, knob, choice, self.choice_settle))
            tried.append(Setting(contender=who, at=knob, served=fill))
            return _missed(fill) - _missed(wanted + _CLOSE / 3.0)

        knob, step = who.knob.first, who.knob.step
        above = served(knob)
        for _ in range(_TRIES):
            if wanted <= tried[-1].served < wanted + _CLOSE:
                break
            knob, before = knob + step, knob
            knob = min(max(knob, who.knob.low), who.knob.high)
            if knob == before:
                break
            found = served(knob)
            slope = (found - above) / (knob - before)
            step, above = (-found / slope if slope < 0 else who.knob.step), found
        enough = [each for each in tried if each.served >= wanted]
        if enough:
            return min(enough, key=lambda each: each.at)
        return max(tried, key=lambda each: each.served)


def _missed(fill: float) -> float:
    """Return the logarithm of the share that was not served."""
    return math.log(max(1.0 - fill, 1e-6))


def fill_rate(lived: Lived) -> float:
    """Return the share of demand served from stock, by value."""
    price = lived.year.price
    served, asked = np.sum(lived.days.served * price), np.sum(lived.days.demand * price)
    return float(served / asked)


def ratio_at(knob: float) -> float:
    """Return the critical ratio of a knob's place: each step of 1 leaves a tenth of the misses."""
    return 1.0 - math.pow(10.0, -knob)


def by_ratio(
    name: str, policy: Callable[[float], Policy], limits: Limits | None = None
) -> Contender:
    """Return a contender whose knob is the critical ratio."""
    knob = Knob(name="critical ratio", low=0.7, first=2.0, step=0.4, high=3.3, ratio=ratio_at)
    return Contender(name=name, knob=knob, policy=policy, limits=limits or Limits())


def baselines() -> tuple[Contender, ...]:
    """Return who a policy is compared with.

    The ERP's own rule does not pass through our collar, and its lots would not fit into it.
    """
    days, above = TEXTBOOK_COVER
    free = Limits(collar=Collar(high=_FREE, hold=_FREE))
    return (
        Contender(
            name="reorder point",
            knob=Knob(name="z", low=0.0, first=1.88, step=0.4, high=4.5),
            policy=lambda z: ReorderPointPolicy(z=z, days=days, days_above=above),
            limits=free,
        ),
        by_ratio("newsvendor", lambda knob: NewsvendorPolicy(ratio=ratio_at(knob)), free),
        by_ratio("echelon base-stock", lambda _: BaseStockPolicy()),
    )


def _in_words(facts: Scenario, ground: Proving) -> str:
    alive = int((~facts.discontinued).sum())
    return (
        f"{alive} items at {facts.nodes} nodes, world {ground.world.seed}, {ground.years} years of "
        f"{ground.days} days after {ground.settle} to settle, seed {ground.seed}"
        f"{'' if ground.moves == Moves() else f', demand moved by {ground.moves}'}"
    )
