"""The report's figures: how the site did, against the ERP's own rule on the same demand.

Pure functions of the frames. A figure whose inputs are unknown is None, never 0.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import polars as pl

from connector.telemetry.report.data import ERP_RULE, EXCESS_MEANS, OURS, ReportData

DAYS_PER_YEAR = 365.0
SAME_WITHIN = 0.001  # relative; closer figures are called the same
ALIKE_WITHIN = 0.25  # two order quantities this close count as alike
AHEAD_DAYS = 7  # an order this many days before the ERP's rule's counts as anticipated


@dataclass(frozen=True, kw_only=True)
class Kpi:
    """One figure in both worlds; `better` is the good direction: higher, lower or neither."""

    name: str
    means: str
    kind: str  # share | money | days | times | count
    better: str
    ours: float | None
    erp: float | None

    @property
    def change(self) -> float | None:
        """Return how much ours differs: points for a share, else relative; None = not known."""
        if self.ours is None or self.erp is None:
            return None
        if self.kind == "share":
            return self.ours - self.erp
        return (self.ours - self.erp) / self.erp if self.erp else None

    @property
    def verdict(self) -> str:
        """Return better, worse, same, or "" where nobody can say."""
        change = self.change
        if change is None or self.better == "neither":
            return ""
        if abs(change) <= SAME_WITHIN:
            return "same"
        return "better" if (change > 0) == (self.better == "higher") else "worse"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How our recommendations and the ERP's rule met on the same states, counted in order lines."""

    both: int = 0
    only_ours: int = 0
    only_erp: int = 0
    alike: int = 0  # of `both`: quantities within ALIKE_WITHIN of each other
    ahead: int = 0  # of `only_erp`: we had wanted it within AHEAD_DAYS before
    ours: int = 0  # every recommendation, also those repeated because shadow sends nothing
    fresh: int = 0  # of `ours`: not already wanted at the review before

    @property
    def share(self) -> float | None:
        """Return the share of the ERP's orders that we wanted on that very day."""
        asked = self.both + self.only_erp
        return self.both / asked if asked else None

    @property
    def reached(self) -> float | None:
        """Return the share of the ERP's orders that we wanted on that day or shortly before."""
        asked = self.both + self.only_erp
        return (self.both + self.ahead) / asked if asked else None


FILL_RATE = (
    "Share of the units customers asked for that stock could serve at once (type 2 service, β). "
    "What met an empty shelf counts as lost."
)
STOCK = (
    "On hand at the end of the day, at cost, averaged over the days; goods in transit not in it."
)
STOCK_END = "On hand plus goods in transit on the last day, {}, at cost."
TURNS = "What a year serves at this pace, divided by the average stock; {}."
SUPPLY = "Average stock divided by what one day serves; {}."
EXCESS = f"Average over the days of {EXCESS_MEANS}."
LINES = "Order lines placed, transfers between own nodes included."
ORDERED = "Value of the lines placed. Who runs stock down orders less for a while."

Sums = Mapping[str, float | None]
Figure = Callable[[Sums], float | None]


def compare(data: ReportData, node: str | None = None) -> tuple[Kpi, ...]:
    """Return the figures of the site, or of one of its nodes, in both worlds."""
    ours, erp = (_sums(data.world(world), node) for world in (OURS, ERP_RULE))
    priced = all(sums.get("served_value") is not None for sums in (ours, erp) if sums)
    return tuple(
        Kpi(name=name, means=means, kind=kind, better=better, ours=figure(ours), erp=figure(erp))
        for name, means, kind, better, figure in _figures(data.stock_moment, priced=priced)
    )


def _figures(moment: str, *, priced: bool) -> tuple[tuple[str, str, str, str, Figure], ...]:
    """Return per figure: name, meaning, kind, good direction, and how it is made of sums."""
    by = "value" if priced else "units"
    said = "by value" if priced else "counted in units, whatever the unit"
    turns = _over(f"served_{by}", f"stock_{by}", DAYS_PER_YEAR)
    supply = _over(f"stock_{by}", f"served_{by}")
    stock, end = STOCK.format(moment), STOCK_END.format(moment)
    return (
        ("Fill rate", FILL_RATE, "share", "higher", _over("served_units", "demand_units")),
        ("Average stock", stock, "money", "lower", _over("stock_value", "days")),
        ("Stock on the last day", end, "money", "lower", _stock_at_the_end),
        ("Turns a year", TURNS.format(said), "times", "higher", turns),
        ("Days of supply", SUPPLY.format(said), "days", "lower", supply),
        ("Excess stock", EXCESS, "money", "lower", _over("excess_value", "days")),
        ("Order lines", LINES, "count", "neither", _over("order_lines", "worlds")),
        ("Value ordered", ORDERED, "money", "neither", _over("order_value", "worlds")),
    )


