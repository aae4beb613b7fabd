"""From accounts to the report's frames."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta

import polars as pl

from connector.demo.compose import filed_counts, spans, unmatched, with_times_filed
from connector.demo.play import Diary, Turn
from connector.demo.summary import as_document
from connector.site.account import STOCK, Account
from connector.site.others import WANTED
from connector.site.recorded import decisions, recorded
from connector.telemetry.report import render
from connector.telemetry.report.data import MODES, POSTED, REVIEWS

FIRST = date(2026, 11, 2)


def day(number):
    return FIRST + timedelta(days=number)


def wanted(*rows):
    return pl.DataFrame(rows, schema=WANTED, orient="row")


def posted(*keys):
    rows = [
        (FIRST, key, "1010", "A", 4.0, "PC", 8.0, number, "10", "filed", None)
        for key, number in keys
    ]
    return pl.DataFrame(rows, schema=POSTED, orient="row")


def test_both_sides_orders_meet_by_day_and_item_node_before_going_live():
    ours = wanted((day(0), "1010", "A", 5.0, 2.0), (day(2), "1010", "A", 6.0, 2.0))
    erp = wanted(
        (day(0), "1010", "A", 7.0, 2.0),
        (day(1), "1010", "B", 9.0, 3.0),
        (day(2), "1010", "A", 9.0, 2.0),
    )
    met = decisions(ours, erp, compared_before=day(2))
    assert met.rows() == [
        (day(0), "1010", "A", 5.0, 7.0, 2.0, True),
        (day(1), "1010", "B", 0.0, 9.0, 3.0, True),
        (day(2), "1010", "A", 6.0, 0.0, 2.0, False),
    ]


def test_what_the_erp_holds_twice_or_nobody_else_knows_is_counted():
    ledger = [{"key": key} for key in ("K1", "K2", "K2", "K9", "")]
    ours = posted(("K1", "100"), ("K2", "101"), ("K3", "102"), ("K4", ""))
    assert filed_counts(ledger) == {"K1": 1, "K2": 2, "K9": 1}
    assert with_times_filed(ours, ledger)["times_filed"].to_list() == [1, 2, 0, 0]
    assert unmatched(ours, ledger) == 2  # K3 only here, K9 only there; K4 has no number
    assert unmatched(posted(("K1", "100")), [{"key": "K1"}]) == 0


def test_modes_are_spans_per_plant():
    diary = Diary(
        first_day=FIRST,
        days=[day(number) for number in range(6)],
        turns=[Turn(day=day(3), live=("1000",)), Turn(day=day(5), live=("1000", "1010"))],
    )
    assert spans(diary, ("1000", "1010", "1020")).rows() == [
        ("1000", "shadow", FIRST, day(2)),
        ("1000", "live", day(3), day(5)),
        ("1010", "shadow", FIRST, day(4)),
        ("1010", "live", day(5), day(5)),
        ("1020", "shadow", FIRST, day(5)),
    ]


def test_a_ledger_alone_makes_a_report_that_claims_no_comparison():
    account = Account(
        ours=wanted((FIRST, "1010", "A", 5.0, 2.0)),
        foreign=wanted((FIRST, "1010", "A", 6.0, 2.0)),
        stock=pl.DataFrame(
            [(FIRST, "1010", "A", 40.0, 4.0, 2.0, 20.0), (FIRST, "1010", "B", -3.0, 0.0, 2.0, 9.0)],
            schema=STOCK,
            orient="row",
        ),
        modes=pl.DataFrame([("1010", "shadow", FIRST, FIRST)], schema=MODES, orient="row"),
        reviews=pl.DataFrame(
            [(FIRST, "r1", "done", 2, 1, 0, 0, 1.0, "p@1")], schema=REVIEWS, orient="row"
        ),
        item_nodes=2,
    )
    data = recorded(
        account,
        site="north",
        currency="CHF",
        first=FIRST,
        last=day(6),
        made_at=datetime(2026, 11, 9, tzinfo=UTC),
    )
    row = data.days.row(0, named=True)
    assert (row["stock_value"], row["transit_value"], row["excess_value"]) == (80.0, 8.0, 20.0)
    assert (row["served_units"], row["order_lines"]) == (None, 0)
    document = json.loads(json.dumps(as_document(data)))
    assert document["figures"]["Fill rate"] == {"ours": None, "erp_rule": None, "verdict": ""}
    assert document["figures"]["Average stock"]["ours"] == 80.0
    assert document["counts"]["Filed twice"] == "–"
    assert document["live_from"] is None
    page = render(data)
    assert "There is no second world to compare with" in page
    assert "Of 1 order lines of the ERP&#39;s rule in shadow, replenishd wanted 100%" in page
    assert "On hand at the review" in page
    assert "CHF" in page
