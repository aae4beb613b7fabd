"""Laws that hold in every network, whatever is ordered: nothing appears, nothing vanishes."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from twin_networks import Life, lives

from connector.twin.dynamics import Stock, echelon_position, inventory_position, on_the_way

CLOSE = {"rtol": 0.0, "atol": 1e-9}


def goods(stock: Stock):
    return (stock.on_hand + on_the_way(stock)).sum(axis=-1)


def waiting(stock: Stock):
    return np.zeros_like(stock.on_hand) if stock.waiting is None else stock.waiting


@settings(max_examples=150, deadline=None)
@given(lives())
def test_units_in_are_units_out_and_units_kept(life: Life):
    outside = [n for n, supplier in enumerate(life.topology.suppliers) if supplier < 0]
    for before, after, flows in life.periods():
        served = flows.demand - flows.lost - (waiting(after) - waiting(before))
        came_in = flows.shipped[..., outside].sum(axis=-1)
        np.testing.assert_allclose(
            goods(before) + came_in, goods(after) + served.sum(axis=-1), **CLOSE
        )


@settings(max_examples=100, deadline=None)
@given(lives())
def test_what_is_ordered_is_shipped_or_owed(life: Life):
    for before, after, flows in life.periods():
        np.testing.assert_allclose(before.owed + flows.ordered, flows.shipped + after.owed, **CLOSE)


@settings(max_examples=100, deadline=None)
@given(lives())
def test_nothing_is_ever_negative(life: Life):
    for _, after, flows in life.periods():
        kept = (after.on_hand, *after.pipeline, waiting(after), after.owed)
        happened = (flows.shipped, flows.unmet, flows.lost)
        assert all((each >= 0.0).all() for each in (*kept, *happened))


@settings(max_examples=100, deadline=None)
@given(lives())
def test_no_node_ships_more_than_it_has_or_than_is_wanted(life: Life):
    for before, _, flows in life.periods():
        assert (flows.shipped <= before.owed + flows.ordered + 1e-9).all()
        if life.rules.capacity is not None:
            assert (flows.shipped <= life.rules.capacity + 1e-9).all()
        for node in range(life.topology.nodes):
            sent = sum(flows.shipped[..., n] for n in life.topology.children(node))
            assert (sent <= before.on_hand[..., node] + 1e-9).all()


@settings(max_examples=100, deadline=None)
@given(lives())
def test_the_position_moves_by_orders_and_by_demand_that_stays(life: Life):
    for before, after, flows in life.periods():
        orders = [flows.ordered[..., n] for n in range(life.topology.nodes)]
        from_below = [
            sum((orders[n] for n in life.topology.children(node)), start=0.0 * orders[0])
            for node in range(life.topology.nodes)
        ]
        moved = flows.ordered - np.stack(from_below, axis=-1) - (flows.demand - flows.lost)
        np.testing.assert_allclose(
            inventory_position(life.topology, after),
            inventory_position(life.topology, before) + moved,
            **CLOSE,
        )


@settings(max_examples=100, deadline=None)
@given(lives())
def test_the_echelon_position_moves_by_own_orders_and_all_demand_below(life: Life):
    for before, after, flows in life.periods():
        stays = flows.demand - flows.lost
        below = [
            stays[..., list(life.topology.downstream(node))].sum(axis=-1)
            for node in range(life.topology.nodes)
        ]
        moved = flows.ordered - np.stack(below, axis=-1)
        np.testing.assert_allclose(
            echelon_position(life.topology, after),
            echelon_position(life.topology, before) + moved,
            **CLOSE,
        )


@settings(max_examples=50, deadline=None)
@given(lives(whole=True))
def test_receiving_moves_goods_and_changes_no_position(life: Life):
    for _, after, _ in life.periods():
        # What arrives next is on hand next; the position never sees it
        received = Life(**(vars(life) | {"stock": after}))
        before, _, _ = next(received.periods())
        assert (before.on_hand == after.on_hand + after.pipeline[0]).all()
        for position in (inventory_position, echelon_position):
            np.testing.assert_allclose(
                position(life.topology, before), position(life.topology, after), **CLOSE
            )
