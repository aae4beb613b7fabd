"""What is told of goods under way: promised days, all of the goods, nothing twice."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from connector.inventory.state import BUCKETS  # noqa: E402
from connector.twin.dynamics import Stock, on_the_way  # noqa: E402
from connector.twin.network import Rules, Topology  # noqa: E402
from connector.twin.rollout import rollout  # noqa: E402
from policies.promises import Promises, promised_days  # noqa: E402

HORIZON = 12


def told_after(planned: float, takes: float, periods: int) -> dict[str, float]:
    """Return what is told of one unit, so many periods after it was sent."""
    nothing = torch.zeros(1, 1)
    promises = Promises.none(nothing, HORIZON).after(nothing + 1.0, nothing + takes, nothing + 1.0)
    for _ in range(periods - 1):
        promises = promises.after(nothing, nothing + 3.0, nothing)
    days = promised_days(nothing + planned, HORIZON)
    told = dict(zip(BUCKETS, promises.told(days)[0, 0].tolist(), strict=True))
    return {name: units for name, units in told.items() if units}


@pytest.mark.parametrize(
    ("planned", "takes", "periods", "expected"),
    [
        (5.0, 5.0, 1, "arriving_4"),
        (5.0, 5.0, 4, "arriving_1"),
        (5.0, 8.0, 4, "arriving_1"),  # late from tomorrow on, and nobody knows
        (5.0, 8.0, 7, "arriving_1"),  # past due: expected first
        (5.0, 2.0, 1, "arriving_4"),  # it will come tomorrow; nobody said so
        (11.6, 12.0, 1, "arriving_14"),
    ],
)
def test_goods_are_told_by_the_day_they_were_promised(
    planned: float, takes: float, periods: int, expected: str
) -> None:
    assert told_after(planned, takes, periods) == {expected: 1.0}


@pytest.mark.parametrize(("takes", "periods"), [(5.0, 5), (2.0, 2), (2.0, 3)])
def test_what_has_come_is_told_no_more(takes: float, periods: int) -> None:
    assert told_after(5.0, takes, periods) == {}


def test_all_that_is_under_way_is_told_once() -> None:
    topology = Topology(suppliers=(-1, 0), horizon=HORIZON)
    chance = torch.Generator().manual_seed(3)
    size, periods = (5, 2), 60
    takes = torch.randint(1, HORIZON + 1, (periods, *size), generator=chance).float()
    orders = torch.poisson(torch.full((periods, *size), 3.0), generator=chance)
    nothing = torch.zeros(size)
    sent = [Promises.none(nothing, HORIZON)]
    days = promised_days(torch.full(size, 6.0), HORIZON)

    def policy(stock: Stock, period: int) -> torch.Tensor:
        told = sent[0].told(days).sum(dim=-1)
        np.testing.assert_allclose(told, on_the_way(stock) + stock.owed, atol=1e-3)
        return orders[period]

    rollout(
        topology,
        Rules(holding=1.0, shortage=1.0, lost_share=1.0),
        Stock(on_hand=nothing + 20.0, pipeline=(nothing,) * HORIZON, owed=nothing),
        demand=torch.ones((periods, *size)),
        lead_time=takes,
        policy=policy,
        watch=lambda period, _, flows, __: sent.__setitem__(
            0, sent[0].after(flows.shipped, takes[period], flows.ordered)
        ),
    )


def test_the_gradient_reaches_what_was_sent() -> None:
    shipped = torch.ones(1, 1, requires_grad=True)
    promises = Promises.none(torch.zeros(1, 1), HORIZON).after(
        shipped, torch.full((1, 1), 4.0), shipped
    )
    promises.told(promised_days(torch.full((1, 1), 4.0), HORIZON)).sum().backward()
    assert shipped.grad is not None
    assert float(shipped.grad) == 1.0
    assert not promises.detach().sent.requires_grad


@pytest.mark.parametrize(
    ("served", "waits"),
    [(0.0, {"arriving_1": 5.0, "arriving_3": 7.0}), (4.0, {"arriving_1": 1.0, "arriving_3": 7.0}),
     (5.0, {"arriving_3": 7.0}), (11.0, {"arriving_3": 1.0}), (12.0, {})],
)  # fmt: skip
def test_what_waits_for_its_supplier_is_told_by_the_day_it_was_promised(
    served: float, waits: dict[str, float]
) -> None:
    nothing = torch.zeros(1, 1)
    promises = Promises.none(nothing, HORIZON).after(nothing, nothing + 3.0, nothing + 5.0)
    for _ in range(20):
        promises = promises.after(nothing, nothing + 3.0, nothing)  # older than what is told apart
    promises = promises.after(nothing, nothing + 3.0, nothing + 7.0)
    promises = promises.after(nothing + served, nothing + 1.0, nothing)  # it comes at once
    days = promised_days(nothing + 5.0, HORIZON)
    told = dict(zip(BUCKETS, promises.told(days)[0, 0].tolist(), strict=True))
    assert {name: units for name, units in told.items() if units} == waits


def test_no_gradient_goes_through_what_waits() -> None:
    """From day to day it grew to 1e17, and no training survives that."""
    nothing = torch.zeros(1, 1)
    ordered = torch.ones(1, 1, requires_grad=True)
    promises = Promises.none(nothing, HORIZON).after(nothing, nothing + 4.0, ordered)
    assert float(promises.waits.sum()) == 1.0
    assert not promises.waits.requires_grad
