"""Lets a room's own frozen dataclass stand in the settings, without repeating a single number.

Names, types, defaults, units and bounds are read from the dataclass; pydantic checks what people
wrote against them, strictly, and the room gets its own type back.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, create_model
from pydantic_core import CoreSchema, core_schema

from connector.errors import ConfigError
from connector.settings.parts import Part
from connector.settings.shape import described


class Declared:
    """Marks a dataclass field: checked strictly, unknown names refused, `leave_out` not offered."""

    def __init__(self, *, leave_out: tuple[str, ...] = ()) -> None:
        """Offer every field but these."""
        self.leave_out = leave_out

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        """Check against a model made from the dataclass, then build the dataclass."""
        inner = handler.generate_schema(model_of(source, self.leave_out))
        return core_schema.no_info_before_validator_function(
            _unwrap(self.leave_out),
            core_schema.no_info_after_validator_function(_builder(source), inner),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _plain(self.leave_out), return_schema=core_schema.any_schema()
            ),
        )


class _Offered(Part):
    """A part whose fields are described by metadata: no source is searched for docstrings."""

    model_config = ConfigDict(use_attribute_docstrings=False)


def model_of(kind: type[Any], leave_out: tuple[str, ...] = ()) -> type[BaseModel]:
    """Return a model with the fields, bounds and defaults of a dataclass."""
    hints = get_type_hints(kind, include_extras=True)
    offered: dict[str, Any] = {
        each.name: (_kind(hints[each.name], each.metadata), _field(each))
        for each in dataclasses.fields(kind)
        if each.name not in leave_out
    }
    return create_model(kind.__name__, __base__=_Offered, __doc__=_doc(kind), **offered)


def _doc(kind: type[Any]) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0] if kind.__doc__ else ""


def _kind(hint: Any, bounds: Any) -> Any:
    """Return the type to check: nested dataclasses as models, numbers within their bounds."""
    if dataclasses.is_dataclass(hint):
        return Annotated[hint, Declared()]
    if get_origin(hint) is tuple:
        (inner, *_) = get_args(hint)
        element: Any = _kind(inner, bounds)
        return tuple[element, ...]
    if not bounds or hint is str:
        return hint
    low, high = bounds["low"], bounds["high"]
    if hint is int:
        return Annotated[int, Field(ge=int(low), le=int(high))]
    bounded: Any = Annotated[float, Field(ge=low, le=high)]
    return bounded if hint is float else bounded | None


def _field(each: dataclasses.Field[Any]) -> Any:
    description = described(each.metadata) or None
    if each.default_factory is not dataclasses.MISSING:
        return Field(default_factory=each.default_factory, description=description)
    if each.default is not dataclasses.MISSING:
        return Field(default=each.default, description=description)
    return Field(description=description)


def _unwrap(leave_out: tuple[str, ...]) -> Callable[[Any], Any]:
    def unwrapped(value: Any) -> Any:
        """Give a default that is the room's own type back as what a person would have written."""
        if not dataclasses.is_dataclass(value):
            return _tuples(value)
        names = (each.name for each in dataclasses.fields(value) if each.name not in leave_out)
        return {name: getattr(value, name) for name in names}

    return unwrapped


def _tuples(value: Any) -> Any:
    """Give lists as tuples: what passed a validator is held to Python's types, not to JSON's."""
    if isinstance(value, list):
        return tuple(_tuples(each) for each in value)
    if isinstance(value, dict):
        return {name: _tuples(each) for name, each in value.items()}
    return value


def _builder(kind: type[Any]) -> Callable[[Any], Any]:
    def build(model: BaseModel) -> Any:
        values = {name: getattr(model, name) for name in type(model).model_fields}
        try:
            return kind(**values)
        except ConfigError as error:
            raise ValueError(str(error)) from None

    return build


def _plain(leave_out: tuple[str, ...]) -> Callable[[Any], Any]:
    def plain(value: Any) -> Any:
        tree = dataclasses.asdict(value)
        return {name: each for name, each in tree.items() if name not in leave_out}

    return plain
