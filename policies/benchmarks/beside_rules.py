"""The policy beside the textbook's rule at the same service, on years that neither was chosen on.

Every contender has one knob for service (z of the rule, critical ratio of the policy). It is set on
a year of its own: the least stock that still serves the target. Then both live through other years.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from connector.errors import PolicyUnusable
from connector.twin.scenario import CLASSES, WorldOptions, scenario
from policies.benchmarks.network import (
    Figures,
    Planner,
    Year,
    draw_year,
    learned,
    live,
    reorder_point,
)
from policies.distribution import REGIONS, World
from policies.head import CappedBaseStock

DEMO_SEED, ITEMS = 7, 200
TARGET = 0.98  # of demand served at once, by value
TEXTBOOK_COVER = (5.0, 10.0)  # days from s to S: regions, centre
COVERS = ((1.0, 1.0), (1.0, 5.0), (2.0, 3.0), (3.0, 10.0), TEXTBOOK_COVER, (10.0, 10.0))
_CHOOSE, _JUDGE = 501, (601, 602, 603)  # seeds of years
_HALVINGS = 8  # of a knob's range, until it just serves the target
SPARE = 0.001  # served above the target on the year of choice, so that other years reach it too


@dataclass(frozen=True, kw_only=True)
class Contender:
    """A planner with its knob set."""

    name: str
    planner: Planner
    ratio: float


@dataclass(frozen=True, kw_only=True)
class Way:
    """A planner's knob for service, from the least to the most."""

    low: float
    high: float
    turned: Callable[[float], Contender]


def demo_world() -> tuple[World, Tensor]:
    """Return the demo's world and the value of a grain of each item [items, 1]."""
    facts = scenario(WorldOptions(items=ITEMS, regions=REGIONS, seed=DEMO_SEED))
    worth = (facts.price * facts.grain)[~facts.discontinued]
    return World.of(facts), torch.from_numpy(worth).float()[:, None]


def report(network: CappedBaseStock, tell: Callable[[str], None]) -> dict[str, float]:
    """Choose, judge and tell; return what the policy reached."""
    began = time.perf_counter()
    world, price = demo_world()
    choice = draw_year(world, price, replications=1, seed=_CHOOSE)
    contenders = [
        _least("reorder point, textbook", choice, [_rule(TEXTBOOK_COVER)]),
        _least("reorder point, grid search", choice, [_rule(cover) for cover in COVERS]),
        _least("policy", choice, [_policy(network)]),
    ]
    years = [draw_year(world, price, replications=1, seed=seed) for seed in _JUDGE]
    judged = {each.name: _all(years, each) for each in contenders}
    kinds = torch.cat([year.kind for year in years])
    _tell_table("all items", judged, None, tell)
    for number, kind in enumerate(CLASSES):
        _tell_table(kind, judged, kinds == number, tell)
    tell(f"{len(years)} years, {time.perf_counter() - began:.0f} s")
    textbook, searched, ours = judged.values()
    return {
        "network_fill": ours.fill(),
        "network_fill_of_textbook": textbook.fill(),
        "network_turns_over_textbook": ours.turns() / textbook.turns(),
        "network_excess_over_textbook": ours.excess_value() / textbook.excess_value(),
        "network_turns_over_searched": ours.turns() / searched.turns(),
        "network_excess_over_searched": ours.excess_value() / searched.excess_value(),
    }


def _rule(cover: tuple[float, float]) -> Way:
    def turned(z: float) -> Contender:
        name = f"z {z:.2f}, cover {cover[0]:g}/{cover[1]:g} days"
        return Contender(name=name, planner=reorder_point(z, cover), ratio=0.98)

    return Way(low=0.5, high=4.0, turned=turned)


def _policy(network: CappedBaseStock) -> Way:
    def turned(knob: float) -> Contender:
        ratio = 1.0 - 10.0**-knob
        name = f"critical ratio {ratio:.4f}"
        return Contender(name=name, planner=learned(network), ratio=ratio)

    return Way(low=1.3, high=3.2, turned=turned)


def _least(name: str, year: Year, ways: list[Way]) -> Contender:
    """Return the way with the least stock, each turned just as far as serves the target."""
    found = [reached for way in ways if (reached := _turned(year, way))]
    if not found:
        raise PolicyUnusable(
            f"{name} does not serve {TARGET + SPARE:.2%} at its most",
            hint="train with higher critical ratios",
        )
    _, best = min(found, key=lambda pair: pair[0])
    return Contender(name=f"{name} ({best.name})", planner=best.planner, ratio=best.ratio)


def _turned(year: Year, way: Way) -> tuple[float, Contender] | None:
    """Return stock and contender of the least knob that serves the target; None = none does."""
    low, high, best = way.low, way.high, None
    knob = high
    for _ in range(_HALVINGS + 1):
        contender = way.turned(knob)
        lived = live(year, contender.planner, contender.ratio)
        if lived.fill() >= TARGET + SPARE:
            high, best = knob, (lived.stock_value(), contender)
        elif best is None:
            return None
        else:
            low = knob
        knob = (low + high) / 2.0
    return best


def _all(years: list[Year], contender: Contender) -> Figures:
    lived = [live(year, contender.planner, contender.ratio) for year in years]
    return Figures(
        **{name: torch.cat([getattr(each, name) for each in lived]) for name in vars(lived[0])}
    )


def _tell_table(
    title: str, judged: dict[str, Figures], some: Tensor | None, tell: Callable[[str], None]
) -> None:
    tell(f"\n{title}")
    tell("| planner | fill % | turns | stock | excess | order lines per item and year |")
    tell("|---|---|---|---|---|---|")
    for name, found in judged.items():
        tell(
            f"| {name} | {100 * found.fill(some):.2f} | {found.turns(some):.1f} | "
            f"{found.stock_value(some):,.0f} | {found.excess_value(some):,.0f} | "
            f"{found.order_lines(some):.0f} |"
        )
    ours = judged[next(reversed(judged))]
    for name, found in list(judged.items())[:-1]:
        tell(
            f"policy against {name}: turns {ours.turns(some) / found.turns(some) - 1:+.1%}, excess "
            f"{ours.excess_value(some) / max(found.excess_value(some), 1e-9) - 1:+.1%}"
        )
