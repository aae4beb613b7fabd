"""Puts words, figures, tables and pictures on one page that needs nothing from outside."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup

from connector.errors import ConfigError
from connector.telemetry.report import order_pictures, pictures, tables
from connector.telemetry.report.data import ReportData
from connector.telemetry.report.drawing import Picture
from connector.telemetry.report.kpis import Kpi, agreement, compare, shortfalls, written
from connector.telemetry.report.tables import Table
from connector.telemetry.report.words import TERMS, change_of, headline

NO_CARD = frozenset({"Stock on the last day"})  # in the table only


@dataclass(frozen=True, kw_only=True)
class Part:
    """One section: pictures and tables, or the sentence that says why there are none."""

    name: str  # the anchor
    title: str
    empty: str
    lead: str = ""
    pictures: tuple[Picture, ...] = ()
    tables: tuple[Table, ...] = ()
    points: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to show."""
        return not (self.pictures or self.points or any(table.rows for table in self.tables))


def render(data: ReportData) -> str:
    """Return the report as one HTML document. Raises ConfigError without matplotlib."""
    return _template().render(
        data=data,
        headline=headline(data),
        kpis=[kpi for kpi in compare(data) if _on_card(kpi)],
        counts=tables.counts(data),
        parts=_parts(data),
        terms=TERMS,
        style=style(),
    )


def write_report(data: ReportData, path: Path) -> int:
    """Write the report and return its size in bytes."""
    return write_page(render(data), path)


def write_page(text: str, path: Path) -> int:
    """Write a page and return its size in bytes; a reader never sees half of it."""
    page = text.encode("utf-8")
    half = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_bytes(page)
        os.replace(half, path)  # noqa: PTH105 - atomic on one file system
    except OSError as error:
        with suppress(OSError):
            half.unlink()
        raise ConfigError(
            f"the report cannot be written to {path}: {error.strerror}",
            hint="choose a folder that may be written",
        ) from error
    return len(page)


def _parts(data: ReportData) -> tuple[Part, ...]:
    return (*_results(data), *_pictured(data), *_listed(data))


def _results(data: ReportData) -> tuple[Part, ...]:
    compared = Part(
        name="compared",
        title="Like for like",
        lead=_compared_lead(data),
        empty="There is no second world to compare with: an ERP lives through its days only once. "
        "The sandbox can live through them twice.",
        tables=tables.likewise(data),
    )
    if compared.is_empty:
        return (compared,)
    worse = Part(
        name="worse",
        title="Where it did worse",
        empty="In none of the figures above, neither for the site nor for a node.",
        points=shortfalls(data),
    )
    return (compared, worse)


def _pictured(data: ReportData) -> tuple[Part, ...]:
    return (
        Part(
            name="modes",
            title="Modes",
            empty="No mode was recorded.",
            pictures=_drawn(pictures.timeline(data)),
        ),
        Part(
            name="stock",
            title="Stock",
            empty="No stock was recorded.",
            pictures=_drawn(pictures.stock(data, "value"), pictures.stock(data, "units")),
        ),
        Part(
            name="orders",
            title="Orders",
            lead=_agreement_lead(data),
            empty="Nobody wanted an order in these days.",
            pictures=_drawn(order_pictures.per_day(data), order_pictures.against(data)),
        ),
        Part(
            name="service",
            title="Service",
            empty="The ERP shows what was issued, not what was asked for: lost sales are unknown.",
            pictures=_drawn(pictures.service(data)),
        ),
        Part(
            name="failsafes",
            title="Holds and fail-safes",
            empty="No fail-safe changed anything.",
            pictures=_drawn(order_pictures.guards(data)),
            tables=(tables.kept_back(data),),
        ),
    )


def _listed(data: ReportData) -> tuple[Part, ...]:
    return (
        Part(
            name="posted",
            title="What was posted",
            empty="Nothing was posted: in shadow nothing is.",
            tables=tables.posted(data),
        ),
        Part(
            name="others",
            title="Planned by someone else too",
            lead="At the last review. Two planners on one item order twice: switch the ERP's own "
            "planning off for these items before they go live.",
            empty="At the last review nobody else planned these items.",
            tables=(tables.others(data),),
        ),
        Part(
            name="reviews",
            title="Reviews",
            empty="No review was recorded.",
            tables=(tables.reviews(data),),
        ),
    )


def _compared_lead(data: ReportData) -> str:
    if data.compared_from is None:
        return "The same days, with and without replenishd."
    return (
        f"The same demand, lead times and mishaps lived through twice from the same state on "
        f"{data.compared_from}: with replenishd, and with the ERP's own reorder-point rule alone."
    )


def _agreement_lead(data: ReportData) -> str:
    met = agreement(data)
    if met.share is None or met.reached is None:
        return ""
    return (
        f"Of {met.both + met.only_erp:,} order lines of the ERP's rule in shadow, replenishd "
        f"wanted {met.share:.0%} that very day and {met.reached:.0%} then or in the 7 days before; "
        f"of those on the same day {met.alike / max(met.both, 1):.0%} had a quantity within 25 %. "
        f"It wanted {met.ours:,} lines, {met.fresh:,} of them for the first time."
    )


def _on_card(kpi: Kpi) -> bool:
    return kpi.name not in NO_CARD and (kpi.ours is not None or kpi.erp is not None)


def _drawn(*maybe: Picture | None) -> tuple[Picture, ...]:
    return tuple(picture for picture in maybe if picture is not None)


@cache
def _template() -> Template:
    pages = environment()
    pages.filters |= {"kpi": _value, "change": change_of}
    return pages.get_template("report.html.j2")


def environment(*more: str) -> Environment:
    """Return where templates are found, those of the packages `more` first."""
    loaders = [PackageLoader(name) for name in (*more, "connector.telemetry.report")]
    pages = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters["svg"] = _trusted
    return pages


def style() -> Markup:
    """Return the style sheet of every page."""
    return Markup(_read("report.css"))  # noqa: S704 - our own file


def _value(kpi: Kpi, world: str) -> str:
    return written(kpi.ours if world == "ours" else kpi.erp, kpi.kind)


def _trusted(picture: Picture) -> Markup:
    """Return the SVG as it is: matplotlib escapes every text it draws."""
    return Markup(picture.svg)  # noqa: S704


def _read(name: str) -> str:
    return (files("connector.telemetry.report") / "templates" / name).read_text("utf-8")
