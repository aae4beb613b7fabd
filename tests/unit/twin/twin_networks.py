"""Networks and stocks that the twin's tests live through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from connector.twin.dynamics import Stock, advance, arrivals, receive
from connector.twin.network import Rules, Topology

Floats = NDArray[np.float64]

ONE = Topology(suppliers=(-1,), horizon=3)
PAIR = Topology(suppliers=(-1, 0), horizon=3)
FORK = Topology(suppliers=(-1, 0, 0), horizon=3)


def row(*units: float) -> Floats:
    """One replication."""
    return np.array([units], dtype=np.float64)


def shelf(topology: Topology, *units: float, waits: bool = False, **more: Any) -> Stock:
    """Only what is on hand, nothing under way."""
    none = np.zeros((1, topology.nodes))
    owed = None if topology.is_single_echelon else none
    begin = {
        "on_hand": row(*units),
        "pipeline": (none,) * topology.horizon,
        "waiting": none if waits else None,
        "owed": owed,
    }
    return Stock(**(begin | more))


def rules(**more: Any) -> Rules:
    return Rules(**({"holding": 1.0, "shortage": 10.0, "lost_share": 1.0} | more))


@dataclass(frozen=True, kw_only=True)
class Life:
    """A network with all that is decided about it: orders, demand and lead times [T, B, N]."""

    topology: Topology
    stock: Stock
    rules: Rules
    orders: Floats
    demand: Floats
    lead_times: Floats

    def periods(self):
        """Yield (stock after receipts, stock at the end, flows) of each period."""
        stock = self.stock
        for orders, demand, leads in zip(self.orders, self.demand, self.lead_times, strict=True):
            before = receive(stock)
            arrives = arrivals(leads, self.topology.horizon)
            stock, flows = advance(self.topology, self.rules, before, orders, demand, arrives)
            yield before, stock, flows


@st.composite
def lives(draw: st.DrawFn, *, whole: bool = False) -> Life:
    """Forests of up to 5 nodes, lost sales, backorders or both, lead times that may cross."""
    nodes = draw(st.integers(1, 5))
    suppliers = tuple(draw(st.integers(-1, node - 1)) for node in range(nodes))
    topology = Topology(suppliers=suppliers, horizon=draw(st.integers(1, 4)))
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = (draw(st.integers(1, 8)), 2, nodes)

    def units(*shape: int) -> Floats:
        drawn = chance.integers(0, 12, shape).astype(np.float64)
        return drawn if whole else drawn * chance.random(shape)

    waits = draw(st.booleans())
    capped = draw(st.booleans())
    return Life(
        topology=topology,
        stock=Stock(
            on_hand=units(2, nodes),
            pipeline=tuple(units(2, nodes) for _ in range(topology.horizon)),
            waiting=units(2, nodes) if waits else None,
            owed=units(2, nodes),
        ),
        rules=rules(
            lost_share=np.round(chance.random((2, nodes))) if waits else 1.0,
            capacity=units(2, nodes) + 1.0 if capped else None,
        ),
        orders=units(*size),
        demand=units(*size),
        lead_times=chance.integers(0, topology.horizon + 1, size).astype(np.float64),
    )
