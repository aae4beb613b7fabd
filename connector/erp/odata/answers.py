"""What the server answered, and which kind of trouble an answer is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from connector.erp.odata.errors import GatewayError, gateway_error
from connector.errors import (
    ErpContractBroken,
    ErpDenied,
    ErpUnavailable,
    ReplenishError,
)

OK = 200
CREATED = 201
NO_CONTENT = 204
BAD_REQUEST = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404
TOO_MANY = 429
SERVER_ERROR = 500
UNAVAILABLE = 503
WORTH_ANOTHER_TRY = frozenset({TOO_MANY, 502, UNAVAILABLE, 504})
# "Data is not found": some services say so instead of an empty page.
NO_DATA = "/IWBEP/CM_MGW_RT/022"
_HTML = re.compile(rb"(?is)^\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b")
_LOGIN = re.compile(rb"password|saml|log[ -]?on|log[ -]?in|anmeld", re.IGNORECASE)
_SNIFF_OCTETS = 4096


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One whole answer: read to its end, unpacked, within the limits."""

    method: str
    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)
    seconds: float = 0.0

    @property
    def path(self) -> str:
        """Return where it was asked, without the query."""
        return urlsplit(self.url).path

    @property
    def is_page_for_people(self) -> bool:
        """Tell whether a web page came where data was asked: mostly a login page."""
        kind = self.headers.get("Content-Type", "").lower()
        return "text/html" in kind or bool(_HTML.match(self.body[:_SNIFF_OCTETS]))

    @property
    def sent_at(self) -> datetime | None:
        """Return the server's clock, from its Date header."""
        return http_date(self.headers.get("Date", ""))

    def error(self) -> GatewayError | None:
        """Return the error body in the server's own words, or None when there is none to read."""
        return gateway_error(self.body, self.headers.get("Content-Type", ""))


def http_date(text: str) -> datetime | None:
    """Return an HTTP date as aware UTC, or None when it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def is_no_data(answer: Answer) -> bool:
    """Tell whether a refusal only means that nothing matched."""
    if answer.status not in {BAD_REQUEST, NOT_FOUND}:
        return False
    error = answer.error()
    return error is not None and any(each.code == NO_DATA for each in error.messages)


def require_data(answer: Answer) -> Answer:
    """Return an answer that carries data, or raise what kept it from doing so."""
    if answer.status == OK and not answer.is_page_for_people:
        return answer
    raise trouble(answer)


def trouble(answer: Answer) -> ReplenishError:
    """Return the error an answer stands for: by who can mend it, the ERP's words included."""
    asked = f"{answer.method} {answer.path}"
    if answer.status == OK:
        return _page_for_people(answer, asked)
    said = answer.error()
    words = f": {said.text}" if said is not None else ""
    facts = {"status": answer.status, "code": said.code if said else ""}
    msg = f"{asked} was answered {answer.status}{words}"
    if 300 <= answer.status < BAD_REQUEST:  # noqa: PLR2004 # the redirects
        host = urlsplit(answer.headers.get("Location", "")).hostname or "nowhere"
        msg = f"{asked} was redirected to {host}; redirects are never followed"
        return ErpContractBroken(msg, hint="set base_url to the final address", **facts)
    if answer.status in {UNAUTHORIZED, FORBIDDEN}:
        hint = "check user, password and the authorisations of its role"
        return ErpDenied(msg, hint=hint, **facts)
    if answer.status in WORTH_ANOTHER_TRY or answer.status >= SERVER_ERROR:
        return ErpUnavailable(msg, hint="the next review tries again", **facts)
    hint = "`replenishd check` compares the service with what we read"
    return ErpContractBroken(msg, hint=hint, **facts)


def _page_for_people(answer: Answer, asked: str) -> ReplenishError:
    msg = f"{asked} was answered with a web page, not with data"
    if _LOGIN.search(answer.body[: 16 * _SNIFF_OCTETS]):
        hint = "a login page: check the credentials, or set saml2_disabled"
        return ErpDenied(msg, hint=hint, status=answer.status)
    hint = "a proxy or maintenance page: look at base_url in a browser"
    return ErpUnavailable(msg, hint=hint, status=answer.status)
