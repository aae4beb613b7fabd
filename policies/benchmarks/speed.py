"""How fast the twin is, beside the same problem written out by hand in torch, and beside peers.

Lost sales, lead time 4, one base-stock level, demand drawn beforehand. The hand-written loop works
in place on flat arrays and keeps the inventory position as it goes: the least that torch can do.
Peers run in environments of their own: `speed_peers` says how to make them. They are looked for at
REPLENISHD_GYM_INVMGMT and REPLENISHD_STOCKPYL (paths of a Python), else where it makes them.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from connector.twin.dynamics import Stock, inventory_position
from connector.twin.network import Array, Rules, Topology
from connector.twin.rollout import rollout
from policies.benchmarks.speed_peers import LEAD_TIME, LEVEL, MEAN, PEERS, PERIODS, SHORTAGE

SIZES = (1_024, 16_384, 131_072)
_ROUNDS = 15
_LONGEST = 120  # seconds a peer may take to come up and run
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


def by_twin(demand: Array) -> float:
    """Return the same from the twin, in the library of the demand."""
    nothing = 0.0 * demand[0][..., None]
    done = rollout(
        _TOPOLOGY,
        _RULES,
        Stock(on_hand=nothing + 10.0, pipeline=(nothing,) * LEAD_TIME),
        demand=demand[..., None],
        lead_time=LEAD_TIME,
        policy=lambda stock, _: (LEVEL - inventory_position(_TOPOLOGY, stock)).clip(min=0.0),
        checked=True,  # as in training; nor does the loop by hand look at its demand
    )
    return float(done.cost.mean()) / done.periods


@torch.no_grad()
def report(
    threads: int,
    tell: Callable[[str], None],
    *,
    sizes: Sequence[int] = SIZES,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Measure everything in one run, rounds in turn, and tell the medians."""
    tell(f"{PERIODS} periods, steps a second, medians of {_ROUNDS} rounds")
    tell("| threads | environments | by hand | twin, torch | ratio | twin, numpy | ratio |")
    tell("|---|---|---|---|---|---|---|")
    alone: list[float] = []
    for count in sorted({1, 2, threads}):
        torch.set_num_threads(count)
        for size in sizes:
            hand, twin, plain, ratio, other = _measured(size)
            steps = (f"{each:.3g}" for each in (hand, twin))
            tell(
                f"| {count} | {size:,} | {' | '.join(steps)} | {ratio:.2f} | "
                f"{plain:.3g} | {other:.2f} |"
            )
            if count == 1:
                alone.append(max(twin, plain))
    torch.set_num_threads(threads)
    _beside_peers(alone, tell, environ)


def _beside_peers(
    alone: Sequence[float], tell: Callable[[str], None], environ: Mapping[str, str]
) -> None:
    """Tell what peers measure; `alone` is the twin's steps a second on one thread, by size."""
    tell("\n| peer | runs | steps/s | cost | the twin, one thread, the better library |")
    tell("|---|---|---|---|---|")
    for peer in PEERS:
        told = ask(peer, environ)
        if isinstance(told, str):
            tell(f"| {peer} | {told} | | | |")
            continue
        steps, cost = told["steps_per_second"], told["cost"]
        times = " / ".join(f"{each / steps:,.0f} x" for each in alone)
        tell(f"| {peer} | {told['runs']} | {steps:,.0f} | {cost:.2f} | {times} |")


def _measured(size: int) -> tuple[float, float, float, float, float]:
    """Return steps a second of the three, and the twin's ratios to the loop by hand."""
    chance = torch.Generator().manual_seed(1)
    demand = torch.poisson(torch.full((PERIODS, size), MEAN), generator=chance)
    same = demand.numpy()
    by_hand(demand), by_twin(demand), by_twin(same)
    rounds = [
        (_seconds(by_hand, demand), _seconds(by_twin, demand), _seconds(by_twin, same))
        for _ in range(_ROUNDS)
    ]
    columns = zip(*rounds, strict=True)
    hand, twin, plain = (size * PERIODS / statistics.median(each) for each in columns)
    ratio = statistics.median(a / b for a, b, _ in rounds)
    return hand, twin, plain, ratio, statistics.median(a / c for a, _, c in rounds)


def _seconds(run: Callable[[Array], float], demand: Array) -> float:
    began = time.perf_counter()
    run(demand)
    return time.perf_counter() - began


def ask(peer: str, environ: Mapping[str, str]) -> dict[str, Any] | str:
    """Return what a peer measures of itself, or why there is nothing."""
    named = environ.get(f"REPLENISHD_{peer.upper().replace('-', '_')}")
    python = Path(named or f".venv-{peer}/bin/python")
    if not python.exists():
        return f"not installed: there is no {python}"
    script = Path(__file__).with_name("speed_peers.py")
    done = subprocess.run(  # noqa: S603 - an interpreter that the caller named
        [str(python), str(script), peer],
        capture_output=True,
        check=False,
        text=True,
        timeout=_LONGEST,
    )
    if done.returncode:
        return f"failed: {(done.stderr.strip().splitlines() or ['no reason given'])[-1]}"
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told
