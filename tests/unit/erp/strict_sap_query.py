"""$filter of OData V2, as much as servers need to answer what the catalogue asks."""

from __future__ import annotations

import re
from datetime import date

_TOKEN = re.compile(
    r"\s*(?:(?P<open>\()|(?P<close>\))|(?P<text>'(?:[^']|'')*')"
    r"|datetime'(?P<day>\d{4}-\d{2}-\d{2})T00:00:00'|(?P<word>[A-Za-z_][\w/]*))"
)
_OPERATORS = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "ge": lambda a, b: a is not None and a >= b,
    "le": lambda a, b: a is not None and a <= b,
    "gt": lambda a, b: a is not None and a > b,
}


def parsed_filter(text):
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if not found:
            msg = f"filter not understood at {at}: {text[at:]}"
            raise ValueError(msg)
        tokens.append((found.lastgroup, found[found.lastgroup]))
        at = found.end()
    test, rest = _either(tokens)
    if rest:
        msg = f"filter goes on: {rest}"
        raise ValueError(msg)
    return test


def _either(tokens):
    left, tokens = _both(tokens)
    while tokens[:1] == [("word", "or")]:
        right, tokens = _both(tokens[1:])
        left = ("or", left, right)
    return left, tokens


def _both(tokens):
    left, tokens = _one(tokens)
    while tokens[:1] == [("word", "and")]:
        right, tokens = _one(tokens[1:])
        left = ("and", left, right)
    return left, tokens


def _one(tokens):
    if tokens[0][0] == "open":
        inner, tokens = _either(tokens[1:])
        assert tokens[0][0] == "close"
        return inner, tokens[1:]
    (_, name), (_, operator), (kind, value) = tokens[:3]
    if kind == "text":
        value = value[1:-1].replace("''", "'")
    elif kind == "day":
        value = date.fromisoformat(value)
    else:
        value = {"true": True, "false": False, "null": None}[value]
    return ("test", name, operator, value), tokens[3:]


def matches(test, row):
    kind, *parts = test
    if kind in {"and", "or"}:
        left, right = (matches(each, row) for each in parts)
        return (left and right) if kind == "and" else (left or right)
    name, operator, value = parts
    held = row.get(name)
    if isinstance(value, str):
        held = "" if held is None else str(held)
    if isinstance(value, bool):
        held = bool(held)
    return _OPERATORS[operator](held, value)
