"""A small SAP for tests, with the habits of real ones as switches. It is nobody's friend: it files
twice when asked twice, refuses what V2 refuses, and pages, words and dates as it is told to."""

from __future__ import annotations

import copy
import threading
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import orjson
from strict_sap_filing import Filing
from strict_sap_query import matches, parsed_filter
from strict_sap_schema import INNER, edmx, keys_of, kinds_of

PREFIX = "/sap/opu/odata/sap"
NOW = datetime(2026, 11, 24, 6, 0, tzinfo=UTC)


@dataclass
class Habits:
    padded: bool = False  # line numbers with leading zeros
    unset: str = "initial"  # or "null", "absent", "epoch"
    decimals: str = "text"  # or "padded", "number"
    dates: str = "ms"  # or "offset", "iso"
    yes: object = True  # what a set flag looks like
    following: str = "relative"  # or absolute, inner_host, double, none
    cap: int = 1000
    count: str = "text"  # or "number", "none"
    inner: str = "results"  # or "list", "cut", "deferred", "refused", "absent"
    rows: str = "results"  # or "list"
    turns_ne_around: bool = False  # takes `ne true` for `eq true`
    refuses_order: bool = False
    ignores_top: bool = False
    ignores_skip: bool = False
    repeats: int = 0  # rows of the page before that come again
    empty_last_page: bool = False
    no_data_is_400: bool = False
    close: bool = False
    csrf: bool = True
    header_date: str = ""


@dataclass
class StrictSap:
    tables: dict[tuple[str, str], list[dict]] = field(default_factory=dict)
    habits: Habits = field(default_factory=Habits)
    hidden_properties: set[str] = field(default_factory=set)
    hidden_sets: set[str] = field(default_factory=set)
    get_faults: deque = field(default_factory=deque)  # statuses or callables, used up
    asked: list[str] = field(default_factory=list)
    peers: set = field(default_factory=set)
    posted: list[dict] = field(default_factory=list)
    post_headers: list[dict] = field(default_factory=list)

    def __post_init__(self):
        self.filing = Filing(self)
        self.lock = threading.Lock()
        owner = self

        class Handler(_Handler):
            sap = owner

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def rows(self, service, entity_set):
        return self.tables.setdefault((service, entity_set), [])

    def paths(self):
        return [urlsplit(each).path.removeprefix(PREFIX) for each in self.asked]

    def page(self, service, entity_set, options):
        """Return the payload of one page, or a status and an error body."""
        habits = self.habits
        names = options.get("$select", "").split(",") if options.get("$select") else None
        expand = options.get("$expand", "")
        unknown = [n for n in names or () if n.split("/")[0] not in self.known(service, entity_set)]
        if unknown:
            return 400, error("005056", f"Property {unknown[0]} not found in type {entity_set}")
        if expand and habits.inner == "refused":
            return 501, error("501", "expand is not implemented")
        if options.get("$orderby") and habits.refuses_order:
            return 400, error("400", "$orderby is not supported")
        rows = copy.deepcopy(self.rows(service, entity_set))
        if "$filter" in options:
            text = options["$filter"]
            if habits.turns_ne_around:
                text = text.replace("ne true", "eq true")
            test = parsed_filter(text)
            rows = [row for row in rows if matches(test, row)]
        if not rows and habits.no_data_is_400:
            return 400, error("/IWBEP/CM_MGW_RT/022", "Data is not Found")
        for name in reversed([n for n in options.get("$orderby", "").split(",") if n]):
            rows.sort(key=lambda row, name=name: str(row.get(name) or ""))
        return 200, self._cut(rows, service, entity_set, options, names, expand)

    def _cut(self, rows, service, entity_set, options, names, expand):
        habits = self.habits
        total = len(rows)
        skip = 0 if habits.ignores_skip else int(options.get("$skip") or 0)
        token = int(options.get("$skiptoken") or 0)
        top = None if habits.ignores_top else options.get("$top")
        window = rows[skip : skip + int(top)] if top else rows[skip:]
        start = max(token - (habits.repeats if token else 0), 0)
        cap = total if habits.following == "none" and habits.ignores_top else habits.cap
        page = window[start : start + cap]
        end = start + len(page)
        more = end < len(window) or (habits.empty_last_page and page and end == len(window))
        payload = [self._rendered(row, service, entity_set, names, expand) for row in page]
        if habits.rows == "list":
            return {"d": payload}
        content = {"results": payload}
        if options.get("$inlinecount") == "allpages" and habits.count != "none":
            content["__count"] = str(total) if habits.count == "text" else total
        if more and habits.following != "none":
            content["__next"] = self._link(service, entity_set, options, end)
        return {"d": content}

    def _link(self, service, entity_set, options, token):
        kept = "&".join(f"{n}={v}" for n, v in options.items() if n != "$skiptoken")
        query = f"{kept}&$skiptoken={token}"
        if self.habits.following == "double":
            query = f"{kept}&%24skiptoken={token}&$skiptoken={token}"
        root = f"{PREFIX}/{service}/{entity_set}?{query}"
        return {
            "relative": f"{entity_set}?{query}",
            "double": f"{entity_set}?{query}",
            "absolute": f"{self.url}{root}",
            "inner_host": f"http://sapapp01.internal:8000{root}",
            "elsewhere": f"http://evil.example{PREFIX}/OTHER_SRV/Secrets?{query}",
            "loop": f"{self.url}{PREFIX}/{service}/{entity_set}?{kept}&$skiptoken=0",
        }[self.habits.following]

    def known(self, service, entity_set):
        inner = INNER.get(entity_set, ("",))[0]
        return {*kinds_of(service, entity_set), inner} - self.hidden_properties

    def _rendered(self, row, service, entity_set, names, expand):
        kinds = kinds_of(service, entity_set)
        wanted = [n for n in names if "/" not in n] if names else list(kinds)
        key = ",".join(f"{n}='{row.get(n)}'" for n in keys_of(service, entity_set))
        about = {"id": f"{entity_set}({key})", "type": f"{service}.{entity_set}Type"}
        shown = {"__metadata": about, **self._values(row, wanted, kinds)}
        if entity_set in INNER:
            navigation, target = INNER[entity_set]
            shown |= self._inside(row, service, navigation, target, names, navigation in expand)
        return shown

    def _inside(self, row, service, navigation, target, names, expanded):
        habits = self.habits
        if not expanded or habits.inner == "deferred":
            return {navigation: {"__deferred": {"uri": f"{navigation}"}}}
        if habits.inner == "absent":
            return {}
        kinds = kinds_of(service, target)
        wanted = [n.split("/")[1] for n in names or () if n.startswith(f"{navigation}/")]
        rows = [
            self._values(each, wanted or list(kinds), kinds) for each in self.inside(row, target)
        ]
        if habits.inner == "cut" and len(rows) > 1:
            return {navigation: {"results": rows[:1], "__next": f"{navigation}?$skiptoken=1"}}
        return {navigation: rows if habits.inner == "list" else {"results": rows}}

    def inside(self, row, target):
        """Return the rows that belong to a row."""
        link = {
            "PurchaseOrder": "PurchasingDocument",
            "PurchaseOrderItem": "PurchasingDocumentItem",
        }
        names = ("MaterialDocumentYear", "MaterialDocument", "PurchaseRequisition")
        links = (
            link if target == "A_PurchaseOrderScheduleLine" else {n: n for n in names if n in row}
        )
        tables = [rows for (_, name), rows in self.tables.items() if name == target]
        return [
            each
            for rows in tables
            for each in rows
            if all(each.get(theirs) == row.get(mine) for mine, theirs in links.items())
        ]

    def _values(self, row, names, kinds):
        values = {n: self._value(row.get(n), n, kinds[n]) for n in names}
        return {n: v for n, v in values.items() if v is not _ABSENT}

    def _value(self, value, name, kind):
        habits = self.habits
        if value in (None, "") or (value is False and habits.unset != "initial"):
            return self._unset(kind)
        if kind == "decimal":
            return self._decimal(value)
        if kind == "date":
            return self._date(value)
        if isinstance(value, bool):
            return habits.yes if value else False
        digits = str(value).isdigit() and name.endswith(("Item", "Line"))
        return str(value).zfill(5) if digits and habits.padded else str(value)

    def _unset(self, kind):
        if self.habits.unset == "absent":
            return _ABSENT
        if self.habits.unset == "null":
            return None
        epoch = "/Date(0)/" if self.habits.unset == "epoch" else None
        initial = {"decimal": "0.000", "date": epoch, "flag": False}
        return initial.get(kind, "")

    def _decimal(self, value):
        if not isinstance(value, Decimal):
            return value  # rubbish, as it is
        if self.habits.decimals == "number":
            return float(value)
        return f"{value:.14f}" if self.habits.decimals == "padded" else str(value)

    def _date(self, value):
        if not isinstance(value, date):
            return value
        if self.habits.dates == "iso":
            return f"{value.isoformat()}T00:00:00"
        stamp = int(datetime(value.year, value.month, value.day, tzinfo=UTC).timestamp()) * 1000
        return f"/Date({stamp}+0000)/" if self.habits.dates == "offset" else f"/Date({stamp})/"


