"""The two worlds the demo compares, item by item, against the sandbox's own account."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl
import pytest

from connector.demo.worlds import days_of, live_by_the_rule, relive, same, with_excess
from connector.errors import LedgerUnavailable
from connector.sandbox.baseline import under_the_erp_rule
from connector.sandbox.filing import NewLine
from connector.sandbox.journal import Journal
from connector.sandbox.judge import Judged
from connector.sandbox.world import World
from connector.twin.scenario import WorldOptions

OPTIONS = WorldOptions(items=12, regions=2, seed=3, history_days=20)
DAYS = 9


def judged(line):
    return Judged(
        document_type="NB", description="x", lines=[line], only_validate=False, warnings=[]
    )


@pytest.fixture(scope="module")
def rule():
    return live_by_the_rule(OPTIONS, DAYS)


def test_the_rules_world_is_the_sandboxs_baseline(rule):
    baseline = days_of([day.record() for day in under_the_erp_rule(OPTIONS, DAYS)], "erp_rule")
    assert baseline.height == DAYS * 3
    assert same(rule.days, baseline)


def test_its_orders_item_by_item_sum_to_its_account(rule):
    ordered = rule.orders.group_by("day", "node").agg(
        lines=pl.len().cast(pl.Int64),
        units=pl.col("quantity").sum(),
        value=(pl.col("quantity") * pl.col("unit_cost")).sum(),
    )
    both = rule.days.join(ordered, on=["day", "node"], how="left").fill_null(0)
    assert both["order_lines"].sum() > 0
    assert both["order_lines"].to_list() == both["lines"].to_list()
    assert both["order_units"].to_list() == pytest.approx(both["units"].to_list())
    assert both["order_value"].to_list() == pytest.approx(both["value"].to_list())


def test_what_is_left_and_served_item_by_item_sums_to_its_account(rule):
    left = rule.left.group_by("day", "node").agg(pl.col("on_hand").sum()).sort("day", "node")
    assert left["on_hand"].to_list() == pytest.approx(rule.days["stock_units"].to_list())
    assert rule.left.height == DAYS * 12 * 3
    assert rule.days["served_value"].null_count() == 0
    assert rule.days["served_value"].sum() > 0


def test_a_sandboxs_days_are_lived_through_again_from_its_state(tmp_path, rule):
    journal = Journal(World(OPTIONS), tmp_path / "state")
    for number in range(DAYS):
        if number == 2:
            journal.switch_planning("1010", on=False)
            line = NewLine(
                line=10, cell=1, quantity=400.0, due=journal.world.today + 3, group="001"
            )
            journal.file(judged(line), by="REPLENISHD")
        journal.advance()
    journal.close()
    ours = relive(OPTIONS, tmp_path / "state")
    told = days_of([day.record() for day in journal.world.chronicle.days[-DAYS * 3 :]], "ours")
    assert same(ours.days, told)
    assert not same(ours.days, rule.days)
    early = pl.col("day") < OPTIONS.first_day + timedelta(days=2)
    assert same(ours.days.filter(early), rule.days.filter(early))


def test_another_worlds_state_is_refused(tmp_path):
    Journal(World(OPTIONS), tmp_path / "state").close()
    with pytest.raises(LedgerUnavailable, match="another world"):
        relive(WorldOptions(items=12, regions=2, seed=4, history_days=20), tmp_path / "state")


def test_a_missing_day_is_a_difference(rule):
    assert not same(rule.days, rule.days.head(5))
    assert same(rule.days, rule.days.reverse())


def test_excess_is_stock_above_one_and_a_half_levels_at_cost(rule):
    day = rule.days["day"][0]
    days = rule.days.filter(pl.col("node") == "1000").head(2)
    left = pl.DataFrame(
        {
            "day": [day] * 3,
            "node": ["1000"] * 3,
            "item": ["A", "B", "C"],
            "on_hand": [40.0, 5.0, 9.0],
        }
    )
    levels = pl.DataFrame(
        {
            "node": ["1000"] * 3,
            "item": ["A", "B", "C"],
            "level": [20.0, 20.0, 2.0],
            "unit_cost": [3.0, 3.0, float("nan")],
        }
    )
    assert with_excess(days, left, levels)["excess_value"].to_list() == [30.0, None]
    assert isinstance(day, date)
