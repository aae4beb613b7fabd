"""Requisitions as tests send them, and answers as tests are given."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from connector.ports import RequisitionDocument, RequisitionLine

DUE = date(2026, 12, 15)


def line(n, **changes):
    known = {
        "key": f"KEY000000{n}",
        "site": "dc1",
        "node": "1010",
        "item": ("100001", "100002", "FG-3", "5")[n],
        "quantity": Decimal(20),
        "unit": "PC",
        "due": DUE,
        "purchasing_group": "001",
        "supplying_node": "1000",
    }
    return RequisitionLine(**{**known, **changes})


def document(*lines, **changes):
    known = {"key": "DOCUMENT22", "node": "1010", "purchasing_group": "001", "lines": lines}
    return RequisitionDocument(**{**known, **changes})


THREE = document(line(0), line(1), line(2))


def answers(status, body, kind="application/json", **headers):
    return lambda handler: handler.raw(status, body, kind, headers)
