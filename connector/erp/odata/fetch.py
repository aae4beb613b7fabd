"""Runs the reads of a catalogue: checks them against the schema, pages, types, tells rows apart.

What comes back is complete or it is an error: the server's own count is reached, rows that came
twice are counted once, and a property that is required was really there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import polars as pl

from connector.erp.odata.answers import require_data
from connector.erp.odata.catalogue import Expansion, Field, NotTrue, Read, Slots
from connector.erp.odata.gather import Digest, Gathered, Rows
from connector.erp.odata.metadata import EntityShape, Schema, SchemaReader
from connector.erp.odata.paging import Pager, Query
from connector.erp.odata.payload import Shape, shape
from connector.erp.odata.query import chunks, with_parameters
from connector.errors import ErpContractBroken, SnapshotUnfit
from connector.inventory.snapshot import Feed

if TYPE_CHECKING:
    from connector.erp.odata.transport import Transport

_SCHEMA_SECONDS = 86_400.0
_READINGS = 2
_XML = {"Accept": "application/xml"}


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """A read, done. `inner` is None where the server did not send the rows inside."""

    rows: Rows
    inner: Rows | None
    feed: Feed
    digests: list[Any] | None = None  # what a digest left of each page, None as for `inner`


class Fetcher:
    """Reads what a catalogue says, for one connection. Threads may share it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._reader = SchemaReader()
        self._schemas: dict[str, tuple[Schema, float]] = {}

    def schema(self, service: str) -> Schema:
        """Return a service's schema, read at most once a day."""
        now = self._transport.clock.monotonic()
        known = self._schemas.get(service)
        if known is None or now - known[1] > _SCHEMA_SECONDS:
            known = self._described(service), now
            self._schemas[service] = known
        return known[0]

    def has(self, read: Read) -> bool:
        """Tell whether the server knows this read's entity set at all."""
        return read.entity_set in self.schema(read.service).sets

    def fetch(self, read: Read, slots: Slots, digest: Digest | None = None) -> Fetched:
        """Return a read's rows: typed, each once, all of them.

        With a digest the rows inside are not kept, only what it leaves of each page.
        Raises SnapshotUnfit when rows stay missing after a second reading, ErpContractBroken when a
        required property is missing, and whatever kept the pages from coming.
        """
        selected = self._selected(read)
        clock = self._transport.clock
        for _ in range(_READINGS):
            started_at, started = clock.now(), clock.monotonic()
            gathered = Gathered(read, selected, digest)
            for _query in self._queries(read, selected, slots, gathered):
                pass
            rows, inner = gathered.rows(), gathered.inner()
            if (wider := _without_unheeded(read, rows)) is not read:
                return self.fetch(wider, slots, digest)
            feed = Feed(
                name=read.name,
                rows=rows.frame.height,
                expected=gathered.expected,
                pages=gathered.pages,
                octets=gathered.octets,
                duplicates=gathered.arrived - rows.frame.height,
                started_at=started_at,
                finished_at=clock.now(),
                seconds=clock.monotonic() - started,
            )
            if not read.counted or feed.expected is None or feed.rows >= feed.expected:
                return Fetched(rows=rows, inner=inner, feed=feed, digests=gathered.digests())
        msg = f"{read.entity_set}: {feed.rows} of {feed.expected} rows came, twice"
        hint = "rows move while they are paged, or the count is wrong (then inline_count: false)"
        raise SnapshotUnfit(msg, hint=hint)

    def _queries(
        self, read: Read, selected: _Selected, slots: Slots, gathered: Gathered
    ) -> Iterator[None]:
        pager = Pager(self._transport, selected.shape)
        for each in _spread(read, slots):
            counts: list[int | None] = []
            for arrived in pager.pages(self._query(read, selected, each)):
                counts.append(arrived.page.count)
                gathered.add(arrived.page, arrived.octets)
            gathered.expect(next((count for count in counts if count is not None), None))
            yield

    def _query(self, read: Read, selected: _Selected, slots: Slots) -> Query:
        connection = self._transport.connection
        inner = selected.expansion
        within = tuple(f"{inner.navigation}/{each.name}" for each in inner.fields) if inner else ()
        ordered = connection.order_by_key and read.orderable
        names = tuple(field.name for field in selected.fields)
        return Query(
            service=read.service,
            entity_set=read.entity_set,
            select=(*names, *within),
            filter=read.filter(slots),
            expand=inner.navigation if inner else "",
            order_by=tuple(name for name in read.identity if name in names) if ordered else (),
            count=connection.inline_count,
            page_size=-(-connection.page_size // read.page_share),
        )

    def _selected(self, read: Read) -> _Selected:
        """Return what of a read this server can be asked; raise what it must have and lacks."""
        schema = self.schema(read.service)
        known = schema.sets.get(read.entity_set)
        if known is None:
            unread = "no readable" if read.entity_set in schema.untyped else "no"
            msg = f"{read.service} has {unread} entity set {read.entity_set}"
            raise ErpContractBroken(msg, hint="check the service's version and activation")
        missing = missing_fields(read.fields, known)
        required = [field.name for field in missing if field.required]
        if required:
            msg = f"{read.service}/{read.entity_set} has no {', '.join(required)}"
            hint = "the ERP's release renamed it, or the wrong service answers: `replenishd check`"
            raise ErpContractBroken(msg, hint=hint)
        fields = tuple(field for field in read.fields if field not in missing)
        return _Selected(fields=fields, expansion=self._expansion(read, known))

    def _expansion(self, read: Read, known: EntityShape) -> Expansion | None:
        inner = read.expansion
        if inner is None or inner.navigation not in known.navigations:
            return None
        target = self.schema(read.service).sets.get(known.navigations[inner.navigation])
        missing = missing_fields(inner.fields, target) if target is not None else []
        if any(field.required for field in missing):
            return None  # the separate read says which one, or finds it there
        return replace(inner, fields=tuple(each for each in inner.fields if each not in missing))

    def _described(self, service: str) -> Schema:
        connection = self._transport.connection
        address = with_parameters(
            f"{connection.service_root(service)}$metadata", connection.fixed_parameters
        )
        answer = require_data(self._transport.get(address, _XML))
        return self._reader.read(answer.body, service=service)


@dataclass(frozen=True, kw_only=True)
class _Selected:
    fields: tuple[Field, ...]
    expansion: Expansion | None

    @property
    def shape(self) -> Shape:
        inner = self.expansion
        names = tuple(field.name for field in self.fields)
        if inner is None:
            return shape(names)
        return shape(names, inner.navigation, tuple(field.name for field in inner.fields))


def _without_unheeded(read: Read, rows: Rows) -> Read:
    """Return the read without those tests that its rows contradict, itself where none does.

    Some servers turn `ne true` around. What they sent is not all there is, whatever they counted.
    """
    frame = rows.frame
    heeded = tuple(
        term
        for term in read.terms
        if not isinstance(term, NotTrue) or not frame[term.name].fill_null(value=False).any()
    )
    return read if heeded == read.terms else replace(read, terms=heeded)


def missing_fields(fields: tuple[Field, ...], known: EntityShape) -> list[Field]:
    """Return the fields an entity does not declare."""
    return [field for field in fields if field.name not in known.properties]


def _spread(read: Read, slots: Slots) -> Iterator[Slots]:
    """Yield the slots of each query: long lists of values are spread over several."""
    if not read.chunked:
        yield slots
        return
    values = slots[read.chunked]
    for chunk in chunks(list(values)):  # type: ignore[arg-type]
        yield {**slots, read.chunked: chunk}


def only(rows: Rows, keep: pl.Expr) -> Rows:
    """Return the rows that pass, with what was unreadable in them."""
    frame = rows.frame.filter(keep)
    return Rows(frame=frame, unread=rows.unread.join(frame, on="row", how="semi"))
