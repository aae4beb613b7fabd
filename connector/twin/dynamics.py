"""One period of a network, for numpy and torch alike, without a write in place.

Order of events in a period:

1. what is due is received; it is on hand
2. every node is seen and orders at once (the policy, outside this file)
3. suppliers ship what they have: first what they owe, then today's orders, each in full or with
   the same share for everybody; the rest is owed
4. customers' demand: waiting customers first, then today's; what is not served waits or is lost
5. costs, on what is on hand, on its way and waiting at the end

An order of period t with lead time L is on hand in step 1 of period t + L; with L = 0 it serves
the same period's demand. This is the convention of Zipkin (2008) for lost sales.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import TypeAlias

from array_api_compat import array_namespace

from connector.twin.network import Array, Rules, Topology

# With a fixed lead time flags by period; with drawn ones masks [B, N, H + 1]
Arrives: TypeAlias = tuple[bool, ...] | Array
_FEW = 12  # so many arrays are added one by one sooner than stacked


@dataclass(frozen=True, kw_only=True)
class Stock:
    """The stocks of a network between two periods [B, N].

    `pipeline[h]` arrives h + 1 periods from now, None = nothing. As a tuple it moves on without
    copying.
    """

    on_hand: Array
    pipeline: tuple[Array | None, ...]
    waiting: Array | None = None  # customers' demand not yet served; None = all of it is lost
    owed: Array | None = None  # ordered from another node and not yet shipped; None = no such node

    def each(self, change: Callable[[Array], Array]) -> Stock:
        """Return the stock with every array changed; what is None stays None."""

        def changed(units: Array | None) -> Array | None:
            return None if units is None else change(units)

        return Stock(
            on_hand=change(self.on_hand),
            pipeline=tuple(changed(units) for units in self.pipeline),
            waiting=changed(self.waiting),
            owed=changed(self.owed),
        )


@dataclass(frozen=True, kw_only=True)
class Flows:
    """What happened in one period [B, N], in units."""

    ordered: Array
    shipped: Array  # left for this node
    demand: Array
    unmet: Array  # of today's demand, not served today
    lost: Array
    on_hand: Array  # at the end of the period
    waiting: Array | None  # None = nobody waits here, ever


def receive(stock: Stock) -> Stock:
    """Step 1: what is due is on hand, and everything else is one period nearer."""
    due, *rest = stock.pipeline
    return Stock(
        on_hand=stock.on_hand if due is None else stock.on_hand + due,
        pipeline=(*rest, None),
        waiting=stock.waiting,
        owed=stock.owed,
    )


def arrivals(lead_time: int | Array, horizon: int) -> Arrives:
    """Return in which of 0..horizon periods ahead orders arrive: flags, or masks [B, N, H + 1]."""
    if isinstance(lead_time, int):
        return tuple(ahead == lead_time for ahead in range(horizon + 1))
    xp = array_namespace(lead_time)
    mask = lead_time[..., None] == xp.arange(horizon + 1, dtype=lead_time.dtype)
    return xp.astype(mask, lead_time.dtype)


def advance(
    topology: Topology,
    rules: Rules,
    stock: Stock,
    orders: Array,
    demand: Array,
    arrives: Arrives,
) -> tuple[Stock, Flows]:
    """Take steps 3 and 4 on stock that `receive` brought up to date; orders and demand are >= 0."""
    xp = array_namespace(orders)
    shipped, sent, owed = _ship(topology, rules, stock, orders, xp)
    on_hand, pipeline = _dispatch(stock.on_hand - sent, stock.pipeline, shipped, arrives)
    if stock.waiting is None:
        left = on_hand - demand
        on_hand = xp.clip(left, min=0.0)
        unmet = on_hand - left
        lost, waiting = unmet, None
    else:
        on_hand, unmet, lost, waiting = _serve(rules, on_hand, stock.waiting, demand, xp)
    flows = Flows(
        ordered=orders,
        shipped=shipped,
        demand=demand,
        unmet=unmet,
        lost=lost,
        on_hand=on_hand,
        waiting=waiting,
    )
    return Stock(on_hand=on_hand, pipeline=pipeline, waiting=waiting, owed=owed), flows


def _ship(
    topology: Topology, rules: Rules, stock: Stock, orders: Array, xp: ModuleType
) -> tuple[Array, Array | float, Array | None]:
    """Return what leaves for each node, what each node sent, and what it is still owed."""
    if stock.owed is None:
        shipped = orders if rules.capacity is None else xp.minimum(orders, rules.capacity)
        return shipped, 0.0, None
    wanted = orders + stock.owed
    asked = wanted if rules.capacity is None else xp.minimum(wanted, rules.capacity)
    older = xp.minimum(stock.owed, asked)
    newer = asked - older
    columns = [asked[..., n] for n in range(topology.nodes)]
    leaves: list[Array] = list(columns)
    sent: list[Array] = [xp.zeros_like(column) for column in columns]
    for node in range(topology.nodes):
        below = topology.children(node)
        if not below:
            continue
        shelf = stock.on_hand[..., node]
        first, gone = _shared([older[..., n] for n in below], shelf, xp)
        then, more = _shared([newer[..., n] for n in below], shelf - gone, xp)
        sent[node] = gone + more
        for n, owed, new in zip(below, first, then, strict=True):
            leaves[n] = owed + new
    shipped = xp.stack(leaves, axis=-1)
    # Clipped, since a share of a float may be a little more than is owed
    return shipped, xp.stack(sent, axis=-1), xp.clip(wanted - shipped, min=0.0)


def _shared(wishes: list[Array], shelf: Array, xp: ModuleType) -> tuple[list[Array], Array]:
    """Return what each wish gets of a shelf, the same share for all, and what they get together."""
    total = sum(wishes[1:], start=wishes[0])
    sent = xp.minimum(total, shelf)
    share = sent / xp.clip(total, min=1e-9)
    return [wish * share for wish in wishes], sent


def _dispatch(
    on_hand: Array, pipeline: tuple[Array | None, ...], shipped: Array, arrives: Arrives
) -> tuple[Array, tuple[Array | None, ...]]:
    """Put what was shipped where it will arrive; with lead time 0 that is on hand, now."""
    places = (on_hand, *pipeline)
    if isinstance(arrives, tuple):
        placed = list(places)
        ahead = arrives.index(True)
        there = places[ahead]
        placed[ahead] = shipped if there is None else there + shipped
        return placed[0], tuple(placed[1:])
    xp = array_namespace(on_hand)
    nothing = xp.zeros_like(on_hand)
    stacked = xp.stack([nothing if each is None else each for each in places], axis=-1)
    now, *later = xp.unstack(stacked + shipped[..., None] * arrives, axis=-1)
    return now, tuple(later)


def _serve(
    rules: Rules, on_hand: Array, waiting: Array, demand: Array, xp: ModuleType
) -> tuple[Array, Array, Array, Array]:
    """Serve who waits, then today's demand."""
    left = on_hand - waiting
    free = xp.clip(left, min=0.0)
    still = free - left
    unmet = xp.clip(demand - free, min=0.0)
    lost = unmet * rules.lost_share
    return xp.clip(free - demand, min=0.0), unmet, lost, still + unmet - lost


