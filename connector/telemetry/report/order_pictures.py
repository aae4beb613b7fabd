"""Pictures of orders: ours beside those of the ERP's own rule, and what the fail-safes did."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import polars as pl

from connector.telemetry.report.axes import NODES_MOST, dated, fitting, live_mark, short
from connector.telemetry.report.data import ERP_RULE, ReportData
from connector.telemetry.report.drawing import INK, Picture, draw
from connector.telemetry.report.kpis import ALIKE_WITHIN, with_freshness

POINTS_MOST = 4_000
GUARDS_MOST = 20
_ACTION_INK = {
    "clamp": ("ours", 0.8),
    "hold": ("hold", 0.85),
    "suppress": ("bad", 0.85),
    "fallback": ("erp", 0.85),
}
_OTHER_INK = ("ink", 0.8)


def per_day(data: ReportData) -> Picture | None:
    """Draw what we wanted and what the ERP's rule ordered, per day, in money and in lines."""
    daily = orders_by_day(data)
    if daily.is_empty():
        return None

    def paint(figure: Any) -> None:
        upper, lower = figure.subplots(2, 1, sharex=True)
        _daily(upper, daily, "value")
        _daily(lower, daily, "lines")
        upper.set_title(f"Order value per day, {data.currency}")
        lower.set_title("Order lines per day")
        for axes in (upper, lower):
            axes.yaxis.set_major_formatter(short)
            live_mark(axes, data)
            dated(axes)
        figure.legend(*lower.get_legend_handles_labels(), loc="outside upper right", ncols=3)

    return draw(
        "orders",
        4.4,
        paint,
        title="Orders recommended, and what the ERP's own rule ordered",
        says="In shadow both decide on the same state each morning. Once live, the ERP's rule is "
        "that of its own world with the same demand, and nodes still in shadow are in the bars.",
    )


def _daily(axes: Any, daily: pl.DataFrame, measure: str) -> None:
    """Draw one measure: ours as bars, fresh below repeated, the ERP's rule as a line."""
    when, wide = daily["day"].cast(pl.Datetime).to_list(), timedelta(hours=18)
    fresh, again = (daily[f"{part}_{measure}"].to_numpy() for part in ("fresh", "again"))
    repeated = "wanted again, since shadow sends nothing"
    axes.bar(when, fresh, wide, color=INK["ours"], label="replenishd")
    axes.bar(when, again, wide, bottom=fresh, color=INK["ours"], alpha=0.25, label=repeated)
    rule = daily[f"erp_{measure}"].to_numpy()
    looks = {"linewidth": 1.4, "marker": "o", "markersize": 2.6}
    axes.plot(when, rule, color=INK["erp"], label="ERP rule", **looks)


def orders_by_day(data: ReportData) -> pl.DataFrame:
    """Return per day the value and lines of ours (fresh and repeated) and of the ERP's rule."""
    worth = {who: pl.col(who) * pl.col("unit_cost").fill_nan(0.0) for who in ("ours", "erp")}
    fresh = pl.col("fresh") | ~pl.col("compared")
    wanted = pl.col("ours") > 0
    decided = (
        with_freshness(data)
        .group_by("day")
        .agg(
            fresh_value=worth["ours"].filter(fresh).sum(),
            again_value=worth["ours"].filter(~fresh).sum(),
            fresh_lines=(wanted & fresh).sum(),
            again_lines=(wanted & ~fresh).sum(),
            same_value=pl.when(pl.col("compared").any()).then(worth["erp"].sum()),
            same_lines=pl.when(pl.col("compared").any()).then((pl.col("erp") > 0).sum()),
        )
    )
    apart = data.world(ERP_RULE).group_by("day").agg(pl.col("order_value", "order_lines").sum())
    ours = [f"{part}_{measure}" for part in ("fresh", "again") for measure in ("value", "lines")]
    return (
        decided.join(apart, on="day", how="full", coalesce=True)
        .select(
            "day",
            *(pl.col(name).fill_null(0) for name in ours),
            erp_value=pl.coalesce("same_value", "order_value"),
            erp_lines=pl.coalesce("same_lines", "order_lines"),
        )
        .sort("day")
    )


def sizes(data: ReportData) -> pl.DataFrame:
    """Return the average order of each item-node that both ordered, dearest first."""
    compared = with_freshness(data).filter("compared")
    ours, erp = pl.col("ours"), pl.col("erp")
    return (
        compared.group_by("node", "item")
        .agg(
            ours=ours.filter(pl.col("fresh")).mean(),
            erp=erp.filter(erp > 0).mean(),
            value=(erp * pl.col("unit_cost").fill_nan(0.0)).sum(),
        )
        .filter(ours.is_not_null(), erp.is_not_null())
        .sort("value", "node", "item", descending=[True, False, False])
    )


