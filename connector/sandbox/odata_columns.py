"""Columns as an OData service shows them: compared as a whole, written out row by row."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, TypeAlias
from urllib.parse import quote

import numpy as np
import orjson
from numpy.typing import NDArray

from connector.sandbox.habits import Habits
from connector.sandbox.odata_errors import GatewayError, bad_request
from connector.sandbox.rows import Words

Mask: TypeAlias = NDArray[np.bool_]
Rows: TypeAlias = NDArray[np.int64]
Literal: TypeAlias = str | Decimal | bool | datetime | None

At: TypeAlias = NDArray[Any] | slice  # which rows
ALL = slice(None)

COMPARE = {
    "eq": np.equal,
    "ne": np.not_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
    "lt": np.less,
    "le": np.less_equal,
}
PADDED_MATERIAL = 18
_SMALL = 64  # a vocabulary of so many texts is written out whole rather than searched
_MARK = "'"


class Column(Protocol):
    """One property over all rows of a table."""

    def json(self, rows: Rows, habits: Habits) -> list[str]:
        """Return the values of these rows as JSON text."""

    def key(self, rows: Rows, habits: Habits) -> list[str]:
        """Return the values of these rows as they stand in an entity's address."""

    def matches(self, operator: str, literal: Literal) -> Mask:
        """Compare every row with a literal; raise GatewayError for a literal of another type."""

    def order(self, at: At = ALL) -> NDArray[Any]:
        """Return numbers that sort and join as the values of these rows do."""

    @property
    def span(self) -> int:
        """Return a number above every `order`, for joining on several columns."""


def wrong_literal(kind: str, literal: Literal) -> GatewayError:
    """Return the refusal of a literal that does not fit its property."""
    return bad_request(f"Invalid literal {literal!r} for a property of type {kind}")


class Text:
    """A text property: numbers into a vocabulary."""

    def __init__(self, words: Words, numbers: NDArray[Any], *, material: bool = False) -> None:
        self._words = words
        self._numbers = numbers
        self._material = material

    def _shown(self, habits: Habits) -> list[str]:
        if self._material and habits.materials == "padded":
            return [_padded(text) for text in self._words.texts]
        return self._words.texts

    def _few(self, rows: Rows) -> tuple[list[int], NDArray[Any]]:
        """Return numbers that contain all of these rows', and where each row's is among them."""
        if len(self._words) <= _SMALL:
            return list(range(len(self._words))), self._numbers[rows]
        few, where = np.unique(self._numbers[rows], return_inverse=True)
        return few.tolist(), where

    def json(self, rows: Rows, habits: Habits) -> list[str]:
        """Return JSON text; a text nobody filled is written as the system's habit is."""
        few, where = self._few(rows)
        shown = self._shown(habits)
        texts = [orjson.dumps(shown[number]).decode() for number in few]
        if habits.unset == "null":
            texts = ["null" if text == '""' else text for text in texts]
        return spread(texts, where)

    def key(self, rows: Rows, habits: Habits) -> list[str]:
        """Return quoted, percent-encoded texts."""
        few, where = self._few(rows)
        shown = self._shown(habits)
        return spread(
            [f"'{quote(shown[n].replace(_MARK, _MARK * 2), safe='')}'" for n in few], where
        )

    def matches(self, operator: str, literal: Literal) -> Mask:
        """Compare the vocabulary once, then look every row up in the result."""
        if literal is None:
            literal = ""
        if not isinstance(literal, str):
            raise wrong_literal("Edm.String", literal)
        # A whole material number is converted on input, a piece of one is not
        wanted = _unpadded(literal) if self._material and operator in COMPARE else literal
        if operator in {"eq", "ne"}:
            found: Mask = COMPARE[operator](self._numbers, self._words.find(wanted))
            return found
        if operator in {"startswith", "endswith", "contains"}:
            test = {
                "startswith": str.startswith,
                "endswith": str.endswith,
                "contains": str.__contains__,
            }[operator]
            fits = np.asarray([bool(test(text, wanted)) for text in self._words.texts])
        else:
            texts = np.asarray(self._words.texts)
            fits = np.asarray(COMPARE[operator](texts, np.asarray(wanted)), dtype=np.bool_)
        answer: Mask = fits[self._numbers]
        return answer

    def order(self, at: At = ALL) -> NDArray[Any]:
        """Return each text's rank in the sorted vocabulary."""
        rank = np.empty(len(self._words), dtype=np.int64)
        rank[np.argsort(np.asarray(self._words.texts))] = np.arange(len(self._words))
        ranks: NDArray[Any] = rank[self._numbers[at]]
        return ranks

    @property
    def span(self) -> int:
        """Return the size of the vocabulary."""
        return len(self._words)