def cost(rules: Rules, stock: Stock, flows: Flows) -> Array:
    """Step 5: return the cost of the period [B, N]."""
    short = flows.lost if flows.waiting is None else flows.lost + flows.waiting
    total = rules.holding * flows.on_hand + rules.shortage * short
    if rules.in_transit is not None:
        total = total + rules.in_transit * on_the_way(stock)
    if rules.per_unit is not None:
        total = total + rules.per_unit * flows.shipped
    if rules.fixed is not None:
        total = total + rules.fixed * (flows.ordered > 0)
    return total


def on_the_way(stock: Stock) -> Array:
    """Return everything shipped to each node that has not arrived [B, N]."""
    due = [each for each in stock.pipeline if each is not None]
    xp = array_namespace(stock.on_hand)
    if not due:
        return xp.zeros_like(stock.on_hand)
    if len(due) > _FEW:
        return xp.sum(xp.stack(due), axis=0)
    return sum(due[1:], start=due[0])


def coming(stock: Stock) -> tuple[Array, ...]:
    """Return what arrives in each of the next periods [B, N], zeros where nothing does."""
    xp = array_namespace(stock.on_hand)
    nothing = xp.zeros_like(stock.on_hand)
    return tuple(nothing if each is None else each for each in stock.pipeline)


def inventory_position(topology: Topology, stock: Stock) -> Array:
    """Return on hand + on order - owed to customers and to the nodes below [B, N]."""
    position = stock.on_hand + on_the_way(stock)
    if stock.waiting is not None:
        position = position - stock.waiting
    if stock.owed is None:
        return position
    xp = array_namespace(position)
    owed = [stock.owed[..., n] for n in range(topology.nodes)]
    columns = []
    for node in range(topology.nodes):
        own = position[..., node] + owed[node]
        columns.append(own - sum((owed[n] for n in topology.children(node)), start=0.0))
    return xp.stack(columns, axis=-1)


def echelon_position(topology: Topology, stock: Stock) -> Array:
    """Return own position + what is on hand, on its way and not waited for below [B, N].

    What a node owes to another counts once: it still stands on its own shelf, or is on order.
    """
    if topology.is_single_echelon:
        return inventory_position(topology, stock)
    xp = array_namespace(stock.on_hand)
    here = stock.on_hand + on_the_way(stock)
    if stock.waiting is not None:
        here = here - stock.waiting
    columns = []
    for node in range(topology.nodes):
        echelon = sum((here[..., n] for n in topology.downstream(node)), start=0.0)
        columns.append(echelon if stock.owed is None else echelon + stock.owed[..., node])
    return xp.stack(columns, axis=-1)


def uncrossed(lead_times: Array) -> Array:
    """Return lead times [T, B, N] such that no order arrives before one placed earlier."""
    xp = array_namespace(lead_times)
    latest = lead_times[0]
    kept = [latest]
    for _, drawn in pairwise(range(lead_times.shape[0])):
        latest = xp.maximum(latest - 1, lead_times[drawn])
        kept.append(latest)
    return xp.stack(kept, axis=0)
