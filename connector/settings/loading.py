"""From files to settings: read, merge, put references in place, validate, check what it means.

Everything that is wrong is said at once, each with file, line and the next step.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import ValidationError

from connector.errors import ConfigError
from connector.settings import shape
from connector.settings.checks import advice, contradictions
from connector.settings.complaints import Complaint, from_validation, refusal
from connector.settings.references import Reference, Secret, reference
from connector.settings.root import Settings
from connector.settings.written import Origin, Place, Written, read

# What decides whether and how much is ordered is written in the file, where it is reviewed.
FILE_ONLY = ("mode", "pilot", "limits")


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Settings as they are in force, with where each of them came from."""

    settings: Settings
    files: tuple[Path, ...]
    origins: dict[Place, Origin]
    references: dict[Place, Reference]
    warnings: tuple[str, ...] = ()
    digest: str = ""  # sha256 of the effective settings, secrets by reference


@dataclass
class _Placed:
    """The written values with references put in place, and what went wrong on the way."""

    directory: Path
    environment: Mapping[str, str]
    references: dict[Place, Reference] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)

    def value(self, written: Written, place: Place) -> Any:
        if isinstance(written.value, dict):
            return {name: self.value(each, (*place, name)) for name, each in written.children()}
        if isinstance(written.value, list):
            return [self.value(each, (*place, step)) for step, each in written.children()]
        if isinstance(written.value, str):
            return self._text(written.value, place)
        return written.value

    def _text(self, text: str, place: Place) -> Any:
        known = shape.at(Settings, place)
        try:
            found = reference(text)
            if found is not None:
                _require_allowed(found, place, known)
                self.references[place] = found
                text = self._resolved(found, text, known)
        except ConfigError as error:
            self.complaints.append(Complaint(place=place, sentence=error.args[0], hint=error.hint))
            return text
        return str(self.directory / text) if any(_is_path(each, text) for each in known) else text

    def _resolved(self, found: Reference, text: str, known: tuple[shape.Field, ...]) -> str:
        """Put a reference in place: secrets stay references, paths become the file's own path."""
        if any(each.is_secret for each in known):
            return text
        if found.kind != "env" and any(_is_path(each, text) for each in known):
            return str(found.path(self.environment))
        return found.resolve(self.environment)


def load(path: Path, environment: Mapping[str, str] = os.environ) -> Configuration:
    """Return the settings in force; raise ConfigError that lists everything that is wrong.

    Secrets are only looked at when they are revealed, or by `check`.
    """
    written, files = read(path)
    origins = written.origins()
    placed = _Placed(directory=path.resolve().parent, environment=environment)
    tree = placed.value(written, ())
    try:
        settings = Settings.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        told = {each.place for each in placed.complaints}
        found = [each for each in from_validation(error, Settings, tree) if each.place not in told]
        raise refusal(placed.complaints + found, origins, path.name) from None
    if complaints := placed.complaints + contradictions(settings):
        raise refusal(complaints, origins, path.name)
    return Configuration(
        settings=settings,
        files=files,
        origins=origins,
        references=placed.references,
        warnings=advice(settings, files, placed.references, environment),
        digest=_digest(settings),
    )


def secrets_of(part: Any) -> Iterator[Secret]:
    """Yield every secret inside a part of the settings."""
    if isinstance(part, Secret):
        yield part
    elif isinstance(part, tuple):
        for each in part:
            yield from secrets_of(each)
    elif names := shape.fields_of(type(part)):
        for name in names:
            yield from secrets_of(getattr(part, name))


def _require_allowed(found: Reference, place: Place, known: tuple[shape.Field, ...]) -> None:
    for step in place:
        if step in FILE_ONLY:
            msg = f"{found}: {step} is written in the configuration itself"
            raise ConfigError(msg, hint="it never comes from the environment or another file")
    if known and not any(each.is_referable for each in known):
        msg = f"{found}: no reference may stand here"
        raise ConfigError(msg, hint="write the value; only secrets, addresses and users refer")


def _is_path(known: shape.Field, text: str) -> bool:
    """Tell whether a text is a path, and not one of the words that may stand in its place."""
    words = [
        word
        for one in shape.members(known.kind)
        if get_origin(one) is Literal
        for word in get_args(one)
    ]
    return Path in shape.members(known.kind) and text not in words


def _digest(settings: Settings) -> str:
    text = json.dumps(settings.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