def agreement(data: ReportData) -> Agreement:
    """Count how both wanted orders where both saw the same state."""
    marked = with_freshness(data)
    compared = marked.filter(pl.col("compared"))
    ours, erp = pl.col("ours") > 0, pl.col("erp") > 0
    near = (pl.col("ours") - pl.col("erp")).abs() <= ALIKE_WITHIN * pl.col("erp")
    counts = {
        "both": ours & erp,
        "only_ours": ours & ~erp,
        "only_erp": erp & ~ours,
        "alike": ours & erp & near,
        "ahead": erp & ~ours & pl.col("wanted_before"),
        "ours": ours,
        "fresh": ours & pl.col("fresh"),
    }
    row = compared.select(mark.sum().alias(name) for name, mark in counts.items())
    return Agreement(**row.row(0, named=True))


def with_freshness(data: ReportData) -> pl.DataFrame:
    """Return the decisions with `fresh` and `wanted_before`.

    In shadow nothing is sent, so what we want today we want again tomorrow: only the first of such
    a run is fresh. `wanted_before`: we wanted it at a review within AHEAD_DAYS before.
    """
    cell = ("node", "item")
    ours = pl.col("ours") > 0
    last_wanted = pl.when(ours).then(pl.col("day")).forward_fill().shift().over(*cell)
    review = pl.col("day").rank("dense")
    last_review = pl.when(ours).then(pl.col("review")).forward_fill().shift().over(*cell)
    return (
        data.decisions.with_columns(review=review)
        .sort("node", "item", "day")
        .with_columns(
            fresh=(ours & (pl.col("review") - last_review != 1).fill_null(value=True)),
            wanted_before=((pl.col("day") - last_wanted).dt.total_days() <= AHEAD_DAYS).fill_null(
                value=False
            ),
        )
        .drop("review")
    )


def shortfalls(data: ReportData) -> tuple[str, ...]:
    """Return in words where ours did worse than the ERP's rule, the site first, then its nodes."""
    found = [f"{kpi.name}: {said(kpi)}" for kpi in compare(data) if kpi.verdict == "worse"]
    nodes = data.world(ERP_RULE)["node"].unique().sort().to_list()
    for node in nodes if len(nodes) > 1 else []:
        fill, stock, *_ = compare(data, node)
        found += [
            f"{kpi.name} at {data.label(node)}: {said(kpi)}"
            for kpi in (fill, stock)
            if kpi.verdict == "worse"
        ]
    return tuple(found)


def said(kpi: Kpi) -> str:
    """Return both values of a figure in one phrase."""
    return f"{written(kpi.ours, kpi.kind)} against {written(kpi.erp, kpi.kind)}"


def written(value: float | None, kind: str) -> str:
    """Return a figure as people read it."""
    if value is None:
        return "–"
    if kind == "share":
        return f"{value:.2%}"
    return f"{value:,.1f}" if kind in ("times", "days") else f"{value:,.0f}"


def _sums(days: pl.DataFrame, node: str | None) -> Sums:
    """Return the totals over days and nodes, and those of the last day; unknown stays None."""
    if node is not None:
        days = days.filter(pl.col("node") == node)
    if days.is_empty():
        return {}
    last = _known_sums(days.filter(pl.col("day") == pl.col("day").max()))
    return {
        **_known_sums(days),
        **{f"last_{name}": value for name, value in last.items()},
        "days": float(days["day"].n_unique()),
        "worlds": 1.0,
    }


def _known_sums(days: pl.DataFrame) -> dict[str, float | None]:
    """Return each column's sum, None where any row is null: half a sum would be a wrong one."""
    columns = [name for name, kind in days.schema.items() if kind.is_numeric()]
    row = days.select(
        pl.when(pl.col(name).null_count() == 0).then(pl.col(name).sum()).first().alias(name)
        for name in columns
    ).row(0, named=True)
    return {name: None if value is None else float(value) for name, value in row.items()}


def _over(above: str, below: str, factor: float = 1.0) -> Figure:
    """Return the quotient of two sums; None where one is unknown or nothing divides."""

    def quotient(sums: Sums) -> float | None:
        over, under = sums.get(above), sums.get(below)
        return None if over is None or not under else over / under * factor

    return quotient


def _stock_at_the_end(sums: Sums) -> float | None:
    stock, transit = sums.get("last_stock_value"), sums.get("last_transit_value")
    return None if stock is None or transit is None else stock + transit
