"""Demand per day: zeros count, outliers and corrections do not plan the next month."""

from __future__ import annotations

from datetime import timedelta
from statistics import mean, stdev

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_frames import (
    CUPS,
    DC,
    OTHER,
    REGION,
    SINCE,
    TEA,
    TODAY,
    ago,
    at,
    document,
    few,
    history,
    item,
    items,
    pipeline,
    received,
    state,
    stock,
    taken,
)

from connector.inventory.planning import Planning
from connector.inventory.snapshot import CONSUMPTION, ITEMS

WEEK = [10.0, 12.0, 9.0, 11.0, 8.0, 0.0, 0.0]


PLENTY = stock((REGION, 1000.0))  # no day was without stock


def demand_of(days, on_hand=PLENTY, **said):
    return at(state(history=history(taken(days)), stock=on_hand, **said))


def test_days_without_demand_count():
    days = WEEK * 8
    here = demand_of(days)
    assert here["demand_mean"] == pytest.approx(mean(days))
    assert here["demand_sd"] == pytest.approx(stdev(days))
    assert here["demand_zero_share"] == pytest.approx(2 / 7)
    assert here["demand_days"] == 56


def test_the_window_is_eight_weeks_and_today_is_not_over_yet():
    days = [1000.0] * 5 + [1.0] * 56
    assert demand_of(days)["demand_mean"] == 1.0
    today_too = taken([*days, 500.0], until=TODAY + timedelta(days=1))
    built = state(history=history(today_too))
    assert [at(built, node)["demand_mean"] for node in (DC, REGION, OTHER)] == [0.0, 1.0, 0.0]


def test_a_young_history_is_not_filled_with_zeros():
    here = at(state(history=history(taken([6.0] * 20), since=ago(20))))
    assert (here["demand_mean"], here["demand_days"]) == (6.0, 20.0)


def test_no_history_is_no_demand():
    here = at(state(history=history(since=None)))
    assert (here["demand_mean"], here["demand_sd"], here["demand_days"]) == (0.0, 0.0, 0.0)
    assert here["demand_zero_share"] == 1.0


def test_constant_demand_has_no_spread():
    assert demand_of([10.1] * 56)["demand_sd"] == 0.0


def arrival(days_ago, quantity=100.0):
    return received({"posted_on": ago(days_ago), "quantity": quantity})


def test_a_new_item_is_judged_from_its_first_receipt():
    days = [0.0] * 36 + [5.0] * 20
    here = at(state(history=history(taken(days), arrival(20)), stock=stock((REGION, 0.0))))
    assert (here["demand_mean"], here["demand_days"]) == (5.0, 20.0)


def test_an_item_that_was_there_before_is_judged_over_the_whole_window():
    days = [0.0] * 36 + [5.0] * 20
    here = at(state(history=history(taken(days), arrival(20)), stock=stock((REGION, 30.0))))
    assert here["demand_days"] == 56.0


def test_a_slow_item_with_one_sale_is_judged_over_the_whole_window():
    here = demand_of([1.0] + [0.0] * 9)
    assert here["demand_days"] == 56.0
    assert here["demand_mean"] == pytest.approx(1 / 56)


def test_a_central_node_is_judged_over_the_whole_window():
    """What it sends on is no consumption, so its past stock cannot be worked out."""
    first = received({"posted_on": ago(20), "quantity": 100.0, "node": DC})
    built = state(history=history(taken([5.0] * 20, DC), first))
    assert at(built, DC)["demand_days"] == 56.0


def sold_out(days, *arrivals, on_hand=0.0):
    """Return what is estimated from sales of `days` and these receipts."""
    receipts = received(*({"posted_on": ago(when), "quantity": units} for when, units in arrivals))
    here = at(state(history=history(taken(days), receipts), stock=stock((REGION, on_hand))))
    return here["demand_mean"], here["demand_days"]


