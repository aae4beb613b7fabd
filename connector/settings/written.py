"""What people wrote: YAML files read strictly, every value with the file and line it stands on.

YAML guesses types. Here nothing is guessed that could be read two ways: `no`, `0010`, `1_000`,
`1:30` and `.nan` are refused with the question of what was meant, and so are duplicate keys, tags
and aliases.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from connector.errors import ConfigError

LARGEST_FILE = 1_048_576  # octets
MOST_DROP_INS = 100
_LONGEST_NUMBER = 40  # digits
MERGED_BY = {("sites",): "name", ("sites", "network", "nodes"): "plant"}

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?")
_TWO_READINGS = (
    (re.compile(r"(?i)yes|no|on|off|y|n"), "write true or false, or quote it if it is text"),
    (re.compile(r"[-+]?0[0-9_]+"), "quote it if it is a name; else drop the leading zeros"),
    (re.compile(r"[-+]?[0-9]+(_[0-9]+)+"), "write the digits without underscores"),
    (re.compile(r"0[xob][0-9a-fA-F_]+"), "write it in decimal digits, or quote it"),
    (re.compile(r"[-+]?[0-9]+(:[0-5]?[0-9])+"), "quote it"),
    (re.compile(r"(?i)[-+]?\.?(nan|inf|infinity)"), "write a finite number"),
)
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}

Place = tuple[str | int, ...]


@dataclass(frozen=True)
class Origin:
    """Where a value stands."""

    file: str
    line: int

    def __str__(self) -> str:
        """Return file:line."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Written:
    """A value with its origin; `value` is a scalar, a list of Written or a dict of Written."""

    value: Any
    origin: Origin

    def plain(self) -> Any:
        """Return the value without origins."""
        if isinstance(self.value, dict):
            return {name: each.plain() for name, each in self.value.items()}
        if isinstance(self.value, list):
            return [each.plain() for each in self.value]
        return self.value

    def origins(self, path: Place = ()) -> dict[Place, Origin]:
        """Return the origin of every value below, by its path."""
        found = {path: self.origin}
        for step, each in self.children():
            found |= each.origins((*path, step))
        return found

    def children(self) -> list[tuple[str | int, Written]]:
        """Return what stands directly below, with the step that leads there."""
        if isinstance(self.value, dict):
            return list(self.value.items())
        return list(enumerate(self.value)) if isinstance(self.value, list) else []


def read(path: Path) -> tuple[Written, tuple[Path, ...]]:
    """Read a configuration and its drop-ins `<file>.d/*.yaml`, merged in name order."""
    folder = path.with_name(f"{path.name}.d")
    drop_ins = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    if len(drop_ins) > MOST_DROP_INS:
        msg = f"{folder} holds {len(drop_ins)} drop-ins; at most {MOST_DROP_INS} are read"
        raise ConfigError(msg, hint="merge some of them")
    whole = read_file(path)
    for each in drop_ins:
        whole = merged(whole, read_file(each))
    return whole, (path, *drop_ins)


def read_file(path: Path) -> Written:
    """Read one YAML file that holds one mapping."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as error:
        msg = f"{path} cannot be read: {error.strerror}"
        raise ConfigError(msg, hint="check the path and who may read it") from error
    if len(raw) > LARGEST_FILE:
        msg = f"{path} is larger than {LARGEST_FILE} octets"
        raise ConfigError(msg, hint="is it the right file?")
    return parse(raw, path.name)


def parse(raw: bytes, name: str) -> Written:
    """Parse YAML text that holds one mapping."""
    try:
        node = yaml.compose(raw.decode("utf-8"), Loader=_Unguessed)
        if not isinstance(node, yaml.MappingNode):
            msg = f"{name} does not hold a mapping of settings"
            raise ConfigError(msg, hint="begin with `version: 1`")
        return _Reader(name).written(node)
    except UnicodeDecodeError as error:
        msg = f"{name} is not UTF-8 at octet {error.start}"
        raise ConfigError(msg, hint="save it as UTF-8") from error
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, raw, name) from error
    except yaml.YAMLError as error:
        msg = f"{name}: {str(error).splitlines()[0]}"
        raise ConfigError(msg, hint="the file is not valid YAML") from error
    except RecursionError as error:
        msg = f"{name} is nested too deeply"
        raise ConfigError(msg, hint="no setting is that deep") from error


def _not_yaml(error: yaml.MarkedYAMLError, raw: bytes, name: str) -> ConfigError:
    mark = error.problem_mark or error.context_mark
    where, hint = name, "the file is not valid YAML there"
    if mark is not None:
        where = f"{name}:{mark.line + 1}"
        if b"${" in b"".join(raw.splitlines()[mark.line : mark.line + 1]):
            hint = 'inside { } a reference needs quotes: "${env:NAME}"'
    return ConfigError(f"{where}: {error.problem or error.context}", hint=hint)


class _Unguessed(yaml.SafeLoader):
    """Composes plain scalars as text: what they mean is decided here, not by YAML."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {}  # type: ignore[misc]


