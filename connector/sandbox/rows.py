"""Growing columns: the shape of every document table in the sandbox."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray


class Rows:
    """Columns of equal length that only grow. A view stays valid until the next append."""

    def __init__(self, **kinds: DTypeLike) -> None:
        self._length = 0
        self._columns: dict[str, NDArray[Any]] = {
            name: np.empty(256, dtype=kind) for name, kind in kinds.items()
        }

    def __len__(self) -> int:
        """Return how many rows there are."""
        return self._length

    def __getitem__(self, name: str) -> NDArray[Any]:
        """Return the live part of a column; writing into it changes the table."""
        return self._columns[name][: self._length]

    def append(self, count: int, **values: ArrayLike) -> int:
        """Add rows and return the first one's position. Scalars fill the whole column."""
        if values.keys() != self._columns.keys():
            missing = sorted(self._columns.keys() ^ values.keys())
            msg = f"rows need exactly their columns; these differ: {missing}"
            raise KeyError(msg)
        first = self._length
        for name, value in values.items():
            self._room(name, first + count)[first : first + count] = value
        self._length += count
        return first

    def _room(self, name: str, needed: int) -> NDArray[Any]:
        column = self._columns[name]
        if needed > len(column):
            grown = np.empty(max(needed, len(column) + len(column) // 2), dtype=column.dtype)
            grown[: self._length] = column[: self._length]
            self._columns[name] = column = grown
        return column


class Words:
    """Text held once; rows hold its number. Number 0 is the empty text."""

    def __init__(self, *texts: str) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}
        for text in ("", *texts):
            self.number(text)

    def number(self, text: str) -> int:
        """Return the text's number, giving it one if it is new."""
        found = self._numbers.get(text)
        if found is None:
            found = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return found

    def find(self, text: str) -> int:
        """Return the text's number, or -1 when nothing was ever called so."""
        return self._numbers.get(text, -1)

    def __len__(self) -> int:
        """Return how many texts there are."""
        return len(self.texts)
