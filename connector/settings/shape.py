"""What may stand where: walks the models and the rooms' own dataclasses along a path of names."""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, PlainSerializer
from pydantic_core import PydanticUndefined, to_jsonable_python

from connector.settings.references import Secret
from connector.settings.written import Place


class Referable:
    """Marks a text field that may come from `${env:NAME}` or `${file:PATH}`."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One setting: its type, what may be said about it, and its default."""

    name: str
    kind: Any
    marks: tuple[Any, ...] = ()
    default: Any = PydanticUndefined
    description: str = ""

    @property
    def is_secret(self) -> bool:
        """Tell whether the value is a Secret."""
        return Secret in members(self.kind)

    @property
    def is_referable(self) -> bool:
        """Tell whether a reference may stand here."""
        return self.is_secret or any(
            mark is Referable or isinstance(mark, Referable) for mark in self.marks
        )


def members(kind: Any) -> tuple[Any, ...]:
    """Return the alternatives of a type, Annotated and Union taken apart, None left out."""
    origin = get_origin(kind)
    if origin is Annotated:
        return members(get_args(kind)[0])
    if origin in (Union, types.UnionType):
        return tuple(
            each for one in get_args(kind) if one is not type(None) for each in members(one)
        )
    return (kind,)


def marks_of(kind: Any) -> tuple[Any, ...]:
    """Return every annotation inside a type, through Optional too."""
    origin = get_origin(kind)
    if origin is Annotated:
        inner, *marks = get_args(kind)
        return (*marks, *marks_of(inner))
    if origin in (Union, types.UnionType):
        return tuple(mark for one in get_args(kind) for mark in marks_of(one))
    return ()


def fields_of(kind: Any) -> dict[str, Field]:
    """Return the fields of a model or dataclass, in order; none for any other type."""
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return {name: _of_model(name, info) for name, info in kind.model_fields.items()}
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = get_type_hints(kind, include_extras=True)
        return {
            each.name: Field(
                name=each.name,
                kind=hints[each.name],
                marks=marks_of(hints[each.name]),
                default=_default_of(each),
                description=described(each.metadata),
            )
            for each in dataclasses.fields(kind)
        }
    return {}


def described(metadata: Mapping[str, Any]) -> str:
    """Return what a declared number means, with its unit, as one sentence."""
    means, unit = metadata.get("means", ""), metadata.get("unit", "")
    told = f"{means} [{unit}]" if means and unit not in ("", "1") else means
    return f"{told[:1].upper()}{told[1:]}." if told else ""


def _of_model(name: str, info: Any) -> Field:
    default = info.get_default(call_default_factory=not info.is_required())
    return Field(
        name=name,
        kind=info.annotation,
        marks=(*info.metadata, *marks_of(info.annotation)),
        default=default,
        description=info.description or "",
    )


def _default_of(each: Any) -> Any:
    if each.default_factory is not dataclasses.MISSING:
        return each.default_factory()
    return PydanticUndefined if each.default is dataclasses.MISSING else each.default


def at(kind: Any, place: Place) -> tuple[Field, ...]:
    """Return the fields that a path may lead to, one for each alternative; none if it leads out."""
    found: tuple[Field, ...] = (Field(name="", kind=kind),)
    for step in place:
        found = tuple(each for field in found for each in _below(field, step))
    return found


def names_at(kind: Any, place: Place) -> tuple[str, ...]:
    """Return the names that may stand below a path."""
    names = (
        name for field in at(kind, place) for one in members(field.kind) for name in fields_of(one)
    )
    return tuple(dict.fromkeys(names))


def entries_of(kind: Any) -> tuple[Any, ...]:
    """Return the types that the entries of a list may have; none for any other type."""
    if get_origin(kind) not in (list, tuple, set, frozenset):
        return ()
    return members(get_args(kind)[0])


def groups_of(field: Field) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Return the groups of settings that a field holds: as itself, and as entries of a list."""
    kinds = members(field.kind)
    entries = tuple(one for kind in kinds for one in entries_of(kind))
    return (
        tuple(each for each in kinds if fields_of(each)),
        tuple(each for each in entries if fields_of(each)),
    )


def plain_default(field: Field) -> Any:
    """Return a default as JSON has it, written as the field is written."""
    for mark in field.marks:
        if isinstance(mark, PlainSerializer) and field.default is not None:
            write: Any = mark.func
            return write(field.default)
    return to_jsonable_python(field.default)


def _below(field: Field, step: str | int) -> Iterator[Field]:
    for one in members(field.kind):
        if isinstance(step, str) and step in (fields := fields_of(one)):
            yield fields[step]
        origin, inner = get_origin(one), get_args(one)
        if isinstance(step, int) and entries_of(one):
            yield Field(name=field.name, kind=inner[0], marks=marks_of(inner[0]))
        if isinstance(step, str) and origin is dict:
            yield Field(name=step, kind=inner[1], marks=marks_of(inner[1]))
