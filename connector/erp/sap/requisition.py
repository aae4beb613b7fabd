"""A requisition document as SAP's deep insert wants it, exact to the last decimal."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from connector.erp.sap.plan import REQUISITION_LINES, VALIDATION
from connector.erp.sap.site import SapSite
from connector.ports import ErpMessage, RequisitionDocument, RequisitionLine

_STEP = 10  # of item numbers
_DESCRIPTION_LENGTH = 40
_DIGITS = 13  # of a quantity, decimals included
_LENGTHS = {"key": 10, "node": 4, "item": 40, "unit": 3, "purchasing_group": 3}
REFUSED = "replenishd/refused"  # our own message code: SAP was not asked


def item_number(position: int) -> str:
    """Return the item number of the line at a position: 10, 20, ..."""
    return str(_STEP * (position + 1))


def payload(
    document: RequisitionDocument, site: SapSite, *, scale: int, only_validate: bool
) -> dict[str, Any]:
    """Return the body of the deep insert. What SAP may not know is left out, never sent empty."""
    header: dict[str, Any] = {
        "PurchaseRequisitionType": site.requisition_type,
        "PurReqnDescription": description(document),
    }
    if only_validate:
        header[VALIDATION] = True
    lines = [_line(line, n, site, scale) for n, line in enumerate(document.lines)]
    return header | {REQUISITION_LINES: {"results": lines}}


def description(document: RequisitionDocument) -> str:
    """Return the header text: the document's key, with its description behind where both fit."""
    said = document.description
    text = said if document.key in said else f"{document.key} {said}".strip()
    return text[:_DESCRIPTION_LENGTH]


def quantity_text(quantity: Decimal, scale: int) -> str:
    """Return a quantity with the ERP's decimals; raise ValueError where it does not fit them."""
    if not quantity.is_finite() or quantity <= 0:
        msg = f"quantity {quantity} is not a positive number"
        raise ValueError(msg)
    fitted = quantity.quantize(Decimal(1).scaleb(-scale))
    if fitted != quantity:
        msg = f"quantity {quantity} has more than {scale} decimals"
        raise ValueError(msg)
    if len(fitted.as_tuple().digits) > _DIGITS:
        msg = f"quantity {quantity} has more than {_DIGITS} digits"
        raise ValueError(msg)
    return f"{fitted:f}"


def day_text(day: date) -> str:
    """Return a day as V2 writes it: milliseconds of its midnight, UTC."""
    midnight = datetime.combine(day, time(), UTC)
    return f"/Date({int(midnight.timestamp()) * 1000})/"


def refusals(document: RequisitionDocument, site: SapSite, *, scale: int) -> list[ErpMessage]:
    """Return why lines cannot be sent as they are: nothing is rounded, nothing is cut."""
    found = [
        ErpMessage(code=REFUSED, text=reason, line_key=line.key)
        for line in document.lines
        for reason in _reasons(line, document, scale)
    ]
    most = site.lines_per_requisition
    if not 0 < len(document.lines) <= most:
        text = f"a requisition of {len(document.lines)} lines; 1 to {most} are sent"
        found.append(ErpMessage(code=REFUSED, text=text))
    keys = [line.key for line in document.lines]
    if len(set(keys)) < len(keys):
        found.append(ErpMessage(code=REFUSED, text="two lines have one key"))
    return found


def _reasons(line: RequisitionLine, document: RequisitionDocument, scale: int) -> list[str]:
    reasons = [
        f"{name} {value!r} is not 1 to {most} characters"
        for name, most in _LENGTHS.items()
        if not 0 < len(value := getattr(line, name)) <= most
    ]
    if line.node != document.node:
        reasons.append(f"the line is for {line.node}, its document for {document.node}")
    try:
        quantity_text(line.quantity, scale)
    except (ValueError, ArithmeticError) as error:
        reasons.append(str(error) or f"quantity {line.quantity} is not a number SAP holds")
    return reasons


def _line(line: RequisitionLine, position: int, site: SapSite, scale: int) -> dict[str, Any]:
    optional = {
        "PurchasingOrganization": site.purchasing_organizations.get(line.node, ""),
        "StorageLocation": site.storage_locations.get(line.node, ""),
        "SupplyingPlant": line.supplying_node,
        "PurchasingDocumentItemCategory": site.transfer_item_category
        if line.supplying_node
        else "",
    }
    return {
        "PurchaseRequisitionItem": item_number(position),
        "Material": line.item,
        "Plant": line.node,
        "RequestedQuantity": quantity_text(line.quantity, scale),
        "BaseUnit": line.unit,
        "DeliveryDate": day_text(line.due),
        "PurchasingGroup": line.purchasing_group,
        "RequirementTracking": line.key,
        "RequisitionerName": site.requisitioner,
        "PurchaseRequisitionIsFixed": True,
    } | {name: value for name, value in optional.items() if value}
