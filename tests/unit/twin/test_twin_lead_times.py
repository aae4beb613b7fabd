"""Lead times: fixed, drawn, crossing and not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twin_networks import ONE, Life, lives, row, rules, shelf

from connector.twin.dynamics import coming, uncrossed
from connector.twin.network import Topology
from connector.twin.rollout import rollout


def on_hand(lead_times, orders):
    """Return what is on hand at each period's end without demand."""
    seen = []
    rollout(
        ONE,
        rules(),
        shelf(ONE, 0),
        demand=[row(0.0)] * len(orders),
        lead_time=[row(lead) for lead in lead_times],
        policy=lambda _, period: row(orders[period]),
        watch=lambda _, stock, __, ___: seen.append(float(stock.on_hand[0, 0])),
    )
    return seen


def test_orders_cross_where_lead_times_say_so():
    assert on_hand([3, 1, 1, 1], [10, 5, 0, 0]) == [0.0, 0.0, 5.0, 15.0]


def test_uncrossed_orders_arrive_in_the_order_they_were_placed():
    drawn = np.array([3.0, 1.0, 1.0, 1.0]).reshape(4, 1, 1)
    kept = uncrossed(drawn)
    assert kept.ravel().tolist() == [3.0, 2.0, 1.0, 1.0]
    assert on_hand(kept.ravel(), [10, 5, 0, 0]) == [0.0, 0.0, 0.0, 15.0]


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=30).map(
        lambda leads: np.array(leads, dtype=np.float64).reshape(-1, 1, 1)
    )
)
def test_uncrossed_delays_no_more_than_needed(drawn):
    at = np.arange(len(drawn))
    arrives = uncrossed(drawn).ravel() + at
    assert arrives.tolist() == np.maximum.accumulate(drawn.ravel() + at).tolist()


@pytest.mark.parametrize("lead_time", [0, 1, 3])
@settings(max_examples=40, deadline=None)
@given(life=lives())
def test_a_drawn_lead_time_that_never_varies_is_a_fixed_one(lead_time: int, life: Life):
    topology = Topology(suppliers=life.topology.suppliers, horizon=3)
    nothing = np.zeros_like(life.stock.on_hand)
    start = shelf(
        topology,
        on_hand=life.stock.on_hand,
        pipeline=(life.stock.on_hand, nothing, nothing),
        waiting=life.stock.waiting,
        owed=life.stock.owed,
    )

    def end(leads):
        return rollout(
            topology,
            life.rules,
            start,
            demand=life.demand,
            lead_time=leads,
            policy=lambda _, period: life.orders[period],
        )

    fixed, drawn = end(lead_time), end(np.full_like(life.demand, lead_time))
    np.testing.assert_array_equal(fixed.cost, drawn.cost)
    np.testing.assert_array_equal(fixed.stock.on_hand, drawn.stock.on_hand)
    np.testing.assert_array_equal(np.stack(coming(fixed.stock)), np.stack(coming(drawn.stock)))


def test_each_node_has_its_own_lead_time():
    pair = Topology(suppliers=(-1, -1), horizon=2)
    none = np.zeros((1, 2))
    done = rollout(
        pair,
        rules(),
        shelf(pair, 0, 0),
        demand=[none] * 2,
        lead_time=[row(1, 2)] * 2,
        policy=lambda _, period: row(4, 4) if period == 0 else none,
    )
    assert done.stock.on_hand.tolist() == [[4.0, 0.0]]
    assert done.stock.pipeline[0].tolist() == [[0.0, 4.0]]
