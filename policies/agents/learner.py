"""What every way to learn has in common: it goes update by update, and can be put down between two.

    learner = hindsight.Learner(recipe, network, families)
    follow(learner, progress, keeper=Keeper(directory=place))
    learner.kept

All that decides how a learner goes on is in `modules`, `optimizers`, `chance`, `columns()` and
`done`. Schedules go by updates, never by a clock, so that a run that was killed and resumed ends
where one that was left alone ends, bit for bit.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol, TypeAlias

import torch
from torch import Generator, Tensor, nn

from policies.agents import ranks
from policies.head import CappedBaseStock

_STEEPEST = 1.0  # norm of a network's gradient
# (update, mean relative cost of its chains)
Progress: TypeAlias = Callable[[int, float], None]


class Learner(Protocol):
    """One training run between two updates."""

    @property
    def algorithm(self) -> str:
        """Name what learns, and how its state is laid out: another layout, another name."""

    @property
    def recipe(self) -> Any:
        """Return the dataclass of all that decides the run; it has `updates`."""

    @property
    def family_names(self) -> tuple[str, ...]:
        """Return what the run is for."""

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """Return every network with weights or buffers, by name."""

    @property
    def optimizers(self) -> Mapping[str, torch.optim.Optimizer]:
        """Return every optimizer, by name."""

    @property
    def chance(self) -> Generator:
        """Return the one source of everything drawn."""

    @property
    def kept(self) -> CappedBaseStock:
        """Return the running mean of the weights: what a run is for."""

    done: int  # updates

    def columns(self) -> dict[str, Tensor]:
        """Return where the chains stand."""

    def put_columns(self, columns: Mapping[str, Tensor]) -> None:
        """Put the chains where they stood; KeyError for what is missing."""

    def update(self) -> float:
        """Take one update, count it, and return the mean relative cost of all its chains."""


class Keeper(Protocol):
    """What keeps a learner's state, so that the run outlives its process."""

    def resume(self, learner: Learner) -> tuple[list[float], float]:
        """Put the learner where it was kept; return its costs so far and the seconds spent."""

    def due(self, done: int) -> bool:
        """Tell whether the state after so many updates is to be kept."""

    def keep(self, learner: Learner, costs: list[float], seconds: float) -> None:
        """Keep the learner's state."""


def follow(learner: Learner, progress: Progress, *, keeper: Keeper | None = None) -> float:
    """Take all updates that are left; return the seconds spent, those of earlier processes too.

    `progress` is told of the updates of an earlier process again, so that curves are whole.
    """
    costs, spent = keeper.resume(learner) if keeper else ([], 0.0)
    for update, cost in enumerate(costs):
        progress(update, cost)
    began = time.monotonic() - spent
    while learner.done < learner.recipe.updates:
        cost = learner.update()
        costs.append(cost)
        progress(learner.done - 1, cost)
        if keeper and keeper.due(learner.done):
            keeper.keep(learner, costs, time.monotonic() - began)
    spent = time.monotonic() - began
    if keeper:
        keeper.keep(learner, costs, spent)
    return spent


def annealed(done: float, least: float) -> float:
    """Return the factor of a first value on its way to `least` of it: half a cosine."""
    return least + (1.0 - least) * 0.5 * (1.0 + math.cos(math.pi * min(done, 1.0)))


@torch.no_grad()
def keep_up(kept: nn.Module, network: nn.Module, average: float, done: int) -> None:
    """Move the running mean of the weights on; early ones are soon forgotten."""
    decay = min(average, (1 + done) / (10 + done))
    for slow, fast in zip(kept.parameters(), network.parameters(), strict=True):
        slow.lerp_(fast, 1.0 - decay)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all weights."""
    for group in optimizer.param_groups:
        group["lr"] = rate


def step(optimizer: torch.optim.Optimizer, loss: Tensor, *networks: nn.Module) -> None:
    """Take one step against a loss; a steep one must not undo the rest, in each network apart."""
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    ranks.average_gradients(*networks)
    for network in networks:
        nn.utils.clip_grad_norm_(network.parameters(), _STEEPEST)
    optimizer.step()
