"""The order of events in a period, and what each cost is charged on."""

from __future__ import annotations

import numpy as np
import pytest
from twin_networks import FORK, ONE, PAIR, row, rules, shelf

from connector.twin.dynamics import (
    advance,
    arrivals,
    cost,
    echelon_position,
    inventory_position,
    receive,
)
from connector.twin.rollout import rollout


def lived(topology, stock, orders, demand, *, lead_time, rules=rules()):  # noqa: B008 - frozen
    """Return the end of each period: (stock, flows, cost)."""
    seen = []
    rollout(
        topology,
        rules,
        stock,
        demand=[row(*each) for each in demand],
        lead_time=lead_time,
        policy=lambda _, period: row(*orders[period]),
        watch=lambda _, stock, flows, spent: seen.append((stock, flows, spent)),
    )
    return seen


@pytest.mark.parametrize("lead_time", [0, 1, 2, 3])
def test_an_order_serves_demand_from_its_lead_time_on(lead_time):
    days = lived(ONE, shelf(ONE, 0.0), [(5,)] + [(0,)] * 4, [(1,)] * 5, lead_time=lead_time)
    lost = [float(flows.lost[0, 0]) for _, flows, _ in days]
    assert lost == [1.0] * lead_time + [0.0] * (5 - lead_time)
    assert float(days[-1][0].on_hand[0, 0]) == lead_time


def test_the_policy_sees_receipts_and_not_todays_demand():
    stock = shelf(ONE, 2.0, pipeline=(row(3.0), row(4.0), row(0.0)))
    seen = []
    rollout(
        ONE,
        rules(),
        stock,
        demand=[row(5.0), row(0.0)],
        lead_time=1,
        policy=lambda stock, _: seen.append(float(stock.on_hand[0, 0])) or row(0.0),
    )
    assert seen == [5.0, 4.0]


def test_the_upstream_node_ships_what_it_received_in_the_same_period():
    stock = shelf(PAIR, 0.0, 0.0, pipeline=(row(4.0, 0.0), row(0, 0), row(0, 0)))
    [(after, flows, _)] = lived(PAIR, stock, [(0, 4)], [(0, 3)], lead_time=0)
    assert flows.shipped[0, 1] == 4.0
    assert after.on_hand.tolist() == [[0.0, 1.0]]


def test_internal_orders_go_before_the_nodes_own_customers():
    [(after, flows, _)] = lived(PAIR, shelf(PAIR, 6, 0), [(0, 4)], [(5, 0)], lead_time=1)
    assert flows.shipped[0, 1] == 4.0
    assert flows.lost[0, 0] == 3.0
    assert after.on_hand[0, 0] == 0.0


def test_lost_sales_do_not_come_back():
    days = lived(ONE, shelf(ONE, 3), [(0,), (9,)], [(5,), (0,)], lead_time=0)
    assert [float(flows.lost[0, 0]) for _, flows, _ in days] == [2.0, 0.0]
    assert days[1][0].on_hand[0, 0] == 9.0


def test_backorders_wait_and_are_served_before_todays_customers():
    keep = rules(lost_share=0.0)
    begin = shelf(ONE, 3, waits=True)
    days = lived(ONE, begin, [(0,), (4,)], [(5,), (3,)], lead_time=0, rules=keep)
    (first, flows, spent), (second, then, later) = days
    assert first.waiting[0, 0] == 2.0
    assert flows.lost[0, 0] == 0.0
    assert spent[0, 0] == 20.0
    # 4 came: 2 for who waited, 2 of today's 3
    assert then.unmet[0, 0] == 1.0
    assert second.waiting[0, 0] == 1.0
    assert later[0, 0] == 10.0


def test_a_part_of_unmet_demand_may_be_lost():
    some = rules(lost_share=0.25)
    [(after, flows, spent)] = lived(
        ONE, shelf(ONE, 2, waits=True), [(0,)], [(6,)], lead_time=1, rules=some
    )
    assert (flows.unmet[0, 0], flows.lost[0, 0], after.waiting[0, 0]) == (4.0, 1.0, 3.0)
    assert spent[0, 0] == 40.0


def test_each_cost_is_charged_on_its_own_quantity():
    full = rules(
        holding=row(1.0, 2.0), in_transit=0.5, fixed=row(7.0, 11.0), per_unit=row(0.1, 0.01)
    )
    [(after, flows, spent)] = lived(
        PAIR, shelf(PAIR, 10, 3), [(0, 4)], [(0, 5)], lead_time=2, rules=full
    )
    assert flows.ordered.tolist() == [[0.0, 4.0]]
    # 6 on the shelf; 2 lost, 4 under way, one order, 4 shipped
    np.testing.assert_allclose(spent, [[6.0, 20.0 + 2.0 + 11.0 + 0.04]])
    np.testing.assert_allclose(cost(full, after, flows), spent)


def test_costs_before_skip_do_not_count():
    done = rollout(
        ONE,
        rules(),
        shelf(ONE, 9),
        demand=[row(1.0)] * 4,
        lead_time=1,
        policy=lambda stock, _: 0.0 * stock.on_hand,
        skip=2,
    )
    assert (float(done.cost[0, 0]), done.periods) == (6.0 + 5.0, 2)


def test_positions_count_every_unit_once():
    stock = shelf(
        FORK,
        8,
        2,
        1,
        pipeline=(row(3, 1, 0), row(0, 0, 2), row(0, 0, 0)),
        waiting=row(0, 0, 4),
        owed=row(0, 5, 0),
    )
    # Node 0 owes 5 to node 1: off its position, on node 1's, and once in the echelon
    assert inventory_position(FORK, stock).tolist() == [[8 + 3 - 5, 2 + 1 + 5, 1 + 2 - 4]]
    assert echelon_position(FORK, stock).tolist() == [[8 + 3 + 2 + 1 + 1 + 2 - 4, 8, -1]]


def test_what_the_outside_supplier_owes_is_on_order_in_both_positions():
    limited = rules(capacity=row(3.0, 99.0))
    before = receive(shelf(PAIR, 0, 0))
    after, flows = advance(PAIR, limited, before, row(10, 0), row(0, 0), arrivals(1, PAIR.horizon))
    assert flows.shipped[0, 0] == 3.0
    assert after.owed[0, 0] == 7.0
    assert inventory_position(PAIR, after)[0, 0] == 10.0
    assert echelon_position(PAIR, after)[0, 0] == 10.0
