"""gym-invmgmt's two networks as a differentiable twin: many replications at once, on torch.

Order of events in a period, as the environment has it: (1) orders are placed and filled from what
the supplier holds at the start of the period, link after link; a factory also stays within its
capacity; raw material never runs out; (2) goods ordered `lead` periods ago arrive; (3) goodwill
follows the last period's shortage; (4) demand comes and is sold from the retailer's stock;
(5) profit: sales, less raw material, production, stock and goods on their way, and shortage.
Prices between the company's own nodes cancel.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

PERIODS = 30
PRICE = 2.0
SHORTAGE = 0.1
_GROWTH, _DECAY = 1.01, 0.90
_GOODWILL_FLOOR, _GOODWILL_CAP = 0.2, 2.0
_UNLIMITED = 1e6
_SOFT_SHORTAGE = 4.0  # units around nothing left over which goodwill's step passes a gradient


@dataclass(frozen=True, kw_only=True)
class Node:
    """A stocking point; only factories have a capacity and a cost of production."""

    name: int
    start: float
    holding: float
    capacity: float = _UNLIMITED
    production: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Link:
    """A lane on which the buyer orders; `raw` is the price of raw material, else nothing."""

    supplier: int
    buyer: int
    lead: int
    transit: float
    raw: float = 0.0


@dataclass(frozen=True)
class Network:
    """Nodes and links in the environment's order; the retailer is the node named 1."""

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]

    @cached_property
    def place(self) -> dict[int, int]:
        """Return where each node stands in a vector of nodes."""
        return {node.name: at for at, node in enumerate(self.nodes)}

    @cached_property
    def slots(self) -> tuple[tuple[int, int], ...]:
        """Return the pipeline's slots (link, periods until it arrives), as observed."""
        return tuple((at, k) for at, link in enumerate(self.links) for k in range(link.lead))

    def reach(self, link: Link) -> int:
        """Return in how many periods an order on a link can at the earliest be sold."""
        onward = [self.reach(each) for each in self.links if each.supplier == link.buyer]
        return link.lead + (1 + min(onward) if onward else 0)

    def tier(self, name: int) -> int:
        """Return how many links lie between a node and the retailer."""
        onward = [each.buyer for each in self.links if each.supplier == name]
        return 1 + min(map(self.tier, onward)) if onward else 0


SERIAL = Network(
    nodes=(
        Node(name=1, start=100.0, holding=0.030),
        Node(name=2, start=100.0, holding=0.020),
        Node(name=3, start=200.0, holding=0.010, capacity=100.0, production=0.010),
    ),
    links=(
        Link(supplier=2, buyer=1, lead=4, transit=0.010),
        Link(supplier=3, buyer=2, lead=4, transit=0.005),
        Link(supplier=4, buyer=3, lead=0, transit=0.0, raw=0.5),
    ),
)
BASE = Network(
    nodes=(
        Node(name=1, start=100.0, holding=0.030),
        Node(name=2, start=110.0, holding=0.020),
        Node(name=3, start=80.0, holding=0.015),
        Node(name=4, start=400.0, holding=0.012, capacity=90.0, production=0.010),
        Node(name=5, start=350.0, holding=0.013, capacity=90.0, production=0.015),
        Node(name=6, start=380.0, holding=0.011, capacity=80.0, production=0.012),
    ),
    links=(
        Link(supplier=2, buyer=1, lead=5, transit=0.010),
        Link(supplier=3, buyer=1, lead=3, transit=0.015),
        Link(supplier=4, buyer=2, lead=8, transit=0.008),
        Link(supplier=4, buyer=3, lead=10, transit=0.006),
        Link(supplier=5, buyer=2, lead=9, transit=0.005),
        Link(supplier=6, buyer=2, lead=11, transit=0.007),
        Link(supplier=6, buyer=3, lead=12, transit=0.004),
        Link(supplier=7, buyer=4, lead=0, transit=0.0, raw=0.150),
        Link(supplier=7, buyer=5, lead=1, transit=0.005, raw=0.050),
        Link(supplier=8, buyer=5, lead=2, transit=0.002, raw=0.070),
        Link(supplier=8, buyer=6, lead=0, transit=0.0, raw=0.200),
    ),
)


@dataclass(frozen=True, kw_only=True)
class State:
    """What is observed before orders are placed, one row per replication."""

    on_hand: Tensor  # [B, nodes]
    pipeline: Tensor  # [B, slots]
    owed: Tensor  # [B] shortage of the last period: backlog, or what was lost
    margin: Tensor  # [B] stock before the last sale less what was asked of it
    goodwill: Tensor  # [B]


class _Bounded(torch.autograd.Function):
    """A clamp beyond whose bounds the gradient passes where descent leads back inside."""

    @staticmethod
    def forward(context: Any, values: Tensor, least: Tensor, most: Tensor) -> Tensor:
        context.save_for_backward(values < least, values > most)
        return torch.minimum(torch.maximum(values, least), most)

    @staticmethod
    def backward(context: Any, *slopes: Tensor) -> tuple[Tensor, None, Tensor]:
        below, above = context.saved_tensors
        slope = slopes[0]
        lost = (below & (slope > 0.0)) | (above & (slope < 0.0))
        zero = torch.zeros_like(slope)
        return torch.where(lost, zero, slope), None, torch.where(above, slope, zero)


