"""How answers look: tables for people, JSON for machines. Nothing from outside is markup."""

from __future__ import annotations

import dataclasses
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

_WIDE = 240  # columns of a table that goes into a file or a pipe


def plain(value: Any) -> Any:
    """Return a value as JSON has it: dataclasses as objects, decimals as text, nan as null."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, str):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Sequence | set | frozenset) and not isinstance(value, bytes):
        return [plain(each) for each in value]
    return _scalar(value)


def _scalar(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    return str(value) if isinstance(value, Decimal | Path) else _shown_rows(value)


def _shown_rows(value: Any) -> Any:
    """Give data frames row by row; anything else as its text."""
    rows = getattr(value, "to_dicts", None)
    return plain(rows()) if callable(rows) else str(value)


def answer(
    value: Any,
    *,
    as_json: bool,
    title: str = "",
    view: Callable[[Any], Any] | None = None,
) -> None:
    """Print what a command found; `view` chooses what people see of it."""
    tree = plain(value)
    if as_json:
        print_json(tree)
    else:
        _print(view(tree) if view else tree, title)


def print_json(tree: Any) -> None:
    """Print one JSON document on standard output."""
    sys.stdout.write(json.dumps(tree, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def text(words: str) -> None:
    """Print text as it is."""
    sys.stdout.write(words if words.endswith("\n") else f"{words}\n")


def _print(tree: Any, title: str) -> None:
    if isinstance(tree, list) and any(isinstance(each, dict) for each in tree):
        _table([each for each in tree if isinstance(each, dict)], title)
    elif isinstance(tree, dict):
        _sections(tree, title)
    elif tree == []:
        text(f"{title or 'nothing'}: none")
    elif isinstance(tree, list):
        text("\n".join(_cell(each) for each in tree))
    else:
        text(_cell(tree))


def _sections(tree: dict[str, Any], title: str) -> None:
    """Print the plain values of an object first, then what is nested in it."""
    nested = {name: each for name, each in tree.items() if isinstance(each, dict | list) and each}
    flat = [
        {"": name.replace("_", " "), " ": each} for name, each in tree.items() if name not in nested
    ]
    if flat:
        _table(flat, title)
    for name, each in nested.items():
        _print(each, name.replace("_", " "))


def _table(rows: list[dict[str, Any]], title: str) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    names = list(dict.fromkeys(name for row in rows for name in row))
    table = Table(
        title=title or None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_header=any(name.strip() for name in names),
    )
    for name in names:
        numeric = all(isinstance(row.get(name), int | float | None) for row in rows)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left")
    for row in rows:
        table.add_row(*(Text(_cell(row.get(name))) for name in names))
    # Where nobody watches, lines are as long as they need to be: grep and less want them whole.
    console = Console()
    console.print(table) if console.is_terminal else Console(width=_WIDE).print(table)


def _cell(value: Any) -> str:
    """Return one value as people read it, control characters shown and never obeyed."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False)
    return "".join(
        sign if sign.isprintable() or sign == "\n" else repr(sign)[1:-1] for sign in str(value)
    )
