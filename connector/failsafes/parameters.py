"""How a number that people decide is declared: its default, its unit, how far it may go."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any

from connector.errors import ConfigError


def parameter(default: Any, *, unit: str, low: float, high: float, means: str) -> Any:
    """Declare a parameter; each number of it must lie in [low, high], which nan does not."""
    bounds = {"unit": unit, "low": low, "high": high, "means": means}
    return field(default=default, metadata=bounds)


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A declared parameter, for docs, schema and messages."""

    name: str
    default: Any
    unit: str
    low: float
    high: float
    means: str


@dataclass(frozen=True, kw_only=True)
class Parameters:
    """The ground of every group of parameters: a value out of its bounds never comes to be."""

    def __post_init__(self) -> None:
        """Refuse every value that its declaration does not allow."""
        for each in declared(type(self)):
            value = getattr(self, each.name)
            if not _is_allowed(value, each):
                msg = f"{type(self).__name__}.{each.name} is {value!r}"
                raise ConfigError(
                    f"{msg}; it lies between {each.low:g} and {each.high:g} {each.unit}".rstrip(),
                    hint=f"it is {each.means}; its default is {each.default!r}",
                )


def declared(kind: type[Parameters]) -> Iterator[Parameter]:
    """Yield the parameters of a group in declared order."""
    for each in fields(kind):
        yield Parameter(name=each.name, default=each.default, **each.metadata)


def _is_allowed(value: Any, declaration: Parameter) -> bool:
    """Tell whether a value is of the default's shape and inside the bounds."""
    if value is None:
        return declaration.default is None
    if isinstance(value, tuple):
        return isinstance(declaration.default, tuple) and all(
            isinstance(each, str) or _is_number(each, declaration) for each in value
        )
    return not isinstance(declaration.default, tuple) and _is_number(value, declaration)


def _is_number(value: Any, declaration: Parameter) -> bool:
    # True counts as 1 in Python, and nan passes every "is it too large" test: both are refused.
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return declaration.low <= value <= declaration.high
