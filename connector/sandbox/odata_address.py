"""What a request's path and query ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from connector.sandbox.odata_columns import Literal
from connector.sandbox.odata_errors import bad_request, not_found
from connector.sandbox.odata_filter import read_literal, tokens

PREFIX = "/sap/opu/odata/sap/"
_SEGMENT = re.compile(r"(?P<name>\$?\w+)(?:\((?P<key>.*)\))?", re.DOTALL)
_PAIR = re.compile(r"\s*(\w+)\s*=\s*('(?:[^']|'')*'|[^,']+(?:'[^']*')?)\s*(?:,|$)")
_OPTIONS = {
    "$filter",
    "$select",
    "$orderby",
    "$expand",
    "$top",
    "$skip",
    "$skiptoken",
    "$inlinecount",
    "$format",
}


@dataclass(frozen=True, kw_only=True)
class Segment:
    """One step of a path: an entity set, a way, a property, or $count, $value, $metadata."""

    name: str
    key: str | None = None  # the text between parentheses


@dataclass(frozen=True, kw_only=True)
class Address:
    """A service and the steps behind it."""

    service: str
    segments: tuple[Segment, ...]
    has_slash: bool  # the service's root was asked for with its closing slash

    @property
    def entity(self) -> str:
        """Return the first step's name, "" at the root."""
        return self.segments[0].name if self.segments else ""


@dataclass(frozen=True, kw_only=True)
class Query:
    """The system query options of one request."""

    filter: str = ""
    select: str = ""
    orderby: str = ""
    expand: str = ""
    top: int | None = None
    skip: int = 0
    skiptoken: str = ""
    counted: bool = False
    wants_json: bool = False
    kept: tuple[tuple[str, str], ...] = ()  # what a next link repeats


def read_path(raw_path: str) -> Address:
    """Read a percent-encoded path below PREFIX; raise GatewayError for what cannot be one."""
    service, _, rest = raw_path.removeprefix(PREFIX).partition("/")
    segments = []
    for part in rest.split("/"):
        if not part:
            continue
        match = _SEGMENT.fullmatch(unquote(part))
        if match is None:
            msg = f"Resource not found for the segment '{unquote(part)}'"
            raise not_found(msg)
        segments.append(Segment(name=match["name"], key=match["key"]))
    return Address(
        service=unquote(service).partition(";")[0],
        segments=tuple(segments),
        has_slash=raw_path.endswith("/"),
    )


def read_query(text: str) -> Query:
    """Read a query string. Of a doubled $skiptoken the last one counts, as on the Gateway."""
    pairs = parse_qsl(text, keep_blank_values=True)
    unknown = {name for name, _ in pairs if name.startswith("$")} - _OPTIONS
    if unknown:
        msg = f"System query option '{min(unknown)}' is not supported"
        raise bad_request(msg)
    said = dict(pairs)
    inline = said.get("$inlinecount", "none")
    if inline not in {"none", "allpages"}:
        msg = f"Invalid value '{inline}' for the system query option $inlinecount"
        raise bad_request(msg)
    top = said.get("$top")
    return Query(
        filter=said.get("$filter", ""),
        select=said.get("$select", ""),
        orderby=said.get("$orderby", ""),
        expand=said.get("$expand", ""),
        top=None if top is None else _whole("$top", top),
        skip=_whole("$skip", said.get("$skip", "0")),
        skiptoken=said.get("$skiptoken", ""),
        counted=inline == "allpages",
        wants_json=said.get("$format") == "json",
        kept=tuple(pair for pair in pairs if pair[0] != "$skiptoken"),
    )


def _whole(name: str, text: str) -> int:
    if not text.isdigit():
        msg = f"Invalid value '{text}' for the system query option {name}"
        raise bad_request(msg)
    return int(text)


def read_key(text: str, names: tuple[str, ...]) -> dict[str, Literal]:
    """Read what stands between an entity's parentheses; raise GatewayError for no whole key."""
    values: dict[str, str] = {}
    at = 0
    while match := _PAIR.match(text, at):
        if at == len(text):
            break
        values[match[1]] = match[2]
        at = match.end()
    if not values and len(names) == 1:
        values, at = {names[0]: text}, len(text)
    if at < len(text) or set(values) != set(names):
        msg = f"Malformed key predicate '({text})': expected {', '.join(names)}"
        raise bad_request(msg, "/IWBEP/CM_MGW_RT/021")
    literals: dict[str, Literal] = {}
    for name, value in values.items():
        found = tokens(value)
        if len(found) != 1:
            msg = f"Malformed value {value} in the key predicate"
            raise bad_request(msg)
        literals[name] = read_literal(found[0])
    return literals
