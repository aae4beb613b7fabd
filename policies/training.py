"""Trains one network for a family, with a progress bar, and keeps the run."""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from collections import deque
from dataclasses import asdict, replace
from pathlib import Path

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from policies.agents.hindsight import Recipe, train
from policies.head import CappedBaseStock
from policies.runs import Run, family_of, save

# What suits each family: long lead times need long windows, several nodes fewer chains
RECIPES = {
    "lost-sales": Recipe(chains=4_096, window=40),
    "distribution": Recipe(chains=256, window=80, average=0.99),
}
_SMOOTHED = 50


def train_family(
    out: Path, family: str, *, seconds: float, updates: int, seed: int, threads: int
) -> Run:
    """Return the kept run; raise ConfigError for a family that there is not."""
    chosen = family_of(family)
    recipe = replace(RECIPES[family], seed=seed, updates=updates)
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    network = CappedBaseStock()
    recent: deque[float] = deque(maxlen=_SMOOTHED)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[cost]}"),
    ) as progress:
        task = progress.add_task(f"training {family}", total=updates, cost="")

        def show(update: int, cost: float) -> None:
            recent.append(cost)
            told = f"relative cost {sum(recent) / len(recent):.4f}"
            progress.update(task, completed=update + 1, cost=told)

        kept = train(recipe, network, (chosen,), show, seconds)
        done, took = int(progress.tasks[0].completed), progress.tasks[0].elapsed or 0.0
    run = Run(
        family=family, width=64, depth=3, recipe=asdict(recipe), seconds=round(took, 1),
        updates=done,
    )  # fmt: skip
    save(out, run, kept)
    return run
