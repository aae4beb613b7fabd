"""What is exact where orders cross, beside published figures (Temizoez et al., DCL)."""

from __future__ import annotations

import numpy as np
import pytest

from policies.benchmarks.crossover_exact import Crossed, cost_of, optimum


@pytest.mark.parametrize(
    ("shortage", "level", "published", "learned"),
    [(1.0, 20, 3.5541, 2.4633), (9.0, 26, 8.1704, 5.4191), (99.0, 31, 12.8751, 8.4542)],
)
def test_base_stock_is_the_published_one_and_the_optimum_lies_just_below_the_best_published(
    shortage: float, level: int, published: float, learned: float
) -> None:
    item = Crossed(customers=10.0, holding=1.0, shortage=shortage)
    found, cost = item.base_stock
    assert found == level
    assert cost == pytest.approx(published, rel=0.003)  # theirs is simulated
    best = optimum(item)
    assert best < learned
    assert best == pytest.approx(learned, rel=0.011)


def test_a_base_stock_policy_costs_what_palm_says() -> None:
    item = Crossed(customers=5.0, holding=1.0, shortage=3.0)
    level, cost = item.base_stock
    position = item.stock[:, None] + item.under_way[None, :]
    orders = np.clip(level - position, 0, None)
    # Cut off where units under way are no longer looked at
    assert cost_of(item, orders) == pytest.approx(cost, rel=1e-3)
    assert cost_of(item, np.clip(level + 2 - position, 0, None)) > cost


def test_holding_dear_and_stock_low() -> None:
    dear = Crossed(customers=10.0, holding=9.0, shortage=1.0)
    assert dear.base_stock[0] == 14
    assert optimum(dear) < dear.base_stock[1]
    assert dear.band == (6, 22)
