"""Answers to reading requests: collections page by page, single entities, counts, properties."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from connector.sandbox.access import User
from connector.sandbox.faults import Fault
from connector.sandbox.faults_standing import ShownTables
from connector.sandbox.habits import Habits
from connector.sandbox.odata_address import Address, Query, Segment, read_key
from connector.sandbox.odata_columns import Rows
from connector.sandbox.odata_errors import GatewayError, bad_request, not_found
from connector.sandbox.odata_metadata import metadata, service_json, service_xml
from connector.sandbox.odata_paging import Caps, Page, Selection, cut, next_link
from connector.sandbox.odata_render import Printer, shape_of
from connector.sandbox.odata_schema import SERVICES, EntitySet, Service
from connector.sandbox.odata_table import Table

JSON = "application/json"
XML = "application/xml"
TEXT = "text/plain;charset=utf-8"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What goes back over the wire."""

    status: int
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Look:
    """One reading request."""

    address: Address
    query: Query
    user: User
    habits: Habits
    origin: str  # scheme and host the caller used
    path: str  # raw
    json: bool  # whether the caller said it reads JSON
    faults: Sequence[Fault] = ()


class Reader:
    """Reads the tables as callers see them."""

    def __init__(self, shown: ShownTables, page_rows: int) -> None:
        self._shown = shown
        self._page_rows = page_rows
        self._selection = Selection()

    def answer(self, look: Look) -> Answer:
        """Answer one reading request; raise GatewayError for what cannot be answered."""
        service = service_named(look.address.service)
        segments = look.address.segments
        root = f"{look.origin}/sap/opu/odata/sap/{service.name}/"
        if not segments:
            if look.json:
                return Answer(status=200, body=service_json(service))
            return Answer(
                status=200, body=service_xml(service, root), content_type="application/atomsvc+xml"
            )
        if segments[0].name == "$metadata":
            sets = [self._shown.entity(each) for each in service.sets.values()]
            return Answer(status=200, body=metadata(service, sets), content_type=XML)
        plain = segments[-1].name in {"$count", "$value"}
        if not look.json and not plain:
            msg = "The stand-in speaks JSON only: ask with Accept: application/json or $format=json"
            raise GatewayError(406, "/IWFND/CM_MGW/415", msg)
        return _Visit(self, look, service, root).answer()

    def table(self, name: str, user: User) -> Table:
        """Return an entity set as this user sees it."""
        return self._shown.table(name).without_plants(user.hidden_plants)

    def select(self, table: Table, look: Look) -> Rows:
        """Return the rows that a query keeps."""
        key = (table.entity.name, self._shown.version, look.user.hidden_plants)
        return self._selection.rows(table, look.query, key)

    def caps(self, service: Service) -> Caps:
        """Return a service's page sizes."""
        default = service.page_default or self._page_rows
        return Caps(default=default, most=service.page_most or self._page_rows)


def service_named(name: str) -> Service:
    """Return a service; raise GatewayError when there is none of that name."""
    service = SERVICES.get(name)
    if service is None:
        msg = f"No service found for namespace '', name '{name}', version '0001'"
        raise not_found(msg, "/IWFND/MED/170")
    return service


