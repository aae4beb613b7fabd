"""What is wrong with a configuration, each in one sentence with its place and the next step."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from connector.errors import ConfigError
from connector.settings import shape
from connector.settings.references import MASK
from connector.settings.written import Origin, Place

MOST_SHOWN = 20
_LONGEST_VALUE = 60
_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """One thing that must change before the configuration can be used."""

    place: Place
    sentence: str
    hint: str = ""

    def text(self, origins: dict[Place, Origin]) -> str:
        """Return the complaint as one line with file and line."""
        origin = nearest(origins, self.place)
        where = f"{origin}: " if origin else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{where}{dotted(self.place)}: {self.sentence}{hint}"


def dotted(place: Place) -> str:
    """Return a path as people write it: sites[0].erp.url."""
    text = ""
    for step in place:
        text += f"[{step}]" if isinstance(step, int) else f".{step}" if text else step
    return text or "(whole file)"


def nearest(origins: dict[Place, Origin], place: Place) -> Origin | None:
    """Return where the value stands, or the closest thing around it that was written."""
    for length in range(len(place), -1, -1):
        if place[:length] in origins:
            return origins[place[:length]]
    return None


def refuse(
    complaints: list[Complaint], origins: dict[Place, Origin], name: str
) -> ConfigError | None:
    """Return one error that lists every complaint, or None when there is none."""
    if not complaints:
        return None
    lines = tuple(dict.fromkeys(each.text(origins) for each in complaints))
    shown = "\n  ".join(lines[:MOST_SHOWN])
    more = f"\n  and {len(lines) - MOST_SHOWN} more" if len(lines) > MOST_SHOWN else ""
    count = f"{len(lines)} problems" if len(lines) > 1 else "1 problem"
    return ConfigError(
        f"{name}: {count}\n  {shown}{more}",
        hint="correct the file, then `replenishd check --offline`",
        problems=lines,
    )


def from_validation(error: ValidationError, root: Any, tree: Any) -> list[Complaint]:
    """Turn pydantic's findings into complaints, with a guess for every misspelt name."""
    return [_complaint(each, root, tree) for each in error.errors(include_url=False)]


def _complaint(finding: Any, root: Any, tree: Any) -> Complaint:
    place = _without_tags(finding["loc"], tree)
    kind = finding["type"]
    if kind in _UNKNOWN:
        return Complaint(
            place=place, sentence="there is no such setting", hint=_guess(root, place)
        )
    if kind in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return Complaint(place=place, sentence="is missing", hint="it has no safe default")
    message = str(finding["msg"]).removeprefix("Value error, ")
    sentence = message[:1].lower() + message[1:]
    if isinstance(finding["input"], dict | list):
        return Complaint(place=place, sentence=sentence)
    return Complaint(
        place=place, sentence=f"{_shown(root, place, finding['input'])}: {sentence}"
    )


def _shown(root: Any, place: Place, value: Any) -> str:
    """Show a refused value, never one that stands where a secret belongs."""
    if any(field.is_secret for field in shape.at(root, place)):
        return MASK
    text = "null" if value is None else str(value).lower() if value is True or value is False else (
        repr(value)
    )
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}..."


def _without_tags(loc: tuple[str | int, ...], tree: Any) -> Place:
    """Drop the names of union members that pydantic puts into its paths."""
    place: list[str | int] = []
    for position, step in enumerate(loc):
        inside = isinstance(tree, dict) and step in tree
        inside = inside or (isinstance(tree, list) and isinstance(step, int))
        if not inside and position < len(loc) - 1:
            continue
        place.append(step)
        tree = tree[step] if inside else None
    return tuple(place)


def _guess(root: Any, place: Place) -> str:
    """Name the setting that was probably meant."""
    *above, name = place
    known = shape.names_at(root, tuple(above))
    close = difflib.get_close_matches(str(name), known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(sorted(known))}" if known else ""