def test_days_with_nothing_to_sell_do_not_count():
    """20 units sell over 20 days; nothing comes before the last four."""
    days = [1.0] * 40 + [0.0] * 12 + [1.0] * 4
    assert sold_out(days, (4, 4.0)) == (1.0, 44.0)


def test_what_came_today_could_not_be_sold_before():
    days = [1.0] * 40 + [0.0] * 16
    assert sold_out(days, (0, 90.0), on_hand=90.0) == (1.0, 40.0)


def test_a_day_on_which_the_rest_was_sold_counts():
    assert sold_out([0.0] * 55 + [3.0]) == (pytest.approx(3 / 56), 56.0)


def test_half_of_the_days_count_at_least():
    """One unit came and went the same day: 1 a day is not what to plan with."""
    assert sold_out([1.0] + [0.0] * 55) == (pytest.approx(1 / 28), 28.0)


@pytest.mark.parametrize("on_hand", [-3.0, 0.0])
def test_all_days_count_where_movements_are_missing(on_hand):
    """More arrived than can have been there: the past stock worked out would be negative."""
    days = [1.0] * 40 + [0.0] * 16
    assert sold_out(days, (50, 70.0), on_hand=on_hand) == (pytest.approx(40 / 56), 56.0)


def test_one_outlier_day_hardly_moves_the_estimate():
    usual = demand_of(WEEK * 8)
    days = WEEK * 8
    days[30] = 5000.0
    here = demand_of(days)
    assert usual["demand_mean"] < here["demand_mean"] < 1.1 * usual["demand_mean"]
    assert here["demand_sd"] < 1.5 * usual["demand_sd"]


@few
@given(
    days=st.lists(st.integers(1, 30).map(float), min_size=10, max_size=56), place=st.integers(0, 9)
)
def test_how_large_the_outlier_is_does_not_matter(days, place):
    large, absurd = list(days), list(days)
    large[place], absurd[place] = 1e5, 1e9
    both = pl.concat([taken(large), taken(absurd, item=CUPS)])
    built = state(items=items(item(), item(item=CUPS)), history=history(both))
    one, other = at(built, item=TEA), at(built, item=CUPS)
    assert one["demand_mean"] == pytest.approx(other["demand_mean"], rel=1e-9)
    assert one["demand_sd"] == pytest.approx(other["demand_sd"], rel=1e-9)


def test_the_largest_day_never_counts_less_than_the_second():
    days = [0.0] * 50 + [1.0, 1.0, 1.0, 0.0, 40.0, 50.0]
    cut = [*days[:-1], 40.0]  # far beyond six sd of the others without the second largest
    assert demand_of(days)["demand_mean"] >= mean(cut) - 1e-9


def test_a_lumpy_item_with_few_sales_is_left_alone():
    days = [0.0] * 53 + [1.0, 1.0, 300.0]
    assert demand_of(days)["demand_mean"] == pytest.approx(mean(days))


def test_a_wrong_posting_taken_back_later_leaves_no_trace():
    right = [10.0] * 56
    wrong = [10.0] * 40 + [1000.0, -980.0] + [10.0] * 14
    usual = demand_of(right)["demand_mean"]
    assert demand_of(wrong)["demand_mean"] == pytest.approx(usual, rel=0.01)
    assert demand_of(wrong)["demand_sd"] < 2.0


def test_taken_back_more_than_the_largest_day_lowers_all_days_and_never_below_zero():
    assert demand_of([10.0, 10.0, 10.0, -15.0])["demand_mean"] == pytest.approx(15 / 56)
    assert demand_of([10.0, -500.0])["demand_mean"] == 0.0


def test_a_short_history_is_completed_with_the_rate_behind_the_reorder_point():
    """(60 - 10) / 5 days = 10 a day for the 9 days that miss to 14."""
    young = {
        "items": items(item(reorder_point=60.0, safety_stock=10.0, lead_time_days=5.0)),
        "history": history(taken([2.0] * 5), since=ago(5)),
    }
    here = at(state(**young))
    assert here["demand_mean"] == pytest.approx((5 * 2 + 9 * 10) / 14)
    assert here["demand_days"] == 5.0


