"""`replenishd demo`: what a person sees while it plays, and what it says at the end."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from connector.clock import SystemClock
from connector.demo.perform import REPORT, DemoOptions, perform
from connector.demo.play import Diary
from connector.demo.summary import as_document, summary
from connector.errors import EXIT_DONE, EXIT_NEEDS_A_PERSON, ReplenishError
from connector.telemetry.report import ReportData

EXIT_INTERRUPTED = 130
_QUIET_EVERY = 10  # days between two lines where nobody watches a bar


def run(
    *,
    days: int = 60,
    items: int = 200,
    regions: int = 6,
    seed: int = 7,
    out: Path = Path("demo-out"),
    as_json: bool = False,
) -> int:
    """Play the demo and return the exit code; every process it started has ended by then."""
    try:
        options = DemoOptions(days=days, items=items, regions=regions, seed=seed, out=out)
    except ReplenishError as error:
        Console(stderr=True).print(str(error), style="red", markup=False)
        return error.exit_code
    return run_with(options, as_json=as_json)


def run_with(
    options: DemoOptions,
    *,
    as_json: bool = False,
    screen: Console | None = None,
    clock: SystemClock | None = None,
) -> int:
    """Play the demo of these options. Progress and errors go to standard error with `as_json`."""
    console = screen or Console(stderr=as_json)
    try:
        with _progress(console, options.days) as (on_day, say):
            data = perform(options, clock or SystemClock(), on_day=on_day, say=say)
    except ReplenishError as error:
        console.print(f"demo failed: {error}", style="red", markup=False, soft_wrap=True)
        return error.exit_code
    except KeyboardInterrupt:
        console.print("stopped; sandbox and daemon have ended")
        return EXIT_INTERRUPTED
    report = options.out / REPORT
    if as_json:
        _answer({**as_document(data), "report": str(report)})
    else:
        console.print(summary(data))
        console.print(f"report: {report}", markup=False, soft_wrap=True, highlight=False)
    return exit_code(data)


def exit_code(data: ReportData) -> int:
    """Return 1 when the ERP holds a line twice, or one that only one side knows; else 0."""
    twice = data.posted.filter(data.posted["times_filed"] > 1).height
    return EXIT_NEEDS_A_PERSON if twice or data.unmatched else EXIT_DONE


def _answer(document: dict[str, Any]) -> None:
    Console(soft_wrap=True, highlight=False, markup=False).print(json.dumps(document, indent=2))


@contextmanager
def _progress(
    console: Console, days: int
) -> Iterator[tuple[Callable[[Diary], None], Callable[[str], None]]]:
    """Show a bar on a terminal, and a line now and then elsewhere."""
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        MofNCompleteColumn(),
        TextColumn("days"),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
    with bar:
        task = bar.add_task("starting", total=days)

        def on_day(diary: Diary) -> None:
            mode = f"live on {len(diary.turns[-1].live)} nodes" if diary.turns else "shadow"
            bar.update(task, completed=len(diary.days), description=f"{diary.days[-1]} {mode}")
            if not console.is_terminal and len(diary.days) % _QUIET_EVERY == 0:
                console.print(f"{len(diary.days)} of {days} days: {diary.days[-1]}, {mode}")

        def say(what: str) -> None:
            bar.update(task, description=what)
            if not console.is_terminal:
                console.print(what, markup=False, soft_wrap=True, highlight=False)

        yield on_day, say
