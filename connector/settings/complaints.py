"""What is wrong with a configuration, each in one sentence with its place and the next step."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from connector.errors import ConfigError
from connector.settings import shape
from connector.settings.references import MASK
from connector.settings.written import Origin, Place

MOST_SHOWN = 20
_LONGEST_VALUE = 60
_MISSING = ("missing", "missing_argument", "missing_keyword_only_argument", "union_tag_not_found")
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


def _position(origin: Origin | None) -> tuple[str, int]:
    return (origin.file, origin.line) if origin else ("", 0)


def refusal(complaints: list[Complaint], origins: dict[Place, Origin], name: str) -> ConfigError:
    """Return one error that lists every complaint."""
    ordered = sorted(complaints, key=lambda each: _position(nearest(origins, each.place)))
    lines = tuple(dict.fromkeys(each.text(origins) for each in ordered))
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
    findings = error.errors(include_url=False)
    return [_complaint(each, root, tree) for each in findings if not _is_echo(each, findings)]


def _is_echo(finding: Any, findings: list[Any]) -> bool:
    """Tell whether a list is only called too short because one of its entries was refused."""
    loc = finding["loc"]
    return finding["type"] == "too_short" and any(
        each is not finding and each["loc"][: len(loc)] == loc for each in findings
    )


def _complaint(finding: Any, root: Any, tree: Any) -> Complaint:
    place = _without_tags(finding["loc"], tree)
    kind, context = finding["type"], finding.get("ctx", {})
    if kind in _UNKNOWN:
        return Complaint(place=place, sentence="there is no such setting", hint=_guess(root, place))
    if kind in _MISSING:
        place = (*place, "kind") if kind == "union_tag_not_found" else place
        return Complaint(place=place, sentence="is missing", hint="it has no safe default")
    if kind == "union_tag_invalid":
        known = context["expected_tags"].replace("'", "").split(", ")
        return Complaint(
            place=(*place, "kind"),
            sentence=f"{context['tag']!r} is not known",
            hint=_nearest_name(context["tag"], known),
        )
    if kind in ("too_short", "too_long"):
        bound = "at least {min_length}" if kind == "too_short" else "at most {max_length}"
        sentence = f"has {context['actual_length']} entries; allowed are {bound.format(**context)}"
        return Complaint(place=place, sentence=sentence)
    return _refused_value(finding, root, place)


def _refused_value(finding: Any, root: Any, place: Place) -> Complaint:
    sentence = str(finding["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    sentence = sentence[:1].lower() + sentence[1:]
    hint = next((each.description for each in shape.at(root, place) if each.description), "")
    if isinstance(finding["input"], dict | list):
        return Complaint(place=place, sentence=sentence)
    shown = _shown(root, place, finding["input"])
    return Complaint(place=place, sentence=f"{shown} {_verb(sentence)}", hint=hint.rstrip("."))


def _verb(sentence: str) -> str:
    return sentence if sentence.startswith("should ") else f"cannot be used: {sentence}"


def _shown(root: Any, place: Place, value: Any) -> str:
    """Show a refused value, never one that stands where a secret belongs."""
    if any(field.is_secret for field in shape.at(root, place)):
        return MASK
    text = (
        "null"
        if value is None
        else str(value).lower()
        if value is True or value is False
        else (repr(value))
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
    return _nearest_name(str(name), shape.names_at(root, tuple(above)))


def _nearest_name(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f"did you mean {close[0]}?"
    return f"known here: {', '.join(sorted(known))}" if known else ""
