"""Reads the protobuf wire format, just enough to look into an ONNX file before anything runs it.

Strict on purpose: what this reader does not know it refuses, and what protobuf would merge (a
singular field given twice) it refuses too, so no other reader can see a different model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum
from typing import NamedTuple

_VARINT_BYTES = 10
_MAX_NUMBER = (1 << 29) - 1
_MAX_UINT64 = (1 << 64) - 1
_SIGN_BIT = 1 << 63


class MalformedProtobuf(ValueError):
    """The bytes are not a message of the expected shape."""


class Wire(IntEnum):
    """How a field lies in the bytes; groups (3, 4) are not used by ONNX and refused."""

    VARINT = 0
    FIXED64 = 1
    BYTES = 2
    FIXED32 = 5


_WIRES = frozenset(int(wire) for wire in Wire)


class Field(NamedTuple):
    """One field as it lies in the message: an integer, or a view of its bytes."""

    number: int
    wire: Wire
    value: int | memoryview


class Shape(NamedTuple):
    """What a message may hold: field number -> name, and which of them may repeat."""

    name: str
    fields: Mapping[int, str]
    repeated: frozenset[str]


def _varint(octets: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for k in range(_VARINT_BYTES):
        if at + k >= len(octets):
            raise MalformedProtobuf(f"cut off in a number at byte {at}")
        octet = octets[at + k]
        value |= (octet & 0x7F) << (7 * k)
        if not octet & 0x80:
            if value > _MAX_UINT64:
                raise MalformedProtobuf(f"a number above 64 bits at byte {at}")
            return value, at + k + 1
    raise MalformedProtobuf(f"a number longer than {_VARINT_BYTES} bytes at byte {at}")


def _take(octets: memoryview, at: int, size: int) -> tuple[memoryview, int]:
    if size > len(octets) - at:
        raise MalformedProtobuf(f"{size} bytes announced at byte {at}, {len(octets) - at} are left")
    return octets[at : at + size], at + size


def fields(octets: memoryview) -> Iterator[Field]:
    """Yield the fields of one message in order; raise MalformedProtobuf where it is none."""
    at = 0
    while at < len(octets):
        tag, at = _varint(octets, at)
        number, kind = tag >> 3, tag & 7
        if not 0 < number <= _MAX_NUMBER or kind not in _WIRES:
            raise MalformedProtobuf(f"field {number} of wire type {kind} before byte {at}")
        value: int | memoryview
        match Wire(kind):
            case Wire.VARINT:
                value, at = _varint(octets, at)
            case Wire.FIXED64:
                value, at = _take(octets, at, 8)
            case Wire.FIXED32:
                value, at = _take(octets, at, 4)
            case Wire.BYTES:
                size, at = _varint(octets, at)
                value, at = _take(octets, at, size)
        yield Field(number, Wire(kind), value)


def message(octets: memoryview, shape: Shape) -> dict[str, list[int | memoryview]]:
    """Return a message's fields by name; refuse unknown fields and repeated singular ones."""
    found: dict[str, list[int | memoryview]] = {}
    for field in fields(octets):
        name = shape.fields.get(field.number)
        if name is None:
            raise MalformedProtobuf(f"{shape.name} holds an unknown field {field.number}")
        values = found.setdefault(name, [])
        if values and name not in shape.repeated:
            raise MalformedProtobuf(f"{shape.name}.{name} is given twice")
        values.append(field.value)
    return found


def text(value: int | memoryview) -> str:
    """Return a field as text."""
    if isinstance(value, int):
        raise MalformedProtobuf("a number where text belongs")
    try:
        return bytes(value).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedProtobuf(f"text that is not UTF-8: {error.reason}") from error


def number(value: int | memoryview) -> int:
    """Return a field as a signed 64-bit integer."""
    if not isinstance(value, int):
        raise MalformedProtobuf("bytes where a number belongs")
    return value - (1 << 64) if value & _SIGN_BIT else value


def body(value: int | memoryview) -> memoryview:
    """Return a field as the bytes of a nested message."""
    if isinstance(value, int):
        raise MalformedProtobuf("a number where a message belongs")
    return value
