"""Many periods in a row: a policy against drawn demand, with what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from connector.twin.admission import admit
from connector.twin.dynamics import (
    Arrives,
    Flows,
    Stock,
    advance,
    arrivals,
    charged,
    priced,
    receive,
)
from connector.twin.network import Array, Rules, Topology
from connector.twin.sums import onto

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
    counted: list[Array] = []
    for period, wanted in enumerate(demand):
        if isinstance(lead_time, int):
            arrives: Arrives = lead_time
        else:
            arrives = arrivals(lead_time[period], topology.horizon)
        # Without a watcher, only this loop has seen what a period left on hand
        stock = receive(stock, ours=period > 0 and watch is None)
        stock, flows = advance(topology, rules, stock, policy(stock, period), wanted, arrives)
        if period < skip:
            continue
        units = charged(rules, stock, flows)
        counted = list(map(onto, counted, units)) if counted else [0.0 + each for each in units]
        if watch is not None:
            watch(period, stock, flows, priced(rules, units))
    return Outcome(stock=stock, cost=priced(rules, counted), periods=len(demand) - skip)