_ABSENT = object()


def error(code, text, details=()):
    inner = {"errordetails": [*details]}
    message = {"lang": "en", "value": text}
    return {"error": {"code": code, "message": message, "innererror": inner}}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 20  # one segment per answer
    sap: StrictSap

    def log_message(self, *args):
        pass

    def date_time_string(self, timestamp=None):
        return self.sap.habits.header_date or super().date_time_string(NOW.timestamp())

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        sap = self.sap
        with sap.lock:
            sap.asked.append(self.path)
            sap.peers.add(self.client_address)
            fault = sap.get_faults.popleft() if sap.get_faults else None
        if callable(fault):
            fault(self)
            return
        if fault:
            self.send(fault, error(str(fault), "no"), {"Retry-After": "0"})
            return
        parts = urlsplit(self.path)
        service, _, entity = parts.path.removeprefix(f"{PREFIX}/").partition("/")
        options = {n: v[-1] for n, v in parse_qs(parts.query, keep_blank_values=True).items()}
        if not entity:
            self.send(200, {"d": {"EntitySets": []}}, sap.filing.token(self))
        elif entity == "$metadata":
            body = edmx(service, sap.hidden_properties, sap.hidden_sets)
            self.raw(200 if body else 404, body, "application/xml")
        elif (service, entity) not in sap.tables:
            self.send(404, error("404", f"Resource not found for segment '{entity}'"))
        else:
            self.send(*sap.page(service, unquote(entity), options))

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with self.sap.lock:
            self.sap.filing.post(self, body)

    def send(self, status, content, headers=None):
        self.raw(status, orjson.dumps(content), "application/json", headers)

    def raw(self, status, body, kind, headers=None):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.sap.habits.close:
            self.send_header("Connection", "close")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
