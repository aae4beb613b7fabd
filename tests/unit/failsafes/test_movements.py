from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from builders import (
    DAY,
    TODAY,
    many,
    one,
    own_of,
    previous_of,
    receipts_of,
    said,
    scene_of,
)

from connector.failsafes.data_limits import NegativeStock, PipelineVanish, StockDrop
from connector.failsafes.verdicts import Action
from connector.inventory.snapshot import History

HOLD = Action.HOLD


def received(scene, *rows):
    return scene.seeing(history=replace(History(), receipts=receipts_of(*rows)))


def before(scene, **columns):
    return scene.remembering(previous=previous_of(scene.state, **columns))


# B5


@pytest.mark.parametrize(
    ("on_hand", "says"),
    [
        (0.0, []),
        (-0.1, [Action.WARN]),
        (-20.0, [Action.WARN]),
        (-20.1, [HOLD]),
    ],
)
def test_b5_negative_stock(on_hand, says):
    scene = scene_of({"on_hand": on_hand})
    screened = scene.screened()
    assert said(screened, "B5") == says
    assert screened.lines["quantity"].to_list() == [0.0 if HOLD in says else 10.0]


@pytest.mark.parametrize(("days", "says"), [(2.9, HOLD), (3.0, Action.WARN), (3.1, Action.WARN)])
def test_b5_by_its_days(days, says):
    scene = scene_of({"on_hand": -30.0}).limited(negative_stock=NegativeStock(days=days))
    assert said(scene.screened(), "B5") == [says]


def test_b5_a_slow_item_may_owe_one_smallest_lot():
    scene = scene_of({"on_hand": -12.0, "demand_mean": 0.1, "lot_multiple": 12.0})
    assert said(scene.screened(), "B5") == [Action.WARN]


# B7: 10 a day, sd 3, one day: 10 + 8 * 3 + 1 explained


@pytest.mark.parametrize(("was", "says"), [(74.9, []), (75.0, []), (75.1, [HOLD])])
def test_b7_stock_that_fell_further_than_demand_explains(was, says):
    screened = before(scene_of(), on_hand=was).screened()
    assert said(screened, "B7") == says
    lines = screened.lines
    assert lines["held"].to_list() == [10.0 if says else 0.0]
    assert lines["quantity"].to_list() == [0.0 if says else 10.0]


@pytest.mark.parametrize(("sigmas", "says"), [(9.9, [HOLD]), (10.0, []), (10.1, [])])
def test_b7_by_its_sigmas(sigmas, says):
    scene = before(scene_of(), on_hand=81.0).limited(stock_drop=StockDrop(sigmas=sigmas))
    assert said(scene.screened(), "B7") == says


def test_b7_more_days_explain_more():
    scene = before(scene_of(), on_hand=40.0 + 40.0 + 8 * 3 * 2 + 1)
    assert said(scene.screened(), "B7") == [HOLD]
    assert said(scene.remembering(previous_on=TODAY - 4 * DAY).screened(), "B7") == []


def test_b7_receipts_should_have_raised_it():
    scene = before(scene_of(), on_hand=50.0)
    assert said(received(scene, {"quantity": 25.0}).screened(), "B7") == []
    assert said(received(scene, {"quantity": 25.1}).screened(), "B7") == [HOLD]
    earlier = {"quantity": 25.1, "posted_on": TODAY - DAY}
    assert said(received(scene, earlier).screened(), "B7") == []


def test_b7_stock_read_as_zero_is_found():
    scene = before(scene_of({"on_hand": 0.0, "inventory_position": 20.0}), on_hand=50.0)
    assert one(scene.screened(), "B7")["value"] == 50.0


def test_b7_goods_set_aside_are_not_gone():
    scene = before(scene_of({"inspection": 10.0, "stock_blocked": 10.0}), on_hand=95.0)
    assert said(scene.screened(), "B7") == []


def test_b7_an_item_seen_for_the_first_time_is_not_judged():
    scene = scene_of({}, {})
    previous = previous_of(scene.state).head(1)
    assert said(scene.remembering(previous=previous).screened(), "B7") == []


@pytest.mark.parametrize(("fallen", "holds"), [(2, False), (3, True)])
def test_b7_many_falls_hold_the_node(fallen, holds):
    scene = scene_of(*many(60))
    was = [100.0 if k < fallen else 50.0 for k in range(60)]
    screened = before(scene, on_hand=was).screened()
    assert Action.NODE_HOLD in said(screened, "B7") or not holds
    assert said(screened, "B7").count(HOLD) == fallen
    assert (screened.lines["quantity"].sum() == 0.0) is holds


@pytest.mark.parametrize(("fallen", "holds"), [(5, False), (6, True), (7, True)])
def test_b7_holds_the_node_from_its_share_on(fallen, holds):
    scene = scene_of(*many(60)).limited(stock_drop=StockDrop(lines=0.1, few=0))
    was = [100.0 if k < fallen else 50.0 for k in range(60)]
    assert said(before(scene, on_hand=was).screened(), "B7").count(Action.NODE_HOLD) == holds


CENTRAL = {"node": "1000", "level": 1.0, "demand_mean": 0.0, "demand_sd": 0.0}


def echelon_scene(**below):
    """A central node that lost 500 since yesterday, and a node it supplies."""
    scene = scene_of(
        {**CENTRAL, "item": "M0", "echelon_demand_mean": 10.0, "echelon_demand_sd": 3.0},
        {"item": "M0", "supplying_node": "1000", **below},
    )
    previous = previous_of(scene.state).with_columns(
        on_hand=pl.when(pl.col("node") == "1000").then(pl.lit(540.0)).otherwise("on_hand")
    )
    return scene.remembering(previous=previous)


