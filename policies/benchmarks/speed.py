"""How fast the twin is, beside the same problem written out by hand in torch.

Lost sales, lead time 4, one base-stock level, demand drawn beforehand. The hand-written loop works
in place on flat arrays and keeps the inventory position as it goes: the least that torch can do.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from connector.twin.dynamics import Stock, inventory_position
from connector.twin.network import Rules, Topology
from connector.twin.rollout import rollout

LEVEL, SHORTAGE, LEAD_TIME, MEAN = 28.0, 9.0, 4, 5.0
SIZES = (1_024, 16_384, 131_072)
_PERIODS, _PAIRS = 200, 5
_TOPOLOGY = Topology(suppliers=(-1,), horizon=LEAD_TIME)
_RULES = Rules(holding=1.0, shortage=SHORTAGE, lost_share=1.0)


def by_hand(demand: Tensor) -> float:
    """Return the mean cost per period of demand [T, n], in one plain loop."""
    periods, count = demand.shape
    on_hand = torch.full((count,), 10.0)
    ring = [torch.zeros(count) for _ in range(LEAD_TIME)]
    position, total, short = on_hand.clone(), torch.zeros(count), torch.empty(count)
    for period in range(periods):
        slot = ring[period % LEAD_TIME]
        on_hand += slot
        torch.clamp(LEVEL - position, min=0.0, out=slot)
        position += slot
        on_hand -= demand[period]
        torch.clamp(on_hand, max=0.0, out=short)
        on_hand -= short
        position -= demand[period]
        position -= short
        total += on_hand
        total.sub_(short, alpha=SHORTAGE)
    return float(total.mean()) / periods


def by_twin(demand: Tensor) -> float:
    """Return the same from the twin."""
    count = demand.shape[1]
    nothing = torch.zeros(count, 1)
    done = rollout(
        _TOPOLOGY,
        _RULES,
        Stock(on_hand=torch.full((count, 1), 10.0), pipeline=(nothing,) * LEAD_TIME),
        demand=demand[..., None],
        lead_time=LEAD_TIME,
        policy=lambda stock, _: torch.clamp(LEVEL - inventory_position(_TOPOLOGY, stock), min=0.0),
        checked=True,  # as in training; nor does the loop by hand look at its demand
    )
    return float(done.cost.mean()) / done.periods


@torch.no_grad()
def report(threads: int, tell: Callable[[str], None]) -> None:
    """Measure pairs in one run and tell the medians."""
    chance = torch.Generator().manual_seed(1)
    tell(f"{threads} threads, {_PERIODS} periods, medians of {_PAIRS} pairs")
    tell("| environments | by hand, steps/s | twin, steps/s | ratio |\n|---|---|---|---|")
    for count in SIZES:
        demand = torch.poisson(torch.full((_PERIODS, count), MEAN), generator=chance)
        by_hand(demand)
        by_twin(demand)
        pairs = [(_seconds(by_hand, demand), _seconds(by_twin, demand)) for _ in range(_PAIRS)]
        hand, twin = (statistics.median(each) for each in zip(*pairs, strict=True))
        ratio = statistics.median(a / b for a, b in pairs)
        steps = count * _PERIODS
        tell(f"| {count:,} | {steps / hand:.3g} | {steps / twin:.3g} | {ratio:.2f} |")


def _seconds(run: Callable[[Tensor], float], demand: Tensor) -> float:
    began = time.perf_counter()
    run(demand)
    return time.perf_counter() - began
