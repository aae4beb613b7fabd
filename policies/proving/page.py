"""An evaluation as one HTML page with pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import connector
from connector.telemetry.report.drawing import INK, Picture, draw
from connector.telemetry.report.page import Part, environment, style, write_page
from connector.twin.scenario import CLASSES
from policies.proving import words
from policies.proving.measures import MEASURES, changes, figures

if TYPE_CHECKING:
    from pathlib import Path

    from policies.proving.evaluation import Evaluation

_WEEK = 7
_INKS = ("ours", "erp", "muted", "hold")
_SHOWN = ("cost", "turns", "excess", "bullwhip", "order lines")


def write_evaluation(evaluation: Evaluation, path: Path, *, policy: str) -> int:
    """Write the page and return its size in bytes. Raises ConfigError without matplotlib."""
    page = (
        environment("policies.proving")
        .get_template("evaluation.html.j2")
        .render(
            title=f"{policy} beside the baselines",
            version=connector.__version__,
            worlds=evaluation.worlds,
            lead=words.headline(evaluation),
            parts=_parts(evaluation),
            terms=words.TERMS,
            style=style(),
        )
    )
    return write_page(page, path)


def _parts(evaluation: Evaluation) -> tuple[Part, ...]:
    return (
        Part(
            name="results",
            title="Results",
            empty="Nothing was judged.",
            lead="Every contender was set to the same service on a year of its own, then all met "
            "the same customers and carriers, each through the connector's own fail-safes.",
            pictures=(_changed(evaluation), _weekly(evaluation)),
            tables=(words.results(evaluation), words.beside(evaluation)),
        ),
        Part(
            name="classes",
            title="By demand class",
            empty="There are no items.",
            pictures=(_classes(evaluation),),
            tables=(words.by_class(evaluation),),
        ),
        Part(
            name="failsafes",
            title="Fail-safes",
            empty="No fail-safe changed anything.",
            lead="What waited for a person was let go the same morning: in the twin every reading "
            "is true.",
            tables=(words.interventions(evaluation),),
        ),
    )


def _changed(evaluation: Evaluation) -> Picture:
    ours, *others = evaluation.sums
    found = {name: changes(evaluation.sums[ours], evaluation.sums[name]) for name in others}
    shown = [each for each in MEASURES if each.name in _SHOWN]

    def paint(figure: Any) -> None:
        axes = figure.subplots()
        for row, name in enumerate(others):
            at, height = _side_by_side(len(shown), row, len(others))
            told = [found[name][each.name] for each in shown]
            axes.barh(
                at, [each.value for each in told], height=height,
                color=INK[_INKS[1 + row % (len(_INKS) - 1)]], label=f"against {name}",
                xerr=[[each.value - each.low for each in told],
                      [each.high - each.value for each in told]],
                error_kw={"ecolor": INK["ink"], "elinewidth": 0.9},
            )  # fmt: skip
        axes.axvline(0.0, color=INK["ink"], linewidth=0.8)
        axes.set_yticks(range(len(shown)), [f"{e.name} ({e.better} is better)" for e in shown])
        axes.invert_yaxis()
        axes.set_xlabel("change in %")
        figure.legend(loc="outside upper right", ncols=len(others))

    return draw(
        "changed",
        3.4,
        paint,
        title="How the policy differs, at the same fill rate",
        says=" ".join(words.headline(evaluation)),
    )


def _weekly(evaluation: Evaluation) -> Picture:
    def paint(figure: Any) -> None:
        stock, served = figure.subplots(2, 1, sharex=True)
        for row, each in enumerate(evaluation.lived):
            price = each.year.price
            ink = {"color": INK[_INKS[row % len(_INKS)]], "label": each.name}
            weeks = len(each.days.demand) // _WEEK
            cut = slice(weeks * _WEEK)

            def weekly(units: Any, price: Any = price, cut: Any = cut, weeks: int = weeks) -> Any:
                money = (units[cut] * price).sum(axis=(1, 2))
                return money.reshape(weeks, _WEEK).sum(axis=1)

            on_hand = weekly(each.days.on_hand) / _WEEK / each.year.years
            fill = 100.0 * weekly(each.days.served) / np.maximum(weekly(each.days.demand), 1e-9)
            stock.plot(range(weeks), on_hand, **ink)
            served.plot(range(weeks), fill, **ink)
        stock.set_title("stock on hand, money")
        stock.set_ylim(bottom=0.0)
        served.set_title("fill rate, %")
        served.set_xlabel("week")
        handles, labels = stock.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))

    return draw(
        "weeks",
        4.2,
        paint,
        title="Week by week",
        says="Average stock on hand and the share of demand served, all items and nodes.",
    )


def _classes(evaluation: Evaluation) -> Picture:
    kinds = evaluation.lived[0].year.kind
    there = [number for number in range(len(CLASSES)) if bool((kinds == number).any())]
    found = {
        who: [figures(sums.some(kinds == number)) for number in there]
        for who, sums in evaluation.sums.items()
    }

    def paint(figure: Any) -> None:
        columns = figure.subplots(1, 3)
        for axes, name in zip(columns, ("fill rate", "turns", "excess"), strict=True):
            for row, who in enumerate(found):
                values = [each[name].value for each in found[who]]
                at, width = _side_by_side(len(there), row, len(found))
                axes.bar(at, values, width=width, color=INK[_INKS[row % len(_INKS)]],
                         label=who)  # fmt: skip
            axes.set_xticks(range(len(there)), [CLASSES[n] for n in there], rotation=35)
            axes.set_title(name)
            axes.grid(visible=False, axis="x")
        handles, labels = columns[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=len(labels))

    return draw(
        "classes",
        3.2,
        paint,
        title="Fill rate in %, turns a year, excess in money",
        says="Each demand class by itself: one service knob serves all of them.",
    )


def _side_by_side(groups: int, row: int, rows: int) -> tuple[list[float], float]:
    """Return where the bars of one row of several stand in each group, and how thick they are."""
    room = 0.8 / rows
    return [group + (row - (rows - 1) / 2) * room for group in range(groups)], 0.9 * room
