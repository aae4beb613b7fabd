"""Date columns: days as OData V2 writes and compares them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connector.sandbox.habits import Habits
from connector.sandbox.odata_columns import (
    ALL,
    COMPARE,
    At,
    Literal,
    Mask,
    Rows,
    spread,
    wrong_literal,
)

EPOCH = date(1970, 1, 1).toordinal()
DAY_MS = 86_400_000


class Day:
    """A date property, held as a proleptic ordinal; 0 is null. Written as midnight UTC."""

    def __init__(self, days: NDArray[Any], *, moment: bool = False) -> None:
        self._days = days
        self._moment = moment  # Edm.DateTimeOffset always carries its offset

    def json(self, rows: Rows, habits: Habits) -> list[str]:
        """Return /Date(milliseconds)/."""
        tail = "+0000" if self._moment or habits.dates == "offset" else ""
        few, where = np.unique(self._days[rows], return_inverse=True)
        unset = unset_date(habits)
        texts = [
            f'"/Date({(day - EPOCH) * DAY_MS}{tail})/"' if day else unset for day in few.tolist()
        ]
        return spread(texts, where)

    def key(self, rows: Rows, habits: Habits) -> list[str]:
        """Return datetime literals."""
        del habits
        days = self._days[rows].tolist()
        return [f"datetime'{date.fromordinal(max(1, day)).isoformat()}T00:00:00'" for day in days]

    def matches(self, operator: str, literal: Literal) -> Mask:
        """Compare with a datetime literal; null never matches but as null."""
        if literal is None and operator in {"eq", "ne"}:
            answer: Mask = COMPARE[operator](self._days, 0)
            return answer
        if not isinstance(literal, datetime) or operator not in COMPARE:
            raise wrong_literal("Edm.DateTimeOffset" if self._moment else "Edm.DateTime", literal)
        midnight = datetime.combine(literal.date(), datetime.min.time(), literal.tzinfo)
        point = literal.toordinal() + (literal - midnight).total_seconds() / 86_400
        return np.asarray(COMPARE[operator](self._days, point) & (self._days != 0))

    def order(self, at: At = ALL) -> NDArray[Any]:
        """Return the ordinals."""
        return self._days[at]

    @property
    def span(self) -> int:
        """Return 1: nothing joins on dates."""
        return 1


def unset_date(habits: Habits) -> str:
    """Return the JSON text of a date nobody filled."""
    return "null" if habits.unset_dates == "null" else f'"/Date({(1 - EPOCH) * DAY_MS})/"'
