"""Secrets and references: `${env:NAME}`, `${file:PATH}`, `${credential:NAME}`.

A reference is a whole value, typed, found after the YAML was parsed: nothing is ever pasted into
the text. This file is the only one that reads the environment.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, core_schema

from connector.errors import ConfigError

LARGEST_SECRET = 65_536  # octets
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # set by systemd LoadCredential=
MASK = "********"

_REFERENCE = re.compile(r"\$\{(env|file|credential):([^${}\x00-\x1f]{1,1024})\}")
_SHAPE = r"^\$\{(env|file|credential):[^${}]+\}$"
# Docker and Kubernetes mount these readable for all inside the container; its wall is the guard.
_CONTAINER_SECRETS = Path("/run/secrets")
_OTHERS_MAY_READ = 0o077


@dataclass(frozen=True)
class Reference:
    """Where a value is kept."""

    kind: str  # env | file | credential
    name: str

    def __str__(self) -> str:
        """Return the reference as written."""
        return f"${{{self.kind}:{self.name}}}"

    def resolve(self, environment: Mapping[str, str] = os.environ) -> str:
        """Return the value; raise ConfigError when it is missing, empty or no text."""
        value = self._from_environment(environment) if self.kind == "env" else None
        if value is None:
            value = self._from_file(self.path(environment))
        if not value:
            msg = f"{self} is empty"
            raise ConfigError(msg, hint="give it a value")
        return value

    def path(self, environment: Mapping[str, str] = os.environ) -> Path:
        """Return the file behind a `file` or `credential` reference."""
        if self.kind == "file":
            return Path(self.name)
        folder = environment.get(CREDENTIALS, "")
        if not folder:
            msg = f"{self} needs systemd credentials, and ${CREDENTIALS} is not set"
            raise ConfigError(msg, hint="add LoadCredential= to the unit, or use ${file:PATH}")
        return Path(folder) / self.name

    def exposure(self, environment: Mapping[str, str] = os.environ) -> str:
        """Return a warning when others on this machine may read the file, else ""."""
        if self.kind != "file":
            return ""
        path = self.path(environment)
        try:
            mode = path.stat().st_mode
        except OSError:
            return ""  # resolving it says so, with the reason
        if not mode & _OTHERS_MAY_READ or path.is_relative_to(_CONTAINER_SECRETS):
            return ""
        return f"{path} may be read by others (mode {mode & 0o777:04o}); chmod 0400 {path}"

    def _from_environment(self, environment: Mapping[str, str]) -> str:
        if self.name not in environment:
            msg = f"{self} is not set in the environment"
            raise ConfigError(msg, hint=f"export {self.name}, or use ${{file:PATH}}")
        return environment[self.name]

    def _from_file(self, path: Path) -> str:
        try:
            with path.open("rb") as file:
                raw = file.read(LARGEST_SECRET + 1)
            text = raw.decode("utf-8")
        except OSError as error:
            msg = f"{self} cannot be read: {error.strerror}"
            raise ConfigError(msg, hint=f"check {path} and who may read it") from error
        except UnicodeDecodeError as error:
            msg = f"{self} is not UTF-8 text"
            raise ConfigError(msg, hint=f"look at {path}") from error
        if len(raw) > LARGEST_SECRET:
            msg = f"{self} is larger than {LARGEST_SECRET} octets"
            raise ConfigError(msg, hint="is it the right file?")
        return text.removesuffix("\n").removesuffix("\r")


def reference(text: str) -> Reference | None:
    """Return the reference that a value is, or None for a value without `${`."""
    if "${" not in text:
        return None
    found = _REFERENCE.fullmatch(text)
    if found is None or (found[1] == "credential" and "/" in found[2]):
        msg = "a reference is the whole value: ${env:NAME}, ${file:PATH} or ${credential:NAME}"
        raise ConfigError(msg, hint="nothing is pasted into the middle of a text")
    return Reference(found[1], found[2])


class Secret:
    """A value that is never shown: not in repr, not in errors, not in a pickle.

    `reveal` reads it anew each time, so that a rotated secret needs no restart.
    """

    __slots__ = ("_literal", "_reference")

    def __init__(self, text: str) -> None:
        """Keep what was written: a reference, or the secret itself."""
        self._reference = reference(text)
        self._literal = text if self._reference is None else ""

    @property
    def reference(self) -> Reference | None:
        """Return where the secret is kept, or None when it was written out."""
        return self._reference

    def reveal(self) -> str:
        """Return the secret itself, for the wire only."""
        return self._reference.resolve() if self._reference else self._literal

    def __str__(self) -> str:
        """Return where it is kept, never what it is."""
        return str(self._reference) if self._reference else MASK

    def __repr__(self) -> str:
        """Return where it is kept, never what it is."""
        return f"Secret({self})"

    def __eq__(self, other: object) -> bool:
        """Tell whether two secrets were written alike."""
        return isinstance(other, Secret) and (self._reference, self._literal) == (
            other._reference,
            other._literal,
        )

    def __hash__(self) -> int:
        """Hash like equality."""
        return hash((self._reference, self._literal))

    def __reduce_ex__(self, _protocol: Any) -> NoReturn:
        """Refuse to be copied into a byte stream."""
        msg = "a Secret is not pickled"
        raise TypeError(msg)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, _source: Any, _handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Validate from text, show as the reference."""
        return core_schema.no_info_plain_validator_function(
            cls._from_text, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Describe the references an editor may complete."""
        return {"type": "string", "pattern": _SHAPE, "examples": ["${credential:sap_password}"]}

    @classmethod
    def _from_text(cls, value: Any) -> Secret:
        if isinstance(value, Secret):
            return value
        if not isinstance(value, str) or not value or len(value) > LARGEST_SECRET:
            msg = "a secret is text: ${env:NAME}, ${file:PATH} or ${credential:NAME}"
            raise ValueError(msg)
        try:
            return cls(value)
        except ConfigError as error:
            raise ValueError(str(error)) from None
