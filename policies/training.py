"""Trains one network for a family, with a progress bar, and keeps the run.

Killed at any moment, the same command goes on from the last checkpoint and ends where a run that
was left alone ends, bit for bit.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from connector.errors import ConfigError
from policies.agents import dqn, hindsight, ppo, ranks
from policies.agents.learner import Learner, follow
from policies.checkpoint import Keeper
from policies.curves import smoothed, write_curves
from policies.family import Family
from policies.head import Bounds, CappedBaseStock
from policies.rewards import Rewards
from policies.runs import Run, card, digest_of, family_of, is_finished, load, save, shape_of

_SMOOTHED = 50
_WARM_RATE = 2e-3  # of a network that has learned before
_KEPT = "kept"


@dataclass(frozen=True, kw_only=True)
class Algorithm:
    """One way to learn: what it trains, by which recipe, and what suits some families better."""

    recipe: Any
    network: Callable[[], CappedBaseStock]
    learner: Callable[[Any, Any, tuple[Family, ...]], Learner]
    suits: Mapping[str, Any] = field(default_factory=dict)


ALGORITHMS: Mapping[str, Algorithm] = MappingProxyType(
    {
        "hindsight": Algorithm(
            recipe=hindsight.Recipe(),
            network=CappedBaseStock,
            learner=hindsight.Learner,
            suits={
                # About 13 minutes on one core, each
                "lost-sales": hindsight.Recipe(chains=4_096, window=40, updates=1_700),
                # Long lead times need long windows, several nodes fewer chains
                "distribution": hindsight.Recipe(chains=256, window=80, updates=1_500, known=0.6),
            },
        ),
        "ppo": Algorithm(recipe=ppo.Recipe(), network=CappedBaseStock, learner=ppo.Learner),
        "dqn": Algorithm(recipe=dqn.Recipe(), network=dqn.MultiplierGrid, learner=dqn.Learner),
    }
)


def recipe_of(
    algorithm: str, family: str, *, seed: int, updates: int | None, rewards: Rewards | None = None
) -> Any:
    """Return what is followed; raise ConfigError for an algorithm or family that there is not.

    Planners' rewards steer families that stand for a site; the others are public instances, whose
    costs are given. Shortage costs follow the critical ratio that each line asks for.
    """
    if algorithm not in ALGORITHMS:
        raise ConfigError(
            f"there is no algorithm {algorithm!r}", hint=f"one of {', '.join(ALGORITHMS)}"
        )
    way = ALGORITHMS[algorithm]
    recipe = way.suits.get(family_of(family).name, way.recipe)
    recipe = replace(recipe, seed=seed, updates=updates or recipe.updates)
    is_site = family_of(family).memory is not None
    if rewards is None or not is_site or not isinstance(recipe, hindsight.Recipe):
        return recipe
    cap = rewards.limits.position_cap
    return replace(
        recipe,
        excess=rewards.rewards.excess_times,
        cap_sigmas=cap.sigmas,
        cap_times=cap.clamp,
        collar=rewards.limits.collar.high,
    )


def train_family(
    out: Path,
    family: str,
    *,
    algorithm: str = "hindsight",
    updates: int | None = None,
    seed: int = 1,
    threads: int = 1,
    device: str = "cpu",
    rewards: Rewards | None = None,
    start: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> Run:
    """Return the finished run, on disk; one that was finished before is left as it is.

    Errors: ConfigError for an algorithm, family or device that there is not, CheckpointForeign for
    a directory of another run, CheckpointDamaged. `start` is a run whose weights are gone on from.
    """
    recipe = recipe_of(algorithm, family, seed=seed, updates=updates, rewards=rewards)
    place = ranks.device_of(device)
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    if start is None:
        network = ALGORITHMS[algorithm].network()
    else:
        recipe, network = _going_on(recipe, start)
    network.bounds = Bounds.of(asdict(recipe))
    with ranks.together(place):
        if is_finished(out):
            run = _finished(out, algorithm, family, recipe)
        else:
            run = _trained(out, algorithm, family, recipe, network.to(place))
        if ranks.rank() == 0:
            tell(f"{out}: {run.updates} updates in {run.seconds:.0f} s")
    return run


def _going_on(recipe: Any, start: Path) -> tuple[Any, CappedBaseStock]:
    """Return the recipe and the network of a run that begins with another run's weights."""
    if not isinstance(recipe, hindsight.Recipe):
        raise ConfigError(
            "only hindsight goes on from another run", hint="leave --start out, or --algorithm"
        )
    _, network = load(start)
    warm = replace(recipe, start=digest_of(start), known=0.0, learning_rate=_WARM_RATE)
    return warm, network.train()


def _trained(out: Path, algorithm: str, family: str, recipe: Any, network: CappedBaseStock) -> Run:
    learner = ALGORITHMS[algorithm].learner(recipe, network, (family_of(family),))
    costs: list[float] = []
    with _bar(f"training {family} by {algorithm}", recipe.updates, costs) as show:
        seconds = follow(learner, show, keeper=Keeper(directory=out / _KEPT))
    run = Run(
        algorithm=algorithm,
        families=(family,),
        recipe=asdict(recipe),
        seconds=round(seconds, 1),
        updates=learner.done,
        processes=ranks.processes(),
        device=network.centre.device.type,
        figures={"relative_cost": smoothed(costs, _SMOOTHED)[-1]},
        **shape_of(learner.kept),
    )
    if ranks.rank() == 0:
        write_curves(out, f"{algorithm}, {family}, {seconds:.0f} s", costs)
        save(out, run, learner.kept)
    return run


def _finished(out: Path, algorithm: str, family: str, recipe: Any) -> Run:
    """Return the run that is there; raise ConfigError where another one was asked for."""
    run = card(out)
    wanted = {"algorithm": algorithm, "family": family, **asdict(recipe)}
    found = {"algorithm": run.algorithm, "family": run.family, **run.recipe}
    for what, asked in wanted.items():
        if found.get(what) != asked:
            raise ConfigError(
                f"{out} holds a finished run whose {what} is {found.get(what)!r}, not {asked!r}",
                hint="train into another directory",
            )
    return run


@contextmanager
def _bar(title: str, updates: int, costs: list[float]) -> Iterator[Callable[[int, float], None]]:
    """Show progress, in the first process only, and put each update's cost into `costs`."""
    recent: deque[float] = deque(maxlen=_SMOOTHED)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed}/{task.total}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[cost]}"),
        disable=ranks.rank() > 0,
    ) as progress:
        task = progress.add_task(title, total=updates, cost="")

        def show(update: int, cost: float) -> None:
            costs.append(cost)
            recent.append(cost)
            told = f"relative cost {sum(recent) / len(recent):.4f}"
            progress.update(task, completed=update + 1, cost=told)

        yield show
