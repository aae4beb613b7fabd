"""How the strict SAP takes requisitions: tokens and cookies first, then V2's own strictness."""

from __future__ import annotations

import re
import time
from collections import deque
from datetime import UTC, datetime
from decimal import Decimal

import orjson

_LINES = "to_PurchaseReqnItem"
_ITEMS = ("API_PURCHASEREQ_PROCESS_SRV", "A_PurchaseRequisitionItem")
_LENGTHS = {"RequirementTracking": 10, "Plant": 4, "Material": 40, "BaseUnit": 3}


class Filing:
    """`faults` is used up, one per POST that gets past the token."""

    def __init__(self, sap):
        self.sap = sap
        self.faults: deque = deque()
        self.next_number = 10_000_000
        self.tokens: dict[str, str] = {}
        self.fetches = 0
        self.rejects: dict[str, dict] = {}  # material -> an error detail
        self.late: list[tuple[float, list[dict]]] = []

    def token(self, handler):
        if handler.headers.get("X-CSRF-Token") != "Fetch" or not self.sap.habits.csrf:
            return {}
        self.fetches += 1
        session = f"S{self.fetches}"
        self.tokens[session] = f"T{self.fetches}"
        return {
            "X-CSRF-Token": self.tokens[session],
            "Set-Cookie": f"SAP_SESSIONID={session}; Path=/",
        }

    def expire(self):
        self.tokens.clear()

    def post(self, handler, body):
        if self.sap.habits.csrf and not self._is_known(handler):
            text = b"CSRF token validation failed"
            handler.raw(403, text, "text/plain", {"X-CSRF-Token": "Required"})
            return
        self.sap.post_headers.append(dict(handler.headers))
        fault = self.faults.popleft() if self.faults else None
        if callable(fault):
            fault(handler)
            return
        if fault == "reset_before":
            _hang_up(handler)
            return
        status, content, headers = self.file(orjson.loads(body), stored_later=fault == "late")
        if fault in {"lost_after", "late"}:
            _hang_up(handler)
        elif fault == "truncated":
            handler.send_response(status)
            handler.send_header("Content-Type", "application/json")
            handler.send_header("Content-Length", "99999")
            handler.end_headers()
            handler.wfile.write(orjson.dumps(content)[:40])
            _hang_up(handler)
        else:
            handler.send(fault or status, content, headers)

    def _is_known(self, handler):
        session = re.search(r"SAP_SESSIONID=(\w+)", handler.headers.get("Cookie", ""))
        token = handler.headers.get("X-CSRF-Token")
        return session is not None and self.tokens.get(session[1]) == token

    def file(self, document, *, stored_later):
        self.sap.posted.append(document)
        lines = document[_LINES]["results"]
        for line in lines:
            if refusal := self._refusal(line):
                return 400, refusal, {}
        bad = [
            (n, self.rejects[x["Material"]])
            for n, x in enumerate(lines)
            if x["Material"] in self.rejects
        ]
        if bad:
            details = [
                detail | {"target": detail.get("target", "").format(n=n)} for n, detail in bad
            ]
            return 400, _error("ME/083", "the requisition was not created", details), {}
        if document.get("PurReqnDoOnlyValidation"):
            return 201, {"d": {"PurchaseRequisition": "", _LINES: None}}, {}
        number = str(self.next_number)
        self.next_number += 1
        rows = [self._row(number, line) for line in lines]
        if stored_later:
            self.late.append((time.monotonic() + 0.2, rows))
        else:
            self.sap.rows(*_ITEMS).extend(rows)
        shown = [
            {n: x[n] for n in ("PurchaseRequisitionItem", "RequirementTracking")} for x in lines
        ]
        content = {"PurchaseRequisition": number, _LINES: {"results": shown}}
        return 201, {"d": content}, {}

    def settle(self):
        """Store what was to be stored later."""
        for _, rows in self.late:
            self.sap.rows(*_ITEMS).extend(rows)
        self.late.clear()

    def _refusal(self, line):
        for name, most in _LENGTHS.items():
            if len(line.get(name, "")) > most:
                return _error("4005", f"{name} is too long")
        quantity = line["RequestedQuantity"]
        if not isinstance(quantity, str):
            return _error("4044", "Edm.Decimal wants a string")
        if not re.fullmatch(r"\d{1,10}\.\d{3}", quantity):
            return _error("4005", f"{quantity} does not fit 13,3")
        if not re.fullmatch(r"/Date\(\d+\)/", line["DeliveryDate"]):
            return _error("4005", "DeliveryDate is no date")
        return None

    def _row(self, number, line):
        stamp = int(re.search(r"\d+", line["DeliveryDate"])[0]) / 1000
        return {
            **line,
            "PurchaseRequisition": number,
            "RequestedQuantity": Decimal(line["RequestedQuantity"]),
            "OrderedQuantity": Decimal("0.000"),
            "DeliveryDate": datetime.fromtimestamp(stamp, UTC).date(),
            "IsDeleted": "",
            "IsClosed": False,
        }


def _error(code, text, details=()):
    inner = {"errordetails": list(details)}
    return {"error": {"code": code, "message": {"lang": "en", "value": text}, "innererror": inner}}


def _hang_up(handler):
    handler.close_connection = True
    handler.wfile.flush()
    handler.connection.close()
