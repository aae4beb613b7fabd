"""Pictures over time: which mode, how much stock, what service."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import polars as pl

from connector.telemetry.report.axes import NODES_MOST, dated, fitting, live_mark, short
from connector.telemetry.report.data import ERP_RULE, OURS, ReportData
from connector.telemetry.report.drawing import INK, Picture, draw

DAYS_MOST = 120  # in the heat map
TRAILING_DAYS = 7
WORST_SHORTAGE = 0.25  # unserved share that gets the full color
_ROW = 1.45  # inches of one panel
_BAR = 0.26  # inches of one bar or row of cells
MODE_INK = {"shadow": "muted", "validate": "erp", "live": "live"}


def timeline(data: ReportData) -> Picture | None:
    """Draw which mode each node was in, None when nobody knows."""
    spans = data.modes.sort("first_day", "node")
    if spans.is_empty():
        return None
    nodes = _shown(spans["node"].unique().sort().to_list())

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        seen: set[str] = set()
        for node, mode, first, last in spans.iter_rows():
            if node not in nodes:
                continue
            axes.barh(
                nodes.index(node),
                last - first + timedelta(days=1),
                left=first,
                height=0.62,
                color=INK[MODE_INK.get(mode, "muted")],
                alpha=0.35 if mode == "shadow" else 0.9,
                label="" if mode in seen else fitting(mode),
            )
            seen.add(mode)
        axes.set_yticks(range(len(nodes)), [fitting(data.label(node)) for node in nodes])
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        dated(axes)
        figure.legend(loc="outside upper right", ncols=len(seen))

    return draw(
        "modes",
        0.75 + _BAR * len(nodes),
        paint,
        title="Which mode, when",
        says="; ".join(_mode_sentences(spans)) + ".",
    )


def _mode_sentences(spans: pl.DataFrame) -> list[str]:
    by_mode = spans.group_by("mode").agg(
        pl.col("first_day").min(), pl.col("last_day").max(), pl.col("node").n_unique()
    )
    return [
        f"{mode} on {nodes} node{'s' if nodes > 1 else ''} between {first} and {last}"
        for mode, first, last, nodes in by_mode.sort("first_day", "mode").iter_rows()
    ]


def stock(data: ReportData, measure: str) -> Picture | None:
    """Draw the stock per day of the site and each node; `measure` is value or units."""
    column = f"stock_{measure}"
    ours, erp = (_by_node(data, world, column) for world in (OURS, ERP_RULE))
    if ours.is_empty():
        return None
    panels = ["", *_largest(ours, column)]

    def paint(figure: Any) -> None:
        rows = -(-len(panels) // 2)
        grid = figure.subplots(rows, 2, sharex=True, squeeze=False).ravel()
        for axes, node in zip(grid, panels, strict=False):
            axes.set_title(
                fitting(data.label(node)) if node else f"All {ours['node'].n_unique()} nodes"
            )
            _area(axes, ours, node, column)
            _line(axes, erp, node, column)
            axes.set_ylim(bottom=0)
            axes.yaxis.set_major_formatter(short)
            live_mark(axes, data)
        for axes in grid[len(panels) :]:
            axes.remove()
        for axes in grid[max(0, len(panels) - 2) : len(panels)]:
            axes.xaxis.set_tick_params(labelbottom=True)
            dated(axes)
        figure.legend(*grid[0].get_legend_handles_labels(), loc="outside upper right", ncols=3)

    unit = f"value, {data.currency}" if measure == "value" else "base units"
    return draw(
        f"stock-{measure}",
        0.5 + _ROW * -(-len(panels) // 2),
        paint,
        title=f"Stock by day and node ({unit})",
        says=f"On hand {data.stock_moment}.{_left_out(ours['node'].n_unique())}",
        folded=measure != "value",
    )


def _left_out(nodes: int) -> str:
    if nodes <= NODES_MOST:
        return ""
    return f" Of {nodes} nodes the {NODES_MOST} with the most stock are drawn one by one."


def service(data: ReportData) -> Picture | None:
    """Draw the fill rate: the site's over time in both worlds, and each node's per day."""
    known = data.days.filter(
        pl.col("demand_units").is_not_null(), pl.col("served_units").is_not_null()
    )
    ours = known.filter(pl.col("world") == OURS)
    if ours.is_empty():
        return None
    erp = known.filter(pl.col("world") == ERP_RULE)
    nodes = _shown(ours["node"].unique().sort().to_list())

    def paint(figure: Any) -> None:
        upper, lower = figure.subplots(
            2, 1, height_ratios=[1.6, 0.35 + _BAR * len(nodes)], sharex=False
        )
        since = data.compared_from or data.first_day
        _trail(upper, ours, data.first_day, color=INK["ours"], label="with replenishd")
        _trail(upper, erp, since, color=INK["erp"], label="ERP rule", linestyle="--")
        upper.set_title(f"Fill rate of the site, {TRAILING_DAYS}-day trailing, %")
        upper.legend(loc="lower left", ncols=2)
        live_mark(upper, data)
        dated(upper)
        _heat(lower, ours, nodes, data)

    return draw(
        "service",
        2.5 + _BAR * len(nodes),
        paint,
        title="Service by day and node",
        says="Below: one cell per node and day, empty where all demand was served, the fuller the "
        f"more went unserved ({WORST_SHORTAGE:.0%} or more is full). "
        "Demand that met an empty shelf is lost, not served later.",
    )


def _heat(axes: Any, ours: pl.DataFrame, nodes: Sequence[str], data: ReportData) -> None:
    days = ours["day"].unique().sort().to_list()[-DAYS_MOST:]
    shortage = (1 - pl.col("served_units") / pl.col("demand_units")).clip(0, WORST_SHORTAGE)
    cells = (
        ours.filter(pl.col("node").is_in(list(nodes)), pl.col("day").is_in(days))
        .filter(pl.col("demand_units") > pl.col("served_units"))
        .select(pl.col("day").cast(pl.Datetime), "node", (shortage / WORST_SHORTAGE).alias("depth"))
    )
    for day, node, depth in cells.iter_rows():
        axes.barh(
            nodes.index(node),
            timedelta(hours=22),
            left=day - timedelta(hours=11),
            height=0.84,
            color=INK["bad"],
            alpha=max(0.06, round(depth, 2)),
        )
    axes.set_title("Unserved demand by node and day")
    axes.set_yticks(range(len(nodes)), [fitting(data.label(node)) for node in nodes])
    axes.set_ylim(len(nodes) - 0.5, -0.5)
    axes.set_xlim(days[0] - timedelta(days=1), days[-1] + timedelta(days=1))
    axes.grid(visible=False)
    live_mark(axes, data, text=False)
    dated(axes)


def _trail(axes: Any, days: pl.DataFrame, since: date, **looks: Any) -> None:
    """Draw the trailing fill rate from a day on; days before it still count in the first ones."""
    daily = days.group_by("day").agg(pl.col("served_units", "demand_units").sum()).sort("day")
    served, asked = (
        pl.col(name).rolling_sum(TRAILING_DAYS, min_samples=1)
        for name in ("served_units", "demand_units")
    )
    trail = daily.select("day", share=served / asked * 100).filter(
        pl.col("share").is_finite(), pl.col("day") >= since
    )
    if trail.height:
        axes.plot(trail["day"].to_list(), trail["share"].to_numpy(), **looks)


def _by_node(data: ReportData, world: str, column: str) -> pl.DataFrame:
    days = data.world(world) if world == ERP_RULE else data.days.filter(pl.col("world") == world)
    return days.filter(pl.col(column).is_not_null()).sort("day", "node")


def _largest(days: pl.DataFrame, column: str) -> list[str]:
    sizes = days.group_by("node").agg(pl.col(column).mean()).sort(column, "node", descending=True)
    return sorted(sizes["node"].head(NODES_MOST).to_list())


def _series(days: pl.DataFrame, node: str, column: str) -> tuple[list[date], Any]:
    chosen = days.filter(pl.col("node") == node) if node else days
    daily = chosen.group_by("day").agg(pl.col(column).sum()).sort("day")
    return daily["day"].to_list(), daily[column].to_numpy()


def _area(axes: Any, days: pl.DataFrame, node: str, column: str) -> None:
    when, amount = _series(days, node, column)
    axes.fill_between(when, 0, amount, color=INK["ours"], alpha=0.16, linewidth=0)
    axes.plot(when, amount, color=INK["ours"], label="with replenishd")


def _line(axes: Any, days: pl.DataFrame, node: str, column: str) -> None:
    when, amount = _series(days, node, column)
    if when:
        axes.plot(when, amount, "--", color=INK["erp"], label="ERP rule, same demand")


def _shown(nodes: list[str]) -> list[str]:
    return nodes[:NODES_MOST]
