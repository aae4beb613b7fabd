"""All rows of a query, page after page, whichever way the server pages.

A server may cut its answer and give `__next` (relative, absolute, under an inner host name), may
cut it and say nothing, may send everything at once, or end on an empty page. So pages are followed
as given, then asked for with `$skip` until the server's own count is reached or a page is empty.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from connector.erp.odata.answers import (
    BAD_REQUEST,
    OK,
    SERVER_ERROR,
    is_no_data,
    require_data,
)
from connector.erp.odata.payload import Columns, Page, PageUnreadable, Shape
from connector.erp.odata.query import with_parameters
from connector.erp.odata.values import empty_text
from connector.errors import ErpContractBroken, ErpUnavailable

if TYPE_CHECKING:
    from connector.erp.odata.answers import Answer
    from connector.erp.odata.connection import Connection
    from connector.erp.odata.transport import Transport

_JSON = {"Accept": "application/json"}
_NOT_UNDERSTOOD = frozenset({BAD_REQUEST, SERVER_ERROR, 501})
_DECODINGS = 2


@dataclass(frozen=True, kw_only=True)
class Query:
    """One query as it is put on the wire; options a server refuses are left out one by one."""

    service: str
    entity_set: str
    select: tuple[str, ...]
    filter: str
    expand: str = ""
    order_by: tuple[str, ...] = ()
    count: bool = True
    page_size: int = 0  # rows, 0 = the server decides

    def address(self, connection: Connection, skip: int) -> str:
        """Return the URL of the page that starts after `skip` rows."""
        options = (
            ("$select", ",".join(self.select)),
            ("$expand", self.expand),
            ("$filter", self.filter),
            ("$orderby", ",".join(self.order_by)),
            ("$top", str(self.page_size or "")),
            ("$skip", str(skip or "")),
            ("$inlinecount", "allpages" if self.count else ""),
        )
        asked = tuple((name, value) for name, value in options if value)
        root = f"{connection.service_root(self.service)}{self.entity_set}"
        return with_parameters(root, asked + connection.fixed_parameters)

    def plainer(self) -> Iterator[Query]:
        """Yield this query, then ever plainer ones: no server must know every option."""
        yield self
        plain = self
        if plain.expand:
            kept = tuple(name for name in plain.select if "/" not in name)
            plain = replace(plain, expand="", select=kept)
            yield plain
        if plain.order_by:
            plain = replace(plain, order_by=())
            yield plain
        if plain.count:
            yield replace(plain, count=False)


@dataclass(frozen=True, kw_only=True)
class Arrived:
    """A page and what it cost."""

    page: Page
    octets: int
    query: Query  # as it was understood


class Pager:
    """Reads one query to its end. Not for two threads at once."""

    def __init__(self, transport: Transport, shape: Shape) -> None:
        self._transport = transport
        self._connection = transport.connection
        self._shape = shape

    def pages(self, query: Query) -> Iterator[Arrived]:
        """Yield every page; raise when paging loops, leads elsewhere or does not end."""
        skip = 0
        pages = 0
        starts: set[tuple[str | None, ...]] = set()
        while True:
            got, count = 0, None
            for arrived in self._leg(query, skip):
                query, pages = arrived.query, pages + 1
                if got == 0 and self._is_repeated(arrived.page, starts, skip, query.page_size):
                    return
                self._require_pages_left(pages, query)
                rows = arrived.page.rows.frame.height
                got, count = got + rows, arrived.page.count if count is None else count
                yield arrived
            skip += got
            # Without a count, or with one, an empty page ends it; a count reached ends it sooner.
            if got == 0 or (count is not None and skip >= count):
                return

    def _leg(self, query: Query, skip: int) -> Iterator[Arrived]:
        """Yield the page after `skip` rows and all that its links lead to."""
        arrived = self._first(query, skip)
        followed: set[str] = set()
        address = query.address(self._connection, skip)
        yield arrived
        while arrived.page.following:
            address = reanchored(arrived.page.following, address, self._connection, query)
            if address in followed:
                msg = f"{query.entity_set}: the page after page {len(followed)} was read before"
                raise ErpContractBroken(msg, hint="the server's paging loops; report it there")
            followed.add(address)
            self._require_pages_left(len(followed), query)
            page, octets = self._page(address)
            arrived = Arrived(page=page, octets=octets, query=arrived.query)
            yield arrived

    def _first(self, query: Query, skip: int) -> Arrived:
        refused: Answer | None = None
        for plain in query.plainer():
            address = plain.address(self._connection, skip)
            answer = self._transport.get(address, _JSON)
            if is_no_data(answer):
                page = Page(rows=self._no_rows(), inner=None, following="", count=0)
                return Arrived(page=page, octets=len(answer.body), query=plain)
            if answer.status == OK:
                page, octets = self._page(address, answer)
                return Arrived(page=page, octets=octets, query=plain)
            refused = refused or answer
            if answer.status not in _NOT_UNDERSTOOD or skip:
                break
        require_data(refused or answer)
        msg = f"{query.entity_set}: nothing was answered"
        raise ErpUnavailable(msg)

    def _page(self, address: str, answer: Answer | None = None) -> tuple[Page, int]:
        """Return a page; a body that breaks off in the middle is asked for once more."""
        for attempt in range(1, _DECODINGS + 1):
            answer = require_data(answer or self._transport.get(address, _JSON))
            try:
                return self._shape.page(answer.body), len(answer.body)
            except PageUnreadable:
                if attempt == _DECODINGS:
                    raise
                answer = None
        raise AssertionError(address)

    def _is_repeated(
        self, page: Page, starts: set[tuple[str | None, ...]], skip: int, page_size: int
    ) -> bool:
        """Tell whether a page asked for with $skip is one that came before.

        A server that ignores $skip and $top alike has sent all its rows at once, and this is the
        same answer again. One that ignores only $skip cannot be read to its end.
        """
        if page.rows.frame.height == 0:
            return False
        start = page.rows.frame.row(0)
        if start not in starts:
            starts.add(start)
            return False
        if page.rows.frame.height == skip != page_size:
            return True
        msg = f"rows from {skip} on were asked for and the first rows came again"
        raise ErpContractBroken(msg, hint="set page_size: 0 to let the server page by itself")

    def _require_pages_left(self, pages: int, query: Query) -> None:
        if pages > self._connection.pages_per_read:
            msg = f"{query.entity_set} has more than {self._connection.pages_per_read} pages"
            raise ErpContractBroken(msg, hint="raise page_size or pages_per_read")

    def _no_rows(self) -> Columns:
        return Columns(frame=empty_text(self._shape.names), missing=frozenset())


def reanchored(following: str, asked: str, connection: Connection, query: Query) -> str:
    """Return where the next page is asked for: the server's own query, at our configured address.

    Only the query is taken from the link, so credentials cannot be led away; a link that leads to
    another entity is refused.
    """
    try:
        target = urlsplit(urljoin(asked, following.strip()))
    except ValueError as error:
        msg = f"the next page of {query.service}/{query.entity_set} leads to no address"
        raise ErpContractBroken(msg, hint="report the link to who runs the server") from error
    segments = [segment for segment in unquote(target.path).split("/") if segment]
    service, entity = [*segments, "", ""][:2] if len(segments) < 2 else segments[-2:]  # noqa: PLR2004
    same_service = service.split(";")[0] == query.service.split(";")[0]
    if entity != query.entity_set or not same_service or ".." in segments or not target.query:
        msg = f"the next page of {query.service}/{query.entity_set} leads to {target.path}"
        raise ErpContractBroken(msg, hint="a proxy rewrites links, or the answer is forged")
    known = {name for name, _ in parse_qsl(target.query, keep_blank_values=True)}
    missing = [(name, value) for name, value in connection.fixed_parameters if name not in known]
    address = f"{connection.service_root(query.service)}{query.entity_set}?{target.query}"
    return with_parameters(address, missing)
