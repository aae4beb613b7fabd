from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from builders import many, one, previous_of, recommendation_of, said, scene_of

from connector.failsafes.line_limits import UnderOrder
from connector.failsafes.verdicts import Action

FALLBACK = Action.FALLBACK
# 10 a day over a lead time of 5 days: short below 50
SHORT = {"inventory_position": 49.0}


def starving(line=None, reviews=1, quantity=0.0, base_stock=20.0):
    scene = scene_of(line or SHORT, quantity=quantity, base_stock=base_stock)
    return scene.remembering(previous=previous_of(scene.state, starved_reviews=reviews))


@pytest.mark.parametrize(("position", "quantity"), [(49.0, 20.0), (50.0, 0.0), (51.0, 0.0)])
def test_c14_base_stock_answers_for_a_starved_line(position, quantity):
    screened = starving({"inventory_position": position}).screened()
    assert screened.lines["quantity"].to_list() == [quantity]
    assert screened.lines["source"].to_list() == ["base_stock" if quantity else "policy"]
    assert said(screened, "C14") == [FALLBACK] * bool(quantity)
    if quantity:
        row = one(screened, "C14")
        assert (row["value"], row["threshold"], row["before"], row["after"]) == (49.0, 50.0, 0, 20)
        assert screened.lines["action"].to_list() == [FALLBACK]
        assert screened.lines["requested"].to_list() == [0.0]


@pytest.mark.parametrize(("reviews", "says"), [(0, []), (1, [FALLBACK]), (2, [FALLBACK])])
def test_c14_only_in_the_second_review_in_a_row(reviews, says):
    assert said(starving(reviews=reviews).screened(), "C14") == says


@pytest.mark.parametrize(("reviews", "says"), [(3, [FALLBACK]), (4, [FALLBACK]), (5, [])])
def test_c14_by_its_reviews(reviews, says):
    scene = starving(reviews=3).limited(under_order=UnderOrder(reviews=reviews))
    assert said(scene.screened(), "C14") == says


def test_c14_a_quantity_too_small_for_a_lot_is_no_order():
    scene = starving({**SHORT, "lot_multiple": 12.0}, quantity=5.9)
    assert scene.quantities() == [24.0]
    assert said(starving({**SHORT, "lot_multiple": 12.0}, quantity=6.0).screened(), "C14") == []


def test_c14_not_where_base_stock_orders_nothing_either():
    assert said(starving(base_stock=0.4).screened(), "C14") == []


def test_c14_not_where_base_stock_answered_already():
    scene = starving()
    for answer in (
        replace(scene.recommendation, fell_back=np.array([True])),
        replace(scene.recommendation, source="base_stock"),
    ):
        screened = scene.but(recommendation=answer).screened()
        assert said(screened, "C14") == []
        assert screened.lines["source"].to_list() == ["base_stock"]


def test_c14_the_fall_back_answer_is_guarded_like_any_other():
    screened = starving(base_stock=5000.0).screened()
    assert screened.lines["quantity"].to_list() == [0.0]
    assert screened.lines["action"].to_list() == [Action.SUPPRESS]


def test_c14_a_held_fall_back_answer_can_be_approved():
    scene = starving(base_stock=100.0)  # 100 is far more than three times 10
    screened = scene.screened()
    assert said(screened, "C4") == [Action.HOLD]
    assert screened.lines["action"].to_list() == [Action.HOLD]
    assert screened.held().height == 1


@pytest.mark.parametrize(("starved", "whole"), [(2, False), (3, False), (4, True)])
def test_c14_many_starved_lines_give_up_on_the_policy(starved, whole):
    limits = UnderOrder(lines=0.1)
    lines = [SHORT if k < starved else {} for k in range(30)]
    scene = scene_of(*({**line, "item": f"M{k:02}"} for k, line in enumerate(lines)))
    asked = np.where(np.arange(30) < starved, 0.0, 10.0 - np.arange(30) / 1000)
    scene = scene.asking(asked, 12.0).limited(under_order=limits)
    scene = scene.remembering(previous=previous_of(scene.state, starved_reviews=1))
    screened = scene.screened()
    assert screened.lines["quantity"].to_list() == [12.0] * starved + [12.0 if whole else 10.0] * (
        30 - starved
    )
    assert said(screened, "C14") == [FALLBACK] * (starved + whole)


def constant(same, number=40, **answers):
    scene = scene_of(*many(number))
    level = np.where(np.arange(number) < same, 90.0, 70.0 + np.arange(number) / 7)
    answer = recommendation_of(scene.state, 10.0, 12.0, order_up_to=level, **answers)
    return scene.but(recommendation=answer)


@pytest.mark.parametrize(("same", "says"), [(19, []), (20, []), (21, [FALLBACK])])
def test_c14_one_answer_for_most_items_is_no_answer(same, says):
    screened = constant(same).screened()
    assert said(screened, "C14") == says
    assert set(screened.lines["quantity"]) == {12.0 if says else 10.0}
    assert set(screened.lines["source"]) == {"base_stock" if says else "policy"}


@pytest.mark.parametrize(("share", "says"), [(0.24, [FALLBACK]), (0.25, []), (0.26, [])])
def test_c14_by_its_constant_share(share, says):
    scene = constant(10).limited(under_order=UnderOrder(constant=share))
    assert said(scene.screened(), "C14") == says


@pytest.mark.parametrize(("few", "says"), [(39, [FALLBACK]), (40, [FALLBACK]), (41, [])])
def test_c14_small_nodes_say_nothing(few, says):
    scene = constant(40).limited(under_order=UnderOrder(few=few))
    assert said(scene.screened(), "C14") == says


def test_c14_the_same_days_of_demand_for_all_are_one_answer():
    scene = scene_of(*(line | {"demand_mean": 10.0 + k} for k, line in enumerate(many(40))))
    level = 6.0 * scene.state.column("demand_mean")
    answer = recommendation_of(scene.state, 10.0, 12.0, order_up_to=level)
    assert said(scene.but(recommendation=answer).screened(), "C14") == [FALLBACK]


def test_c14_the_same_quantity_for_all_is_one_answer_but_no_order_is_not():
    scene = scene_of(*many(40))
    same, nothing = np.full(40, 10.0), np.zeros(40)
    assert said(scene.asking(same, 12.0).screened(), "C14") == [FALLBACK]
    assert said(scene.asking(nothing, 12.0).screened(), "C14") == []


def test_c14_levels_of_nothing_for_all_are_one_answer():
    scene = scene_of(*many(40))
    answer = recommendation_of(scene.state, np.zeros(40), 12.0, order_up_to=np.zeros(40))
    screened = scene.but(recommendation=answer).screened()
    assert said(screened, "C14") == [FALLBACK]
    assert set(screened.lines["quantity"]) == {12.0}


def test_c14_a_constant_policy_stays_in_its_node():
    lines = [*many(40), *many(40, node="1020")]
    scene = scene_of(*lines)
    level = np.where(np.arange(80) < 40, 90.0, 70.0 + np.arange(80) / 7)
    answer = recommendation_of(scene.state, 10.0, 12.0, order_up_to=level)
    lines = scene.but(recommendation=answer).screened().lines
    assert lines["source"].to_list() == ["base_stock"] * 40 + ["policy"] * 40


def test_c14_base_stock_may_say_the_same_for_all():
    scene = constant(40, source="base_stock")
    assert said(scene.screened(), "C14") == []
