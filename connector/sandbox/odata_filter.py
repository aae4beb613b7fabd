"""The `$filter` language of OData V2, evaluated over whole columns.

or < and < not < comparison; startswith, endswith, substringof; parentheses
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import NamedTuple

from connector.sandbox.odata_columns import Column, Literal, Mask
from connector.sandbox.odata_errors import bad_request

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<moment>datetimeoffset'[^']*'|datetime'[^']*'|time'[^']*'|guid'[^']*')
    | (?P<text>'(?:[^']|'')*')
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?[mMdDfFlL]?)(?![\w.])
    | (?P<name>[A-Za-z_][\w/]*)
    | (?P<sign>[(),])
    )""",
    re.VERBOSE,
)
_COMPARISONS = {"eq", "ne", "gt", "ge", "lt", "le"}
_FUNCTIONS = {"startswith": "startswith", "endswith": "endswith", "substringof": "contains"}
_DEEPEST = 200  # parentheses; a longer chain is an attack, not a question


class Token(NamedTuple):
    """One word of a filter."""

    kind: str
    text: str


def tokens(text: str) -> list[Token]:
    """Cut a filter into words; raise GatewayError where none fits."""
    found: list[Token] = []
    at = 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None or match.lastgroup is None:
            msg = f"Syntax error at position {at} in the filter expression"
            raise bad_request(msg)
        found.append(Token(match.lastgroup, match.group(match.lastgroup)))
        at = match.end()
    return found


def evaluate(text: str, column: Callable[[str], Column]) -> Mask:
    """Return which rows a filter keeps."""
    parser = _Parser(tokens(text), column)
    kept = parser.either()
    parser.finish()
    return kept


def read_literal(token: Token) -> Literal:
    """Return a literal's value."""
    kind, text = token
    if kind == "text":
        return text[1:-1].replace("''", "'")
    if kind == "number":
        return Decimal(text.rstrip("mMdDfFlL"))
    if kind == "moment" and text.startswith("datetime"):
        return _moment(text.partition("'")[2][:-1])
    if kind == "name" and text in {"true", "false"}:
        return text == "true"
    if kind == "name" and text == "null":
        return None
    msg = f"Invalid literal {text} in the filter expression"
    raise bad_request(msg)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        msg = f"Invalid date {text!r} in the filter expression"
        raise bad_request(msg) from error
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


class _Parser:
    """Recursive descent, straight to masks."""

    def __init__(self, words: list[Token], column: Callable[[str], Column]) -> None:
        self._words = words
        self._column = column
        self._at = 0
        self._depth = 0

    def _next(self) -> Token:
        if self._at >= len(self._words):
            msg = "The filter expression ends too early"
            raise bad_request(msg)
        self._at += 1
        return self._words[self._at - 1]

    def _comes(self, text: str) -> bool:
        if self._at < len(self._words) and self._words[self._at].text == text:
            self._at += 1
            return True
        return False

    def _need(self, text: str) -> None:
        found = self._next().text
        if found != text:
            msg = f"Expected {text!r}, found {found!r} in the filter expression"
            raise bad_request(msg)

    def finish(self) -> None:
        """Refuse what stands behind a complete expression."""
        if self._at < len(self._words):
            msg = f"Unexpected {self._words[self._at].text!r} in the filter expression"
            raise bad_request(msg)

    def either(self) -> Mask:
        """Read `a or b or ...`."""
        kept = self._both()
        while self._comes("or"):
            kept = kept | self._both()
        return kept

    def _both(self) -> Mask:
        kept = self._single()
        while self._comes("and"):
            kept = kept & self._single()
        return kept

    def _single(self) -> Mask:
        if self._comes("not"):
            return ~self._single()
        if self._comes("("):
            self._depth += 1
            if self._depth > _DEEPEST:
                msg = "The filter expression is nested too deeply"
                raise bad_request(msg)
            kept = self.either()
            self._need(")")
            self._depth -= 1
            return kept
        token = self._next()
        if token.kind != "name":
            msg = f"Expected a property, found {token.text!r} in the filter expression"
            raise bad_request(msg)
        if token.text in _FUNCTIONS and self._comes("("):
            return self._function(token.text)
        return self._comparison(token.text)

    def _comparison(self, name: str) -> Mask:
        operator = self._next().text
        if operator not in _COMPARISONS:
            msg = f"Invalid operator {operator!r} in the filter expression"
            raise bad_request(msg)
        return self._column(name).matches(operator, read_literal(self._next()))

    def _function(self, name: str) -> Mask:
        """Read startswith(P,'x'), endswith(P,'x') or substringof('x',P), and `eq true|false`."""
        first = self._next()
        self._need(",")
        second = self._next()
        self._need(")")
        prop, wanted = (second, first) if name == "substringof" else (first, second)
        kept = self._column(prop.text).matches(_FUNCTIONS[name], read_literal(wanted))
        for operator, same in (("eq", True), ("ne", False)):
            if self._comes(operator):
                truth = read_literal(self._next())
                return kept if truth is same else ~kept
        return kept
