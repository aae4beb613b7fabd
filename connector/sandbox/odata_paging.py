"""Which rows a request gets, and the link to the rest: the server pages, whoever asks.

Pages are cut from the table as it stands at each request. There is no snapshot: rows may repeat or
be missed when something changes in between, as on the real thing.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

import numpy as np

from connector.sandbox.faults import Fault
from connector.sandbox.habits import Habits
from connector.sandbox.odata_address import Query
from connector.sandbox.odata_columns import Rows
from connector.sandbox.odata_errors import GatewayError, bad_request
from connector.sandbox.odata_filter import evaluate
from connector.sandbox.odata_table import Table

_REMEMBERED = 64
_ROWS_REMEMBERED = 10_000_000


class Selection:
    """Filters and orders tables; remembers the answers while nothing changes."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[object, ...], Rows] = OrderedDict()

    def rows(self, table: Table, query: Query, key: tuple[object, ...]) -> Rows:
        """Return the rows a query keeps, in its order. `key` names table, version and user."""
        whole = (*key, query.filter, query.orderby)
        if whole not in self._found:
            self._found[whole] = _ordered(table, _filtered(table, query.filter), query.orderby)
            self._forget_the_oldest()
        self._found.move_to_end(whole)
        return self._found[whole]

    def _forget_the_oldest(self) -> None:
        while len(self._found) > 1 and (
            len(self._found) > _REMEMBERED or sum(map(len, self._found.values())) > _ROWS_REMEMBERED
        ):
            self._found.popitem(last=False)


def _filtered(table: Table, text: str) -> Rows:
    if not text:
        return table.rows()
    kept = evaluate(text, table.column)
    return np.flatnonzero(kept if table.visible is None else kept & table.visible)


def _ordered(table: Table, rows: Rows, text: str) -> Rows:
    keys = []
    for part in (each.split() for each in text.split(",") if each.strip()):
        if len(part) > 2 or (len(part) == 2 and part[1] not in {"asc", "desc"}):  # noqa: PLR2004
            msg = f"Syntax error in the system query option $orderby at '{' '.join(part)}'"
            raise bad_request(msg)
        order = table.column(part[0]).order(rows)
        keys.append(-order.astype(np.float64) if part[-1] == "desc" else order)
    return rows[np.lexsort(keys[::-1])] if keys else rows


@dataclass(frozen=True, kw_only=True)
class Caps:
    """How many rows a page has: without $top, and at most."""

    default: int
    most: int


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page: its rows, the count it tells, and where the next one begins (None = the end)."""

    rows: Rows
    count: int
    next_at: int | None
    foreign_host: str = ""


def cut(rows: Rows, query: Query, caps: Caps, habits: Habits, faults: Sequence[Fault] = ()) -> Page:
    """Cut the page a query asks for, bent by faults."""
    bent = {fault.kind: fault for fault in faults}
    end = len(rows) if query.top is None else min(len(rows), query.skip + query.top)
    at = query.skip + read_token(query.skiptoken, expired="skiptoken_expired" in bent)
    size = caps.default if query.top is None else min(query.top, caps.most)
    size = int(bent["page_shrink"].says("rows", 7)) if "page_shrink" in bent else size
    size = len(rows) if "no_paging" in bent else max(1, size)
    stop = min(at + size, end)
    full_last = stop == end and stop - at == size and size > 0 and query.top is None
    more = stop < end or (full_last and habits.last_page == "empty_follows")
    more = more or ("empty_last_page" in bent and stop > at)
    begin = at
    if at > query.skip and "duplicate_rows" in bent:
        begin = max(0, at - int(bent["duplicate_rows"].says("rows", 1)))
    if at > query.skip and "missing_rows" in bent:
        begin = min(stop, at + int(bent["missing_rows"].says("rows", 1)))
    next_at = stop - query.skip if more and "no_paging" not in bent else None
    if "page_loop" in bent and next_at is not None:
        next_at = at - query.skip
    off = int(bent["wrong_count"].says("off_by", 1)) if "wrong_count" in bent else 0
    foreign = str(bent["foreign_next"].options.get("host", "")) if "foreign_next" in bent else ""
    return Page(
        rows=rows[begin:stop],
        count=len(rows) + off,
        next_at=next_at,
        foreign_host=foreign or ("erp.internal:44300" if "foreign_next" in bent else ""),
    )


def read_token(text: str, *, expired: bool) -> int:
    """Return how many rows lie before this page; raise GatewayError for a token gone bad."""
    if not text:
        return 0
    if expired:
        raise GatewayError(410, "/IWBEP/CM_MGW_RT/108", "The skiptoken has expired")
    plain = text
    if text.startswith("t"):
        try:
            plain = urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4)).decode()
        except ValueError as error:
            msg = f"Invalid skiptoken '{text}'"
            raise bad_request(msg) from error
    if not plain.isdigit():
        msg = f"Invalid skiptoken '{text}'"
        raise bad_request(msg)
    return int(plain)


def next_link(page: Page, query: Query, habits: Habits, *, origin: str, path: str) -> str:
    """Return the link to the next page, in whichever of the ways real systems write it."""
    token = str(page.next_at)
    if habits.skiptoken == "opaque":
        token = "t" + urlsafe_b64encode(token.encode()).decode().rstrip("=")
    pairs = [f"{quote(name, safe='$-')}={quote(value, safe='')}" for name, value in query.kept]
    if habits.skiptoken == "doubled" and query.skiptoken:
        pairs.append(f"%24skiptoken={query.skiptoken}")
    pairs.append(f"$skiptoken={token}")
    tail = f"{path}?{'&'.join(pairs)}"
    if page.foreign_host or habits.next_link == "foreign":
        return f"http://{page.foreign_host or 'erp.internal:44300'}{tail}"
    if habits.next_link == "absolute":
        return f"{origin}{tail}"
    return tail.rpartition("/")[2] if "'" not in tail.partition("?")[0] else tail