def test_a_new_item_without_any_history_is_planned_with_its_reorder_point():
    new = items(item(reorder_point=50.0, lead_time_days=5.0))
    here = at(state(items=new, history=history(since=None)))
    assert here["demand_mean"] == pytest.approx(10.0)
    assert 0.0 < here["demand_sd"] < 10.0
    assert 0.0 < here["demand_zero_share"] < 1e-4


def test_the_reorder_point_is_silent_once_the_history_is_long_enough():
    dead = items(item(reorder_point=500.0))
    assert at(state(items=dead))["demand_mean"] == 0.0


def test_the_reorder_point_of_a_central_node_speaks_of_transfers():
    built = state(items=items(item(DC, reorder_point=500.0)), history=history(since=None))
    assert at(built, DC)["demand_mean"] == 0.0


def test_an_echelon_adds_means_and_variances():
    both = pl.concat([taken(WEEK * 8), taken([4.0, 0.0] * 28, OTHER)])
    built = state(history=history(both))
    region, other, dc = at(built), at(built, OTHER), at(built, DC)
    assert dc["demand_mean"] == 0.0
    assert dc["echelon_demand_mean"] == pytest.approx(region["demand_mean"] + other["demand_mean"])
    variance = region["demand_sd"] ** 2 + other["demand_sd"] ** 2
    assert dc["echelon_demand_sd"] == pytest.approx(variance**0.5)
    assert region["echelon_demand_mean"] == region["demand_mean"]


def test_transfers_are_never_demand():
    moving = {
        "pipeline": pipeline(document(500.0, supplying_node=DC), document(90.0, kind="in_transit")),
        "stock": stock((DC, 900.0), (REGION, 1000.0), (REGION, 80.0, "in_transit")),
    }
    calm = state(history=history(taken(WEEK * 8)), stock=PLENTY)
    busy = state(history=history(taken(WEEK * 8), arrival(3, 500.0)), **moving)
    for node in (DC, REGION):
        for name in ("demand_mean", "demand_sd", "echelon_demand_mean", "echelon_demand_sd"):
            assert at(busy, node)[name] == at(calm, node)[name]


def test_items_do_not_mix():
    both = pl.concat([taken([1.0] * 56), taken([7.0] * 56, item=CUPS)])
    built = state(items=items(item(), item(item=CUPS)), history=history(both))
    assert at(built, item=TEA)["demand_mean"] == 1.0
    assert at(built, item=CUPS)["demand_mean"] == 7.0


def test_more_item_nodes_than_are_laid_out_at_once():
    many = 2 * 65_536 + 3
    names = pl.DataFrame({"item": pl.int_range(many, eager=True).cast(pl.String).str.zfill(7)})
    rows = names.join(items(item()).drop("item"), how="cross").select(ITEMS.names())
    sold = names.join(taken([56.0]).drop("item"), how="cross").select(CONSUMPTION.names())
    sold = sold.with_columns(quantity=pl.int_range(pl.len()).cast(pl.Float64) * 56)
    built = state(items=rows, history=history(sold))
    assert built.column("demand_mean") == pytest.approx(np.arange(many))


@few
@given(days=st.lists(st.integers(-40, 60).map(float), max_size=60))
def test_demand_is_finite_and_never_negative(days):
    here = demand_of(days)
    assert 0.0 <= here["demand_mean"] <= 60.0
    assert 0.0 <= here["demand_sd"] < 1e3
    assert 0.0 <= here["demand_zero_share"] <= 1.0


def test_the_window_is_a_decision():
    planning = Planning(demand_window_days=28)
    here = at(
        state(planning=planning, history=history(taken([9.0] * 28 + [3.0] * 28), since=SINCE))
    )
    assert (here["demand_mean"], here["demand_days"]) == (3.0, 28.0)
