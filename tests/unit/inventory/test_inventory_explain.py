"""The waterfall adds up, document by document, to what base-stock orders."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from inventory_busy import busy
from inventory_frames import (
    DC,
    NETWORK,
    OTHER,
    REGION,
    TEA,
    TODAY,
    ago,
    document,
    few,
    history,
    item,
    items,
    own,
    pipeline,
    snapshot,
    stock,
    taken,
)

from connector.errors import CommandRefused
from connector.inventory.base_stock import base_stock
from connector.inventory.build import build_state
from connector.inventory.explain import LOT, RAW, units_waterfall
from connector.inventory.memory import Memory
from connector.inventory.network import Network, Node
from connector.inventory.planning import Planning


def waterfall(node=REGION, name=TEA, memory=None, **said):
    seen, memory = snapshot(**said), memory or Memory()
    built = build_state(seen, memory, NETWORK, Planning())
    return units_waterfall(built, seen, memory, NETWORK, node=node, item=name)


DAY = history(taken([10.0] * 56))


def test_one_line_told_in_documents():
    rules = items(item(lead_time_days=4.0, lot_minimum=20.0, lot_multiple=12.0))
    steps = waterfall(
        items=rules,
        history=DAY,
        memory=own(document(3.0, key="KEY0000001", state="in_doubt")),
        stock=stock((REGION, 6.0), (REGION, 2.0, "inspection")),
        pipeline=pipeline(
            document(8.0, document="4500000012", due=ago(-7)),
            document(5.0, document="10000007", kind="requisition", tracking="OTHERKEY", due=None),
        ),
    )
    told = {step.label: step for step in steps}
    assert [step.label for step in steps] == [
        "demand over lead time",
        "demand until the next review",
        "safety",
        "on hand",
        "in inspection",
        "purchase order",
        "requisition",
        "not visible in the ERP yet",
        RAW,
        LOT,
    ]
    assert told["demand over lead time"][1:] == (40.0, "10 a day x 4 days")
    assert told["demand until the next review"].quantity == 10.0
    assert told["safety"].source == "critical ratio 0.98"
    assert told["on hand"].quantity == -6.0
    assert told["purchase order"][1:] == (-8.0, "4500000012/10, due 2026-12-01")
    assert told["requisition"][1:] == (-5.0, "10000007/10")
    assert told["not visible in the ERP yet"][1:] == (-3.0, "ours, in doubt, key KEY0000001")
    assert told[RAW].quantity == pytest.approx(26.0 + told["safety"].quantity)  # 48.6
    assert told[LOT] == (LOT, 60.0, "minimum 20, multiple of 12")


def test_our_documents_are_called_ours():
    steps = waterfall(
        memory=own(document(8.0, key="KEY0000001")),
        pipeline=pipeline(document(8.0, tracking="KEY0000001")),
    )
    assert "ours" in next(step.source for step in steps if step.label == "purchase order")


def test_an_agreed_safety_stock_and_a_maximum_are_named():
    rules = items(item(safety_stock=500.0, maximum_stock=300.0))
    told = {step.label: step for step in waterfall(items=rules, history=DAY)}
    assert told["safety"][1:] == (500.0, "the ERP's safety stock")
    assert told["above maximum stock"].source == "maximum stock 300"
    assert told[RAW].quantity == 300.0


def test_enough_stock_orders_nothing():
    steps = waterfall(history=DAY, stock=stock((REGION, 5000.0)))
    assert steps[-2:] == ((RAW, 0.0, ""), (LOT, 0.0, ""))


def test_a_central_node_tells_what_stands_below_it():
    steps = waterfall(
        DC,
        history=DAY,
        stock=stock((DC, 20.0), (REGION, 7.0), (REGION, 4.0, "in_transit")),
        pipeline=pipeline(document(9.0, OTHER), document(50.0, supplying_node=DC)),
    )
    told = {step.label: step.quantity for step in steps}
    assert told["on hand"] == -20.0
    assert told["on hand at 1010"] == -7.0
    assert told["in transit to 1010"] == -4.0
    assert told["purchase order to 1020"] == -9.0
    assert told["level of 1010 below"] > 50.0
    assert not any(step.quantity == -50.0 for step in steps), "an unissued transfer is on our shelf"


def test_goods_under_way_from_outside_the_echelon_are_told_once():
    apart = Network((Node(name=DC), Node(name=REGION, supplied_by=DC), Node(name=OTHER)))
    seen = snapshot(
        stock=stock((REGION, 12.0, "in_transit")),
        pipeline=pipeline(document(10.0, supplying_node=OTHER)),
    )
    built = build_state(seen, Memory(), apart, Planning())
    steps = units_waterfall(built, seen, Memory(), apart, node=DC, item=TEA)
    told = {step.label: step.quantity for step in steps}
    assert told["purchase order to 1010"] == -10.0
    assert told["in transit to 1010"] == -2.0
    assert sum(told.values()) == -12.0


def test_an_unknown_line_is_refused():
    with pytest.raises(CommandRefused, match="item NAILS at node 1010 is not in this review"):
        waterfall(name="NAILS")


@few
@given(seed=st.integers(0, 10_000))
def test_the_steps_add_up_to_the_order(seed):
    seen, memory = busy(seed)
    built = build_state(seen, memory, NETWORK, Planning())
    _, quantity = base_stock(built)
    for k, (node, name) in enumerate(built.frame.select("node", "item").rows()):
        *steps, raw, lot = units_waterfall(built, seen, memory, NETWORK, node=node, item=name)
        assert (raw.label, lot.label) == (RAW, LOT)
        assert max(sum(step.quantity for step in steps), 0.0) == pytest.approx(
            raw.quantity, abs=1e-6
        )
        assert raw.quantity == pytest.approx(quantity[k], abs=1e-9)
        assert lot.quantity == 0.0 or lot.quantity >= raw.quantity - 1e-6
    assert built.erp_date == TODAY
