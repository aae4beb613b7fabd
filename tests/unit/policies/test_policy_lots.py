"""Lots while training are the lots of a review: the fail-safe's own rounding stands beside them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")

from connector.failsafes.lots import lot_rules  # noqa: E402
from policies.family import poisson_or_geometric  # noqa: E402
from policies.lots import asked_for, whole_lots  # noqa: E402

ONE = poisson_or_geometric(5.0, is_poisson=True, lead_time=2, shortage=9.0)


def lots(multiple: float, minimum: float = 0.0, fixed: float = 0.0):
    """Return one instance that is ordered in these lots."""
    return replace(
        ONE,
        lot=torch.full((1, 1), multiple),
        minimum=torch.full((1, 1), minimum),
        fixed=torch.full((1, 1), fixed),
    )


def ordered(order: float, instance) -> float:
    return float(whole_lots(torch.full((1, 1), order), instance))


@settings(max_examples=300, deadline=None)
@given(
    order=st.floats(0.0, 300.0, width=32),
    multiple=st.sampled_from([1.0, 5.0, 12.0]),
    minimum=st.sampled_from([0.0, 3.0, 20.0, 48.0]),
    fixed=st.sampled_from([0.0, 0.0, 5.0, 30.0]),
)
def test_what_is_asked_for_becomes_what_was_meant(order, multiple, minimum, fixed):
    instance = lots(multiple, minimum, fixed)
    rules = lot_rules(
        minimum=np.array([minimum]),
        multiple=np.array([multiple]),
        fixed=np.array([fixed]),
        maximum=np.array([np.inf]),
        step=np.array([1.0]),
    )
    asked = asked_for(torch.full((1, 1), order), instance.steps[0]).double().numpy().ravel()
    assert ordered(order, instance) == rules.up(asked, 0.5)[0]


@pytest.mark.parametrize(
    ("order", "nearest"), [(2.4, 0.0), (2.6, 5.0), (4.9, 5.0), (7.4, 5.0), (7.6, 10.0)]
)
def test_the_nearest_number_of_lots_is_ordered(order, nearest):
    assert ordered(order, lots(5.0)) == nearest
    assert ordered(order, replace(ONE, lot=torch.full((1, 1), 5.0))) == nearest


@pytest.mark.parametrize(("order", "meant"), [(8.0, 0.0), (13.0, 20.0), (21.0, 20.0), (23.0, 25.0)])
def test_nothing_is_ordered_below_half_of_the_smallest_lot(order, meant):
    assert ordered(order, lots(5.0, minimum=20.0)) == meant


def test_a_fixed_lot_stands_for_lot_and_minimum():
    assert [ordered(order, lots(5.0, 20.0, 30.0)) for order in (14.0, 16.0, 46.0)] == [0, 30, 60]
