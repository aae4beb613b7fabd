from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest
from builders import (
    DAY,
    NOW,
    SITE,
    TODAY,
    Scene,
    feed_of,
    many,
    one,
    ordered_of,
    previous_of,
    said,
    scene_of,
    vitals_of,
)

from connector.errors import SnapshotUnfit
from connector.failsafes.data_limits import PartialData, StaleData
from connector.failsafes.verdicts import Action

HOLD = Action.NODE_HOLD
HOUR = timedelta(hours=1)


def crowd(number: int = 100) -> Scene:
    return scene_of(*many(number))


def is_held(scene: Scene) -> bool:
    screened = scene.screened()
    return bool((screened.lines["quantity"] == 0).all()) and bool(
        (screened.lines["action"] == HOLD).all()
    )


# B1


@pytest.mark.parametrize(("age", "trips"), [(5.99, False), (6.0, False), (6.01, True)])
def test_b1_an_old_picture_holds_the_site(age, trips):
    scene = scene_of().seeing(taken_at=NOW - age * HOUR)
    assert said(scene.screened(), "B1") == [HOLD] * trips
    assert is_held(scene) is trips


@pytest.mark.parametrize(("age", "trips"), [(5.99, False), (6.0, False), (6.01, True)])
def test_b1_one_old_read_holds_the_site(age, trips):
    scene = scene_of().seeing(
        feeds=(feed_of(), feed_of(name="orders", started_at=NOW - age * HOUR))
    )
    assert said(scene.screened(), "B1") == [HOLD] * trips
    if trips:
        assert one(scene.screened(), "B1")["detail"] == "orders: hours old"


@pytest.mark.parametrize(("age", "trips"), [(1.99, False), (2.0, False), (2.01, True)])
def test_b1_follows_the_rhythm_of_reviews(age, trips):
    scene = scene_of({"review_days": 1 / 24}).seeing(taken_at=NOW - age * HOUR)
    assert said(scene.screened(), "B1") == [HOLD] * trips


@pytest.mark.parametrize(("reviews", "trips"), [(2.9, True), (3.0, False), (3.1, False)])
def test_b1_allows_as_many_review_periods_as_said(reviews, trips):
    scene = scene_of({"review_days": 1 / 24}).seeing(taken_at=NOW - 3 * HOUR)
    scene = scene.limited(stale_data=StaleData(reviews=reviews))
    assert said(scene.screened(), "B1") == [HOLD] * trips


@pytest.mark.parametrize(("ahead", "trips"), [(119, False), (120, False), (121, True)])
def test_b1_a_picture_from_the_future_is_not_believed(ahead, trips):
    scene = scene_of().seeing(taken_at=NOW + timedelta(seconds=ahead))
    assert said(scene.screened(), "B1") == [HOLD] * trips


def test_b1_says_age_and_limit():
    row = one(scene_of().seeing(taken_at=NOW - 7 * HOUR).screened(), "B1")
    assert (row["node"], row["item"], row["value"], row["threshold"]) == ("", "", 7.0, 6.0)


# B2


@pytest.mark.parametrize(("rows", "trips"), [(99, True), (100, False), (101, True)])
def test_b2_the_erps_own_count_must_be_met(rows, trips):
    scene = scene_of().seeing(feeds=(feed_of(rows=rows, expected=100),))
    assert said(scene.screened(), "B2") == [HOLD] * trips
    assert is_held(scene) is trips


@pytest.mark.parametrize(
    ("expected", "duplicates", "says"),
    [(None, 0, []), (None, 1, [HOLD]), (7, 1, [Action.WARN])],
)
def test_b2_repeated_rows_need_a_count_to_be_believed(expected, duplicates, says):
    feed = feed_of(rows=7, expected=expected, duplicates=duplicates)
    assert said(scene_of().seeing(feeds=(feed,)).screened(), "B2") == says


def test_b2_warns_when_no_read_left_evidence():
    assert said(scene_of().seeing(feeds=()).screened(), "B2") == [Action.WARN]


def test_b2_a_configured_node_without_items_is_held():
    scene = scene_of().but(nodes=("1010", "1020"))
    row = one(scene.screened(), "B2")
    assert (row["node"], row["action"]) == ("1020", HOLD)
    assert scene.quantities() == [10.0]


