"""The report's figures, against numbers worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from connector.errors import SnapshotUnfit
from connector.telemetry.report.data import DAYS, ERP_RULE, OURS
from connector.telemetry.report.kpis import Kpi, agreement, compare, shortfalls, with_freshness
from connector.telemetry.report.order_pictures import orders_by_day, sizes
from connector.telemetry.report.words import change_of, headline


def figures(data, node=None):
    return {kpi.name: kpi for kpi in compare(data, node)}


def test_every_figure_is_what_its_definition_says(report_data):
    kpis = figures(report_data)
    assert (kpis["Fill rate"].ours, kpis["Fill rate"].erp) == (0.975, 0.975)
    assert (kpis["Average stock"].ours, kpis["Average stock"].erp) == (1200.0, 1400.0)
    assert (kpis["Stock on the last day"].ours, kpis["Stock on the last day"].erp) == (1300, 1500)
    assert kpis["Turns a year"].ours == pytest.approx(365 * 390 / 1200)
    assert kpis["Days of supply"].ours == pytest.approx(1200 / 390)
    assert kpis["Excess stock"].erp == pytest.approx(140.0)
    assert (kpis["Order lines"].ours, kpis["Value ordered"].ours) == (24, 480.0)
    assert kpis["Fill rate"].verdict == "same"
    assert kpis["Average stock"].verdict == "better"
    assert kpis["Order lines"].verdict == ""


def test_a_node_is_judged_alone_and_worse_is_said(report_data):
    north = figures(report_data, "1010")
    assert (north["Fill rate"].ours, north["Fill rate"].erp) == (0.96, 0.98)
    assert north["Fill rate"].verdict == "worse"
    assert figures(report_data, "1000")["Fill rate"].verdict == "better"
    assert shortfalls(report_data) == ("Fill rate at 1010: 96.00% against 98.00%",)
    assert "worse in 1 of the figures" in headline(report_data)[1]


def test_days_before_the_comparison_do_not_count(report_data, days):
    early = days.with_columns(
        served_units=pl.when(pl.col("day") < report_data.compared_from)
        .then(0.0)
        .otherwise("served_units")
    )
    assert figures(replace(report_data, days=early))["Fill rate"].ours == 0.975
    whole = figures(replace(report_data, days=early, compared_from=None))["Fill rate"]
    assert whole.ours == pytest.approx(0.4875)


def test_half_a_sum_is_no_sum(report_data, days):
    holed = days.with_columns(
        served_value=pl.when(pl.col("node") == "1000").then("served_value"),
        excess_value=pl.when(pl.col("world") == OURS).then("excess_value"),
    )
    kpis = figures(replace(report_data, days=holed))
    assert kpis["Turns a year"].ours == pytest.approx(365 * 195 / 600)
    assert "units" in kpis["Turns a year"].means
    assert kpis["Excess stock"].ours is not None
    assert kpis["Excess stock"].erp is None
    assert kpis["Excess stock"].verdict == ""
    assert change_of(kpis["Excess stock"]) == ""


def test_without_a_second_world_nothing_is_called_better(report_data, days):
    alone = replace(report_data, days=days.filter(pl.col("world") == OURS))
    assert {kpi.verdict for kpi in compare(alone)} == {""}
    assert shortfalls(alone) == ()
    assert headline(alone)[0].startswith("2 order lines were recommended")


def test_without_days_every_figure_is_unknown_never_zero(report_data):
    nothing = replace(report_data, days=DAYS.to_frame())
    assert {(kpi.ours, kpi.erp) for kpi in compare(nothing)} == {(None, None)}


@pytest.mark.parametrize(
    ("kind", "better", "ours", "erp", "verdict", "change"),
    [
        ("share", "higher", 0.9801, 0.98, "same", "+0.01 points"),
        ("share", "higher", 0.9821, 0.98, "better", "+0.21 points"),
        ("share", "higher", 0.9779, 0.98, "worse", "−0.21 points"),
        ("money", "lower", 101.0, 100.0, "worse", "+1.0%"),
        ("money", "lower", 99.0, 100.0, "better", "−1.0%"),
        ("money", "lower", 100.0, 0.0, "", ""),
        ("count", "neither", 5.0, 4.0, "", "+25.0%"),
    ],
)
def test_a_verdict_needs_a_direction_and_a_difference(*, kind, better, ours, erp, verdict, change):
    kpi = Kpi(name="x", means="", kind=kind, better=better, ours=ours, erp=erp)
    assert kpi.verdict == verdict
    assert change_of(kpi) == change


def test_agreement_counts_lines_on_the_same_states_only(report_data):
    met = agreement(report_data)
    assert (met.both, met.only_ours, met.only_erp) == (2, 2, 2)
    assert met.alike == 1  # A: 24 against 20; C: 5 against 50
    assert met.ahead == 1  # A on day 3 was wanted the day before; B never
    assert (met.ours, met.fresh) == (4, 2)
    assert (met.share, met.reached) == (0.5, 0.75)


def test_a_wish_is_fresh_only_at_the_first_of_consecutive_reviews(report_data):
    marked = with_freshness(report_data).filter(pl.col("item") == "A").sort("day")
    assert marked["fresh"].to_list() == [True, False, False, False, True, False]
    assert marked["wanted_before"].to_list() == [False, True, True, True, True, True]


def test_orders_by_day_split_repeats_in_shadow_and_take_the_other_world_when_live(report_data):
    daily = orders_by_day(report_data)
    assert daily["day"].to_list() == sorted(report_data.days["day"].unique().to_list())
    assert daily["fresh_value"].to_list() == [40.0, 0.0, 10.0, 0.0, 80.0, 80.0, 0.0, 0.0]
    assert daily["again_value"].to_list() == [0.0, 44.0, 48.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert daily["erp_value"].to_list() == [0.0, 0.0, 140.0, 36.0, 120.0, 120.0, 120.0, 120.0]
    assert daily["erp_lines"].to_list() == [0, 0, 2, 2, 6, 6, 6, 6]


def test_sizes_compare_fresh_wishes_with_orders(report_data):
    pairs = sizes(report_data)
    assert pairs.select("item", "ours", "erp").rows() == [("C", 5.0, 50.0), ("A", 20.0, 14.0)]


def test_a_missing_column_is_named(report_data, days):
    with pytest.raises(SnapshotUnfit, match="the report's days lack stock_value"):
        replace(report_data, days=days.drop("stock_value"))


def test_a_frame_is_brought_to_its_types(report_data, days):
    loose = days.with_columns(pl.col("order_lines").cast(pl.UInt32), extra=1)
    assert replace(report_data, days=loose).days.schema == DAYS
    assert report_data.world(ERP_RULE).height == 8
