"""What became of a requisition that was sent: decided by a list of definite answers, else in doubt.

An answer is definite when it is whole and either a 201 with a number, or a refusal in SAP's own
words with a status that SAP gives before it stores anything. Everything else may have been stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from connector.erp.odata.answers import (
    BAD_REQUEST,
    CREATED,
    FORBIDDEN,
    NO_CONTENT,
    NOT_FOUND,
    OK,
    TOO_MANY,
    UNAUTHORIZED,
    UNAVAILABLE,
    Answer,
)
from connector.erp.odata.csrf import is_token_refused
from connector.erp.odata.errors import header_messages
from connector.erp.sap.naming import messages_of_lines
from connector.erp.sap.plan import REQUISITION_LINES
from connector.erp.sap.requisition import item_number
from connector.ports import (
    ErpMessage,
    Filed,
    InDoubt,
    NotSent,
    PostOutcome,
    Rejected,
    RequisitionDocument,
    Validated,
)

REFUSING = frozenset({BAD_REQUEST, NOT_FOUND, 409, 412, 422, 423})
# No line's own fault: nothing may be sent before a person has mended it in the ERP.
DENYING = {
    UNAUTHORIZED: ("credentials refused", "check user and password"),
    FORBIDDEN: (
        "authorisation refused",
        "give its user M_BANF_BSA, _EKG, _EKO, M_BANF_WRK to create, S_SERVICE for the service",
    ),
}
_NUMBER_LENGTH = 10


def outcome(
    answer: Answer, document: RequisitionDocument, *, waits: float | None, only_validate: bool
) -> PostOutcome:
    """Return what an answer proves. `waits` is its Retry-After in seconds, None = none given."""
    if answer.status == TOO_MANY or (answer.status == UNAVAILABLE and waits is not None):
        return NotSent(reason=f"throttled: {answer.status}", retry_after_seconds=waits or 0.0)
    if is_token_refused(answer):
        return NotSent(reason="the ERP refused the CSRF token, twice")
    if answer.status in REFUSING | DENYING.keys():
        return _refused(answer, document)
    if only_validate and answer.status in {OK, CREATED, NO_CONTENT}:
        return _validated(answer, document)
    if answer.status == CREATED:
        return _filed(answer, document)
    return InDoubt(reason=f"answered {answer.status}, which proves nothing")


def _refused(answer: Answer, document: RequisitionDocument) -> PostOutcome:
    error = answer.error()
    if error is None:
        return InDoubt(reason=f"answered {answer.status} without an error one can read")
    if answer.status in DENYING:
        what, next_step = DENYING[answer.status]
        said = f"{error.code} {error.text}".strip()
        return NotSent(reason=f"{what}: {said} ({next_step})")
    return Rejected(messages=messages_of_lines(error.messages, document))


def _filed(answer: Answer, document: RequisitionDocument) -> PostOutcome:
    entity = _entity(answer.body)
    number = _text(entity, "PurchaseRequisition") if entity is not None else ""
    if entity is None or not number.strip("0"):
        return InDoubt(reason="answered 201 without a requisition number one can read")
    return Filed(
        number=number.lstrip("0") if number.isdigit() else number,
        lines=_lines(entity, document),
        messages=messages_of_lines(header_messages(answer.headers), document),
    )


def _validated(answer: Answer, document: RequisitionDocument) -> PostOutcome:
    entity = _entity(answer.body)
    if answer.status != NO_CONTENT and entity is None:
        return InDoubt(reason=f"a validation was answered {answer.status} without a body to read")
    number = _text(entity or {}, "PurchaseRequisition")
    if number.isalnum() and number.strip("0"):
        # Asked to check only, it stored one: that is a requisition like any other.
        return _stored_though_validating(answer, document)
    found = messages_of_lines(header_messages(answer.headers), document)
    if any(message.severity == "error" for message in found):
        return Rejected(messages=found)
    return Validated(messages=found)


def _stored_though_validating(answer: Answer, document: RequisitionDocument) -> PostOutcome:
    filed = _filed(answer, document)
    if not isinstance(filed, Filed):
        return filed
    text = f"requisition {filed.number} was stored although only a check was asked for"
    warning = ErpMessage(code="replenishd/stored", text=text, severity="warning")
    return Filed(number=filed.number, lines=filed.lines, messages=(*filed.messages, warning))


def _entity(body: bytes) -> Mapping[str, Any] | None:
    try:
        content = orjson.loads(body.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return None
    entity = content.get("d") if isinstance(content, dict) else None
    if isinstance(entity, dict) and isinstance(entity.get("results"), dict):
        entity = entity["results"]
    return entity if isinstance(entity, dict) else None


def _lines(entity: Mapping[str, Any], document: RequisitionDocument) -> dict[str, str]:
    """Return the ERP's line number of each key: by our key, else by the order they were sent in."""
    inner = entity.get(REQUISITION_LINES)
    rows = inner.get("results") if isinstance(inner, dict) else inner
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    keys = {line.key for line in document.lines}
    tracked = {_text(row, "RequirementTracking").upper(): _number(row) for row in rows}
    if named := {key: number for key, number in tracked.items() if key in keys and number}:
        return named
    sent = [item_number(n) for n in range(len(document.lines))]
    told = [_number(row) for row in rows]
    numbers = told if len(told) == len(sent) and all(told) else sent
    return {line.key: number for line, number in zip(document.lines, numbers, strict=True)}


def _number(row: Mapping[str, Any]) -> str:
    return _text(row, "PurchaseRequisitionItem").lstrip("0")


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return str(value).strip() if isinstance(value, str | int) else ""