class _Reader:
    """Turns composed nodes into Written values of one file."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._seen: set[int] = set()

    def written(self, node: yaml.Node) -> Written:
        origin = self._origin(node)
        if id(node) in self._seen:
            msg = f"{origin}: aliases (*name) are not read"
            raise ConfigError(msg, hint="write the value out where it applies")
        self._seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return Written(self._mapping(node), origin)
        if isinstance(node, yaml.SequenceNode):
            self._untagged(node, "tag:yaml.org,2002:seq")
            return Written([self.written(each) for each in node.value], origin)
        return Written(self._scalar(node), origin)

    def _mapping(self, node: yaml.MappingNode) -> dict[str, Written]:
        self._untagged(node, "tag:yaml.org,2002:map")
        found: dict[str, Written] = {}
        for key, value in node.value:
            name = self._key(key)
            if name in found:
                msg = f"{self._origin(key)}: {name} is written twice"
                raise ConfigError(msg, hint=f"first at {found[name].origin}; keep one")
            found[name] = self.written(value)
        return found

    def _key(self, node: yaml.Node) -> str:
        if not isinstance(node, yaml.ScalarNode) or node.value == "<<":
            msg = f"{self._origin(node)}: a setting's name must be plain text"
            raise ConfigError(msg, hint="merge keys and complex keys are not read")
        return str(node.value)

    def _scalar(self, node: yaml.Node) -> Any:
        self._untagged(node, "tag:yaml.org,2002:str")
        if getattr(node, "style", None) is not None:
            return node.value
        return self._plain(str(node.value), self._origin(node))

    def _plain(self, text: str, origin: Origin) -> Any:
        if text in _CONSTANTS:
            return _CONSTANTS[text]
        for pattern, hint in _TWO_READINGS:
            if pattern.fullmatch(text):
                msg = f"{origin}: {text} can be read two ways"
                raise ConfigError(msg, hint=hint)
        if _INTEGER.fullmatch(text):
            return int(text) if len(text) <= _LONGEST_NUMBER else self._beyond(text, origin)
        if _DECIMAL.fullmatch(text):
            number = float(text)
            return number if math.isfinite(number) else self._beyond(text, origin)
        return text

    def _beyond(self, text: str, origin: Origin) -> Any:
        msg = f"{origin}: {text[:_LONGEST_NUMBER]} is beyond every number that is used here"
        raise ConfigError(msg, hint="write a finite number, or quote it if it is text")

    def _untagged(self, node: yaml.Node, expected: str) -> None:
        if node.tag != expected:
            msg = f"{self._origin(node)}: tags ({node.tag}) are not read"
            raise ConfigError(msg, hint="write the plain value")

    def _origin(self, node: yaml.Node) -> Origin:
        return Origin(self._name, node.start_mark.line + 1)


def merged(base: Written, over: Written, path: tuple[str, ...] = ()) -> Written:
    """Lay a drop-in over what is below: mappings merge, lists and scalars are replaced.

    The lists in MERGED_BY merge entry by entry, matched by the name given there.
    """
    if isinstance(base.value, dict) and isinstance(over.value, dict):
        whole = dict(base.value)
        for name, each in over.value.items():
            whole[name] = merged(whole[name], each, (*path, name)) if name in whole else each
        return Written(whole, base.origin)
    if isinstance(base.value, list) and isinstance(over.value, list) and path in MERGED_BY:
        return Written(_by_name(base.value, over.value, path), base.origin)
    return over


def _by_name(base: list[Written], over: list[Written], path: tuple[str, ...]) -> list[Written]:
    whole = list(base)
    places = {_name(each, MERGED_BY[path]): place for place, each in enumerate(base)}
    for each in over:
        name = _name(each, MERGED_BY[path])
        if name is not None and name in places:
            whole[places[name]] = merged(whole[places[name]], each, path)
        else:
            whole.append(each)
    return whole


def _name(entry: Written, key: str) -> str | None:
    if not isinstance(entry.value, dict) or key not in entry.value:
        return None
    return str(entry.value[key].value)
