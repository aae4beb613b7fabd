"""The card of a run: what was trained, by which code, on what, for how long, and how it went.

RUN/card.json       recipe, families, git revision, seconds, hardware, versions, costs
RUN/cost.png        relative cost by update
RUN/events/         the same for TensorBoard, where tensorboard is installed
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_HERE = Path(__file__).parent
_CARD, _CURVE, _EVENTS = "card.json", "cost.png", "events"
_GIT_SECONDS = 10.0
_SMOOTHED = 25  # updates
_PACKAGES = ("replenishd", "torch", "numpy", "safetensors")
_NO_EVENTS = "not written: tensorboard is not installed"
HAS_TENSORBOARD = find_spec("tensorboard") is not None


@dataclass(kw_only=True)
class Journal:
    """Notes each update's cost; it is the `progress` of a training run, or stands inside one."""

    costs: list[float] = field(default_factory=list)

    def __call__(self, update: int, cost: float) -> None:
        """Note an update; one told again, after a run was resumed, counts once."""
        del self.costs[update:]
        self.costs.append(cost)


@dataclass(frozen=True, kw_only=True)
class RunCard:
    """What a run was."""

    algorithm: str
    families: tuple[str, ...]
    recipe: Mapping[str, Any]
    seconds: float
    costs: tuple[float, ...]  # relative, by update
    figures: Mapping[str, float] = field(default_factory=dict)


def write_card(directory: Path, card: RunCard, *, events: bool = HAS_TENSORBOARD) -> Path:
    """Write the card, its curve and its events; return the card's path."""
    directory.mkdir(parents=True, exist_ok=True)
    _draw(directory / _CURVE, card)
    told = asdict(card) | {
        "updates": len(card.costs),
        "revision": revision(_HERE),
        "hardware": hardware(),
        "versions": {name: _version(name) for name in _PACKAGES},
        "curve": _CURVE,
        "events": _EVENTS if events else _NO_EVENTS,
    }
    if events:
        _write_events(directory / _EVENTS, card)
    place = directory / _CARD
    beside = place.with_suffix(".partial")
    beside.write_text(json.dumps(told, indent=1, sort_keys=True) + "\n")
    beside.replace(place)
    return place


def revision(directory: Path) -> dict[str, Any] | None:
    """Return the commit that a directory's code is of, and whether it was changed since.

    None where git is not installed, or does not know the code.
    """
    try:
        commit = _git(directory, "rev-parse", "--verify", "HEAD")
        # A copy of the code inside somebody else's repository has no revision
        _git(directory, "ls-files", "--error-unmatch", "--", ".")
        changes = _git(directory, "status", "--porcelain", "--", ".")
    except (OSError, subprocess.SubprocessError):
        return None
    return {"commit": commit, "changed": bool(changes)}


def _git(directory: Path, *words: str) -> str:
    program = shutil.which("git")
    if program is None:
        raise FileNotFoundError("git")
    # A repository's own settings could name a program to run; its hooks' variables another one
    asked = [program, "-c", "core.fsmonitor=false", "-C", os.fspath(directory), *words]
    done = subprocess.run(  # noqa: S603 - no shell, and nothing in it comes from outside
        asked, capture_output=True, check=True, text=True, timeout=_GIT_SECONDS, env={}
    )
    return done.stdout.strip()


def hardware() -> dict[str, Any]:
    """Return what the run was made on."""
    return {
        "machine": platform.machine(),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "accelerators": [torch.cuda.get_device_name(k) for k in range(torch.cuda.device_count())],
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def smoothed(costs: Sequence[float], width: int = _SMOOTHED) -> list[float]:
    """Return the mean of each cost and those up to `width` - 1 before it."""
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(costs, dtype=np.float64))])
    after = np.arange(1, len(costs) + 1)
    first = np.maximum(after - width, 0)
    means: list[float] = ((sums[after] - sums[first]) / (after - first)).tolist()
    return means


def _draw(place: Path, card: RunCard) -> None:
    figure = Figure(figsize=(7.0, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    updates = range(1, len(card.costs) + 1)
    axes.plot(updates, card.costs, color="0.75", linewidth=0.8, label="one update")
    axes.plot(updates, smoothed(card.costs), color="tab:blue", label=f"mean of {_SMOOTHED}")
    axes.set(
        xlabel="update",
        ylabel="relative cost per period",
        title=f"{card.algorithm}, {', '.join(card.families)}, {card.seconds:.0f} s",
    )
    axes.legend()
    figure.savefig(place, dpi=120)


def _write_events(directory: Path, card: RunCard) -> None:
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - only where it is installed

    shutil.rmtree(directory, ignore_errors=True)  # a card written again is not a second run
    with SummaryWriter(os.fspath(directory)) as events:
        for update, (cost, mean) in enumerate(
            zip(card.costs, smoothed(card.costs), strict=True), start=1
        ):
            events.add_scalar("cost/update", cost, update)
            events.add_scalar("cost/mean", mean, update)
        for name, value in card.figures.items():
            events.add_scalar(f"figures/{name}", value, len(card.costs))
        events.add_text("recipe", json.dumps(dict(card.recipe), indent=1, sort_keys=True))
