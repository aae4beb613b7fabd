"""An evaluation in words: tables for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from connector.telemetry.report.tables import Cell, Table
from connector.twin.scenario import CLASSES
from policies.proving.measures import MEASURES, Figure, Measure, changes, figures

if TYPE_CHECKING:
    from policies.proving.evaluation import Evaluation

TERMS = (
    *((each.name, each.means) for each in MEASURES),
    ("interval", "95 %, from items drawn with replacement; policies are compared on equal draws."),
)
_CLEAR = {"higher": 1.0, "lower": -1.0}


def written(figure: Figure, measure: Measure) -> str:
    """Return a figure with its interval."""
    digits = measure.digits
    return f"{figure.value:,.{digits}f} ({figure.low:,.{digits}f} to {figure.high:,.{digits}f})"


def results(evaluation: Evaluation) -> Table:
    """Return every measure of every contender."""
    found = {name: figures(sums) for name, sums in evaluation.sums.items()}
    rows = tuple(
        (
            Cell(text=f"{each.name}, {each.unit}"),
            *(Cell(text=written(found[name][each.name], each)) for name in found),
        )
        for each in MEASURES
    )
    return Table(
        caption="All items, with 95 % intervals",
        columns=("", *(_named(evaluation, name) for name in found)),
        numbers=frozenset(range(1, len(found) + 1)),
        rows=rows,
    )


def beside(evaluation: Evaluation) -> Table:
    """Return by how much the policy differs from each baseline."""
    ours, *others = evaluation.sums
    found = {name: changes(evaluation.sums[ours], evaluation.sums[name]) for name in others}
    rows = tuple(
        (Cell(text=each.name), *(_change(found[name][each.name], each) for name in others))
        for each in MEASURES
    )
    return Table(
        caption=f"{ours}: change in % against each baseline",
        columns=("", *others),
        numbers=frozenset(range(1, len(others) + 1)),
        rows=rows,
    )


def _change(figure: Figure, measure: Measure) -> Cell:
    sign = _CLEAR[measure.better]
    tone = ""
    if figure.low * sign > 0 and figure.high * sign > 0:
        tone = "better"
    elif figure.low * sign < 0 and figure.high * sign < 0:
        tone = "worse"
    return Cell(text=f"{figure.value:+.1f} ({figure.low:+.1f} to {figure.high:+.1f})", tone=tone)


def by_class(evaluation: Evaluation) -> Table:
    """Return fill rate, turns and excess of every contender by demand class."""
    kinds = evaluation.lived[0].year.kind
    wanted = ("fill rate", "turns", "excess")
    rows = []
    for number, kind in enumerate(CLASSES):
        some = kinds == number
        if not some.any():
            continue
        cells = [Cell(text=f"{kind} ({int(some.sum() / evaluation.lived[0].year.years)} items)")]
        for sums in evaluation.sums.values():
            found = figures(sums.some(some))
            cells += [Cell(text=f"{found[name].value:,.2f}") for name in wanted]
        rows.append(tuple(cells))
    columns = [f"{name}: {each}" for name in evaluation.sums for each in wanted]
    return Table(
        caption="By demand class",
        columns=("", *columns),
        numbers=frozenset(range(1, len(columns) + 1)),
        rows=tuple(rows),
    )


def interventions(evaluation: Evaluation) -> Table:
    """Return what the fail-safes did, each a day on average."""
    guards = sorted({guard for each in evaluation.lived for guard in each.findings})
    days = len(evaluation.lived[0].days.demand) * evaluation.lived[0].year.years
    asked = (
        Cell(text="lines that waited for a person"),
        *(Cell(text=f"{each.asked / days:.2f}") for each in evaluation.lived),
    )
    accepted = (
        Cell(text="pictures that a person had to accept"),
        *(Cell(text=f"{each.accepted / days:.3f}") for each in evaluation.lived),
    )
    rows = [
        (
            Cell(text=guard),
            *(Cell(text=f"{each.findings.get(guard, 0) / days:.2f}") for each in evaluation.lived),
        )
        for guard in guards
    ]
    return Table(
        caption="What the fail-safes changed, a day",
        columns=("", *(each.name for each in evaluation.lived)),
        numbers=frozenset(range(1, len(evaluation.lived) + 1)),
        rows=(asked, accepted, *rows),
    )


def headline(evaluation: Evaluation) -> tuple[str, ...]:
    """Return what came of it, the bad with the good."""
    ours, rule, *_ = evaluation.sums
    found = changes(evaluation.sums[ours], evaluation.sums[rule])
    fills = {name: figures(evaluation.sums[name])["fill rate"].value for name in (ours, rule)}
    first = (
        f"At {fills[ours]:.2f} % fill rate (against {fills[rule]:.2f} %), turns change by "
        f"{found['turns'].value:+.0f} %, excess by {found['excess'].value:+.0f} % and order lines "
        f"by {found['order lines'].value:+.0f} % against the textbook's reorder point."
    )
    missed = [
        f"{each.contender.name} served {each.served:.2%} at most on the year of choice."
        for each in evaluation.settings
        if each.served < evaluation.target
    ]
    return (first, *missed)


def lines(table: Table) -> Iterator[str]:
    """Yield a table as Markdown."""
    yield f"\n{table.caption}"
    yield "| " + " | ".join(table.columns) + " |"
    yield "|" + "---|" * len(table.columns)
    for row in table.rows:
        yield "| " + " | ".join(cell.text for cell in row) + " |"


def _named(evaluation: Evaluation, name: str) -> str:
    told = next(each.told for each in evaluation.settings if each.contender.name == name)
    return f"{name} ({told})"
