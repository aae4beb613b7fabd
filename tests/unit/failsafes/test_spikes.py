from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from builders import DAY, TODAY, one, ordered_of, own_of, pipeline_rows, said, scene_of

from connector.failsafes.data_limits import UnitMismatch
from connector.failsafes.line_limits import (
    Collar,
    Cumulative,
    DuplicateOpen,
    FatFinger,
    Floor,
    PositionCap,
    RelativeJump,
)
from connector.failsafes.verdicts import Action
from connector.inventory.memory import ORDERED

CLAMP, HOLD, SUPPRESS, WARN = Action.CLAMP, Action.HOLD, Action.SUPPRESS, Action.WARN

# 10 a day without noise: cap 60 + 1 = 61
STEADY = {"demand_sd": 0.0}


ROOM = Cumulative(times=10.0)


def lone(line, quantity=10.0, base_stock=100.0):
    """Build a scene without earlier orders, with room under C7 and near base-stock."""
    scene = scene_of(line, quantity=quantity, base_stock=base_stock)
    return scene.remembering(ordered=ORDERED.to_frame()).limited(cumulative=ROOM)


def orders(scene, *quantities, ago=30):
    """Remember single orders, the newest first, `ago` days back and every so many days before."""
    rows = [
        ("1010", "M0", TODAY - ago * (k + 1) * DAY, float(quantity), 0.0)
        for k, quantity in enumerate(quantities)
    ]
    return scene.remembering(ordered=pl.DataFrame(rows, schema=ORDERED, orient="row"))


# C1


@pytest.mark.parametrize(("asked", "says"), [(599.0, []), (600.0, []), (601.0, [SUPPRESS])])
def test_c1_sixty_days_of_demand(asked, says):
    screened = scene_of(STEADY, quantity=asked).screened()
    assert said(screened, "C1") == says
    if says:
        assert screened.lines["quantity"].to_list() == [0.0]
        assert screened.lines["held"].to_list() == [0.0]


@pytest.mark.parametrize(("days", "says"), [(9.9, [SUPPRESS]), (10.0, []), (10.1, [])])
def test_c1_by_its_days(days, says):
    scene = scene_of(STEADY, quantity=100.0).limited(fat_finger=FatFinger(days=days))
    assert said(scene.screened(), "C1") == says


@pytest.mark.parametrize(("most", "says"), [(99.0, [SUPPRESS]), (100.0, []), (101.0, [])])
def test_c1_by_its_quantity(most, says):
    scene = scene_of(STEADY, quantity=100.0).limited(fat_finger=FatFinger(quantity=most))
    assert said(scene.screened(), "C1") == says


@pytest.mark.parametrize(("most", "says"), [(199.0, [SUPPRESS]), (200.0, []), (201.0, [])])
def test_c1_by_its_value(most, says):
    scene = scene_of(STEADY, quantity=100.0).limited(fat_finger=FatFinger(value=most))
    assert said(scene.screened(), "C1") == says


def test_c1_an_unknown_cost_cannot_keep_a_value():
    scene = scene_of({**STEADY, "unit_cost": np.nan}).limited(fat_finger=FatFinger(value=1e9))
    assert said(scene.screened(), "C1") == [SUPPRESS]
    assert said(scene.asking(0.0).screened(), "C1") == []


@pytest.mark.parametrize(("storage", "says"), [(99.0, [SUPPRESS]), (100.0, []), (0.0, [])])
def test_c1_more_than_can_be_stored(storage, says):
    scene = scene_of({**STEADY, "maximum_stock": storage}, quantity=100.0)
    assert said(scene.screened(), "C1") == says


def test_c1_does_not_starve_slow_items():
    # One in a hundred days; 60 days of demand are 0.6
    line = {"demand_mean": 0.01, "demand_sd": 0.1, "on_hand": 0.0, "unit_cost": 40_000.0}
    line |= {"pipeline": 0.0, "arriving_3": 0.0, "inventory_position": 0.0}
    screened = lone(line, quantity=1.0, base_stock=1.0).screened()
    assert screened.lines["quantity"].to_list() == [1.0]