class _Visit:
    """One request on its way through a service."""

    def __init__(self, reader: Reader, look: Look, service: Service, root: str) -> None:
        self._reader = reader
        self._look = look
        self._service = service
        self._printer = Printer(
            root=root, namespace=service.name, habits=look.habits, table=self._table
        )

    def _table(self, name: str) -> Table:
        return self._reader.table(name, self._look.user)

    def answer(self) -> Answer:
        """Follow the path's segments and write down what stands at its end."""
        first, *rest = self._look.address.segments
        entity = entity_named(self._service, first.name)
        table = self._table(entity.name)
        if first.key is None:
            return self._collection(table, self._reader.select(table, self._look), rest)
        row = found_by_key(table, first.key)
        return self._from_entity(table, row, rest)

    def _from_entity(self, table: Table, row: Rows, rest: list[Segment]) -> Answer:
        if not rest:
            return self._single(table, row)
        step, *further = rest
        way = table.entity.navigations.get(step.name)
        if way is None:
            return self._property(table, row, step, further)
        target = self._table(way.target)
        rows = target_rows = table.related(row, way, target).rows
        if step.key is not None:
            mine = np.intersect1d(target_rows, found_by_key(target, step.key))
            return self._from_entity(target, mine, further)
        if not way.many:
            return self._from_entity(target, rows, further)
        if self._look.query.filter or self._look.query.orderby:
            kept = self._reader.select(target, self._look)
            rows = kept[np.isin(kept, target_rows)]
        return self._collection(target, rows, further)

    def _collection(self, table: Table, rows: Rows, rest: list[Segment]) -> Answer:
        look = self._look
        if table.entity.filter_required and not look.query.filter:
            raise bad_request("Enter at least one filter value", "PPH_MRP/032")
        if rest and rest[0].name == "$count":
            return Answer(status=200, body=str(len(rows)).encode(), content_type=TEXT)
        if rest:
            msg = f"Resource not found for the segment '{rest[0].name}'"
            raise not_found(msg)
        if len(rows) == 0 and look.habits.no_rows == "error":
            raise bad_request("Data is not Found", "/IWBEP/CM_MGW_RT/022")
        page = cut(rows, look.query, self._reader.caps(self._service), look.habits, look.faults)
        return Answer(status=200, body=self._page(table, page))

    def _page(self, table: Table, page: Page) -> bytes:
        look = self._look
        shape = shape_of(table, look.query.select, look.query.expand, self._table)
        texts = self._printer.rows(table, page.rows, shape)
        count = f'"__count":"{page.count}",' if look.query.counted else ""
        following = ""
        if page.next_at is not None:
            link = next_link(page, look.query, look.habits, origin=look.origin, path=look.path)
            following = f',"__next":"{link}"'
        return f'{{"d":{{{count}"results":[{",".join(texts)}]{following}}}}}'.encode()

    def _single(self, table: Table, row: Rows) -> Answer:
        if len(row) != 1:
            raise not_found(f"Resource not found for the segment '{table.entity.name}'")
        shape = shape_of(table, self._look.query.select, self._look.query.expand, self._table)
        return Answer(
            status=200, body=f'{{"d":{self._printer.rows(table, row, shape)[0]}}}'.encode()
        )

    def _property(self, table: Table, row: Rows, step: Segment, further: list[Segment]) -> Answer:
        if step.name not in table.entity.properties or len(row) != 1:
            raise not_found(f"Resource not found for the segment '{step.name}'")
        text = table.column(step.name).json(row, self._look.habits)[0]
        if further and further[0].name == "$value":
            return Answer(status=200, body=text.strip('"').encode(), content_type=TEXT)
        return Answer(status=200, body=f'{{"d":{{"{step.name}":{text}}}}}'.encode())

    def print(self, table: Table, row: Rows) -> str:
        """Return one entity in full, with everything below it."""
        ways = ",".join(table.entity.navigations)
        return self._printer.rows(table, row, shape_of(table, "", ways, self._table))[0]


def entity_named(service: Service, name: str) -> EntitySet:
    """Return an entity set; raise GatewayError when the service has none of that name."""
    entity = service.sets.get(name)
    if entity is None:
        msg = f"Resource not found for the segment '{name}'"
        raise not_found(msg, "005056A509B11EE1B9A8FEC11C21578E")
    return entity


def found_by_key(table: Table, key: str) -> Rows:
    """Return the row with this key; raise GatewayError when there is none."""
    mask = np.ones(table.length, dtype=np.bool_) if table.visible is None else table.visible
    for name, literal in read_key(key, table.entity.keys).items():
        mask = mask & table.column(name).matches("eq", literal)
    rows = np.flatnonzero(mask)
    if len(rows) == 0:
        msg = f"Resource not found for the segment '{table.entity.name}'"
        raise not_found(msg)
    return rows


def whole_entity(reader: Reader, look: Look, name: str, key: str) -> str:
    """Return one entity as JSON with everything below it, as a create answers."""
    service = service_named(look.address.service)
    root = f"{look.origin}/sap/opu/odata/sap/{service.name}/"
    visit = _Visit(reader, look, service, root)
    table = reader.table(name, look.user)
    return visit.print(table, found_by_key(table, key))
