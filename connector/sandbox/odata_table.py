"""An entity set as a table: lazy columns, visible rows, and the way to related rows."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from connector.sandbox.odata_columns import Column, Mask, Rows
from connector.sandbox.odata_errors import bad_request
from connector.sandbox.odata_made_columns import Fixed, Lazy, Maker, Patched
from connector.sandbox.odata_schema import EntitySet, Navigation

_UNFILLED = {
    "Edm.String": '""',
    "Edm.Decimal": '"0"',
    "Edm.Boolean": "false",
    "Edm.Time": '"PT00H00M00S"',
    "Edm.DateTime": "null",
    "Edm.DateTimeOffset": "null",
}
_PLANT_PROPERTIES = ("Plant", "MRPPlant", "ValuationArea")


class Related(NamedTuple):
    """Rows of the target table, and for each the position of the source row it belongs to."""

    rows: Rows
    owner: Rows


class Table:
    """One entity set's rows at one moment."""

    def __init__(self, entity: EntitySet, length: int, makers: Mapping[str, Maker]) -> None:
        unknown = makers.keys() - entity.properties.keys()
        if unknown:
            msg = f"{entity.name} has no {sorted(unknown)}"
            raise KeyError(msg)
        self.entity = entity
        self.length = length
        self.visible: Mask | None = None  # None = all
        self._makers = dict(makers)
        self._made: dict[str, Column] = {}
        self._sorted: dict[tuple[str, ...], tuple[NDArray[Any], NDArray[Any]]] = {}

    def derived(self, entity: EntitySet, visible: Mask | None) -> Table:
        """Return the same rows under another entity type, or with fewer of them to be seen."""
        other = copy(self)
        other._made = dict(self._made)  # noqa: SLF001 - its own kind
        other.entity = entity
        both = self.visible if visible is None else visible
        if visible is not None and self.visible is not None:
            both = self.visible & visible
        other.visible = both
        return other

    def patched(self, name: str, mask: Mask, text: str) -> Table:
        """Return the same table with a text planted into some rows of one column."""
        other = self.derived(self.entity, None)
        other._made[name] = Patched(self.column(name), mask, text)  # noqa: SLF001
        return other

    def column(self, name: str) -> Column:
        """Return a property's column; raise GatewayError for one the type does not have."""
        prop = self.entity.properties.get(name)
        if prop is None:
            msg = f"Property {name} not found in type {self.entity.type_name}"
            raise bad_request(msg, "/IWBEP/CM_MGW_RT/021")
        source = prop.source or name
        if source not in self._made:
            maker = self._makers.get(source)
            unfilled = Fixed(_UNFILLED[prop.kind], self.length, decimal=prop.kind == "Edm.Decimal")
            self._made[source] = Lazy(maker, self.length) if maker else unfilled
        return self._made[source]

    def rows(self) -> Rows:
        """Return the visible rows."""
        return np.arange(self.length) if self.visible is None else np.flatnonzero(self.visible)

    def without_plants(self, plants: frozenset[str]) -> Table:
        """Return what a user sees who may not see some plants."""
        name = next((each for each in _PLANT_PROPERTIES if each in self.entity.properties), "")
        if not plants or not name:
            return self
        hidden = np.zeros(self.length, dtype=np.bool_)
        for plant in plants:
            hidden |= self.column(name).matches("eq", plant)
        return self.derived(self.entity, ~hidden)

    def join_key(self, names: tuple[str, ...]) -> NDArray[Any]:
        """Return one number per row that equals another table's when these columns do."""
        key: NDArray[Any] = np.zeros(self.length, dtype=np.int64)
        for name in names:
            column = self.column(name)
            key = key * (column.span + 1) + column.order() + 1
        return key

    def _by_key(self, names: tuple[str, ...]) -> tuple[NDArray[Any], NDArray[Any]]:
        if names not in self._sorted:
            key = self.join_key(names)
            order = np.argsort(key, kind="stable")
            self._sorted[names] = key[order], order
        return self._sorted[names]

    def related(self, rows: Rows, way: Navigation, target: Table) -> Related:
        """Return the target's visible rows that belong to these rows."""
        keys, order = target._by_key(way.there)
        mine = self.join_key(way.here)[rows]
        first, last = np.searchsorted(keys, mine), np.searchsorted(keys, mine, side="right")
        count = last - first
        ends = np.cumsum(count)
        place = np.arange(int(count.sum())) + np.repeat(first - (ends - count), count)
        found, owner = order[place], np.repeat(np.arange(len(rows)), count)
        if target.visible is not None:
            kept = target.visible[found]
            found, owner = found[kept], owner[kept]
        return Related(found, owner)
