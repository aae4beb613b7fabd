"""Demand models: each does what its name says, on average and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twin_networks import ONE, row

from connector.errors import ConfigError
from connector.twin.demand import (
    WEEK,
    Moves,
    drawn,
    promotions,
    replayed,
    season,
    together,
    trend,
)
from connector.twin.dynamics import Stock
from connector.twin.network import Rules
from connector.twin.reviews import reviewed
from connector.twin.rollout import rollout

MANY = 200_000


def chance():
    return np.random.default_rng(5)


@pytest.mark.parametrize(
    ("occurs", "shape", "variance"),
    [
        (1.0, np.inf, 4.0),  # Poisson
        (1.0, 2.0, 4.0 + 16.0 / 2.0),  # negative binomial
        (1.0, 1.0, 4.0 + 16.0),  # geometric
        (0.25, np.inf, 0.25 * (16.0 + 256.0) - 16.0),  # intermittent
        (0.25, 0.8, 0.25 * (16.0 + 256.0 * 2.25) - 16.0),  # lumpy
    ],
)
def test_demand_has_the_moments_of_its_model(occurs, shape, variance):
    units = drawn(np.full(MANY, 4.0 / occurs), occurs=occurs, shape=shape, chance=chance())
    assert units.mean() == pytest.approx(4.0, rel=0.03)
    assert units.var() == pytest.approx(variance, rel=0.05)
    assert (units == 0).mean() >= 1.0 - occurs - 0.01


def test_a_geometric_day_is_geometric():
    units = drawn(np.full(MANY, 3.0), occurs=1.0, shape=1.0, chance=chance())
    for number in range(4):
        assert (units == number).mean() == pytest.approx(0.25 * 0.75**number, rel=0.05)


def test_season_and_week_average_one():
    amplitude, phase = np.array([0.0, 0.4]), np.array([10.0, 100.0])
    days = np.arange(365)[:, None]
    factors = season(amplitude, phase, days)
    np.testing.assert_allclose(factors.mean(axis=0), 1.0, atol=1e-9)
    np.testing.assert_allclose(factors[:, 0], 1.0)
    assert factors[:, 1].argmax() == 191  # a quarter of a year after its phase
    assert sum(WEEK) == pytest.approx(7.0)


def test_a_trend_grows_by_the_year():
    factors = trend(731, 0.2)
    assert factors.shape == (731, 1, 1)
    assert (factors[0].item(), factors[365].item()) == (1.0, pytest.approx(1.2))
    assert factors[730].item() == pytest.approx(1.44)
    with pytest.raises(ConfigError, match=r"trend is -1\.0"):
        trend(10, -1.0)


def test_a_promotion_lasts_its_days_and_no_longer():
    size = (400, 5, 2)
    factors = promotions(size, odds=0.02, days=6, lift=3.0, chance=chance())
    begins = chance().random(size) < 0.02
    for day, item, node in zip(*np.nonzero(begins), strict=True):
        assert (factors[day : day + 6, item, node] == 3.0).all()
    quiet = np.array([not begins[max(0, day - 5) : day + 1].any() for day in range(400)])
    assert set(factors[quiet].ravel()) <= {1.0}
    assert (factors == 3.0).any(axis=0).all()


def test_items_of_a_group_move_together():
    factors = together(
        50_000, np.array([0, 0, 1]), spread=0.3, lasts=5.0, chance=chance()
    ).squeeze()
    np.testing.assert_array_equal(factors[:, 0], factors[:, 1])
    logs = np.log(factors)
    assert abs(np.corrcoef(logs[:, 0], logs[:, 2])[0, 1]) < 0.05
    assert factors[:, 0].mean() == pytest.approx(1.0, abs=0.03)
    assert logs[:, 0].std() == pytest.approx(0.3, abs=0.02)
    later = np.corrcoef(logs[:-5, 0], logs[5:, 0])[0, 1]
    assert later == pytest.approx(np.exp(-1.0), abs=0.05)


HISTORY = np.arange(21.0)[:, None, None] + np.array([0.0, 100.0])[:, None]


def test_a_history_repeats_itself_without_chance():
    again = replayed(HISTORY, 50)
    np.testing.assert_array_equal(again, np.concatenate([HISTORY] * 3)[:50])


@given(days=st.integers(1, 100), seed=st.integers(0, 50))
def test_blocks_keep_weekdays_and_what_moves_together(days, seed):
    again = replayed(HISTORY, days, chance=np.random.default_rng(seed))
    assert again.shape == (days, 2, 1)
    np.testing.assert_array_equal(again[:, 0, 0] % 7, np.arange(days) % 7)
    np.testing.assert_array_equal(again[:, 1, 0] - again[:, 0, 0], 100.0)


@pytest.mark.parametrize(
    ("history", "says"),
    [
        (HISTORY[:6], "has 6 periods"),
        (HISTORY - 1.0, "negative"),
        (HISTORY * np.nan, "no number"),
    ],
)
def test_a_history_that_is_none_is_refused(history, says):
    with pytest.raises(ConfigError, match=says):
        replayed(history, 5)


def test_nothing_moves_by_default():
    np.testing.assert_array_equal(Moves().factors((9, 4, 2), chance()), np.ones((9, 4, 2)))


def test_moves_work_together():
    moves = Moves(growth=1.0, promotion_odds=0.01, promotion_lift=4.0, spread=0.05)
    factors = moves.factors((730, 300, 2), chance())
    first, last = factors[:100].mean(), factors[-100:].mean()
    assert last / first == pytest.approx(2.0 ** (630 / 365), rel=0.15)
    assert (factors / np.median(factors, axis=(1, 2))[:, None, None] > 3.9).any()


@pytest.mark.parametrize(
    "wrong", [{"growth": -1.0}, {"promotion_odds": 1.5}, {"promotion_days": 0}, {"spread": 9.0}]
)
def test_moves_that_no_demand_makes_are_refused(wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(ConfigError, match=f"{name} is {value}"):
        Moves(**wrong)


def test_a_node_orders_on_its_review_days_only():
    seen = []
    calendar = np.zeros((7, 1), dtype=bool)
    calendar[2] = True
    rollout(
        ONE,
        Rules(holding=1.0, shortage=1.0, lost_share=1.0),
        Stock(on_hand=row(50.0), pipeline=(row(0.0),) * ONE.horizon),
        demand=[row(3.0)] * 21,
        lead_time=1,
        policy=reviewed(lambda stock, _: (60.0 - stock.on_hand).clip(min=0.0), calendar),
        watch=lambda _, __, flows, ___: seen.append(flows.ordered.item()),
    )
    assert [period for period, units in enumerate(seen) if units] == [2, 9, 16]
    with pytest.raises(ConfigError, match="no period"):
        reviewed(lambda stock, _: stock.on_hand, calendar[:0])
