"""What all pictures share: days, amounts and the go-live on their axes."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import polars as pl

from connector.telemetry.report.data import ReportData
from connector.telemetry.report.drawing import INK

NODES_MOST = 11  # that get a panel or a row of their own; the others are in the total
_LABEL_MOST = 28  # characters


def fitting(label: str) -> str:
    """Return a label that leaves room for the picture."""
    return label if len(label) <= _LABEL_MOST else label[: _LABEL_MOST - 1] + "…"


def live_mark(axes: Any, data: ReportData, *, text: bool = True) -> None:
    """Mark the first day anything was live."""
    live = data.modes.filter(pl.col("mode") == "live")
    if live.is_empty():
        return
    first = live["first_day"].min()
    axes.axvline(first, color=INK["live"], linewidth=1.0, linestyle=":")
    if text:
        axes.annotate(
            "live",
            (first, 1.0),
            (3, -1),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            va="top",
            fontsize=7.6,
            color=INK["live"],
        )


def dated(axes: Any) -> None:
    """Write days along the axis, as many as fit."""
    dates = import_module("matplotlib.dates")
    axes.xaxis.set_major_locator(dates.AutoDateLocator(minticks=3, maxticks=8))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%d %b"))


def short(value: float, _position: int = 0) -> str:
    """Return an amount on an axis: 950, 12k, 3.4M."""
    for size, sign in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{round(value / size, 1):g}{sign}"
    return f"{value:g}"