def against(data: ReportData) -> Picture | None:
    """Draw order sizes per item-node against each other, and who wanted what by node."""
    points = sizes(data)
    if points.is_empty():
        return None
    drawn = points.head(POINTS_MOST)

    def paint(figure: Any) -> None:
        left, right = figure.subplots(1, 2, width_ratios=[1.0, 0.95])
        _scatter(left, drawn)
        _meetings(right, data)

    alike = (points["ours"] - points["erp"]).abs() <= ALIKE_WITHIN * points["erp"]
    near = alike.sum() / points.height
    return draw(
        "against",
        3.7,
        paint,
        title="Ours against the ERP's rule, item-node by item-node",
        says=f"Left: the average order of {points.height:,} item-nodes both ordered in shadow; "
        f"{near:.0%} lie within {ALIKE_WITHIN:.0%} of each other."
        + (
            f" The {POINTS_MOST:,} with the most money are drawn."
            if points.height > POINTS_MOST
            else ""
        )
        + " Right: order lines on the same states, by who wanted them.",
    )


def _scatter(axes: Any, points: pl.DataFrame) -> None:
    ours, erp = points["ours"].to_numpy(), points["erp"].to_numpy()
    low = max(min(ours.min(), erp.min()), 1e-6) / 1.5
    high = max(ours.max(), erp.max()) * 1.5
    axes.fill_between(
        [low, high],
        [low * (1 - ALIKE_WITHIN), high * (1 - ALIKE_WITHIN)],
        [low * (1 + ALIKE_WITHIN), high * (1 + ALIKE_WITHIN)],
        color=INK["muted"],
        alpha=0.15,
        linewidth=0,
    )
    axes.plot([low, high], [low, high], color=INK["muted"], linewidth=0.9)
    axes.scatter(erp, ours, s=9, color=INK["ours"], alpha=0.45, linewidths=0)
    axes.set(xscale="log", yscale="log", xlim=(low, high), ylim=(low, high))
    axes.set_title("Average order, base units (log scales)")
    axes.set_xlabel("ERP rule")
    axes.set_ylabel("replenishd")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(short)
        axis.set_minor_formatter("")


def _meetings(axes: Any, data: ReportData) -> None:
    """Draw per node how many lines both wanted, only we, or only the ERP's rule."""
    ours, erp = pl.col("ours") > 0, pl.col("erp") > 0
    counts = (
        with_freshness(data)
        .filter("compared")
        .group_by("node")
        .agg(
            both=(ours & erp).sum(),
            before=(erp & ~ours & pl.col("wanted_before")).sum(),
            only_erp=(erp & ~ours & ~pl.col("wanted_before")).sum(),
            only_ours=(ours & ~erp & pl.col("fresh")).sum(),
        )
        .sort("node")
        .head(NODES_MOST)
    )
    nodes = counts["node"].to_list()
    left = counts["both"].to_numpy() * 0
    for part, name, color, alpha in (
        ("both", "both, same day", "good", 0.85),
        ("before", "ERP; we had, up to 7 days before", "good", 0.4),
        ("only_erp", "only the ERP rule", "erp", 0.85),
        ("only_ours", "only ours, first time", "ours", 0.75),
    ):
        amount = counts[part].to_numpy()
        axes.barh(
            range(len(nodes)),
            amount,
            left=left,
            height=0.66,
            color=INK[color],
            alpha=alpha,
            label=name,
        )
        left = left + amount
    axes.set_yticks(range(len(nodes)), [fitting(data.label(node)) for node in nodes])
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_title("Order lines by who wanted them")
    axes.legend(loc="upper center", bbox_to_anchor=(0.45, -0.1), ncols=2, fontsize=7.6)


def guards(data: ReportData) -> Picture | None:
    """Draw how often each fail-safe changed or stopped something; warnings are only counted."""
    changed = data.findings.filter(pl.col("action") != "warn")
    if changed.is_empty():
        return None
    counts = changed.group_by("guard", "action").len()
    totals = counts.group_by("guard").agg(pl.col("len").sum()).sort("len", "guard", descending=True)
    names = totals["guard"].head(GUARDS_MOST).to_list()
    labels = [fitting(f"{data.guard_names.get(name, '')} {name}".strip()) for name in names]

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        _stacks(axes, counts, names)
        axes.set_yticks(range(len(names)), labels)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.xaxis.set_major_formatter(short)
        figure.legend(loc="outside upper right", ncols=counts["action"].n_unique())

    warnings = data.findings.height - changed.height
    return draw(
        "guards",
        0.8 + 0.27 * len(names),
        paint,
        title="What the fail-safes did",
        says=f"{changed.height:,} findings of {totals.height} fail-safes: a clamp lowers a "
        "quantity, a hold waits for a person, a node hold orders nothing at the node that day."
        + (f" {warnings:,} warnings, which change nothing, are not drawn." if warnings else ""),
    )


def _stacks(axes: Any, counts: pl.DataFrame, names: Sequence[str]) -> None:
    left = [0] * len(names)
    for action in counts["action"].unique().sort().to_list():
        chosen = counts.filter(pl.col("action") == action).select("guard", "len")
        by_guard = dict(chosen.iter_rows())
        amount = [by_guard.get(name, 0) for name in names]
        color, alpha = _ACTION_INK.get(action, _OTHER_INK)
        said = fitting(action.replace("_", " "))
        axes.barh(
            range(len(names)),
            amount,
            left=left,
            height=0.66,
            color=INK[color],
            alpha=alpha,
            label=said,
        )
        left = [before + more for before, more in zip(left, amount, strict=True)]