class Numc:
    """A text of digits, held as a number; -1 is the empty text."""

    def __init__(self, numbers: NDArray[Any], width: int) -> None:
        self._numbers = numbers
        self._width = width

    def _texts(self, rows: Rows, habits: Habits) -> list[str]:
        width = self._width if habits.numc == "zeros" else 1
        return [f"{n:0{width}d}" if n >= 0 else "" for n in self._numbers[rows].tolist()]

    def json(self, rows: Rows, habits: Habits) -> list[str]:
        """Return quoted digits, with leading zeros or without."""
        unset = '""' if habits.unset == "empty" else "null"
        return [f'"{text}"' if text else unset for text in self._texts(rows, habits)]

    def key(self, rows: Rows, habits: Habits) -> list[str]:
        """Return quoted digits."""
        return [f"'{text}'" for text in self._texts(rows, habits)]

    def matches(self, operator: str, literal: Literal) -> Mask:
        """Compare as numbers, as the ERP's input conversion does."""
        if isinstance(literal, str) and (literal.isdigit() or not literal) and operator in COMPARE:
            answer: Mask = COMPARE[operator](self._numbers, int(literal or -1))
            return answer
        if isinstance(literal, str):
            texts = [f"{n:0{self._width}d}" if n >= 0 else "" for n in self._numbers.tolist()]
            words = Words(*texts)
            return Text(words, np.asarray([words.find(each) for each in texts])).matches(
                operator, literal
            )
        raise wrong_literal("Edm.String", literal)

    def order(self, at: At = ALL) -> NDArray[Any]:
        """Return the numbers."""
        return self._numbers[at]

    @property
    def span(self) -> int:
        """Return the first number that has too many digits."""
        return int(10**self._width)


class Number:
    """A decimal property; at most 15 significant digits."""

    def __init__(self, values: NDArray[Any], scale: int, *, exact: int = 3) -> None:
        self._values = values
        self._scale = scale
        self._exact = min(scale, exact)

    def json(self, rows: Rows, habits: Habits) -> list[str]:
        """Return quoted decimals: V2 never writes them as JSON numbers."""
        few, where = np.unique(self._values[rows], return_inverse=True)
        if habits.decimals == "trimmed":
            return spread([f'"{value:.15g}"' for value in few.tolist()], where)
        tail = "0" * (self._scale - self._exact)
        form = f'"%.{self._exact}f{tail}"'
        return spread([form % value for value in few.tolist()], where)

    def key(self, rows: Rows, habits: Habits) -> list[str]:
        """Return decimals with the V2 suffix."""
        del habits
        return [f"{value:.15g}M" for value in self._values[rows].tolist()]

    def matches(self, operator: str, literal: Literal) -> Mask:
        """Compare as numbers."""
        if not isinstance(literal, Decimal) or operator not in COMPARE:
            raise wrong_literal("Edm.Decimal", literal)
        answer: Mask = COMPARE[operator](self._values, float(literal))
        return answer

    def order(self, at: At = ALL) -> NDArray[Any]:
        """Return the values."""
        return self._values[at]

    @property
    def span(self) -> int:
        """Return 1: nothing joins on quantities."""
        return 1


class Flag:
    """A truth value."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values

    def json(self, rows: Rows, habits: Habits) -> list[str]:
        """Return true or false."""
        del habits
        return ["true" if value else "false" for value in self._values[rows].tolist()]

    def key(self, rows: Rows, habits: Habits) -> list[str]:
        """Return true or false."""
        return self.json(rows, habits)

    def matches(self, operator: str, literal: Literal) -> Mask:
        """Compare with true or false."""
        if not isinstance(literal, bool) or operator not in {"eq", "ne"}:
            raise wrong_literal("Edm.Boolean", literal)
        answer: Mask = COMPARE[operator](self._values, literal)
        return answer

    def order(self, at: At = ALL) -> NDArray[Any]:
        """Return 0 and 1."""
        return self._values[at].astype(np.int8)

    @property
    def span(self) -> int:
        """Return 2."""
        return 2


def spread(texts: list[str], where: NDArray[Any]) -> list[str]:
    """Return texts[where] as a list."""
    return np.asarray(texts, dtype=object)[where].tolist()  # type: ignore[no-any-return]


def _padded(text: str) -> str:
    return text.zfill(PADDED_MATERIAL) if text.isdigit() else text


def _unpadded(text: str) -> str:
    return text.lstrip("0") or "0" if text.isdigit() else text