def test_c1_does_not_starve_long_lead_times():
    line = {**STEADY, "lead_time_p90": 120.0, "inventory_position": 0.0}
    assert said(lone(line, quantity=700.0, base_stock=700.0).screened(), "C1") == []


# C2


@pytest.mark.parametrize(
    ("asked", "quantity", "says"),
    [
        (21.0, 21.0, []),
        (22.0, 22.0, []),
        (23.0, 22.0, [CLAMP]),
        (83.0, 22.0, [CLAMP]),
        (84.0, 0.0, [HOLD]),
    ],
)
def test_c2_cuts_at_clamp_and_holds_beyond_hold(asked, quantity, says):
    # cap 61: cut at 122, held beyond 183; 100 are there
    scene = lone({**STEADY, "inventory_position": 100.0}, quantity=asked, base_stock=100.0)
    scene = scene.limited(position_cap=PositionCap(clamp=2.0, hold=3.0))
    screened = scene.screened()
    assert said(screened, "C2") == says
    assert screened.lines["quantity"].to_list() == [quantity]
    if HOLD in says:
        assert screened.lines["held"].to_list() == [22.0]
        assert one(screened, "C2")["threshold"] == 183.0


@pytest.mark.parametrize(("sigmas", "says"), [(0.9, [CLAMP]), (1.0, []), (1.1, [])])
def test_c2_by_its_sigmas(sigmas, says):
    # lead time 15 + review 1: sqrt is 4; cap 160 + sigmas * 12 + 1
    line = {"lead_time_p90": 15.0, "inventory_position": 100.0}
    scene = lone(line, quantity=73.0, base_stock=100.0)
    scene = scene.limited(position_cap=PositionCap(sigmas=sigmas, clamp=1.0))
    assert said(scene.screened(), "C2") == says


def test_c2_a_full_position_orders_nothing():
    scene = lone({**STEADY, "inventory_position": 80.0}, quantity=5.0)
    assert scene.quantities() == [0.0]


def test_c2_defaults():
    # 1.2 x 61 = 73.2; 1.5 x 61 = 91.5
    scene = lone({**STEADY, "inventory_position": 50.0}, base_stock=50.0)
    assert [scene.asking(q).quantities()[0] for q in (23, 24, 41, 42)] == [23.0, 23.0, 23.0, 0.0]


@pytest.mark.parametrize(
    ("floor", "cost", "quantity"),
    [
        (Floor(units=10.0, value=500.0), 2.0, 10.0),  # 1.2 x (10 + 1), as asked
        (Floor(units=5.0, value=500.0), 2.0, 7.0),  # 1.2 x (5 + 1)
        (Floor(units=10.0, value=8.0), 2.0, 6.0),  # 1.2 x (4 + 1)
        (Floor(units=0.0, value=500.0), 2.0, 1.0),
        (Floor(units=10.0, value=0.0), 2.0, 1.0),
        (Floor(units=10.0, value=500.0), np.nan, 1.0),
    ],
)
def test_new_items_get_the_floor_in_units_and_money(floor, cost, quantity):
    line = {"demand_mean": 0.0, "demand_sd": 0.0, "unit_cost": cost, "on_hand": 0.0}
    line |= {"pipeline": 0.0, "arriving_3": 0.0, "inventory_position": 0.0}
    scene = lone(line, quantity=10.0, base_stock=10.0)
    scene = scene.limited(floor=floor, position_cap=PositionCap(hold=10.0))
    assert scene.quantities() == [quantity]


# C4


@pytest.mark.parametrize(("asked", "says"), [(29.0, []), (30.0, []), (31.0, [HOLD])])
def test_c4_three_times_the_largest_of_the_last_orders(asked, says):
    scene = orders(scene_of(STEADY, quantity=asked, base_stock=50.0), 10, 8, 6)
    screened = scene.screened()
    assert said(screened, "C4") == says


