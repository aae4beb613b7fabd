"""The protobuf reader: any bytes give a message or a MalformedProtobuf, nothing else."""

from __future__ import annotations

import onnx_bytes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.policy.wire import (
    MalformedProtobuf,
    Shape,
    Wire,
    body,
    fields,
    message,
    number,
    text,
)

SHAPE = Shape("Thing", {1: "name", 2: "parts"}, frozenset({"parts"}))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(octets):
    try:
        for each in fields(memoryview(octets)):
            assert each.number > 0
    except MalformedProtobuf:
        pass


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_comes_back(value):
    (found,) = fields(memoryview(onnx_bytes.field(3, value)))
    assert (found.number, found.wire, number(found.value)) == (3, Wire.VARINT, value)


@given(st.text())
def test_a_text_comes_back(value):
    (found,) = fields(memoryview(onnx_bytes.field(200, value)))
    assert (found.number, text(found.value)) == (200, value)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"\x08", "cut off in a number"),
        (b"\x08" + b"\xff" * 9 + b"\x7f", "above 64 bits"),
        (b"\x08" + b"\xff" * 10, "longer than 10 bytes"),
        (b"\x0a\x05abc", "5 bytes announced"),
        (b"\x0d\x01\x02", "4 bytes announced"),
        (b"\x09\x01\x02", "8 bytes announced"),
        (b"\x0b", "wire type 3"),
        (b"\x00\x00", "field 0"),
    ],
)
def test_what_is_no_message_is_named(octets, said):
    with pytest.raises(MalformedProtobuf, match=said):
        list(fields(memoryview(octets)))


def test_a_field_that_may_repeat_is_collected():
    found = message(memoryview(onnx_bytes.message((2, "a"), (1, "n"), (2, "b"))), SHAPE)
    assert [text(each) for each in found["parts"]] == ["a", "b"]


def test_a_singular_field_given_twice_is_refused():
    with pytest.raises(MalformedProtobuf, match=r"Thing\.name is given twice"):
        message(memoryview(onnx_bytes.message((1, "a"), (1, "b"))), SHAPE)


def test_an_unknown_field_is_refused():
    with pytest.raises(MalformedProtobuf, match="unknown field 9"):
        message(memoryview(onnx_bytes.message((9, "a"))), SHAPE)


@pytest.mark.parametrize("read", [text, body])
def test_a_number_is_no_text_and_no_message(read):
    with pytest.raises(MalformedProtobuf, match="a number where"):
        read(5)


def test_bytes_are_no_number():
    with pytest.raises(MalformedProtobuf, match="bytes where a number"):
        number(memoryview(b"ab"))


def test_text_must_be_utf8():
    with pytest.raises(MalformedProtobuf, match="not UTF-8"):
        text(memoryview(b"\xff"))
