"""The report's tables, the most money first; long ones are cut and say so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import polars as pl

from connector.telemetry.report.data import ERP_RULE, OURS, ReportData
from connector.telemetry.report.kpis import Kpi, compare, written
from connector.telemetry.report.words import change_of

ROWS_MOST = 150
_ONLY_WARNS = "warn"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One cell: what it shows and how it is meant (number, better, worse, or "")."""

    text: str
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows of text under named columns; `more` rows are not shown."""

    caption: str
    columns: tuple[str, ...]
    numbers: frozenset[int]  # columns that are set to the right
    rows: tuple[tuple[Cell, ...], ...]
    more: int = 0
    folded: bool = False


@dataclass(frozen=True, kw_only=True)
class Count:
    """A card with one number."""

    name: str
    text: str
    means: str
    tone: str = ""


def counts(data: ReportData) -> tuple[Count, ...]:
    """Return the cards that have no other world to be compared with."""
    held = int(data.reviews["held"].sum())
    asked = data.posted.filter(pl.col("times_filed").is_not_null())
    twice = asked.filter(pl.col("times_filed") > 1).height
    reviews = data.reviews.height
    return (
        Count(
            name="Reviews",
            text=f"{reviews:,}",
            means=f"Each looked at {data.item_nodes:,} item-nodes. {_seconds(data)}",
        ),
        Count(
            name="Lines held",
            text=f"{held:,}",
            means="Orders that a fail-safe kept for a person to decide." + _whole_nodes(data),
            tone="hold" if held else "",
        ),
        Count(
            name="Lines posted",
            text=f"{data.posted.filter(pl.col('number') != '').height:,}",
            means="Requisition lines that have a number of the ERP.",
        ),
        Count(
            name="Filed twice",
            text=f"{twice:,}" if asked.height else "–",
            means="Lines the ERP's own account holds more than once. Must be 0.",
            tone=("worse" if twice else "better") if asked.height else "",
        ),
        Count(
            name="Unmatched",
            text="–" if data.unmatched is None else f"{data.unmatched:,}",
            means="Filed lines that only the ERP or only the ledger knows. Must be 0.",
            tone="" if data.unmatched is None else "worse" if data.unmatched else "better",
        ),
    )


def _whole_nodes(data: ReportData) -> str:
    """Return on how many node-days a fail-safe held back everything of a node."""
    whole = pl.col("action").is_in(["node_hold", "node_shadow", "node_halt", "global_halt"])
    node_days = data.findings.filter(whole).select("day", "node").n_unique()
    return f" Besides, whole nodes were held back on {node_days:,} node-days." if node_days else ""


def _seconds(data: ReportData) -> str:
    seconds = sorted(data.reviews["seconds"].drop_nulls())
    if not seconds:
        return ""
    return f"Half took under {median(seconds):.1f} s, the longest {seconds[-1]:.1f} s."


def likewise(data: ReportData) -> tuple[Table, ...]:
    """Return the comparison of both worlds, for the site and for each node."""
    if data.world(ERP_RULE).is_empty() or data.world(OURS).is_empty():
        return ()
    site = Table(
        caption="The whole site",
        columns=("Figure", "replenishd", "ERP rule", "Difference", ""),
        numbers=frozenset({1, 2, 3}),
        rows=tuple((Cell(text=kpi.name), *_figures(kpi)) for kpi in compare(data)),
    )
    nodes = data.world(OURS)["node"].unique().sort().to_list()
    rows = tuple(
        (Cell(text=data.label(node)), *_pair(fill), *_pair(stock))
        for node in nodes
        for fill, stock, *_ in [compare(data, node)]
    )
    by_node = Table(
        caption="Fill rate and average stock by node",
        columns=("Node", "Fill rate", "ERP rule", "", "Average stock", "ERP rule", ""),
        numbers=frozenset(range(1, 7)),
        rows=rows[:ROWS_MOST],
        more=max(0, len(rows) - ROWS_MOST),
    )
    return (site, by_node) if len(nodes) > 1 else (site,)


def _figures(kpi: Kpi) -> tuple[Cell, ...]:
    return (
        Cell(text=written(kpi.ours, kpi.kind)),
        Cell(text=written(kpi.erp, kpi.kind)),
        Cell(text=change_of(kpi), tone=kpi.verdict),
        Cell(text=kpi.verdict, tone=kpi.verdict),
    )


def _pair(kpi: Kpi) -> tuple[Cell, ...]:
    return (
        Cell(text=written(kpi.ours, kpi.kind)),
        Cell(text=written(kpi.erp, kpi.kind)),
        Cell(text=change_of(kpi), tone=kpi.verdict),
    )


def kept_back(data: ReportData) -> Table:
    """Return what the fail-safes changed, the most money first."""
    changed = data.findings.filter(pl.col("action") != _ONLY_WARNS).sort(
        "money",
        "day",
        "node",
        "item",
        "guard",
        descending=[True, True, False, False, False],
        nulls_last=True,
        maintain_order=True,
    )
    return _table(
        "What they changed, the most money first",
        changed.select(
            Day=pl.col("day"),
            Node=pl.col("node"),
            Item=pl.col("item"),
            Guard=pl.col("guard"),
            Action=pl.col("action").str.replace_all("_", " "),
            Measured=pl.col("value"),
            Allowed=pl.col("threshold"),
            Before=pl.col("before"),
            After=pl.col("after"),
            Money=pl.col("money"),
            Why=pl.col("detail"),
        ),
        folded=True,
    )


def posted(data: ReportData) -> tuple[Table, ...]:
    """Return what went to the ERP: a count by state, and the lines with our key and its number."""
    if data.posted.is_empty():
        return ()
    states = data.posted.group_by("state").agg(Lines=pl.len(), Value=pl.col("value").sum())
    lines = data.posted.sort("value", "key", descending=[True, False], nulls_last=True)
    return (
        _table(
            "By state",
            states.sort("Lines", "state", descending=[True, False]).rename({"state": "State"}),
        ),
        _table(
            "The dearest lines; all are in the ledger",
            lines.select(
                Key=pl.col("key"),
                Requisition=pl.col("number"),
                Line=pl.col("line"),
                Day=pl.col("day"),
                Node=pl.col("node"),
                Item=pl.col("item"),
                Quantity=pl.col("quantity"),
                Unit=pl.col("unit"),
                Value=pl.col("value"),
                State=pl.col("state"),
                Filed=pl.col("times_filed"),
            ),
            texts=("Line",),
            folded=True,
        ),
    )


def others(data: ReportData) -> Table:
    """Return the item-nodes that somebody else plans too."""
    return _table(
        "Item-nodes with another planner, the most money first",
        data.others.sort("value", "node", "item", descending=[True, False, False]).select(
            Node=pl.col("node"),
            Item=pl.col("item"),
            Planning=pl.col("mrp_type"),
            Requisitions=pl.col("documents"),
            Quantity=pl.col("quantity"),
            Value=pl.col("value"),
        ),
    )


def reviews(data: ReportData) -> Table:
    """Return the reviews, the newest first."""
    return _table(
        "Every review, the newest first",
        data.reviews.sort("day", "review", descending=True).select(
            Day=pl.col("day"),
            Outcome=pl.col("outcome"),
            Lines=pl.col("lines"),
            Ordered=pl.col("ordered"),
            Held=pl.col("held"),
            Posted=pl.col("posted"),
            Seconds=pl.col("seconds").round(2),
            Decided=pl.col("source"),
            Review=pl.col("review"),
        ),
        folded=True,
    )


def _table(
    caption: str, frame: pl.DataFrame, *, texts: Sequence[str] = (), folded: bool = False
) -> Table:
    """Return a frame as a table; numbers go to the right, unknown ones are a dash."""
    numbers = frozenset(
        place
        for place, (name, kind) in enumerate(frame.schema.items())
        if kind.is_numeric() and name not in texts
    )
    return Table(
        caption=caption,
        columns=tuple(frame.columns),
        numbers=numbers,
        rows=tuple(
            tuple(Cell(text=_said(value)) for value in row)
            for row in frame.head(ROWS_MOST).iter_rows()
        ),
        more=max(0, frame.height - ROWS_MOST),
        folded=folded,
    )


def _said(value: object) -> str:
    if value is None or value != value:  # noqa: PLR0124 - not a number
        return "–"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:,.2f}".rstrip("0").rstrip(".")  # noqa: PLR2004
    return f"{value:,}" if isinstance(value, int) else str(value)