@pytest.mark.parametrize(("times", "says"), [(2.9, [HOLD]), (3.0, []), (3.1, [])])
def test_c4_by_its_times(times, says):
    scene = orders(scene_of(STEADY, quantity=30.0), 10, 10, 10)
    scene = scene.limited(relative_jump=RelativeJump(times=times))
    assert said(scene.screened(), "C4") == says


@pytest.mark.parametrize(("share", "says"), [(0.49, [HOLD]), (0.5, []), (0.51, [])])
def test_c4_small_orders_are_no_jump(share, says):
    # cap 60 + the smallest lot of 2
    line = {**STEADY, "lot_minimum": 2.0}
    scene = orders(lone(line, quantity=31.0), 2, 2, 2)
    scene = scene.limited(relative_jump=RelativeJump(cap=share))
    assert said(scene.screened(), "C4") == says


@pytest.mark.parametrize(("asked", "says"), [(79.0, []), (80.0, []), (81.0, [HOLD])])
def test_c4_lets_an_item_catch_up_what_it_waited_for(asked, says):
    # Ordered daily, then not for 6 days: 3 x 10 + 5 days longer than usual x 10 a day
    scene = scene_of(STEADY, quantity=asked, base_stock=100.0)
    scene = scene.limited(position_cap=PositionCap(clamp=9.0, hold=9.0))
    ages = pl.Series([6, 7, 8])
    ordered = orders(scene, 10, 10, 10).memory.ordered.with_columns(
        ordered_on=pl.lit(scene.snapshot.erp_date) - pl.duration(days=ages)
    )
    assert said(scene.remembering(ordered=ordered).screened(), "C4") == says


def test_c4_looks_at_twelve_orders_only():
    scene = scene_of(STEADY, quantity=31.0)
    assert said(orders(scene, *[10] * 11, 20).screened(), "C4") == []
    assert said(orders(scene, *[10] * 12, 20).screened(), "C4") == [HOLD]


def test_c4_orders_of_nothing_do_not_count():
    scene = scene_of(STEADY, quantity=31.0).limited(relative_jump=RelativeJump(backlog=0.0))
    assert said(orders(scene, *[0] * 12, 10, 10, 10).screened(), "C4") == [HOLD]


@pytest.mark.parametrize(("least", "says"), [(1, [HOLD]), (2, [HOLD]), (3, [WARN])])
def test_c4_too_few_orders_are_said(least, says):
    scene = orders(scene_of(STEADY, quantity=31.0), 10, 10)
    scene = scene.limited(relative_jump=RelativeJump(orders=least))
    assert said(scene.screened(), "C4") == says


def test_c4_judges_what_was_asked_not_what_a_cut_left():
    scene = orders(lone({**STEADY, "inventory_position": 50.0}, quantity=31.0), 10, 10, 10)
    screened = scene.screened()
    assert said(screened, "C2") == [CLAMP]
    assert said(screened, "C4") == [HOLD]
    assert screened.lines["held"].to_list() == [23.0]


# C6


@pytest.mark.parametrize(
    ("asked", "quantity", "says"),
    [(20.0, 20.0, []), (21.0, 21.0, []), (22.0, 21.0, [CLAMP]), (42.0, 21.0, [CLAMP]),
     (43.0, 0.0, [HOLD])],
)  # fmt: skip
def test_c6_stays_near_base_stock(asked, quantity, says):
    # base-stock 10: collar 2 x 10 + 1, held beyond twice that
    scene = lone({**STEADY, "inventory_position": 10.0}, quantity=asked, base_stock=10.0)
    screened = scene.screened()
    assert said(screened, "C6") == says
    assert screened.lines["quantity"].to_list() == [quantity]
    if HOLD in says:
        assert screened.lines["held"].to_list() == [21.0]


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (Collar(high=1.9), [CLAMP]),
        (Collar(high=2.0), []),
        (Collar(high=2.1), []),
        (Collar(high=1.0, hold=1.9), [HOLD]),
        (Collar(high=1.0, hold=21 / 11), [CLAMP]),
        (Collar(high=1.0, hold=2.0), [CLAMP]),
    ],
)
def test_c6_by_its_parameters(limits, says):
    scene = scene_of(STEADY, quantity=21.0, base_stock=10.0).limited(collar=limits)
    assert said(scene.screened(), "C6") == says


