from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from builders import (
    DAY,
    NOW,
    SITE,
    TODAY,
    many,
    one,
    own_of,
    previous_of,
    receipts_of,
    said,
    scene_of,
    snapshot_of,
    vitals_of,
)

from connector.failsafes.aftermath import previous_after, refused_nodes, vitals_after
from connector.failsafes.total_limits import Budget
from connector.failsafes.verdicts import Action
from connector.inventory.memory import PREVIOUS, VITALS
from connector.inventory.snapshot import History


def remembered(scene):
    return previous_after(
        state=scene.state,
        snapshot=scene.snapshot,
        memory=scene.memory,
        limits=scene.limits,
        screened=scene.screened(),
    )


def vital(scene):
    return vitals_after(
        slot=f"{SITE}/replenishment/{TODAY:%Y%m%d}T060000Z",
        state=scene.state,
        snapshot=scene.snapshot,
        limits=scene.limits,
        screened=scene.screened(),
    )


def test_a_quiet_review_is_remembered_as_it_was_seen():
    scene = scene_of({"unit_cost": 7.0, "lot_multiple": 2.0}, {"node": "1020"})
    frame = remembered(scene)
    assert frame.schema == PREVIOUS
    names = [name for name in PREVIOUS if name != "starved_reviews"]
    assert frame.select(names).equals(scene.state.frame.select(names))


def test_a_first_review_is_remembered_too():
    scene = scene_of().remembering(previous=PREVIOUS.to_frame(), previous_on=None)
    assert remembered(scene)["on_hand"].to_list() == [40.0]


def test_stock_that_was_not_believed_is_not_remembered():
    scene = scene_of({"on_hand": 0.0, "inventory_position": 20.0}, {})
    was = previous_of(scene.state, on_hand=[90.0, 50.0])
    scene = scene.remembering(previous=was)
    assert one(scene.screened(), "B7")["item"] == "M0"
    # 90 less a day's demand of 10; the other line as seen
    assert remembered(scene)["on_hand"].to_list() == [80.0, 40.0]


def test_a_stock_read_as_zero_stays_held_for_as_long_as_it_would_have_lasted():
    scene = scene_of({"on_hand": 0.0, "inventory_position": 20.0}).asking(0.0, 0.0)
    scene = scene.remembering(previous=previous_of(scene.state, on_hand=90.0))
    held = 0
    while said(scene.screened(), "B7"):
        scene = scene.remembering(previous=remembered(scene))
        held += 1
    assert held == 6  # from 90 down to the 35 that a day may explain


def test_a_vanished_pipeline_is_expected_until_it_is_received():
    scene = scene_of()
    scene = scene.remembering(previous=previous_of(scene.state, pipeline=100.0))
    scene = scene.seeing(history=replace(History(), receipts=receipts_of({"quantity": 15.0})))
    scene = scene.remembering(own=own_of({"quantity": 5.0}))
    assert said(scene.screened(), "B8") == [Action.HOLD]
    assert remembered(scene)["pipeline"].to_list() == [90.0]


def test_a_changed_unit_is_asked_about_until_somebody_answers():
    scene = scene_of({"lot_multiple": 2.0})
    scene = scene.remembering(previous=previous_of(scene.state, unit=["CS"], lot_multiple=12.0))
    kept = remembered(scene)
    assert kept.select("unit", "lot_multiple").row(0) == ("CS", 12.0)
    assert said(scene.remembering(previous=kept).screened(), "B9") == [Action.HOLD]


def test_a_refused_node_keeps_what_was_known_of_it():
    lines = [*many(5), *many(5, node="1020")]
    scene = scene_of(*lines)
    scene = scene.seeing(stock=scene.snapshot.stock.filter(pl.col("node") == "1010"))
    vitals = vitals_of(scene.state)
    gone = scene.memory.previous.head(1).with_columns(node=pl.lit("1020"), item=pl.lit("GONE"))
    was = pl.concat([scene.memory.previous.with_columns(demand_mean=pl.lit(99.0)), gone])
    was = was.filter(~((pl.col("node") == "1020") & (pl.col("item") == "M00004")))
    scene = scene.remembering(previous=was, vitals=vitals)
    screened = scene.screened()
    assert refused_nodes(screened) == {"1020"}
    frame = remembered(scene).sort("node", "item")
    assert frame.filter(pl.col("node") == "1010")["demand_mean"].to_list() == [10.0] * 5
    other = frame.filter(pl.col("node") == "1020")
    assert other["item"].to_list() == ["GONE", *(f"M{k:05}" for k in range(4))]
    assert (
        other["demand_mean"].to_list() == [10.0 + 0 * 89, *[99.0] * 4]
        or other["demand_mean"].to_list() == [99.0] * 5
    )
    assert vital(scene)["node"].to_list() == ["1010"]


