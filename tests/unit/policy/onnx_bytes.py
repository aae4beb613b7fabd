"""Writes and edits protobuf bytes, so that tests can make the ONNX files nobody should load."""

from __future__ import annotations

from collections.abc import Callable

from connector.policy.wire import Wire, fields

GRAPH, NODE, OP_TYPE, DOMAIN, INITIALIZER, OPSET = 7, 1, 4, 7, 5, 8


def varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    octets = bytearray()
    while value > 0x7F:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*octets, value])


def field(number: int, value: int | bytes | str) -> bytes:
    """Return one field: a number as varint, text and bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    octets = value.encode() if isinstance(value, str) else bytes(value)
    return varint(number << 3 | Wire.BYTES) + varint(len(octets)) + octets


def message(*parts: tuple[int, int | bytes | str]) -> bytes:
    return b"".join(field(number, value) for number, value in parts)


def edited(octets: bytes, path: tuple[int, ...], change: Callable[[bytes], bytes]) -> bytes:
    """Return the message with the first nested message at `path` changed."""
    if not path:
        return change(octets)
    parts, done = [], False
    for each in fields(memoryview(octets)):
        value = each.value if isinstance(each.value, int) else bytes(each.value)
        if each.number == path[0] and not done and isinstance(value, bytes):
            value, done = edited(value, path[1:], change), True
        if each.wire is Wire.FIXED32 or each.wire is Wire.FIXED64:
            parts.append(varint(each.number << 3 | each.wire) + bytes(value))
        else:
            parts.append(field(each.number, value))
    assert done, f"nothing at {path}"
    return b"".join(parts)


def appended(number: int, value: int | bytes | str) -> Callable[[bytes], bytes]:
    """Return the change that adds a field at the end of a message."""
    return lambda octets: octets + field(number, value)


def value_info(name: str, *dims: int | str) -> bytes:
    shape = b"".join(
        field(1, message((1, dim) if isinstance(dim, int) else (2, dim))) for dim in dims
    )
    return message((1, name), (2, message((1, message((1, 1), (2, shape))))))


def node(op: str, inputs: list[str], outputs: list[str]) -> bytes:
    parts = [(1, name) for name in inputs] + [(2, name) for name in outputs]
    return message(*parts, (4, op))


def model(nodes: list[bytes], inputs: list[bytes], outputs: list[bytes], opset: int = 18) -> bytes:
    """Return a minimal ONNX model."""
    graph = message(
        *((1, each) for each in nodes),
        (2, "g"),
        *((11, each) for each in inputs),
        *((12, each) for each in outputs),
    )
    return message((1, 8), (7, graph), (8, message((1, ""), (2, opset))))
