"""Strict reading of a requisition's JSON, as the Gateway reads it before any business check.

Decimals are strings (a JSON number is refused), lengths and scales count, unknown properties are
errors, texts the ERP keeps in capitals are converted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson

from connector.sandbox.odata_errors import GatewayError
from connector.sandbox.odata_schema import EntitySet, Property

_DATE = re.compile(r"/Date\((-?\d{1,15})([+-]\d{4})?\)/")
_CAPITALS = {
    "Material",
    "Plant",
    "SupplyingPlant",
    "StorageLocation",
    "BaseUnit",
    "PurchasingGroup",
    "PurchasingOrganization",
    "RequirementTracking",
    "RequisitionerName",
    "PurchaseRequisitionType",
    "IsDeleted",
}
LINES = "to_PurchaseReqnItem"
Values = dict[str, str | Decimal | bool | date | None]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A requisition as it was asked for, read but not yet judged."""

    header: Values
    lines: tuple[Values, ...]


def read_requisition(body: bytes, header: EntitySet, line: EntitySet) -> Asked:
    """Read a deep insert; raise GatewayError for the first thing that is not as declared."""
    document = read_object(body)
    rows = document.pop(LINES, [])
    if isinstance(rows, dict):
        rows = rows.get("results")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        msg = f"Invalid value for the navigation property '{LINES}'"
        raise _malformed(msg)
    return Asked(
        header=read_values(document, header), lines=tuple(read_values(row, line) for row in rows)
    )


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object of a request's body."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _malformed("Error while parsing a JSON stream") from error
    if not isinstance(document, dict):
        raise _malformed("Error while parsing a JSON stream: an object is expected")
    return document


def read_values(row: Mapping[str, Any], entity: EntitySet) -> Values:
    """Return one entity's values by their declared types."""
    values: Values = {}
    for name, value in row.items():
        if name == "__metadata":
            continue
        prop = entity.properties.get(name)
        if prop is None:
            msg = f"Property '{name}' is invalid for type '{entity.type_name}'"
            raise _malformed(msg)
        values[name] = None if value is None else _value(prop, value)
    return values


def _value(prop: Property, value: Any) -> str | Decimal | bool | date:
    if prop.kind == "Edm.Boolean":
        if not isinstance(value, bool):
            raise _wrong(prop, value)
        return value
    if not isinstance(value, str):
        raise _wrong(prop, value)
    if prop.kind == "Edm.Decimal":
        return _decimal(prop, value)
    if prop.kind in {"Edm.DateTime", "Edm.DateTimeOffset"}:
        return _date(prop, value)
    text = value.upper() if prop.name in _CAPITALS else value
    if prop.length and len(text) > prop.length:
        msg = f"Value '{text}' of property '{prop.name}' exceeds the maximum length {prop.length}"
        raise _malformed(msg)
    return text


def _decimal(prop: Property, value: str) -> Decimal:
    try:
        number = Decimal(value)
    except InvalidOperation as error:
        raise _wrong(prop, value) from error
    if not number.is_finite() or not re.fullmatch(r"-?\d+(\.\d+)?", value):
        raise _wrong(prop, value)
    exponent = number.as_tuple().exponent
    decimals = -exponent if isinstance(exponent, int) and exponent < 0 else 0
    whole = prop.precision - prop.scale
    if decimals > prop.scale or abs(number) >= Decimal(10) ** whole:
        msg = (
            f"Value '{value}' of property '{prop.name}' does not fit"
            f" Precision={prop.precision} Scale={prop.scale}"
        )
        raise _malformed(msg)
    return number


def _date(prop: Property, value: str) -> date:
    if match := _DATE.fullmatch(value):
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(match[1]))
        return moment.date()
    try:
        return datetime.fromisoformat(value).date()
    except ValueError as error:
        raise _wrong(prop, value) from error


def _wrong(prop: Property, value: Any) -> GatewayError:
    shown = orjson.dumps(value).decode() if not isinstance(value, str) else f"'{value}'"
    return _malformed(f"Invalid value {shown[:60]} for property '{prop.name}' ({prop.kind})")


def _malformed(message: str) -> GatewayError:
    return GatewayError(400, "/IWBEP/CM_MGW_RT/022", message)
