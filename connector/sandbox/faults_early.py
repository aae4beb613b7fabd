"""Answers that faults give in place of the system's own."""

from __future__ import annotations

from connector.sandbox.faults import Fault
from connector.sandbox.odata_errors import GatewayError
from connector.sandbox.odata_read import Answer

_HTML = "text/html; charset=utf-8"
_LOGIN = (
    b"<!DOCTYPE html><html><head><title>Logon</title></head><body>"
    b'<form name="loginForm" method="post" action="/sap/public/logon">'
    b'<input name="sap-user"><input name="sap-password" type="password"></form></body></html>'
)
_WORDS = {
    401: "Unauthorized",
    403: "Forbidden",
    429: "Too Many Requests",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
}


def early_answer(fault: Fault, *, status: int = 503) -> Answer:
    """Return what a fault says: a status with HTML, JSON or nothing, a login page, a redirect."""
    if fault.kind == "html_login":
        return Answer(status=200, body=_LOGIN, content_type=_HTML)
    if fault.kind == "redirect":
        where = str(fault.options.get("location", "http://127.0.0.1:1/sap/saml2/sp"))
        return Answer(status=302, content_type=_HTML, headers={"location": where})
    if fault.kind == "token_expired":
        return Answer(
            status=401,
            body=b'{"error":"invalid_token"}',
            headers={"www-authenticate": 'Bearer error="invalid_token"'},
        )
    status = int(fault.options.get("status", status))
    words = _WORDS.get(status, "Error")
    headers = {}
    if "retry_after" in fault.options:
        headers["retry-after"] = str(fault.options["retry_after"])
    form = fault.options.get("format", "html")
    if form == "none":
        return Answer(status=status, headers=headers)
    if form == "json":
        error = GatewayError(status, "/IWFND/CM_MGW/500", words)
        return Answer(status=status, body=error.json(), headers=headers)
    page = f"<html><head><title>{status} {words}</title></head><body>{words}</body></html>"
    return Answer(status=status, body=page.encode(), content_type=_HTML, headers=headers)