@pytest.mark.parametrize(("low", "says"), [(0.0, []), (0.5, []), (0.51, [WARN]), (1.0, [WARN])])
def test_c6_warns_below_and_never_raises(low, says):
    scene = scene_of(STEADY, quantity=5.0, base_stock=10.0).limited(collar=Collar(low=low))
    screened = scene.screened()
    assert said(screened, "C6") == says
    assert screened.lines["quantity"].to_list() == [5.0]


@pytest.mark.parametrize(
    ("demand", "asked", "quantity"),
    [(0.1, 12.0, 12.0), (0.1, 24.0, 12.0), (10.0, 24.0, 24.0), (10.0, 36.0, 24.0)],
)
def test_c6_allows_two_reviews_of_demand_and_one_lot_where_base_stock_orders_nothing(
    demand, asked, quantity
):
    line = {**STEADY, "lot_multiple": 12.0, "inventory_position": 0.0, "demand_mean": demand}
    assert lone(line, base_stock=0.0).asking(asked).quantities() == [quantity]


# C7


def posted(scene, *pairs):
    """Remember orders as (days ago, quantity)."""
    rows = [("1010", "M0", TODAY - age * DAY, float(quantity), 0.0) for age, quantity in pairs]
    return scene.remembering(ordered=pl.DataFrame(rows, schema=ORDERED, orient="row"))


ROOMY = {"inventory_position": 0.0, "lead_time_p90": 19.0, **STEADY}  # L + R = 20
DOUBLE = Cumulative(times=2.0)


@pytest.mark.parametrize(
    ("age", "before", "limit"),
    [
        (0, 8, 22),  # R = 1: 2 x (10 + 1)
        (6, 128, 142),  # 7 days: 2 x (70 + 1)
        (19, 388, 402),  # L + R = 20 days: 2 x (200 + 1)
        (27, 548, 562),  # 28 days: 2 x (280 + 1)
    ],
)
@pytest.mark.parametrize(("more", "says"), [(-1, []), (0, []), (1, [CLAMP])])
def test_c7_adds_up_each_horizon(age, before, limit, more, says):
    scene = posted(scene_of(ROOMY, quantity=14.0, base_stock=14.0), (age, before + more))
    screened = scene.limited(cumulative=DOUBLE).screened()
    assert said(screened, "C7") == says
    assert screened.lines["quantity"].to_list() == [14.0 - max(more, 0)]
    if says:
        row = one(screened, "C7")
        assert (row["value"], row["threshold"]) == (limit + 1.0, float(limit))


def test_c7_horizons_end():
    scene = scene_of(ROOMY, quantity=14.0, base_stock=14.0).limited(cumulative=DOUBLE)
    assert said(posted(scene, (7, 148), (1, 14)).screened(), "C7") == []
    assert said(posted(scene, (28, 10_000)).screened(), "C7") == []


@pytest.mark.parametrize(
    ("limits", "before", "says"),
    [
        (Cumulative(times=1.9), 128, [CLAMP]),
        (Cumulative(times=2.0), 128, []),
        (Cumulative(times=2.1), 128, []),
        (Cumulative(times=2.0, days=(6.0,)), 109, [CLAMP]),
        (Cumulative(times=2.0, days=(7.0,)), 109, []),
        (Cumulative(times=2.0, days=(8.0,)), 109, []),
    ],
)
def test_c7_by_its_times_and_days(limits, before, says):
    scene = posted(scene_of(ROOMY, quantity=14.0, base_stock=14.0), (1, before))
    assert said(scene.limited(cumulative=limits).screened(), "C7") == says


