"""Orders that cross: one network beside base-stock levels, DCL and the optimum.

One network knows an instance by its features only. Of what is under way it sees the age: expected
arrivals by production's buckets, given how long each unit has been out, never the drawn day.

Two tables. First, simulated in the twin as published: chains of 5,000 customers after 100, from
nothing; published are the runs whose figures could be read. That the published base-stock costs,
Palm's theorem and the twin agree is the proof that the problem is the same. Then all published
exponential instances, where the optimum and the policy's own cost are worked out exactly.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from connector.twin.dynamics import Stock
from connector.twin.network import Topology
from policies.benchmarks.crossover_exact import Crossed, Ints, cost_of, optimum
from policies.benchmarks.crossover_policy import (
    RECIPE,
    CrossingBaseStock,
    Learner,
    Placing,
    base_stock,
)
from policies.benchmarks.crossover_protocol import (
    AHEAD,
    KINDS,
    Crossing,
    Policy,
    Road,
    World,
    arrival_odds,
    crossing,
    odds_of,
)
from policies.head import CappedBaseStock

_HORIZON = {"exponential": 240, "uniform": 100, "pareto": 500}  # customers a unit may miss
_CHAINS, _PERIODS, _SKIP = 150, 5_000, 100
_BLOCK = 100


@dataclass(frozen=True, kw_only=True)
class Published:
    """An instance with published costs."""

    kind: str
    item: Crossed
    base_stock: float
    learned: float


def _published(
    kind: str, customers: float, shortage: float, base_stock: float, learned: float
) -> Published:
    item = Crossed(customers=customers, holding=1.0, shortage=shortage)
    return Published(kind=kind, item=item, base_stock=base_stock, learned=learned)


PUBLISHED = (
    _published("exponential", 10.0, 1.0, 3.5541, 2.4633),
    _published("exponential", 10.0, 9.0, 8.1704, 5.4191),
    _published("exponential", 10.0, 99.0, 12.8751, 8.4542),
    _published("uniform", 10.0, 9.0, 8.1664, 6.7410),
    _published("uniform", 1.0, 1.0, 1.0838, 1.0242),
    _published("pareto", 10.0, 9.0, 8.1764, 6.1119),
)
# Every exponential instance that was published: customers, holding, shortage
EXPONENTIAL = (
    (10.0, 1.0, 1.0),
    (5.0, 1.0, 1.0),
    (1.0, 1.0, 1.0),
    *((10.0, holding, 1.0) for holding in (3.0, 6.0, 9.0)),
    *((10.0, 1.0, shortage) for shortage in (3.0, 6.0, 9.0, 19.0, 39.0, 69.0, 99.0)),
)


def report(tell_user: Callable[[str], None]) -> None:
    """Train one network, and tell both tables."""
    torch.manual_seed(RECIPE.seed)
    learner = Learner(RECIPE, CrossingBaseStock())
    began = time.perf_counter()
    while learner.done < RECIPE.updates:
        learner.update()
    took = time.perf_counter() - began
    tell_user(f"one network, trained in {took:.0f} s, {learner.done} updates")
    tell_published(learner.kept, tell_user)
    tell_exponential(learner.kept, tell_user)


def tell_published(network: CappedBaseStock, tell_user: Callable[[str], None]) -> None:
    """Tell what instances with published figures cost in the twin."""
    tell_user(
        "| lead times | customers | shortage | published base-stock | exact | in the twin | ± | "
        "published DCL | policy | ± | to DCL % | s |"
    )
    tell_user("|---|---|---|---|---|---|---|---|---|---|---|---|")
    for each in PUBLISHED:
        began = time.perf_counter()
        some = instances(each.item, each.kind, _CHAINS)
        rule, rule_error = simulated(some, each.kind, base_stock(some))
        cost, error = simulated(some, each.kind, Placing(network, some))
        _, exact = each.item.base_stock
        tell_user(
            f"| {each.kind} | {each.item.customers:.0f} | {each.item.shortage:.0f} | "
            f"{each.base_stock:.4f} | {exact:.4f} | {rule:.4f} | {1.96 * rule_error:.4f} | "
            f"{each.learned:.4f} | {cost:.4f} | {1.96 * error:.4f} | "
            f"{100 * (cost / each.learned - 1):+.2f} | {time.perf_counter() - began:.0f} |"
        )


def tell_exponential(network: CappedBaseStock, tell_user: Callable[[str], None]) -> None:
    """Tell how far the policy is from the optimum where lead times are exponential."""
    tell_user("| customers | holding | shortage | base-stock | optimum | policy | gap % |")
    tell_user("|---|---|---|---|---|---|---|")
    gaps, began = [], time.perf_counter()
    for customers, holding, shortage in EXPONENTIAL:
        item = Crossed(customers=customers, holding=holding, shortage=shortage)
        best, cost = optimum(item), cost_of(item, decisions(network, item))
        gaps.append(cost / best - 1.0)
        tell_user(
            f"| {customers:.0f} | {holding:.0f} | {shortage:.0f} | {item.base_stock[1]:.4f} | "
            f"{best:.4f} | {cost:.4f} | {100 * gaps[-1]:.2f} |"
        )
    mean, took = sum(gaps) / len(gaps), time.perf_counter() - began
    tell_user(f"gap: mean {100 * mean:.2f} %, worst {100 * max(gaps):.2f} %, {took:.0f} s")


def instances(item: Crossed, kind: str, count: int) -> Crossing:
    """Return one instance, `count` times."""

    def column(value: float) -> Tensor:
        return torch.full((count, 1), value)

    return crossing(
        torch.full((count, 1), KINDS.index(kind)),
        column(item.customers),
        column(item.holding),
        column(item.shortage),
    )


@torch.no_grad()
def simulated(
    some: Crossing, kind: str, policy: Policy, *, periods: int = _PERIODS, horizon: int = 0
) -> tuple[float, float]:
    """Return the cost per time unit of one instance's chains, and its standard error.

    `horizon` is how many customers a unit may miss, by default what its kind needs.
    """
    chance = Generator().manual_seed(99)
    longest = horizon or _HORIZON[kind]
    known = odds_of(KINDS.index(kind), float(some.customers[0, 0]), longest, len(some))
    world = World.empty(some, known, chance)
    world.live(_SKIP, policy, chance)
    blocks = [world.live(_BLOCK, policy, chance).mean(dim=0) for _ in range(periods // _BLOCK)]
    each = torch.stack(blocks).mean(dim=0)
    return float(each.mean()), float(each.std()) / math.sqrt(len(each))


@torch.no_grad()
def decisions(network: CappedBaseStock, item: Crossed) -> Ints:
    """Return what a network orders at every [stock, under way], for exponential lead times."""
    levels, numbers = np.meshgrid(item.stock, item.under_way, indexing="ij")
    level = torch.from_numpy(levels.reshape(-1, 1)).float() + AHEAD
    number = torch.from_numpy(numbers.reshape(-1, 1)).float()
    some = instances(item, "exponential", len(level))
    stock = Stock(
        on_hand=level.clamp(min=0.0),
        pipeline=(number,),
        waiting=(-level).clamp(min=0.0),
        owed=None,
    )
    # Without memory the age says nothing: any will do
    odds = arrival_odds(0, item.customers, _HORIZON["exponential"])[0]
    world = World(
        instances=some,
        topology=Topology(suppliers=(-1,), horizon=1),
        stock=stock,
        road=Road.empty(0, 1),
        ahead=torch.zeros(0),
        odds=odds,
        alive=odds,
    )
    orders = world.allowed(Placing(network, some)(stock, (number * odds)[:, None], 0))
    return np.asarray(orders.long().numpy().reshape(levels.shape), dtype=np.int64)
