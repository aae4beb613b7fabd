"""Lead times: observed where possible, borrowed where thin, planned where never seen."""

from __future__ import annotations

from datetime import timedelta
from statistics import NormalDist

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_frames import (
    CUPS,
    DC,
    OTHER,
    REGION,
    TEA,
    ago,
    at,
    few,
    history,
    item,
    items,
    ordered,
    received,
    state,
)

from connector.inventory.planning import Planning

PLANNED = 10.0
Z90 = NormalDist().inv_cdf(0.9)


def arrivals(days, node=REGION, item=TEA, source=DC, prefix="45"):
    """One order line received in full yesterday for each lead time in days."""
    names = [f"{prefix}{k:04d}" for k in range(len(days))]
    receipts = received(
        *(
            {"order": name, "node": node, "item": item, "posted_on": ago(1), "quantity": 10.0}
            for name in names
        )
    )
    orders = ordered(
        *((name, ago(1) - timedelta(days=d), source) for name, d in zip(names, days, strict=True))
    )
    return receipts, orders


def lead_time(*told, node=REGION, name=TEA, universe=None, planning=None):
    here = items(item(lead_time_days=PLANNED)) if universe is None else universe
    receipts, orders = (pl.concat(part) for part in zip(*told, strict=True))
    merged = history(receipts=receipts, orders=orders)
    return at(state(items=here, history=merged, planning=planning), node, name)


def test_never_observed_is_as_planned_with_the_usual_spread():
    here = at(state(items=items(item(lead_time_days=PLANNED))))
    assert here["lead_time_mean"] == here["lead_time_p50"] == PLANNED
    assert here["lead_time_sd"] == pytest.approx(2.5)
    assert here["lead_time_p90"] == pytest.approx(PLANNED + Z90 * 2.5)
    assert here["lead_time_observations"] == 0.0


def test_an_observation_is_blended_with_the_planned_time_by_weight():
    """Three nested blends, each with weight 5: 15 of 15 days seen 5 times weighs 1 - (1/2)^3."""
    here = lead_time(arrivals([15] * 5))
    assert here["lead_time_observations"] == 5.0
    assert here["lead_time_mean"] == pytest.approx(15 - 5 / 8)
    assert here["lead_time_p50"] == pytest.approx(15 - 5 / 8)
    # Variances of the mixtures: 6.25 -> 3.125 + 25 / 4 -> 4.6875 + 6.25 / 4 -> 3.125 + 1.5625 / 4
    assert here["lead_time_sd"] == pytest.approx(3.515625**0.5)


def test_with_many_receipts_the_distribution_is_their_own():
    seen = [8, 9, 10, 11, 12, 13, 14, 15, 16, 30] * 40
    here = lead_time(arrivals(seen))
    assert here["lead_time_mean"] == pytest.approx(13.8, rel=0.005)
    assert here["lead_time_p50"] == pytest.approx(12.5, rel=0.05)
    assert here["lead_time_p90"] == pytest.approx(17.4, rel=0.02)  # between 16 and 30
    assert here["lead_time_sd"] == pytest.approx(5.88, rel=0.02)


def test_partial_deliveries_weigh_by_quantity():
    parts = received(
        {"order": "450000", "posted_on": ago(9), "quantity": 10.0},
        {"order": "450000", "posted_on": ago(1), "quantity": 90.0},
    )
    here = lead_time(
        (parts, ordered(("450000", ago(11)))), planning=Planning(lead_time_prior_weight=0.1)
    )
    assert here["lead_time_observations"] == 1.0
    assert here["lead_time_mean"] == pytest.approx(0.1 * 2 + 0.9 * 10, rel=0.01)


def test_a_delivery_taken_back_has_no_lead_time():
    back = received(
        {"order": "450000", "posted_on": ago(9), "quantity": 10.0},
        {"order": "450000", "posted_on": ago(8), "quantity": -10.0},
    )
    assert lead_time((back, ordered(("450000", ago(11)))))["lead_time_observations"] == 0.0


@pytest.mark.parametrize(
    "told",
    [
        arrivals([15], source=""),  # bought outside although the centre supplies
        arrivals([-2]),  # received before it was ordered
        (received({"posted_on": ago(1), "quantity": 5.0}), ordered(("46", ago(9)))),  # no order
        (received({"posted_on": ago(91), "quantity": 5.0}), ordered(("45", ago(99)))),  # too old
    ],
)
def test_what_is_no_observation(told):
    assert lead_time(told)["lead_time_observations"] == 0.0


def test_thin_item_nodes_lean_on_their_node():
    universe = items(item(item=TEA, lead_time_days=PLANNED), item(item=CUPS, lead_time_days=4.0))
    here = lead_time(arrivals([20] * 200), name=CUPS, universe=universe)
    assert here["lead_time_observations"] == 0.0
    assert here["lead_time_mean"] == pytest.approx(2 * 4.0, rel=0.05)


def test_thin_item_nodes_lean_on_their_lane_more_than_on_their_node():
    """OTHER never received TEA itself: its own receipts of CUPS are prompt, the lane's TEA late."""
    universe = items(
        *(
            item(node, name, lead_time_days=PLANNED)
            for node in (REGION, OTHER)
            for name in (TEA, CUPS)
        )
    )
    late, prompt = arrivals([20] * 200), arrivals([10] * 200, OTHER, CUPS, prefix="46")
    here = lead_time(late, prompt, node=OTHER, universe=universe)
    assert here["lead_time_observations"] == 0.0
    assert here["lead_time_mean"] == pytest.approx(20, rel=0.05)


def test_no_lead_time_is_believed_beyond_the_maximum():
    here = lead_time(arrivals([80] * 50), planning=Planning(lead_time_days_maximum=30.0))
    assert here["lead_time_mean"] <= here["lead_time_p90"] <= 30.0


def test_a_planned_lead_time_of_nothing_counts_as_a_day():
    here = at(state(items=items(item(lead_time_days=0.0))))
    assert (here["lead_time_days"], here["lead_time_mean"]) == (0.0, 1.0)


@few
@given(
    seen=st.lists(st.integers(0, 400), max_size=30),
    planned=st.floats(0.0, 60.0),
    weight=st.floats(0.1, 50.0),
)
def test_the_distribution_is_ordered_and_finite(seen, planned, weight):
    here = lead_time(
        arrivals(seen),
        universe=items(item(lead_time_days=planned)),
        planning=Planning(lead_time_prior_weight=weight),
    )
    assert here["lead_time_observations"] == len(seen)
    assert 0.0 <= here["lead_time_p50"] <= here["lead_time_p90"] <= 365.0
    assert 0.0 <= here["lead_time_mean"] <= 365.0
    assert 0.0 <= here["lead_time_sd"] < 400.0
