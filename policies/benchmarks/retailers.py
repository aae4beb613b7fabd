"""One warehouse with three retailers, as in Kaynov et al. (2024): beside echelon base-stock levels.

What a network starts with is not documented there, and moves totals by some percent, so published
totals are context, not a bar. What is compared is paired: our network beside our own best echelon
base-stock levels, from one start, with one demand, both by totals of 100 periods and by the average
cost of a period in the long run. The levels are searched for each instance and each of both; the
networks know an instance by its features only, one for backorders and one for lost sales, since no
feature tells them apart.

Two things differ from the paper and are the same for both sides: what a retailer asked for and did
not get is owed to it, and short stock is shared in proportion, in fractions of units.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from connector.twin.dynamics import Stock
from connector.twin.rollout import Policy, rollout
from policies.agents.hindsight import Learner, Recipe, ordering
from policies.agents.learner import follow
from policies.baselines import EchelonBaseStock
from policies.benchmarks.retailers_instances import (
    INSTANCES,
    PERIODS,
    RETAILERS,
    TREE,
    Published,
    family,
    published,
)
from policies.head import CappedBaseStock
from policies.instances import Instances, echelon_sum
from policies.lots import whole_lots
from policies.search import Trial, descend

RECIPE = Recipe(chains=384, window=50, updates=700, learning_rate=4e-3, average=0.99)
_STEPS = (4.0, 2.0, 1.0)  # units, of the search for levels
_LONG, _SETTLE = 1_000, 100  # periods of the average
_TOTALS, _CHAINS, _SEARCHED = 4_000, 400, 200  # replications


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of one instance: totals of 100 periods and costs of a period in the long run."""

    instance: Published
    base_total: float
    total: float
    saved_total: float  # by the network, in percent, paired
    saved_total_error: float
    base: float
    average: float
    saved: float
    saved_error: float


def report(tell: Callable[[str], None]) -> None:
    """Train both networks, and tell the table."""
    tell("| instance | published base-stock | published PPO | base-stock | policy | saved % | ± % |"
         " base-stock per period | policy | saved % | ± % |")  # fmt: skip
    tell("|---|---|---|---|---|---|---|---|---|---|---|")
    for waits in (True, False):
        network, seconds = trained(waits=waits)
        began = time.perf_counter()
        for row in compare(network, waits=waits):
            its = row.instance
            tell(
                f"| {its.number} | {its.base_stock:.1f} | {its.learned:.1f} | "
                f"{row.base_total:.1f} | {row.total:.1f} | {row.saved_total:+.2f} | "
                f"{1.96 * row.saved_total_error:.2f} | {row.base:.3f} | {row.average:.3f} | "
                f"{row.saved:+.2f} | {1.96 * row.saved_error:.2f} |"
            )
        kind = "backorders" if waits else "lost sales"
        took = time.perf_counter() - began
        tell(f"{kind}: trained in {seconds:.0f} s, searched and simulated in {took:.0f} s")


def trained(*, waits: bool, recipe: Recipe = RECIPE) -> tuple[CappedBaseStock, float]:
    """Return a network for one kind of customers, and the seconds it took."""
    torch.manual_seed(recipe.seed)
    learner = Learner(recipe, CappedBaseStock(), (family(waits=waits),))
    return learner.kept, follow(learner, lambda *_: None)


@torch.no_grad()
def compare(network: CappedBaseStock, *, waits: bool) -> list[Row]:
    """Return what the network and the best echelon base-stock levels cost, on new demand."""
    rows = tuple(each for each in INSTANCES if each.waits == waits)
    short = best_levels(rows, seed=11, periods=PERIODS, skip=0)
    steady = best_levels(rows, seed=12, periods=3 * PERIODS, skip=PERIODS)
    totals = _both(rows, network, short, replications=_TOTALS, periods=PERIODS, skip=0)
    averages = _both(rows, network, steady, replications=_CHAINS, periods=_LONG, skip=_SETTLE)
    return [
        Row(
            instance=each,
            base_total=float(PERIODS * totals[0][at].mean()),
            total=float(PERIODS * totals[1][at].mean()),
            **dict(zip(("saved_total", "saved_total_error"), _saved(totals, at), strict=True)),
            base=float(averages[0][at].mean()),
            average=float(averages[1][at].mean()),
            **dict(zip(("saved", "saved_error"), _saved(averages, at), strict=True)),
        )
        for at, each in enumerate(rows)
    ]


def _saved(costs: tuple[Tensor, Tensor], at: int) -> tuple[float, float]:
    """Return what the second saves on the first in percent, and its standard error."""
    base, policy = costs[0][at], costs[1][at]
    less, usual = base - policy, float(base.mean())
    return 100 * float(less.mean()) / usual, 100 * float(less.std()) / usual / len(less) ** 0.5


def _both(
    rows: tuple[Published, ...],
    network: CappedBaseStock,
    levels: Tensor,
    *,
    replications: int,
    periods: int,
    skip: int,
) -> tuple[Tensor, Tensor]:
    """Return the cost per period [instances, replications] of levels [I, N] and of the network."""
    some = published(rows, replications)
    orders = ordering(network, TREE, some)
    rule = EchelonBaseStock(topology=TREE, level=levels.repeat_interleave(replications, dim=0))
    policies: tuple[Policy, Policy] = (rule, lambda stock, _: whole_lots(orders(stock), some))
    found = []
    for policy in policies:
        chance, total = Generator().manual_seed(99), torch.zeros(len(some))
        stock = filled(some)
        for begin in range(0, skip + periods, PERIODS):
            done = rollout(
                TREE,
                some.rules(),
                stock,
                demand=some.demand(PERIODS, chance),
                lead_time=[some.lead_time] * PERIODS,
                policy=policy,
            )
            stock = done.stock
            if begin >= skip:
                total = total + done.cost.sum(dim=1)
        found.append((total / periods).view(len(rows), replications))
    return found[0], found[1]


def filled(some: Instances) -> Stock:
    """Return a first state: a period's mean demand on hand and in every period under way."""
    usual = torch.round(echelon_sum(TREE, some.mean))
    nothing = torch.zeros_like(usual)
    return Stock(
        on_hand=usual,
        pipeline=tuple(usual * (some.lead_time > ahead) for ahead in range(TREE.horizon)),
        waiting=nothing,
        owed=nothing,
    )


def best_levels(rows: tuple[Published, ...], *, seed: int, periods: int, skip: int) -> Tensor:
    """Return each instance's best echelon base-stock levels [I, N], by descent in whole units."""
    one, some = published(rows, 1), published(rows, _SEARCHED)
    size = (len(rows), _SEARCHED, TREE.nodes)
    demand = some.demand(skip + periods, Generator().manual_seed(seed))
    columns = one.each(lambda _, column: column[:, None])
    trial = Trial(
        topology=TREE,
        rules=columns.rules(),
        stock=filled(some).each(lambda units: units.view(size)),
        demand=demand.view(-1, *size),
        lead_time=[some.lead_time.view(size)] * len(demand),
        skip=skip,
    )
    cover = one.lead_time + 1.0
    above = torch.cat([torch.zeros(len(one), 1), one.lead_time[:, :1].expand(-1, RETAILERS)], dim=1)
    start = one.mean * cover + torch.sqrt(one.variance * cover)
    start[:, 0] = (one.mean * (above + cover)).sum(dim=1)
    start[:, 0] += torch.sqrt((one.variance * (above + cover)).sum(dim=1))
    found = descend(
        trial,
        lambda level: EchelonBaseStock(topology=TREE, level=level),
        torch.round(start),
        _STEPS,
    )
    return found.parameters["level"]
