"""The world as columns of texts and numbers: what every view of it needs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connector.sandbox.odata_columns import Flag, Number, Numc, Text
from connector.sandbox.odata_dates import EPOCH, Day
from connector.sandbox.odata_made_columns import Fixed
from connector.sandbox.rows import Words
from connector.sandbox.world import World
from connector.twin.scenario import GROUPS, UNITS

Numbers = NDArray[Any]
FIRST_VENDOR = 17_300_001
VENDOR_DIGITS = 8


class Lens:
    """Turns cells, nodes and word numbers into columns. Lives as long as its world."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.facts = world.scenario
        self._materials = Words(*self.facts.materials)
        self._plants = Words(*self.facts.plants)
        self._units = Words(*UNITS)
        self._groups = Words(*GROUPS)

    def material(self, items: Numbers) -> Text:
        """Return material numbers."""
        return Text(self._materials, items + 1, material=True)

    def material_of(self, cells: Numbers) -> Text:
        """Return the cells' material numbers."""
        return self.material(self.facts.item[cells])

    def plant(self, nodes: Numbers) -> Text:
        """Return plants; node -1 is the empty text."""
        return Text(self._plants, nodes + 1)

    def plant_of(self, cells: Numbers) -> Text:
        """Return the cells' plants."""
        return self.plant(self.facts.node[cells])

    def unit(self, items: Numbers) -> Text:
        """Return base units."""
        return Text(self._units, self.facts.unit[items] + 1)

    def unit_of(self, cells: Numbers) -> Text:
        """Return the cells' base units."""
        return self.unit(self.facts.item[cells])

    def group(self, items: Numbers) -> Text:
        """Return the purchasing groups that buy these items."""
        return Text(self._groups, self.facts.group[items] + 1)

    def vendor(self, vendors: Numbers) -> Numc:
        """Return supplier numbers; vendor -1 is the empty text."""
        return Numc(np.where(vendors < 0, -1, FIRST_VENDOR + vendors), VENDOR_DIGITS)

    def word(self, numbers: Numbers) -> Text:
        """Return texts of the documents' vocabulary."""
        return Text(self.world.documents.words, numbers)

    def price(self, items: Numbers) -> Number:
        """Return prices."""
        return Number(self.facts.price[items], 3)


def choice(texts: Sequence[str], numbers: Numbers) -> Text:
    """Return a column out of a few texts; number 0 is the first of them."""
    words = Words(*texts)
    return Text(words, np.asarray([words.find(text) for text in texts])[np.asarray(numbers, int)])


def same(text: str, length: int) -> Fixed:
    """Return a text that is the same in every row."""
    return Fixed(f'"{text}"', length)


def quantity(values: Numbers, *, scale: int = 3) -> Number:
    """Return a quantity's column."""
    return Number(values, scale)


def digits(values: Numbers, width: int) -> Numc:
    """Return a column of digits."""
    return Numc(values, width)


def day(days: Numbers) -> Day:
    """Return dates."""
    return Day(days)


def moment(days: Numbers) -> Day:
    """Return moments, all at midnight."""
    return Day(days, moment=True)


def flag(values: Numbers) -> Flag:
    """Return truth values."""
    return Flag(values)


def year_of(days: Numbers) -> Numbers:
    """Return the calendar years of ordinal days."""
    years = (days.astype(np.int64) - EPOCH).astype("datetime64[D]").astype("datetime64[Y]")
    return years.astype(np.int64) + 1970


def looked_up(values: Numbers, rows: Numbers, missing: int = -1) -> Numbers:
    """Return values[rows], with `missing` where the row is -1."""
    if len(values) == 0:
        return np.full(len(rows), missing)
    return np.where(rows < 0, missing, values[rows])