def test_b7_transfers_explain_a_fall_at_the_central_node():
    assert one(echelon_scene().screened(), "B7")["node"] == "1000"
    assert said(echelon_scene(in_transit=499.0).screened(), "B7") == []
    assert said(echelon_scene(in_transit=498.9).screened(), "B7") == [HOLD]
    arrived = {"node": "1010", "quantity": 499.0, "posted_on": TODAY - DAY}
    assert said(received(echelon_scene(), arrived).screened(), "B7") == []


def test_b7_echelon_demand_explains_what_the_erp_does_not_show():
    scene = echelon_scene()
    previous = scene.memory.previous.with_columns(
        on_hand=pl.when(pl.col("node") == "1000").then(pl.lit(75.0)).otherwise("on_hand")
    )
    assert said(scene.remembering(previous=previous).screened(), "B7") == []


# B8: 20 on order before and now


@pytest.mark.parametrize(("was", "says"), [(20.9, []), (21.0, []), (21.1, [HOLD])])
def test_b8_pipeline_that_vanished(was, says):
    assert said(before(scene_of(), pipeline=was).screened(), "B8") == says


@pytest.mark.parametrize(("was", "says"), [(99.0, []), (100.0, []), (101.0, [HOLD])])
def test_b8_a_share_of_a_large_pipeline_may_go(was, says):
    scene = scene_of({"pipeline": 0.8 * 100, "arriving_3": 80.0})
    scene = scene.limited(pipeline_vanish=PipelineVanish(share=0.2))
    assert said(before(scene, pipeline=was).screened(), "B8") == says


@pytest.mark.parametrize("posted_on", [TODAY, TODAY - DAY])
def test_b8_received_is_not_vanished(posted_on):
    scene = before(scene_of(), pipeline=50.0)
    assert said(scene.screened(), "B8") == [HOLD]
    arrived = received(scene, {"quantity": 29.0, "posted_on": posted_on})
    assert said(arrived.screened(), "B8") == []
    old = received(scene, {"quantity": 29.0, "posted_on": TODAY - 2 * DAY})
    assert said(old.screened(), "B8") == [HOLD]


def test_b8_what_we_filed_since_must_show():
    scene = before(scene_of(), pipeline=20.0)
    filed = scene.remembering(own=own_of({"quantity": 5.0}))
    assert one(filed.screened(), "B8")["value"] == 5.0
    earlier = scene.remembering(own=own_of({"quantity": 5.0, "filed_on": TODAY - 2 * DAY}))
    assert said(earlier.screened(), "B8") == []
    owed = scene.remembering(own=own_of({"quantity": 5.0, "state": "owed"}))
    assert said(owed.screened(), "B8") == []


def test_b8_what_the_erp_does_not_show_yet_has_not_vanished():
    scene = before(scene_of({"own_pending": 5.0, "inventory_position": 65.0}), pipeline=20.0)
    filed = scene.remembering(own=own_of({"quantity": 5.0, "state": "filed"}))
    assert said(filed.screened(), "B8") == []


def test_b8_on_one_day_nobody_knows_what_came_first():
    scene = before(scene_of(), pipeline=20.0).remembering(previous_on=TODAY)
    filed = scene.remembering(own=own_of({"quantity": 5.0, "filed_on": TODAY}))
    assert said(filed.screened(), "B8") == []


@pytest.mark.parametrize(("missing", "says"), [(0.0, []), (0.001, [HOLD]), (5.0, [HOLD])])
def test_b8_a_confirmed_requisition_that_is_nowhere(missing, says):
    screened = scene_of({"own_missing": missing}).screened()
    assert said(screened, "B8") == says


def test_b8_needs_no_history_for_our_own_requisitions():
    scene = scene_of({"own_missing": 5.0})
    first = scene.remembering(previous_on=None)
    assert HOLD in said(first.screened(), "B8")


@pytest.mark.parametrize(("gone", "holds"), [(2, False), (3, True)])
def test_b8_many_vanished_pipelines_hold_the_node(gone, holds):
    scene = scene_of(*many(60))
    was = [100.0 if k < gone else 20.0 for k in range(60)]
    screened = before(scene, pipeline=was).screened()
    assert said(screened, "B8").count(Action.NODE_HOLD) == holds


@pytest.mark.parametrize(("gone", "holds"), [(5, False), (6, True), (7, True)])
def test_b8_holds_the_node_from_its_share_on(gone, holds):
    scene = scene_of(*many(60)).limited(pipeline_vanish=PipelineVanish(lines=0.1, few=0))
    was = [100.0 if k < gone else 20.0 for k in range(60)]
    assert said(before(scene, pipeline=was).screened(), "B8").count(Action.NODE_HOLD) == holds


def test_b8_a_pipeline_read_as_nothing_holds_the_node():
    scene = scene_of(*many(60, pipeline=0.0, arriving_3=0.0, inventory_position=40.0))
    screened = before(scene, pipeline=20.0).screened()
    assert screened.lines["quantity"].sum() == 0.0
    assert set(screened.lines["action"]) == {Action.NODE_HOLD}


# B9, what the state shows


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ({}, []),
        ({"unit": ["CS"]}, [HOLD]),
        ({"lot_multiple": [12.0]}, [HOLD]),
        ({"lot_minimum": [12.0]}, []),
    ],
)
def test_b9_unit_or_pack_changed(columns, says):
    screened = before(scene_of(), **columns).screened()
    assert said(screened, "B9") == says
    if says:
        assert one(screened, "B9")["detail"].startswith("unit?")


def test_b9_an_unchanged_pack_is_no_news():
    scene = scene_of({"lot_multiple": 12.0}, quantity=12.0, base_stock=12.0)
    assert said(before(scene).screened(), "B9") == []
