"""A small made-up site whose figures can be checked by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from connector.telemetry.report import ReportData
from connector.telemetry.report.data import (
    DAYS,
    DECISIONS,
    ERP_RULE,
    FINDINGS,
    MODES,
    OTHERS,
    OURS,
    POSTED,
    REVIEWS,
)

FIRST = date(2026, 3, 2)
LIVE = date(2026, 3, 6)
LAST = date(2026, 3, 9)


def day_row(world, day, node, served, stock):
    return {
        "world": world,
        "day": day,
        "node": node,
        "demand_units": 100.0,
        "served_units": served,
        "served_value": served * 2,
        "stock_units": stock / 2,
        "stock_value": stock,
        "transit_value": 50.0,
        "excess_value": stock / 10,
        "order_lines": 3,
        "order_units": 30.0,
        "order_value": 60.0,
    }


def decision(day, item, ours, erp, *, compared=True, node="1010", cost=2.0):
    return {
        "day": FIRST + timedelta(days=day),
        "node": node,
        "item": item,
        "ours": float(ours),
        "erp": float(erp),
        "unit_cost": cost,
        "compared": compared,
    }


@pytest.fixture
def days():
    """Ours serves 96 of 100 from 800; the ERP's rule 98 from 1000; node 1000 serves 99 and 97."""
    rows = []
    for number in range(8):
        day = FIRST + timedelta(days=number)
        rows += [
            day_row(OURS, day, "1010", 96.0, 800.0),
            day_row(ERP_RULE, day, "1010", 98.0, 1000.0),
        ]
        rows += [
            day_row(OURS, day, "1000", 99.0, 400.0),
            day_row(ERP_RULE, day, "1000", 97.0, 400.0),
        ]
    return pl.DataFrame(rows, schema=DAYS)


@pytest.fixture
def decisions():
    """Item A: wanted on 0, 1 and 2, the ERP's rule orders on 2 and, unforeseen, B on 3."""
    rows = [
        decision(0, "A", 20, 0),
        decision(1, "A", 22, 0),
        decision(2, "A", 24, 20),
        decision(2, "C", 5, 50),
        decision(3, "B", 0, 10),
        decision(3, "A", 0, 8),
        decision(4, "A", 40, 0, compared=False),
        decision(5, "A", 40, 0, compared=False),
    ]
    return pl.DataFrame(rows, schema=DECISIONS)


@pytest.fixture
def findings():
    row = {"day": FIRST, "node": "1010", "value": 9.0, "threshold": 3.0, "before": 90.0}
    rows = [
        {**row, "item": "A", "guard": "C4", "action": "hold", "after": 0.0, "money": 180.0},
        {**row, "item": "B", "guard": "C2", "action": "clamp", "after": 30.0, "money": 999.0},
        {**row, "item": "", "guard": "B5", "action": "warn", "after": 90.0, "money": None},
    ]
    return pl.DataFrame([{**each, "detail": "9 of 3"} for each in rows], schema=FINDINGS)


@pytest.fixture
def posted():
    row = {"day": LIVE, "node": "1010", "item": "A", "quantity": 40.0, "unit": "PC", "value": 80.0}
    rows = [
        {
            **row,
            "key": "K1",
            "number": "10000001",
            "line": "10",
            "state": "confirmed",
            "times_filed": 1,
        },
        {**row, "key": "K2", "number": "", "line": "", "state": "rejected", "times_filed": 0},
    ]
    return pl.DataFrame(rows, schema=POSTED)


@pytest.fixture
def report_data(days, decisions, findings, posted):
    others = {"node": "1010", "item": "Z", "mrp_type": "VB", "documents": 2}
    return ReportData(
        title="Eight days",
        site="north",
        currency="EUR",
        first_day=FIRST,
        last_day=LAST,
        made_at=datetime(2026, 3, 10, 7, 0, tzinfo=UTC),
        version="1.2.3",
        days=days,
        decisions=decisions,
        findings=findings,
        posted=posted,
        others=pl.DataFrame([{**others, "quantity": 4.0, "value": 8.0}], schema=OTHERS),
        modes=pl.DataFrame(
            [("1010", "shadow", FIRST, LIVE - timedelta(days=1)), ("1010", "live", LIVE, LAST)],
            schema=MODES,
            orient="row",
        ),
        reviews=pl.DataFrame(
            [
                (FIRST, "r-1", "done", 2, 1, 1, 0, 0.5, "p@1"),
                (LIVE, "r-2", "held", 2, 1, 0, 1, 1.5, "p@1"),
            ],
            schema=REVIEWS,
            orient="row",
        ),
        item_nodes=4,
        compared_from=LIVE,
        unmatched=0,
        guard_names={"C4": "relative jump"},
        facts=(("Seed", "7"),),
        notes=("Made up.",),
    )
