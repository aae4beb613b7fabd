"""Rows into JSON: only the page's rows, one template per entity type, no objects in between."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from connector.sandbox.habits import Habits
from connector.sandbox.odata_columns import Rows
from connector.sandbox.odata_errors import bad_request
from connector.sandbox.odata_made_columns import Fixed
from connector.sandbox.odata_table import Table

_DEEPEST = 4


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What of each entity is written: properties (None = all) and expanded ways."""

    select: tuple[str, ...] | None = None
    expand: Mapping[str, Shape] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Printer:
    """Where entities live and how this system writes."""

    root: str  # address of the service, with a closing slash
    namespace: str
    habits: Habits
    table: Callable[[str], Table]  # another entity set of the service

    def address(self, table: Table, rows: Rows) -> list[str]:
        """Return the address of each row, below the service's root."""
        entity = table.entity
        only = len(entity.keys) == 1
        keys, parts = [], []
        for name in entity.keys:
            column = table.column(name)
            if isinstance(column, Fixed):
                parts.append(f"{name}={column.key_text}")
                continue
            parts.append("%s" if only else f"{name}=%s")
            keys.append(column.key(rows, self.habits))
        form = f"{entity.name}({','.join(parts)})"
        return [form % texts for texts in zip(*keys, strict=True)]

    def rows(self, table: Table, rows: Rows, shape: Shape, depth: int = 0) -> list[str]:
        """Return one JSON object per row."""
        if depth > _DEEPEST:
            msg = "The system query option $expand is nested too deeply"
            raise bad_request(msg)
        entity = table.entity
        addresses = self.address(table, rows)
        columns = [addresses, addresses]
        parts = [self._head(table)]
        for name in entity.properties:
            if shape.select is not None and name not in shape.select:
                continue
            column = table.column(name)
            # A key is never null, whatever the habit
            habits = self._strict if name in entity.keys else self.habits
            if isinstance(column, Fixed):
                parts.append(f'"{name}":{column.text(habits).replace("%", "%%")}')
                continue
            parts.append(f'"{name}":%s')
            columns.append(column.json(rows, habits))
        for name in entity.navigations:
            if name in shape.expand:
                parts.append(f'"{name}":%s')
                columns.append(self._expanded(table, rows, name, shape.expand[name], depth))
            elif shape.select is None or name in shape.select:
                parts.append(f'"{name}":{{"__deferred":{{"uri":"{self._root}%s/{name}"}}}}')
                columns.append(addresses)
        form = "{" + ",".join(parts) + "}"
        return [form % texts for texts in zip(*columns, strict=True)]

    @property
    def _strict(self) -> Habits:
        return replace(self.habits, unset="empty")

    @property
    def _root(self) -> str:
        return self.root.replace("%", "%%")

    def _head(self, table: Table) -> str:
        name = table.entity.type_name
        if self.habits.type_names == "bare":
            name = name.removesuffix("Type")
        return (
            f'"__metadata":{{"id":"{self._root}%s","uri":"{self._root}%s",'
            f'"type":"{self.namespace}.{name}"}}'
        )

    def _expanded(self, table: Table, rows: Rows, name: str, shape: Shape, depth: int) -> list[str]:
        way = table.entity.navigations[name]
        target = self.table(way.target)
        found = table.related(rows, way, target)
        texts = self.rows(target, found.rows, shape, depth + 1)
        ends = np.searchsorted(found.owner, np.arange(len(rows)), side="right").tolist()
        spans = list(pairwise([0, *ends]))
        if not way.many:
            return [texts[a] if b > a else "null" for a, b in spans]
        form = "[%s]" if self.habits.expanded == "list" else '{"results":[%s]}'
        return [form % ",".join(texts[a:b]) for a, b in spans]


def shape_of(table: Table, select: str, expand: str, of: Callable[[str], Table]) -> Shape:
    """Read `$select` and `$expand`; raise GatewayError for what the type does not have."""
    chosen = [tuple(path.strip().split("/")) for path in select.split(",") if path.strip()]
    ways = [tuple(path.strip().split("/")) for path in expand.split(",") if path.strip()]
    return _shape(table, chosen, ways, of)


def _shape(
    table: Table,
    chosen: list[tuple[str, ...]],
    ways: list[tuple[str, ...]],
    of: Callable[[str], Table],
) -> Shape:
    entity = table.entity
    heads = {path[0] for path in ways}
    unknown = heads - entity.navigations.keys()
    unknown |= {path[0] for path in chosen} - entity.properties.keys() - entity.navigations.keys()
    unknown -= {"*"}
    if unknown:
        msg = f"Resource not found for the segment '{min(unknown)}'"
        raise bad_request(msg, "005056A509B11EE1B9A8FEC11C21578E")
    deeper = {
        head: _shape(
            of(entity.navigations[head].target),
            [path[1:] for path in chosen if path[0] == head and len(path) > 1],
            [path[1:] for path in ways if path[0] == head and len(path) > 1],
            of,
        )
        for head in heads
    }
    named = tuple(path[0] for path in chosen)
    everything = not named or "*" in named
    return Shape(select=None if everything else named, expand=deeper)
