"""Who gets what when there is not enough."""

from __future__ import annotations

import numpy as np
from twin_networks import FORK, PAIR, row, rules, shelf

from connector.twin.dynamics import advance, arrivals, receive


def shipped(stock, orders, *, demand=(0, 0, 0), **more):
    topology = FORK if len(orders) == 3 else PAIR
    after, flows = advance(
        topology,
        rules(**more),
        receive(stock),
        row(*orders),
        row(*demand[: len(orders)]),
        arrivals(1, topology.horizon),
    )
    return after, flows.shipped[0, 1:].tolist()


def test_enough_for_all_ships_all_that_is_ordered():
    after, sent = shipped(shelf(FORK, 10, 0, 0), (0, 4, 6))
    assert sent == [4.0, 6.0]
    assert after.owed.tolist() == [[0.0, 0.0, 0.0]]


def test_a_shortage_gives_everybody_the_same_share():
    after, sent = shipped(shelf(FORK, 5, 0, 0), (0, 4, 6))
    assert sent == [2.0, 3.0]
    assert after.owed.tolist() == [[0.0, 2.0, 3.0]]
    assert after.on_hand[0, 0] == 0.0


def test_what_is_owed_is_shipped_before_what_is_ordered_later():
    late = shelf(FORK, 5, 0, 0, owed=row(0, 4, 0))
    after, sent = shipped(late, (0, 0, 6))
    assert sent == [4.0, 1.0]
    assert after.owed.tolist() == [[0.0, 0.0, 5.0]]


def test_who_is_owed_shares_alike_where_even_that_is_too_much():
    _, sent = shipped(shelf(FORK, 5, 0, 0, owed=row(0, 4, 6)), (0, 8, 8))
    assert sent == [2.0, 3.0]


def test_an_empty_shelf_ships_nothing_and_forgets_nothing():
    after, sent = shipped(shelf(FORK, 0, 0, 0), (0, 4, 6))
    assert sent == [0.0, 0.0]
    assert after.owed[0, 1:].tolist() == [4.0, 6.0]


def test_a_carriers_capacity_limits_old_and_new_together():
    late = shelf(FORK, 50, 0, 0, owed=row(0, 4, 0))
    after, sent = shipped(late, (0, 6, 6), capacity=row(99, 5, 99))
    assert sent == [5.0, 6.0]
    assert after.owed[0].tolist() == [0.0, 5.0, 0.0]
    assert after.on_hand[0, 0] == 39.0


def test_replications_do_not_meet():
    both = np.array([[5.0, 0.0, 0.0], [50.0, 0.0, 0.0]])
    none = np.zeros((2, 3))
    stock = shelf(FORK, 0, 0, 0, on_hand=both, pipeline=(none,) * 3, owed=none)
    orders = np.array([[0.0, 4.0, 6.0], [0.0, 4.0, 6.0]])
    _, flows = advance(FORK, rules(), receive(stock), orders, none, arrivals(1, FORK.horizon))
    assert flows.shipped[:, 1:].tolist() == [[2.0, 3.0], [4.0, 6.0]]
