"""Many periods in a row: a policy against drawn demand, with what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.twin.admission import admit
from connector.twin.dynamics import Flows, Stock, advance, arrivals, cost, receive
from connector.twin.network import Array, Rules, Topology

# (stock after receipts, period) -> orders [B, N] >= 0
Policy = Callable[[Stock, int], Array]
Watch = Callable[[int, Stock, Flows, Array], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Where a rollout ended, and the cost of each period it counted, summed [B, N]."""

    stock: Stock
    cost: Array
    periods: int


def rollout(
    topology: Topology,
    rules: Rules,
    stock: Stock,
    *,
    demand: Sequence[Array] | Array,  # per period [B, N]
    lead_time: int | Sequence[Array] | Array,  # the same for all, or per period [B, N]
    policy: Policy,
    skip: int = 0,
    watch: Watch | None = None,
    checked: bool = False,
) -> Outcome:
    """Run one period per element of `demand`; costs count from period `skip` on.

    Errors: ConfigError, before the first period, for what `admit` refuses; `checked` says that the
    caller drew or admitted everything already.
    """
    if not checked:
        admit(topology, stock, demand, lead_time, skip)
    total: Array = 0.0
    fixed = arrivals(lead_time, topology.horizon) if isinstance(lead_time, int) else None
    for period, wanted in enumerate(demand):
        arrives = fixed or arrivals(_drawn(lead_time, period), topology.horizon)
        stock = receive(stock)
        orders = policy(stock, period)
        stock, flows = advance(topology, rules, stock, orders, wanted, arrives)
        if period >= skip:
            spent = cost(rules, stock, flows)
            total = total + spent
            if watch is not None:
                watch(period, stock, flows, spent)
    return Outcome(stock=stock, cost=total, periods=len(demand) - skip)


def _drawn(lead_time: int | Sequence[Array] | Array, period: int) -> Array:
    return lead_time if isinstance(lead_time, int) else lead_time[period]
