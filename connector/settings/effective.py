"""Every setting in force with its value and where it came from; secrets stay references."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from connector.settings.complaints import dotted
from connector.settings.loading import Configuration
from connector.settings.written import Place

_PLAIN = re.compile(r"[A-Za-z/][A-Za-z0-9_./@+-]*|[1-9][0-9]*(ms|s|m|h|d|k|g)")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n", "nan", "inf"})


@dataclass(frozen=True, kw_only=True)
class Effective:
    """One setting as it is in force."""

    place: Place
    value: Any
    source: str  # default | file:line | file:line ${env:NAME}

    @property
    def name(self) -> str:
        """Return the path as people write it."""
        return dotted(self.place)


def effective(configuration: Configuration) -> list[Effective]:
    """Return every setting, in the order of the models."""
    tree = configuration.settings.model_dump(mode="json")
    return [
        Effective(place=place, value=value, source=source_of(configuration, place))
        for place, value in _leaves(tree, ())
    ]


def source_of(configuration: Configuration, place: Place) -> str:
    """Return where a value came from."""
    origin = configuration.origins.get(place)
    if origin is None:
        return "default"
    found = configuration.references.get(place)
    return f"{origin} {found}" if found else str(origin)


def as_yaml(configuration: Configuration) -> str:
    """Return the effective settings as YAML that loads again, each line with its source."""
    lines: list[str] = []
    tree = configuration.settings.model_dump(mode="json")
    _write(lines, configuration, tree, (), "")
    return "\n".join(lines) + "\n"


def _write(
    lines: list[str], configuration: Configuration, tree: Any, place: Place, indent: str
) -> None:
    for step, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        here = (*place, step)
        head = f"{indent}- " if isinstance(step, int) else f"{indent}{step}:"
        if _is_leaf(value):
            comment = f"  # {source_of(configuration, here)}"
            lines.append(f"{head.rstrip(' ')} {scalar(value)}{comment}")
            continue
        if isinstance(step, int):
            start = len(lines)
            _write(lines, configuration, value, here, f"{indent}  ")
            lines[start] = head + lines[start].removeprefix(f"{indent}  ")
        else:
            lines.append(head)
            _write(lines, configuration, value, here, f"{indent}  ")


def _leaves(tree: Any, place: Place) -> Iterator[tuple[Place, Any]]:
    for step, value in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if _is_leaf(value):
            yield (*place, step), value
        else:
            yield from _leaves(value, (*place, step))


def _is_leaf(value: Any) -> bool:
    """Tell whether a value stands on one line: scalars, empty groups and lists of scalars."""
    if isinstance(value, dict):
        return not value
    return not (isinstance(value, list) and any(isinstance(each, dict | list) for each in value))


def scalar(value: Any) -> str:
    """Write a value so that it can be read one way only: as JSON, plain words without quotes."""
    if isinstance(value, list):
        return f"[{', '.join(scalar(each) for each in value)}]"
    if isinstance(value, str) and _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