@pytest.mark.parametrize(("sigmas", "says"), [(0.9, [CLAMP]), (1.0, []), (1.1, [])])
def test_c7_by_its_sigmas(sigmas, says):
    # R = 4: sqrt is 2; 2 x (40 + sigmas x 10 + 1) = 102
    line = {**ROOMY, "review_days": 4.0, "demand_sd": 5.0}
    scene = posted(scene_of(line, quantity=14.0, base_stock=14.0), (3, 88))
    scene = scene.limited(cumulative=Cumulative(times=2.0, sigmas=sigmas, days=(28.0,)))
    assert said(scene.screened(), "C7") == says


def test_c7_a_used_up_limit_holds_and_says_what_was_asked():
    scene = posted(scene_of(ROOMY, quantity=14.0, base_stock=14.0), (3, 142))
    screened = scene.limited(cumulative=DOUBLE).screened()
    assert said(screened, "C7") == [HOLD]
    assert screened.lines["quantity"].to_list() == [0.0]
    assert screened.lines["held"].to_list() == [14.0]


def test_c7_many_small_orders_run_into_it():
    scene = scene_of(ROOMY, quantity=20.0, base_stock=20.0)
    assert said(posted(scene, *((age, 20) for age in range(1, 30))).screened(), "C7") == [HOLD]


def test_c7_shadow_orders_brought_nothing():
    scene = posted(scene_of(ROOMY, quantity=14.0, base_stock=14.0), (3, 500))
    assert said(scene.screened(), "C7") == [HOLD]
    assert said(scene.remembering(posted_since=TODAY - 2 * DAY).screened(), "C7") == []
    assert said(scene.remembering(posted_since=TODAY - 3 * DAY).screened(), "C7") == [HOLD]


# C9


def uncounted(scene, **document):
    """Show an open document that the position leaves out."""
    row = {"node": "1010", "item": "M0", "document": "4711", "kind": "requisition"}
    row |= {"quantity": 10.0, "due": TODAY + 4 * DAY, **document}
    extra = pl.concat([scene.snapshot.pipeline, pipeline_rows([row])])
    return scene.seeing(pipeline=extra)


def test_c9_counted_documents_are_no_duplicates():
    scene = scene_of({"pipeline": 10.0, "arriving_3": 10.0})
    assert said(scene.screened(), "C9") == []


def test_c9_names_the_document():
    screened = uncounted(scene_of()).screened()
    row = one(screened, "C9")
    assert (row["action"], row["detail"]) == (SUPPRESS, "requisition 4711/10")
    assert screened.lines["quantity"].to_list() == [0.0]


@pytest.mark.parametrize(
    ("quantity", "says"),
    [(12.6, []), (12.5, [SUPPRESS]), (10.0, [SUPPRESS]), (8.0, [SUPPRESS]), (7.9, [])],
)
def test_c9_similar_quantities_only(quantity, says):
    assert said(uncounted(scene_of(), quantity=quantity).screened(), "C9") == says


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (DuplicateOpen(low=0.49), [SUPPRESS]),
        (DuplicateOpen(low=0.5), [SUPPRESS]),
        (DuplicateOpen(low=0.51), []),
    ],
)
def test_c9_by_its_low(limits, says):
    scene = uncounted(scene_of(), quantity=20.0).limited(duplicate_open=limits)
    assert said(scene.screened(), "C9") == says


@pytest.mark.parametrize(("high", "says"), [(1.9, []), (2.0, [SUPPRESS]), (2.1, [SUPPRESS])])
def test_c9_by_its_high(high, says):
    scene = uncounted(scene_of(), quantity=5.0).limited(duplicate_open=DuplicateOpen(high=high))
    assert said(scene.screened(), "C9") == says


@pytest.mark.parametrize(
    ("days", "says"),
    [(2, []), (3, [SUPPRESS]), (4, [SUPPRESS]), (5, [SUPPRESS]), (6, [])],
)
def test_c9_needed_about_the_same_day_only(days, says):
    # ours is needed after the lead time of 4 days
    assert said(uncounted(scene_of(), due=TODAY + days * DAY).screened(), "C9") == says


