"""What `replenishd check` asks an SAP system before anything is ordered from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from connector.erp.odata.catalogue import Expansion, Field, Read
from connector.erp.odata.fetch import Fetcher, missing_fields
from connector.erp.odata.metadata import EntityShape, Schema
from connector.erp.odata.transport import Transport
from connector.erp.sap.document_reads import OUR_LINES
from connector.erp.sap.fields import REQUISITION_SERVICE
from connector.erp.sap.plan import (
    REQUISITION_LINES,
    REQUISITION_SET,
    WRITTEN_HEADER,
    WRITTEN_LINE,
    reads,
    services,
)
from connector.erp.sap.read import SapReader
from connector.errors import ReplenishError
from connector.failsafes.control import Reading, clock_jump

if TYPE_CHECKING:
    from connector.erp.odata.connection import Connection
    from connector.erp.sap.site import SapSite
    from connector.failsafes.control_limits import ClockJump
    from connector.ports import Clock

_TYPES = {
    "key": {"Edm.String", "Edm.Guid", "Edm.Int32", "Edm.Int64", "Edm.Int16"},
    "text": {"Edm.String", "Edm.Boolean", "Edm.Decimal", "Edm.Int32"},
    "decimal": {"Edm.Decimal", "Edm.Double", "Edm.Single", "Edm.Int16", "Edm.Int32", "Edm.Int64"},
    "date": {"Edm.DateTime", "Edm.DateTimeOffset", "Edm.String"},
    "flag": {"Edm.Boolean", "Edm.String"},
}


@dataclass(frozen=True, kw_only=True)
class CheckFinding:
    """One thing a check found. `error`: nothing may be ordered before it is mended."""

    severity: Literal["error", "warning", "info"]
    subject: str
    message: str
    hint: str = ""


def check_connection(
    connection: Connection, site: SapSite, clock: Clock, limits: ClockJump
) -> list[CheckFinding]:
    """Return how the ERP takes us: reachable, our credentials, its clock against ours (A6)."""
    reader = SapReader(connection, site, clock)
    try:
        told = reader.server_time()
    except ReplenishError as error:
        return [_error("connection", error)]
    finally:
        reader.close()
    now = Reading(wall=clock.now(), monotonic=clock.monotonic(), boot_id=clock.boot_id())
    apart = abs((told - now.wall).total_seconds())
    message = f"reachable; its clock is {apart:.0f} s from ours"
    if not clock_jump(now, limits, erp_date=told):
        return [CheckFinding(severity="info", subject="connection", message=message)]
    message = f"{message}; A6 stops every review beyond {limits.erp_seconds:.0f} s"
    hint = "set both clocks by the same time service"
    return [CheckFinding(severity="error", subject="connection", message=message, hint=hint)]


def check_metadata(connection: Connection, site: SapSite, clock: Clock) -> list[CheckFinding]:
    """Return where the ERP's own description differs from what is read and written."""
    transport = Transport(connection, clock)
    fetcher = Fetcher(transport)
    schemas: dict[str, Schema] = {}
    found: list[CheckFinding] = []
    try:
        for service in services(site):
            try:
                schemas[service] = fetcher.schema(service)
            except ReplenishError as error:
                found.append(_error(service, error))
    finally:
        transport.close()
    return found + compared(schemas, site)


def compared(schemas: dict[str, Schema], site: SapSite) -> list[CheckFinding]:
    """Return where schemas differ from the catalogue; services not among them are skipped."""
    found: list[CheckFinding] = []
    for read in (*reads(site), OUR_LINES):
        if (schema := schemas.get(read.service)) is not None:
            found += _read(read, schema)
    if (schema := schemas.get(REQUISITION_SERVICE)) is not None:
        found += _written(schema)
    return list(dict.fromkeys(found))


def _read(read: Read, schema: Schema) -> list[CheckFinding]:
    subject = f"{read.service}/{read.entity_set}"
    known = schema.sets.get(read.entity_set)
    if known is None:
        is_there = read.entity_set in schema.untyped
        state = "cannot be typed" if is_there else "is missing"
        message = f"the entity set {state} ({read.purpose})"
        hint = "check the service's version and activation"
        severity: Literal["error", "warning"] = "warning" if read.optional else "error"
        return [CheckFinding(severity=severity, subject=subject, message=message, hint=hint)]
    found = _fields(subject, read.fields, known)
    lacking = [name for name in read.identity if name in known.properties and name not in known.key]
    if lacking and not _is_without_key(read):
        message = f"{', '.join(lacking)}: part of the key here, not there"
        found.append(CheckFinding(severity="warning", subject=subject, message=message))
    if read.expansion is not None:
        found += _expanded(subject, read.expansion, known, schema)
    return found


def _is_without_key(read: Read) -> bool:
    """Tell whether an entity declares a key that does not tell its rows apart."""
    return not read.orderable


def _expanded(
    subject: str, inner: Expansion, known: EntityShape, schema: Schema
) -> list[CheckFinding]:
    target = schema.sets.get(known.navigations.get(inner.navigation, ""))
    if target is None:
        message = f"{inner.navigation} leads nowhere; the rows inside are read by themselves"
        return [CheckFinding(severity="warning", subject=subject, message=message)]
    return _fields(f"{subject}/{inner.navigation}", inner.fields, target)


def _written(schema: Schema) -> list[CheckFinding]:
    subject = f"{REQUISITION_SERVICE}/{REQUISITION_SET}"
    header = schema.sets.get(REQUISITION_SET)
    if header is None:
        message = "the entity set is missing: nothing can be filed"
        return [CheckFinding(severity="error", subject=subject, message=message)]
    lines = schema.sets.get(header.navigations.get(REQUISITION_LINES, ""))
    if lines is None:
        message = f"{REQUISITION_LINES} is missing: lines cannot be filed with their header"
        return [CheckFinding(severity="error", subject=subject, message=message)]
    inside = f"{subject}/{REQUISITION_LINES}"
    return _fields(subject, WRITTEN_HEADER, header) + _fields(inside, WRITTEN_LINE, lines)


def _fields(subject: str, fields: tuple[Field, ...], known: EntityShape) -> list[CheckFinding]:
    found = [
        CheckFinding(
            severity="error" if field.required else "warning",
            subject=subject,
            message=f"{field.name} is missing",
            hint="the ERP's release renamed it, or the wrong service answers"
            if field.required
            else "done without",
        )
        for field in missing_fields(fields, known)
    ]
    for field in fields:
        if field.name in known.properties:
            found += _declared(subject, field, known)
    return found


def _declared(subject: str, field: Field, known: EntityShape) -> list[CheckFinding]:
    declared = known.properties[field.name]
    differences = []
    if declared.type not in _TYPES[field.kind]:
        differences.append(f"{field.name} is an {declared.type}; it is read as a {field.kind}")
    if field.max_length and declared.max_length and declared.max_length != field.max_length:
        lengths = f"{declared.max_length} characters, not {field.max_length}"
        differences.append(f"{field.name} holds {lengths}")
    if field.kind == "decimal" and -1 not in {field.scale, declared.scale}:  # noqa: SIM102
        if declared.scale != field.scale:
            differences.append(f"{field.name} has {declared.scale} decimals, not {field.scale}")
    return [
        CheckFinding(severity="warning", subject=subject, message=message)
        for message in differences
    ]


def _error(subject: str, error: ReplenishError) -> CheckFinding:
    message = str(error.args[0]) if error.args else type(error).__name__
    return CheckFinding(severity="error", subject=subject, message=message, hint=error.hint)
