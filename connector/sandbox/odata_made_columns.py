"""Columns out of other columns: the same everywhere, made when looked at, tampered with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from connector.sandbox.habits import Habits
from connector.sandbox.odata_columns import (
    ALL,
    At,
    Column,
    Flag,
    Literal,
    Mask,
    Number,
    Rows,
    Text,
)
from connector.sandbox.odata_dates import Day, unset_date
from connector.sandbox.rows import Words

Maker: TypeAlias = Callable[[At], Column]
NONE = slice(0)
_QUOTE = '"'


class Fixed:
    """A property that reads the same in every row: its JSON text, as given."""

    def __init__(self, text: str, length: int, *, decimal: bool = False) -> None:
        self._text = text
        self._length = length
        self._decimal = decimal

    def text(self, habits: Habits) -> str:
        """Return the JSON text of every row."""
        if self._text == "null":
            return unset_date(habits)
        return "null" if self._text == '""' and habits.unset == "null" else self._text

    def json(self, rows: Rows, habits: Habits) -> list[str]:
        """Return the text."""
        return [self.text(habits)] * len(rows)

    @property
    def key_text(self) -> str:
        """Return the text as it stands in an address."""
        return f"'{self._text.strip(_QUOTE)}'"

    def key(self, rows: Rows, habits: Habits) -> list[str]:
        """Return the text in single quotes."""
        del habits
        return [self.key_text] * len(rows)

    def matches(self, operator: str, literal: Literal) -> Mask:
        """Compare once for all rows."""
        return np.broadcast_to(self._alone().matches(operator, literal), self._length)

    def _alone(self) -> Column:
        """Return a column of one row that is typed as this one."""
        plain = self._text.strip(_QUOTE)
        if self._decimal:
            return Number(np.asarray([float(plain)]), 3)
        if self._text in {"true", "false"}:
            return Flag(np.asarray([self._text == "true"]))
        if self._text == "null":
            return Day(np.zeros(1, dtype=np.int64))
        words = Words(plain)
        return Text(words, np.asarray([words.find(plain)]))

    def order(self, at: At = ALL) -> NDArray[Any]:
        """Return zeros."""
        return np.broadcast_to(0, self._length)[at]

    @property
    def span(self) -> int:
        """Return 1."""
        return 1


class Lazy:
    """A column computed for the rows that are looked at: big tables stay as small as they are."""

    def __init__(self, maker: Maker, length: int) -> None:
        self._maker = maker
        self._length = length

    def json(self, rows: Rows, habits: Habits) -> list[str]:
        """Return the values of these rows."""
        return self._maker(rows).json(np.arange(len(rows)), habits)

    def key(self, rows: Rows, habits: Habits) -> list[str]:
        """Return the values of these rows for addresses."""
        return self._maker(rows).key(np.arange(len(rows)), habits)

    def matches(self, operator: str, literal: Literal) -> Mask:
        """Compare all rows."""
        return self._maker(ALL).matches(operator, literal)

    def order(self, at: At = ALL) -> NDArray[Any]:
        """Return the order of these rows."""
        return self._maker(at).order()

    @property
    def span(self) -> int:
        """Return the span of the column behind."""
        return self._maker(NONE).span


class Patched:
    """A column of which some rows were tampered with; filters still see the truth."""

    def __init__(self, column: Column, mask: Mask, text: str) -> None:
        self._column = column
        self._mask = mask
        self._text = text

    def json(self, rows: Rows, habits: Habits) -> list[str]:
        """Return the truth, or the planted text."""
        told = zip(self._column.json(rows, habits), self._mask[rows].tolist(), strict=True)
        return [self._text if planted else text for text, planted in told]

    def key(self, rows: Rows, habits: Habits) -> list[str]:
        """Return the truth."""
        return self._column.key(rows, habits)

    def matches(self, operator: str, literal: Literal) -> Mask:
        """Compare the truth."""
        return self._column.matches(operator, literal)

    def order(self, at: At = ALL) -> NDArray[Any]:
        """Return the truth's order."""
        return self._column.order(at)

    @property
    def span(self) -> int:
        """Return the truth's span."""
        return self._column.span
