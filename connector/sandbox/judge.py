"""Business checks on a requisition: one bad line refuses the whole document.

Every line is judged before the answer, so the refusal names all of them. Message numbers are meant
to look like the ERP's, not to be looked up.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from connector.sandbox.filing import NewLine
from connector.sandbox.habits import Habits
from connector.sandbox.odata_errors import Finding, GatewayError
from connector.sandbox.payload import LINES, Asked, Values
from connector.sandbox.world import World
from connector.twin.scenario import GROUPS, UNITS

DOCUMENT_TYPES = ("NB", "UB")
_STEP, _LINES_MOST = 10, 9999
_NAMINGS = ("target", "key", "text")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A document that may be stored, and what the ERP still has to say about it."""

    lines: list[NewLine]
    document_type: str
    description: str
    only_validate: bool
    warnings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What is wrong with one line."""

    position: int  # in the payload, from 1
    line: int  # its item number
    code: str
    message: str
    property: str = ""
    status: int = 400


def judge(
    asked: Asked, world: World, habits: Habits, locked: Mapping[int, str] | None = None
) -> Judged:
    """Check a whole requisition against the world; raise GatewayError that names every bad line.

    `locked` maps payload positions (from 1) to the user who holds the material.
    """
    document_type = str(asked.header.get("PurchaseRequisitionType") or "NB")
    if document_type not in DOCUMENT_TYPES:
        raise GatewayError(400, "06/170", f"Document type {document_type} is not defined")
    if not asked.lines:
        raise GatewayError(400, "06/206", "A purchase requisition needs at least one item")
    troubles: list[Trouble] = []
    warnings: list[Finding] = []
    lines: list[NewLine] = []
    taken: set[int] = set()
    for position, values in enumerate(asked.lines, start=1):
        number = _line_number(values, taken)
        desk = _Desk(world, values, position, number)
        if locked and position in locked:
            desk.status = 400 if habits.lock_status == "400" else 423
            desk.refuse("M3/021", f"Material {desk.material} is locked by user {locked[position]}")
        line = desk.line(twice=number in taken)
        taken.add(number)
        troubles += desk.troubles
        warnings += desk.warnings
        if line is not None:
            lines.append(line)
    if troubles:
        raise refusal(troubles, habits, warnings)
    return Judged(
        lines=lines,
        document_type=document_type,
        description=str(asked.header.get("PurReqnDescription") or ""),
        only_validate=asked.header.get("PurReqnDoOnlyValidation") is True,
        warnings=tuple(warnings),
    )


def _line_number(values: Values, taken: set[int]) -> int:
    text = str(values.get("PurchaseRequisitionItem") or "").strip()
    if text.isdigit() and int(text) > 0:
        return int(text)
    return max(taken, default=0) + _STEP


def refusal(
    troubles: Sequence[Trouble], habits: Habits, warnings: Sequence[Finding] = ()
) -> GatewayError:
    """Return the answer that names the bad lines, each in one of the ways systems name them."""
    findings = tuple(_named(each, _naming(each, habits)) for each in troubles)
    main = findings[0]
    note = Finding(code="06/055", message="Purchase requisition was not created", severity="info")
    return GatewayError(
        max(each.status for each in troubles),
        main.code,
        main.message,
        findings=(*findings, *warnings, note),
    )


def _naming(trouble: Trouble, habits: Habits) -> str:
    if habits.line_naming != "mixed":
        return habits.line_naming
    return _NAMINGS[trouble.position % len(_NAMINGS)]


def _named(trouble: Trouble, naming: str) -> Finding:
    """Name a line by its position (from 1), by its key, in the text, or not at all."""
    target, text, ref = "", trouble.message, trouble.property
    tail = f"/{ref}" if ref else ""
    if naming == "target":
        target = f"/{LINES}({trouble.position}){tail}"
    elif naming == "key":
        key = f"PurchaseRequisition='',PurchaseRequisitionItem='{trouble.line}'"
        target = f"/#TRANSIENT#/{LINES}({key}){tail}"
        ref = f"{LINES}({key}){tail}"
    elif naming == "text":
        text = f"Item {trouble.line:05d}: {text}"
    return Finding(code=trouble.code, message=text, target=target, propertyref=ref)


class _Desk:
    """Where one line is looked at."""

    def __init__(self, world: World, values: Values, position: int, number: int) -> None:
        self.world = world
        self.facts = world.scenario
        self.values = values
        self.position = position
        self.number = number
        self.status = 400
        self.troubles: list[Trouble] = []
        self.warnings: list[Finding] = []
        self.material = _external(self._text("Material"))

    def _text(self, name: str) -> str:
        return str(self.values.get(name) or "")

    def refuse(self, code: str, message: str, prop: str = "") -> None:
        """Note that the line cannot be stored."""
        self.troubles.append(
            Trouble(
                position=self.position,
                line=self.number,
                code=code,
                message=message,
                property=prop,
                status=self.status,
            )
        )

    def line(self, *, twice: bool) -> NewLine | None:
        """Return the line as it will be stored, or None when something was refused."""
        if twice or self.number > _LINES_MOST * _STEP:
            self.refuse("06/051", f"Item number {self.number} cannot be used")
        item, node = self._item(), self._plant()
        supplying = self._supplying(node)
        quantity = self._quantity()
        group = self._group()
        if item >= 0 and node >= 0:
            self._unit(item)
            if self.facts.discontinued[item]:
                self.refuse("M3/303", f"Material {self.material} is marked for deletion")
        if self._text("AccountAssignmentCategory"):
            self.refuse("06/436", "Account assignment is mandatory", "AccountAssignmentCategory")
        if self.troubles:
            return None
        cell = item * self.facts.nodes + node
        return NewLine(
            line=self.number,
            cell=cell,
            quantity=quantity,
            due=self._due(cell),
            group=group or GROUPS[self.facts.group[item]],
            supplying=supplying,
            tracking=self._text("RequirementTracking"),
            requisitioner=self._text("RequisitionerName"),
            text=self._text("PurchaseRequisitionItemText"),
            storage=self._text("StorageLocation"),
            reference=self._text("PurReqnExternalReference"),
            line_reference=self._text("PurReqnItemExternalReference"),
            fixed=self.values.get("PurchaseRequisitionIsFixed") is True,
        )

    def _item(self) -> int:
        if not self.material:
            self.refuse("06/056", "Enter a material", "Material")
            return -1
        at = bisect_left(self.facts.materials, self.material)
        if at == len(self.facts.materials) or self.facts.materials[at] != self.material:
            text = f"Material {self.material} does not exist or is not activated"
            self.refuse("M3/305", text, "Material")
            return -1
        return at

    def _plant(self) -> int:
        plant = self._text("Plant")
        if plant not in self.facts.plants:
            self.refuse("06/052", f"Plant {plant} is not defined", "Plant")
            return -1
        return self.facts.plants.index(plant)

    def _supplying(self, node: int) -> int:
        plant = self._text("SupplyingPlant")
        if not plant:
            return -1
        if plant not in self.facts.plants:
            self.refuse("06/052", f"Supplying plant {plant} is not defined", "SupplyingPlant")
            return -1
        supplying = self.facts.plants.index(plant)
        if supplying == node:
            text = f"Supplying plant {plant} is the receiving plant"
            self.refuse("06/482", text, "SupplyingPlant")
        return supplying

    def _quantity(self) -> float:
        asked = self.values.get("RequestedQuantity")
        if not isinstance(asked, Decimal) or asked <= 0:
            self.refuse("06/012", "Enter a quantity above zero", "RequestedQuantity")
            return 0.0
        return float(asked)

    def _unit(self, item: int) -> None:
        unit = self._text("BaseUnit")
        base = UNITS[self.facts.unit[item]]
        if unit not in {"", base}:
            known = unit in UNITS or unit == "BOX"
            text = f"Enter the quantity in {base}" if known else f"Unit {unit} is not defined"
            self.refuse("06/059" if known else "BM/302", text, "BaseUnit")

    def _group(self) -> str:
        group = self._text("PurchasingGroup")
        if group and group not in GROUPS:
            self.refuse("06/050", f"Purchasing group {group} is not defined", "PurchasingGroup")
        return group

    def _due(self, cell: int) -> int:
        asked = self.values.get("DeliveryDate")
        planned = self.world.today + int(self.facts.lead_days[cell])
        if not isinstance(asked, date):
            return planned
        if asked.toordinal() < planned:
            text = f"Item {self.number}: delivery date cannot be met (planned lead time)"
            self.warnings.append(Finding(code="06/041", message=text, severity="warning"))
        return asked.toordinal()


def _external(material: str) -> str:
    """Return a material number without the leading zeros of its internal form."""
    return material.lstrip("0") or material if material.isdigit() else material