def bounded(values: Tensor, least: Tensor, most: Tensor) -> Tensor:
    """Return values within bounds; an order out of bounds still learns which way is back.

    With an ordinary clamp a link whose order is always cut, or never placed, would be lost to
    learning for good. `least` is taken to be constant; what is minimised is a cost.
    """
    bound: Tensor = _Bounded.apply(values, least, most)
    return bound


class Dynamics:
    """One network's step; `backlog` and `goodwill` [B] are 1 where the replication has them."""

    def __init__(self, network: Network, backlog: Tensor, goodwill: Tensor) -> None:
        """Turn the network into index vectors and matrices, once."""
        self.network, self.backlog, self.goodwill = network, backlog, goodwill
        nodes, links, place = network.nodes, network.links, network.place

        def row(values: list[float] | list[list[float]]) -> Tensor:
            return backlog.new_tensor(values)

        self._start = row([node.start for node in nodes])
        self._holding = row([node.holding for node in nodes])
        made = {node.name: node for node in nodes}
        source = [made.get(link.supplier) for link in links]
        made_at = [node.production if node else 0.0 for node in source]
        self._unit_cost = row([link.raw for link in links]) + row(made_at)
        self._capacity = row([node.capacity if node else _UNLIMITED for node in source])
        self._from = torch.tensor([place.get(link.supplier, len(nodes)) for link in links])
        self._earlier = row(
            [
                [
                    float(a.supplier == b.supplier and i < j and a.supplier in made)
                    for j, b in enumerate(links)
                ]
                for i, a in enumerate(links)
            ]
        )
        self._into = row([[float(link.buyer == node.name) for node in nodes] for link in links])
        self._out = row([[float(link.supplier == node.name) for node in nodes] for link in links])
        count, slots = len(network.slots), network.slots
        where = {slot: at for at, slot in enumerate(slots)}
        self._shift = torch.tensor(
            [where.get((at, k + 1), count + at) for at, k in slots], dtype=torch.long
        )
        self._due = torch.tensor(
            [where.get((at, 0), count + at) for at in range(len(links))], dtype=torch.long
        )
        self._transit = row([links[at].transit for at, _ in slots])

    def begin(self) -> State:
        """Return the environment's first state."""
        zero = torch.zeros_like(self.backlog)
        return State(
            on_hand=self._start.expand(len(zero), -1),
            pipeline=zero[:, None].expand(-1, len(self.network.slots)),
            owed=zero,
            margin=torch.full_like(zero, _UNLIMITED),
            goodwill=torch.ones_like(zero),
        )

    def filled(self, state: State, orders: Tensor) -> Tensor:
        """Return what the suppliers ship of the orders [B, links]."""
        asked = bounded(orders, torch.zeros_like(orders), torch.full_like(orders, math.inf))
        boundless = torch.full_like(state.owed, _UNLIMITED)[:, None]
        held = torch.cat([state.on_hand, boundless], dim=1)[:, self._from]
        limit = torch.minimum(held, self._capacity)
        before = asked @ self._earlier
        none = torch.zeros_like(limit)
        return bounded(before + asked, none, limit) - bounded(before, none, limit)

    def next_goodwill(self, state: State) -> Tensor:
        """Return goodwill after the last period's shortage; its step passes a soft gradient."""
        hard = (state.owed > 0.0).to(state.owed.dtype)
        soft = torch.sigmoid(-state.margin / _SOFT_SHORTAGE)
        short = hard + soft - soft.detach()
        moved = state.goodwill * (_GROWTH + (_DECAY - _GROWTH) * short)
        moved = torch.clamp(moved, _GOODWILL_FLOOR, _GOODWILL_CAP)
        return torch.where(self.goodwill > 0.0, moved, state.goodwill)

    def step(
        self, state: State, shipped: Tensor, goodwill: Tensor, demand: Tensor
    ) -> tuple[State, Tensor]:
        """Return the next state and this period's profit [B]."""
        moving = torch.cat([state.pipeline, shipped], dim=1)
        on_hand = state.on_hand + moving[:, self._due] @ self._into - shipped @ self._out
        asked = demand + self.backlog * state.owed
        sold = torch.minimum(asked, on_hand[:, 0])
        margin = on_hand[:, 0] - asked
        on_hand = torch.cat([(on_hand[:, 0] - sold)[:, None], on_hand[:, 1:]], dim=1)
        pipeline = moving[:, self._shift]
        profit = (
            PRICE * sold
            - shipped @ self._unit_cost
            - on_hand @ self._holding
            - pipeline @ self._transit
            - SHORTAGE * (asked - sold)
        )
        after = State(
            on_hand=on_hand, pipeline=pipeline, owed=asked - sold, margin=margin, goodwill=goodwill
        )
        return after, profit