def test_a_refused_site_keeps_everything():
    scene = scene_of().seeing(taken_at=NOW - timedelta(days=1))
    assert refused_nodes(scene.screened()) == {""}
    was = scene.memory.previous
    kept = remembered(scene)
    assert kept["on_hand"].to_list() == [was["on_hand"][0] - 10.0]
    assert vital(scene).is_empty()


def test_a_line_with_unusable_values_keeps_what_was_known():
    scene = scene_of({"on_hand": np.nan}, {})
    scene = scene.remembering(previous=previous_of(scene.state, on_hand=50.0))
    assert remembered(scene)["on_hand"].to_list() == [40.0, 40.0]


def test_a_node_that_an_operator_halted_was_read_all_the_same():
    scene = scene_of().but(blocked_nodes={"1010": "halted"})
    assert refused_nodes(scene.screened()) == frozenset()
    assert vital(scene)["lines"].to_list() == [1]


@pytest.mark.parametrize(
    ("position", "asked", "before", "after"),
    [(49.0, 0.0, 2, 3), (49.0, 0.4, 0, 1), (49.0, 10.0, 2, 0), (50.0, 0.0, 2, 0)],
)
def test_reviews_without_an_order_are_counted_while_a_line_runs_short(
    position, asked, before, after
):
    scene = scene_of({"inventory_position": position}, quantity=asked)
    scene = scene.remembering(previous=previous_of(scene.state, starved_reviews=before))
    assert remembered(scene)["starved_reviews"].to_list() == [after]


def test_a_refused_review_does_not_count_as_starving():
    scene = scene_of({"inventory_position": 49.0}, quantity=0.0)
    scene = scene.remembering(previous=previous_of(scene.state, starved_reviews=1))
    scene = scene.seeing(taken_at=NOW - timedelta(days=1))
    assert remembered(scene)["starved_reviews"].to_list() == [1]


def test_vitals_count_what_was_read_and_asked():
    lines = [{"on_hand": 0.0}, {}, {"blocked": True}, {"node": "1020", "unit_cost": np.nan}]
    scene = scene_of(*lines)
    scene = scene.seeing(stock=snapshot_of(scene.state).stock.head(5))
    scene = scene.remembering(previous=previous_of(scene.state, on_hand=50.0))
    frame = vital(scene)
    assert frame.schema == VITALS
    first = frame.row(0, named=True)
    assert first == {
        "slot": "site/replenishment/20261124T060000Z",
        "weekday": 1,
        "node": "1010",
        "items": 3,
        "stock_rows": 3,
        "pipeline_rows": 3,
        "zero_share": 1 / 3,
        "lines": 1,  # one is held by B7, one is blocked
        "value": 20.0,
    }
    assert frame.row(1, named=True)["value"] == 0.0


def test_vitals_remember_what_a_held_node_asked_for():
    scene = scene_of(*many(20))
    scene = scene.remembering(vitals=vitals_of(scene.state, value=1.0))
    scene = scene.limited(budget=Budget(node_review=1e6, line=19.0))
    finding = one(scene.screened(), "D2")
    assert vital(scene)["value"].to_list() == [finding["value"]] == [400.0]
    assert vital(scene)["lines"].to_list() == [20]


def test_two_reviews_follow_each_other_quietly():
    scene = scene_of(*many(30))
    previous, vitals = remembered(scene), vital(scene)
    later = scene.state.frame.with_columns(pl.col("on_hand") - 10.0)
    state = replace(scene.state, erp_date=TODAY + DAY, frame=later)
    memory = replace(
        scene.memory,
        previous=previous,
        previous_on=TODAY,
        vitals=pl.concat([scene.memory.vitals, vitals.with_columns(value=pl.lit(60_000.0))]),
        ordered=scene.memory.ordered.with_columns(pl.col("ordered_on") + timedelta(days=1)),
    )
    snapshot = replace(scene.snapshot, erp_date=TODAY + DAY)
    assert scene.but(state=state, snapshot=snapshot, memory=memory).screened().findings.is_empty()
