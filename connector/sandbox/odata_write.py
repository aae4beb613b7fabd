"""Changing requests: filing a requisition by deep insert, deleting one of its lines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from connector.sandbox.faults import Fault, Switchboard
from connector.sandbox.habits import Habits
from connector.sandbox.journal import Journal
from connector.sandbox.judge import Judged, judge
from connector.sandbox.odata_address import Segment, read_key
from connector.sandbox.odata_errors import (
    Finding,
    GatewayError,
    bad_request,
    not_allowed,
    not_found,
)
from connector.sandbox.odata_read import Answer, Look, Reader, entity_named, whole_entity
from connector.sandbox.odata_schema import SERVICES
from connector.sandbox.payload import Asked, read_object, read_requisition, read_values

SERVICE = SERVICES["API_PURCHASEREQ_PROCESS_SRV"]
HEADER, LINE = "A_PurchaseRequisitionHeader", "A_PurchaseRequisitionItem"
_HOLDER = "SCHMIDT"  # who holds a locked material


@dataclass(frozen=True, kw_only=True)
class Accepted:
    """A requisition that passed every check and waits to be stored."""

    judged: Judged
    by: str


class Writer:
    """Checks first, stores afterwards: faults may come in between."""

    def __init__(self, journal: Journal, reader: Reader, switchboard: Switchboard) -> None:
        self._journal = journal
        self._reader = reader
        self._switchboard = switchboard

    def accept(self, look: Look, body: bytes, faults: Sequence[Fault]) -> Accepted:
        """Check a requisition; raise GatewayError when the ERP refuses it."""
        asked = read_requisition(body, SERVICE.sets[HEADER], SERVICE.sets[LINE])
        for fault in faults:
            if fault.kind == "reject_document":
                said = fault.options
                raise GatewayError(
                    400,
                    str(said.get("code", "06/255")),
                    str(said.get("message", "Posting period is closed")),
                )
        locked = self._locked(asked, [each for each in faults if each.kind == "lock"])
        hidden = look.user.hidden_plants
        refused = {str(line.get("Plant")) for line in asked.lines} & hidden
        if refused:
            msg = f"No authorization to create requisitions in plant {min(refused)}"
            raise GatewayError(400, "06/236", msg)
        judged = judge(asked, self._journal.world, look.habits, locked)
        return Accepted(judged=judged, by=look.user.name)

    def _locked(self, asked: Asked, faults: Sequence[Fault]) -> dict[int, str]:
        """Return the payload positions that these faults lock."""
        positions: dict[int, str] = {}
        for fault in faults:
            materials = {str(each) for each in fault.options.get("materials", ())}
            lines = set(fault.options.get("lines", ()))
            share = fault.says("share", 0.0 if materials or lines else 1.0)
            for position, line in enumerate(asked.lines, start=1):
                chosen = str(line.get("Material")) in materials or position in lines
                if chosen or (share > 0 and self._switchboard.chance() < share):
                    positions[position] = _HOLDER
        return positions

    def store(self, accepted: Accepted) -> int:
        """Store a requisition and return its number; 0 when it only was to be validated."""
        if accepted.judged.only_validate:
            return 0
        return self._journal.file(accepted.judged, by=accepted.by)

    def lose(self) -> int:
        """Return a number under which nothing will ever be found."""
        return self._journal.lose()

    def created(
        self, look: Look, accepted: Accepted, number: int, faults: Sequence[Fault] = ()
    ) -> Answer:
        """Return the 201; its body is what was stored, or what was asked where nothing was."""
        stored = number > 0 and len(self._journal.world.requisition_rows(number)) > 0
        if stored:
            text = whole_entity(self._reader, look, HEADER, f"'{number}'")
        else:
            text = orjson.dumps(self._echo(accepted, number)).decode()
        headers = _messages(accepted, faults)
        if number:
            root = f"{look.origin}/sap/opu/odata/sap/{SERVICE.name}/"
            headers["location"] = f"{root}{HEADER}('{number:010d}')"
        return Answer(status=201, body=f'{{"d":{text}}}'.encode(), headers=headers)

    def _echo(self, accepted: Accepted, number: int) -> dict[str, object]:
        facts, judged = self._journal.world.scenario, accepted.judged
        shown = f"{number:010d}" if number else ""
        return {
            "__metadata": {"type": f"{SERVICE.name}.{HEADER}Type"},
            "PurchaseRequisition": shown,
            "PurchaseRequisitionType": judged.document_type,
            "PurReqnDescription": judged.description,
            "PurReqnDoOnlyValidation": judged.only_validate,
            "to_PurchaseReqnItem": {
                "results": [
                    {
                        "PurchaseRequisition": shown,
                        "PurchaseRequisitionItem": f"{line.line:05d}",
                        "Material": facts.materials[facts.item[line.cell]],
                        "Plant": facts.plants[facts.node[line.cell]],
                        "RequestedQuantity": f"{line.quantity:.15g}",
                        "RequirementTracking": line.tracking,
                    }
                    for line in judged.lines
                ]
            },
        }

    def change(self, look: Look, body: bytes) -> Answer:
        """Delete a requisition line (IsDeleted = 'X'): the one change this service allows here."""
        segment: Segment = look.address.segments[0]
        entity = entity_named(SERVICE, segment.name)
        if not entity.updatable or segment.key is None or look.address.service != SERVICE.name:
            raise not_allowed(f"Method not allowed for entity set '{segment.name}'")
        values = read_values(read_object(body), entity)
        if values != {"IsDeleted": "X"}:
            changed = ", ".join(sorted(values)) or "nothing"
            raise bad_request(f"Only IsDeleted='X' can be set here, not {changed}", "06/034")
        key = read_key(segment.key, entity.keys)
        number, line = (int(str(key[name])) for name in entity.keys)
        if not self._journal.delete(number, line):
            raise not_found(f"Resource not found for the segment '{segment.name}'")
        return answer_to_change(look.habits, lambda: self._line(look, number, line))

    def _line(self, look: Look, number: int, line: int) -> bytes:
        key = f"PurchaseRequisition='{number}',PurchaseRequisitionItem='{line}'"
        return f'{{"d":{whole_entity(self._reader, look, LINE, key)}}}'.encode()


def answer_to_change(habits: Habits, body: Callable[[], bytes]) -> Answer:
    """Return 204, or 200 with the entity, as the system's habit is."""
    if habits.patch_answer == "200":
        return Answer(status=200, body=body())
    return Answer(status=204)


def _messages(accepted: Accepted, faults: Sequence[Fault]) -> dict[str, str]:
    """Return the sap-message header: what the ERP has to say although it stored everything."""
    said = list(accepted.judged.warnings)
    said += [
        Finding(
            code=str(fault.options.get("code", "06/042")),
            message=str(fault.options.get("message", "Source of supply is not unique")),
            severity="warning",
        )
        for fault in faults
        if fault.kind == "warn"
    ]
    if not said:
        return {}
    first, *others = (
        {"code": each.code, "message": each.message, "severity": each.severity, "target": ""}
        for each in said
    )
    return {"sap-message": orjson.dumps({**first, "details": others}).decode()}