def test_b2_a_node_without_any_stock_row_is_held():
    scene = scene_of({}, {"node": "1020"})
    stock = scene.snapshot.stock.filter(pl.col("node") == "1010")
    scene = scene.seeing(stock=stock).remembering(vitals=vitals_of(scene.state, 0))
    lines = scene.screened().lines
    assert lines["quantity"].to_list() == [10.0, 0.0]
    assert lines["action"].to_list() == [Action.WARN, HOLD]


@pytest.mark.parametrize(("usual", "trips"), [(173, False), (174, False), (175, True)])
def test_b2_fewer_rows_than_usual(usual, trips):
    # 100 rows against 0.98 x usual - 5 of slack - 5 sqrt(usual)
    scene = crowd()
    vitals = vitals_of(scene.state, stock_rows=usual)
    assert said(scene.remembering(vitals=vitals).screened(), "B2") == [HOLD] * trips


@pytest.mark.parametrize(("usual", "trips"), [(52, True), (53, True), (54, False)])
def test_b2_more_rows_than_usual(usual, trips):
    # 100 rows against 1.1 x usual + 5 of slack + 5 sqrt(usual)
    scene = crowd()
    vitals = vitals_of(scene.state, stock_rows=usual)
    assert said(scene.remembering(vitals=vitals).screened(), "B2") == [HOLD] * trips


@pytest.mark.parametrize(
    ("limits", "usual", "trips"),
    [
        (PartialData(sigmas=0, rows=0, low=0.5), 199, False),
        (PartialData(sigmas=0, rows=0, low=0.5), 200, False),
        (PartialData(sigmas=0, rows=0, low=0.5), 201, True),
        (PartialData(sigmas=0, rows=0, high=2.0), 51, False),
        (PartialData(sigmas=0, rows=0, high=2.0), 50, False),
        (PartialData(sigmas=0, rows=0, high=2.0), 49, True),
        (PartialData(sigmas=0, rows=10, low=1.0), 109, False),
        (PartialData(sigmas=0, rows=10, low=1.0), 110, False),
        (PartialData(sigmas=0, rows=10, low=1.0), 111, True),
        (PartialData(sigmas=1, rows=0, low=1.0), 110, False),  # 110 - sqrt(110) = 99.5
        (PartialData(sigmas=1, rows=0, low=1.0), 111, True),
    ],
)
def test_b2_rows_by_its_parameters(limits, usual, trips):
    scene = crowd().limited(partial_data=limits)
    vitals = vitals_of(scene.state, stock_rows=usual)
    assert said(scene.remembering(vitals=vitals).screened(), "B2") == [HOLD] * trips


def test_b2_fewer_items_than_usual():
    scene = crowd()
    vitals = vitals_of(scene.state, items=150)
    row = one(scene.remembering(vitals=vitals).screened(), "B2")
    assert (row["value"], row["threshold"]) == (100.0, 0.98 * 150 - 5)


def test_b2_compares_with_the_same_weekday():
    # Tuesdays have 100 rows, all other days 300.
    scene = crowd()
    usual = {age: 100 if age % 7 == 0 else 300 for age in range(1, 61)}
    vitals = vitals_of(scene.state, stock_rows=usual)
    assert said(scene.remembering(vitals=vitals).screened(), "B2") == []
    turned = {age: 300 if age % 7 == 0 else 100 for age in range(1, 61)}
    vitals = vitals_of(scene.state, stock_rows=turned)
    assert said(scene.remembering(vitals=vitals).screened(), "B2") == [HOLD]


@pytest.mark.parametrize(("days", "says"), [(3, [Action.WARN]), (4, [HOLD]), (5, [HOLD])])
def test_b2_needs_some_reviews_for_a_median(days, says):
    scene = crowd()
    vitals = vitals_of(scene.state, days, stock_rows=300)
    assert said(scene.remembering(vitals=vitals).screened(), "B2") == says


@pytest.mark.parametrize(("lost", "trips"), [(2, False), (3, True)])
def test_b2_item_nodes_that_came_or_went(lost, trips):
    scene = crowd()
    previous = previous_of(scene.state).head(100 - lost)
    assert said(scene.remembering(previous=previous).screened(), "B2") == [HOLD] * trips


