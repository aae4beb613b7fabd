"""Error bodies and message headers of an OData V2 server, JSON or XML, in one shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from lxml import etree

from connector.erp.odata.xml import XmlRefused, parse_xml

_MESSAGES_MAX = 500
_TEXT_MAX = 500
_OCTETS_MAX = 4 * 1024 * 1024
_SEVERITIES = {
    **dict.fromkeys(("error", "e", "a", "x", "abort", "4"), "error"),
    **dict.fromkeys(("warning", "w", "3"), "warning"),
    **dict.fromkeys(("info", "information", "i", "s", "success", "1", "2"), "info"),
}


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message as the server worded it; `target` and `field` point where it meant."""

    code: str
    text: str
    severity: str = "error"  # error | warning | info
    target: str = ""
    field: str = ""


@dataclass(frozen=True, kw_only=True)
class GatewayError:
    """A refusal: the leading message, then all of them, each once."""

    code: str
    text: str
    messages: tuple[Message, ...]


def gateway_error(body: bytes, content_type: str) -> GatewayError | None:
    """Return the error in a body, or None when there is no error one can read."""
    if not body or len(body) > _OCTETS_MAX:
        return None
    head = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if head == b"<":
        return _from_xml(body) if "html" not in content_type.lower() else None
    return _from_json(body)


def header_messages(headers: Mapping[str, str]) -> tuple[Message, ...]:
    """Return the messages that came beside a success, in the `sap-message` header."""
    found: list[Message] = []
    for name in ("sap-message", "sap-messages"):
        content = _json(headers.get(name, "").encode())
        for each in content if isinstance(content, list) else [content]:
            if isinstance(each, dict):
                found += [_message(each, "info"), *_details(each)]
    return _each_once(found)


def _from_json(body: bytes) -> GatewayError | None:
    content = _json(body)
    error = content.get("error") if isinstance(content, dict) else None
    if not isinstance(error, dict):
        return None
    leading = _message(error, "error")
    messages = _each_once([leading, *_details(error)])
    return GatewayError(code=leading.code, text=leading.text, messages=messages)


def _json(body: bytes) -> Any:
    try:
        return orjson.loads(body.lstrip(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None


def _details(error: Mapping[str, Any]) -> list[Message]:
    inner = error.get("innererror")
    lists = [error.get("details"), inner.get("errordetails") if isinstance(inner, dict) else None]
    found: list[Message] = []
    for each in lists:
        # Some releases wrap the list once more.
        rows = each.get("errordetail") if isinstance(each, dict) else each
        rows = [rows] if isinstance(rows, dict) else rows
        if isinstance(rows, list):
            found += [_message(row, "error") for row in rows if isinstance(row, dict)]
    return found


def _message(row: Mapping[str, Any], severity: str) -> Message:
    text = row.get("message", "")
    text = text.get("value", "") if isinstance(text, dict) else text
    stated = row.get("severity", row.get("numericSeverity", row.get("@Common.numericSeverity")))
    stated = str(stated or severity).lower()
    return Message(
        code=_short(row.get("code")),
        text=_short(text),
        severity=_SEVERITIES.get(stated, "error"),
        target=_short(row.get("target")),
        field=_short(row.get("propertyref", row.get("propertyRef"))),
    )


def _from_xml(body: bytes) -> GatewayError | None:
    try:
        root = parse_xml(body, octets_max=_OCTETS_MAX)
    except XmlRefused:
        return None
    if etree.QName(root).localname != "error":
        return None
    leading = _message(_children(root), "error")
    rows = [_message(_children(row), "error") for row in root.iter("{*}errordetail")]
    messages = _each_once([leading, *rows])
    return GatewayError(code=leading.code, text=leading.text, messages=messages)


def _children(node: etree._Element) -> dict[str, str]:
    return {
        etree.QName(child).localname: "".join(map(str, child.itertext()))
        for child in node
        if isinstance(child.tag, str)
    }


def _short(value: Any) -> str:
    return "" if value is None else str(value).strip()[:_TEXT_MAX]


def _each_once(messages: Sequence[Message]) -> tuple[Message, ...]:
    """Drop repeats: details often say the leading message again, only with a target."""
    kept: list[Message] = []
    pointed = {(each.code, each.text) for each in messages if each.target or each.field}
    for each in messages:
        said_better = (each.code, each.text) in pointed and not (each.target or each.field)
        if each not in kept and not said_better and (each.code or each.text):
            kept.append(each)
    return tuple(kept[:_MESSAGES_MAX])