@pytest.mark.parametrize(("reviews", "says"), [(1.9, []), (2.0, [SUPPRESS]), (2.1, [SUPPRESS])])
def test_c9_by_its_review_periods(reviews, says):
    scene = uncounted(scene_of(), due=TODAY + 6 * DAY)
    scene = scene.limited(duplicate_open=DuplicateOpen(reviews=reviews))
    assert said(scene.screened(), "C9") == says


def test_c9_a_document_without_a_date_may_be_needed_now():
    assert said(uncounted(scene_of(), due=None).screened(), "C9") == [SUPPRESS]


def test_c9_counts_our_own_requisition_that_is_nowhere():
    scene = scene_of({"own_missing": 10.0}).remembering(
        own=own_of({"quantity": 10.0, "due": TODAY + 4 * DAY, "filed_on": TODAY - 3 * DAY})
    )
    row = one(scene.screened(), "C9")
    assert row["detail"] == "our AAAAAAAAAA, filed as 100001"


# B9, what the order shows


@pytest.mark.parametrize(
    ("factor", "says"),
    [(940, []), (960, [HOLD]), (1000, [HOLD]), (1040, [HOLD]), (1060, [])],
)
def test_b9_an_order_a_thousand_times_the_usual_one(factor, says):
    scene = orders(scene_of({"unit": "KG"}, quantity=factor / 100), 0.01, 0.01, 0.01)
    screened = scene.screened()
    assert [each for each in said(screened, "B9") if each == HOLD][:1] == says
    if says:
        assert screened.lines["quantity"].to_list() == [0.0]


def test_b9_an_order_a_thousandth_of_the_usual_one():
    scene = orders(scene_of({"unit": "KG"}, quantity=0.010), 10, 10, 10)
    assert HOLD in said(scene.screened(), "B9")


@pytest.mark.parametrize(
    ("limits", "says"),
    [
        (UnitMismatch(factors=(12.0,)), True),
        (UnitMismatch(factors=(14.0,)), False),
        (UnitMismatch(factors=(12.5,), band=0.05), True),
        (UnitMismatch(factors=(12.5,), band=0.04), False),
        (UnitMismatch(factors=(12.0,), orders=4), False),
        (UnitMismatch(factors=(12.0,), orders=3), True),
        (UnitMismatch(factors=()), False),
        (UnitMismatch(factors=(1.0,)), False),
    ],
)
def test_b9_by_its_parameters(limits, says):
    scene = orders(scene_of({"unit": "KG"}, quantity=12.0), 1, 1, 1).limited(unit_mismatch=limits)
    assert (HOLD in said(scene.screened(), "B9")) is says


def test_b9_compares_with_the_median():
    scene = orders(scene_of({"unit": "KG"}, quantity=12.0), 1, 1, 30, 40)
    limits = UnitMismatch(factors=(12 / 15.5,))
    assert HOLD in said(scene.limited(unit_mismatch=limits).screened(), "B9")


def test_b9_looks_at_what_a_cut_left_too():
    # asked 20, cut to 12 by the largest lot: twelve times the usual one
    line = {"unit": "KG", "lot_maximum": 12.0}
    scene = orders(scene_of(line, quantity=20.0, base_stock=20.0), 1, 1, 1)
    scene = scene.limited(unit_mismatch=UnitMismatch(factors=(12.0,)))
    assert HOLD in said(scene.screened(), "B9")


def test_the_quiet_scene_is_quiet():
    scene = scene_of()
    assert scene.screened().findings.is_empty()
    assert scene.memory.ordered.height == ordered_of(scene.state).height == 12


def test_c9_looks_at_what_a_cut_left_too():
    # asked 20, cut to 12 by the largest lot: the same as the open document
    scene = scene_of({"lot_maximum": 12.0}, quantity=20.0, base_stock=20.0)
    assert said(uncounted(scene, quantity=12.0).screened(), "C9") == [SUPPRESS]
    assert said(uncounted(scene, quantity=15.1).screened(), "C9") == []