@pytest.mark.parametrize(
    ("limits", "lost", "trips"),
    [
        (PartialData(keys=0.05, keys_few=0), 4, False),
        (PartialData(keys=0.05, keys_few=0), 5, True),  # 5 of the 95 before
        (PartialData(keys=0.05, keys_few=5), 5, False),
        (PartialData(keys=0.05, keys_few=5), 6, True),
    ],
)
def test_b2_item_nodes_by_its_parameters(limits, lost, trips):
    scene = crowd().limited(partial_data=limits)
    previous = previous_of(scene.state).head(100 - lost)
    assert said(scene.remembering(previous=previous).screened(), "B2") == [HOLD] * trips


def test_b2_counts_who_went_and_who_came():
    scene = crowd()
    renamed = previous_of(scene.state).with_columns(
        item=pl.when(pl.int_range(pl.len()) < 2)
        .then(pl.lit("X") + pl.col("item"))
        .otherwise("item")
    )
    assert one(scene.remembering(previous=renamed).screened(), "B2")["value"] == 4.0


@pytest.mark.parametrize(("before", "trips"), [(999, False), (1000, False), (1001, True)])
def test_b2_nine_of_ten_open_documents_gone(before, trips):
    scene = crowd()
    vitals = vitals_of(scene.state, pipeline_rows=before)
    assert said(scene.remembering(vitals=vitals).screened(), "B2") == [HOLD] * trips


@pytest.mark.parametrize(("rows", "trips"), [(41, False), (40, True), (39, True)])
def test_b2_few_open_documents_say_nothing(rows, trips):
    scene = scene_of(*many(5)).limited(
        partial_data=PartialData(pipeline_low=0.5, pipeline_rows=rows)
    )
    vitals = vitals_of(scene.state, pipeline_rows=40)
    assert said(scene.remembering(vitals=vitals).screened(), "B2") == [HOLD] * trips


@pytest.mark.parametrize(("share", "trips"), [(0.9, False), (1.0, False)])
def test_b2_a_growing_pipeline_is_no_fault(share, trips):
    scene = crowd().limited(partial_data=PartialData(pipeline_low=share))
    assert said(scene.screened(), "B2") == [HOLD] * trips


def test_an_item_node_that_stands_here_twice_cannot_be_screened():
    scene = scene_of({"item": "M1"}, {"item": "M1"}, {"node": "1020"})
    previous = scene.memory.previous.unique(("node", "item"))
    with pytest.raises(SnapshotUnfit, match="M1 at 1010"):
        scene.remembering(previous=previous).screened()


def test_first_review_warns_and_lets_the_other_limits_bind():
    scene = crowd()
    scene = scene.remembering(
        previous=previous_of(scene.state).clear(),
        previous_on=None,
        ordered=ordered_of(scene.state, 0),
        vitals=vitals_of(scene.state, 0),
    )
    screened = scene.screened()
    assert set(screened.findings["action"]) == {Action.WARN}
    assert set(screened.findings["guard"]) == {"A7", "B2", "B7", "B8", "B9", "C4", "D2"}
    assert (screened.lines["quantity"] == 10.0).all()
    fat = scene.asking(5000.0).screened()
    assert (fat.lines["quantity"] == 0.0).all()
    assert said(fat, "C1") == [Action.SUPPRESS] * 100


def test_a_new_node_warns_for_itself_only():
    scene = scene_of({}, {"node": "1020"})
    known = scene.memory.previous.filter(pl.col("node") == "1010")
    screened = scene.remembering(previous=known).screened()
    assert one(screened, "B7")["node"] == "1020"


def test_slots_of_any_shape_are_compared():
    scene = crowd()
    vitals = vitals_of(scene.state, stock_rows=300).with_columns(
        slot=pl.lit("hand-made-") + pl.col("slot").str.slice(-16, 8)
    )
    assert said(scene.remembering(vitals=vitals).screened(), "B2") == [HOLD]
    assert ("site", scene.memory.previous_on) == (SITE, TODAY - DAY)
