"""Serial systems whose optimum is known (Clark and Scarf 1960): how close a trained policy comes.

One network per system: these are the textbook's instances, not a range. The optimum is worked out
by `policies.exact.clark_scarf` and stands beside stockpyl's (`benchmarks/stockpyl_reference.py`),
less what stockpyl charges for goods under way. stockpyl has orders follow demand, the twin demand
follow orders, so the last lead time is one period less here: (2, 1, 1) there is (2, 1, 0) here.

- example 6.1, problems 6.1 and 6.16: Snyder and Shen, Fundamentals of Supply Chain Theory
- long: four stages, demand N(5, 2), as in HDPO's serial benchmark
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False
# mypy: disallow-subclassing-any=False

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from connector.twin.network import Topology
from policies.agents.hindsight import Learner, Recipe, ordering
from policies.agents.learner import follow
from policies.benchmarks.average import average_cost
from policies.exact import Serial, clark_scarf, normal
from policies.family import Family
from policies.head import CappedBaseStock
from policies.instances import Instances

STEPS = 0.02  # standard deviations of demand: the exact solution's grid
_RECIPE = Recipe(chains=512, window=60, updates=220, learning_rate=3e-3)  # a minute or so each
_CHAINS, _PERIODS, _SKIP = 4_000, 1_000, 200


@dataclass(frozen=True, kw_only=True)
class Normal(Instances):
    """Instances with normal demand, cut at 0; `sd` [B, N]."""

    sd: Tensor

    @property
    def variance(self) -> Tensor:
        """Variance of one period's demand."""
        return self.sd**2

    def demand(self, periods: int, chance: Generator) -> Tensor:
        """Draw demand [periods, B, N]."""
        size = (periods, *self.mean.shape)
        noise = torch.randn(size, generator=chance, device=chance.device)
        return torch.clamp(self.mean + self.sd * noise, min=0.0)


@dataclass(frozen=True, kw_only=True)
class System:
    """One benchmark instance."""

    name: str
    serial: Serial
    mean: float
    sd: float
    stockpyl: float | None  # cost without goods under way; None = not among its instances

    @property
    def topology(self) -> Topology:
        """Return the chain, upstream first."""
        leads = self.serial.lead_times
        return Topology(suppliers=tuple(range(-1, len(leads) - 1)), horizon=max(1, *leads))

    def instances(self, count: int, _: Generator | None = None) -> Normal:
        """Return the system, `count` times."""
        nodes = len(self.serial.lead_times)
        last = torch.arange(nodes) == nodes - 1

        def column(values: Tensor) -> Tensor:
            return values.float().expand(count, nodes).clone()

        one = torch.ones(nodes)
        return Normal(
            mean=column(self.mean * last),
            sd=column(self.sd * last),
            shape=column(math.inf * one),
            busy=column(one),
            lead_time=column(torch.tensor(self.serial.lead_times)),
            lead_cv=column(0.0 * one),
            holding=column(torch.tensor(self.serial.holding)),
            shortage=column(self.serial.shortage * one),
            lost_share=column(0.0 * one),
            lot=column(0.0 * one),
        )

    def family(self) -> Family:
        """Return the family that has this system only."""
        return Family(name=self.name, topology=self.topology, draw=self.instances, waits=True)


SYSTEMS = (
    System(
        name="example 6.1", mean=5.0, sd=1.0, stockpyl=17.6654,
        serial=Serial(lead_times=(2, 1, 0), holding=(2.0, 4.0, 7.0), shortage=37.12),
    ),
    System(
        name="problem 6.1", mean=100.0, sd=15.0, stockpyl=66.2705,
        serial=Serial(lead_times=(1, 0), holding=(1.0, 2.0), shortage=15.0),
    ),
    System(
        name="problem 6.16", mean=20.0, sd=4.0, stockpyl=118.2396,
        serial=Serial(lead_times=(3, 7), holding=(2.0, 7.0), shortage=24.0),
    ),
    System(
        name="long", mean=5.0, sd=2.0, stockpyl=None,
        serial=Serial(lead_times=(2, 4, 3, 4), holding=(0.1, 0.2, 0.5, 1.0), shortage=9.0),
    ),
)  # fmt: skip


def report(tell: Callable[[str], None]) -> None:
    """Train on each system, simulate it long, and tell the gap."""
    tell("| system | stockpyl | optimum | policy | gap % | ± % | trained s |")
    tell("|---|---|---|---|---|---|---|")
    for system in SYSTEMS:
        step = STEPS * system.sd
        best = clark_scarf(system.serial, normal(system.mean, system.sd, step), step)
        torch.manual_seed(1)
        began = time.perf_counter()
        learner = Learner(_RECIPE, CappedBaseStock(), (system.family(),))
        follow(learner, lambda *_: None)
        took = time.perf_counter() - began
        costs = simulated(system, learner.kept)
        mean, error = float(costs.mean()), float(costs.std()) / math.sqrt(len(costs))
        tell(
            f"| {system.name} | {system.stockpyl or '-'} | {best.cost:.3f} | {mean:.3f} | "
            f"{100 * (mean / best.cost - 1):.2f} | {196 * error / best.cost:.2f} | {took:.0f} |"
        )


def simulated(system: System, network: CappedBaseStock) -> Tensor:
    """Return the average cost per period of independent chains [chains]."""
    chance = torch.Generator().manual_seed(99)
    some, family = system.instances(_CHAINS), system.family()
    orders = ordering(network, system.topology, some)
    start = family.begin(some, chance)
    return average_cost(family, some, orders, start, periods=_PERIODS, skip=_SKIP, chance=chance)
