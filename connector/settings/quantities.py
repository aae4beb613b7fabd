"""Durations and sizes as people write them: 90s, 15m, 6h, 2d; 512k, 32m, 1g."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any

from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_OCTETS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
_SIZE = re.compile(r"([0-9]{1,12})([kmg]?)")


def duration(value: Any) -> timedelta:
    """Return the time a text like 15m stands for."""
    if isinstance(value, timedelta):
        return value
    if value == 0 and not isinstance(value, bool):
        return timedelta(0)
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        msg = "write a number with its unit: 500ms, 90s, 15m, 6h or 2d"
        raise ValueError(msg)
    return timedelta(seconds=float(found[1]) * _SECONDS[found[2]])


def duration_text(value: timedelta) -> str:
    """Return a duration as a person would write it: the largest unit that keeps it whole."""
    milliseconds = round(value / timedelta(milliseconds=1))
    for unit in ("d", "h", "m", "s"):
        span = round(_SECONDS[unit] * 1000)
        if milliseconds and milliseconds % span == 0:
            return f"{milliseconds // span}{unit}"
    return f"{milliseconds}ms" if milliseconds else "0s"


def size(value: Any) -> int:
    """Return the octets that 4096, 512k, 32m or 1g stands for."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        msg = "write octets, with k, m or g behind them for 1024, 1024^2 or 1024^3: 32m"
        raise ValueError(msg)
    return int(found[1]) * _OCTETS[found[2]]


def size_text(value: int) -> str:
    """Return a size as a person would write it."""
    for unit in ("g", "m", "k"):
        if value and value % _OCTETS[unit] == 0:
            return f"{value // _OCTETS[unit]}{unit}"
    return str(value)


def between(low: str, high: str) -> AfterValidator:
    """Bound a Duration, both ends allowed."""
    lowest, highest = duration(low), duration(high)

    def check(value: timedelta) -> timedelta:
        if not lowest <= value <= highest:
            msg = f"{duration_text(value)} is outside {low} to {high}"
            raise ValueError(msg)
        return value

    return AfterValidator(check)


def from_to(low: str, high: str) -> AfterValidator:
    """Bound a Size, both ends allowed."""
    lowest, highest = size(low), size(high)

    def check(value: int) -> int:
        if not lowest <= value <= highest:
            msg = f"{size_text(value)} is outside {low} to {high}"
            raise ValueError(msg)
        return value

    return AfterValidator(check)


Duration = Annotated[
    timedelta,
    PlainValidator(duration),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(ms|s|m|h|d)$", "examples": ["15m"]}
    ),
]
Size = Annotated[
    int,
    PlainValidator(size),
    PlainSerializer(size_text, return_type=str),
    WithJsonSchema({"type": ["string", "integer"], "pattern": "^[0-9]+[kmg]?$", "minimum": 0}),
]
