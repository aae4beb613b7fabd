"""The demo's last words on the terminal: the same figures as in the report, good or bad."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from connector.telemetry.report import ReportData
from connector.telemetry.report.kpis import Kpi, compare, shortfalls, written
from connector.telemetry.report.tables import counts
from connector.telemetry.report.words import change_of, headline

_COLORS = {"better": "green", "worse": "red", "hold": "magenta"}
_SHORTFALLS_MOST = 6


def summary(data: ReportData) -> RenderableType:
    """Return everything the demo says at its end."""
    parts: list[RenderableType] = [_figures(data), _counts(data)]
    worse = shortfalls(data)
    if worse:
        parts.append(Text("Worse than the ERP rule:", style="red"))
        parts += [Text(f"  {each}") for each in worse[:_SHORTFALLS_MOST]]
        if len(worse) > _SHORTFALLS_MOST:
            parts.append(Text(f"  and {len(worse) - _SHORTFALLS_MOST} more, all in the report"))
    parts += [Text(sentence) for sentence in headline(data)[-1:]]
    return Group(*parts)


def _figures(data: ReportData) -> Table:
    since = data.compared_from or data.first_day
    table = Table(title=f"Since {since}, on the same demand", title_justify="left")
    for name in ("Figure", "replenishd", "ERP rule", "Difference"):
        table.add_column(name, justify="left" if name == "Figure" else "right")
    for kpi in compare(data):
        color = _COLORS.get(kpi.verdict, "")
        table.add_row(
            f"{kpi.name}{f', {data.currency}' if kpi.kind == 'money' else ''}",
            written(kpi.ours, kpi.kind),
            written(kpi.erp, kpi.kind),
            Text(_difference(kpi), style=color),
        )
    return table


def _difference(kpi: Kpi) -> str:
    change = change_of(kpi)
    return f"{change} {kpi.verdict}".strip()


def _counts(data: ReportData) -> Table:
    table = Table(show_header=False)
    for count in counts(data):
        table.add_row(
            count.name, Text(count.text, style=_COLORS.get(count.tone, ""), justify="right")
        )
    return table


def as_document(data: ReportData) -> dict[str, Any]:
    """Return the demo's figures for programs; unknown figures are null."""
    return {
        "first_day": data.first_day.isoformat(),
        "last_day": data.last_day.isoformat(),
        "live_from": data.compared_from.isoformat() if data.compared_from else None,
        "figures": {
            kpi.name: {"ours": kpi.ours, "erp_rule": kpi.erp, "verdict": kpi.verdict}
            for kpi in compare(data)
        },
        "counts": {count.name: count.text for count in counts(data)},
        "worse": list(shortfalls(data)),
    }
