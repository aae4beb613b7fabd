"""How a run went, update by update: a table, a picture, and events for TensorBoard.

RUN/cost.csv    relative cost by update
RUN/cost.png    the same as a picture
RUN/events/     the same for TensorBoard, where tensorboard is installed
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

_TABLE, _PICTURE, _EVENTS = "cost.csv", "cost.png", "events"
_SMOOTHED = 25  # updates
HAS_TENSORBOARD = find_spec("tensorboard") is not None


def write_curves(
    directory: Path, title: str, costs: Sequence[float], *, events: bool = HAS_TENSORBOARD
) -> None:
    """Write what there is to see of relative costs by update; what was there is written over."""
    rows = [f"{update},{cost!r}\n" for update, cost in enumerate(costs, start=1)]
    (directory / _TABLE).write_text("update,relative_cost\n" + "".join(rows))
    _draw(directory / _PICTURE, title, costs)
    if events:
        _write_events(directory / _EVENTS, costs)


def smoothed(costs: Sequence[float], width: int = _SMOOTHED) -> list[float]:
    """Return the mean of each cost and those up to `width` - 1 before it."""
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(costs, dtype=np.float64))])
    after = np.arange(1, len(costs) + 1)
    first = np.maximum(after - width, 0)
    means: list[float] = ((sums[after] - sums[first]) / (after - first)).tolist()
    return means


def _draw(place: Path, title: str, costs: Sequence[float]) -> None:
    figure = Figure(figsize=(7.0, 3.5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    updates = range(1, len(costs) + 1)
    axes.plot(updates, costs, color="0.75", linewidth=0.8, label="one update")
    axes.plot(updates, smoothed(costs), color="tab:blue", label=f"mean of {_SMOOTHED}")
    axes.set(xlabel="update", ylabel="relative cost per period", title=title)
    axes.legend()
    figure.savefig(place, dpi=120)


def _write_events(directory: Path, costs: Sequence[float]) -> None:
    from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - only where it is installed

    shutil.rmtree(directory, ignore_errors=True)  # a run written again is not a second run
    with SummaryWriter(os.fspath(directory)) as writer:
        for update, (cost, mean) in enumerate(zip(costs, smoothed(costs), strict=True), start=1):
            writer.add_scalar("cost/update", cost, update)
            writer.add_scalar("cost/mean", mean, update)
