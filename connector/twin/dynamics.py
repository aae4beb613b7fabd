"""One period of a network, for numpy and torch alike.

Order of events in a period:

1. what is due is received; it is on hand
2. every node is seen and orders at once (the policy, outside this file)
3. suppliers ship what they have: first what they owe, then today's orders, each in full or with
   the same share for everybody; the rest is owed
4. customers' demand: waiting customers first, then today's; what is not served waits or is lost
5. costs, on what is on hand, on its way and waiting at the end

An order of period t with lead time L is on hand in step 1 of period t + L; with L = 0 it serves
the same period's demand. This is the convention of Zipkin (2008) for lost sales.

Nothing that a policy or a watcher has seen is written over, and nothing a gradient goes through:
only sums are made in place, by `sums.onto`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import ModuleType
from typing import NamedTuple, TypeAlias

from array_api_compat import array_namespace

from connector.twin.network import Array, Rules, Topology
from connector.twin.sums import onto, summed

# Periods ahead, the same for all; or masks by period ahead [B, N, H + 1]
Arrives: TypeAlias = int | Array


@dataclass(kw_only=True, slots=True)  # freezing it would cost a small rollout a twentieth
class Stock:
    """The stocks of a network between two periods [B, N]; never written to.

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


class Flows(NamedTuple):
    """What happened in one period [B, N], in units."""

    ordered: Array
    shipped: Array  # left for this node
    demand: Array
    unmet: Array  # of today's demand, not served today
    lost: Array
    on_hand: Array  # at the end of the period
    waiting: Array | None  # None = nobody waits here, ever


def receive(stock: Stock, *, ours: bool = False) -> Stock:
    """Step 1: what is due is on hand, and everything else is one period nearer.

    `ours`: nobody else holds what is on hand, so that it may be written over.
    """
    due, on_hand = stock.pipeline[0], stock.on_hand
    if due is not None:
        on_hand = onto(on_hand, due) if ours else on_hand + due
    return Stock(
        on_hand=on_hand,
        pipeline=(*stock.pipeline[1:], None),
        waiting=stock.waiting,
        owed=stock.owed,
    )


def arrivals(lead_time: int | Array, horizon: int) -> Arrives:
    """Return in which of 0..horizon periods ahead orders arrive: one, or masks [B, N, H + 1]."""
    if isinstance(lead_time, int):
        return lead_time
    xp = array_namespace(lead_time)
    masks = [lead_time == ahead for ahead in range(horizon + 1)]
    return xp.astype(xp.stack(masks, axis=-1), lead_time.dtype)


def advance(
    topology: Topology,
    rules: Rules,
    stock: Stock,
    orders: Array,
    demand: Array,
    arrives: Arrives,
) -> tuple[Stock, Flows]:
    """Take steps 3 and 4 on stock that `receive` brought up to date; orders and demand are >= 0."""
    shipped, on_hand, owed = _ship(topology, rules, stock, orders)
    on_hand, pipeline = _dispatch(on_hand, stock.pipeline, shipped, arrives)
    if stock.waiting is None:
        left = on_hand - demand
        on_hand = left.clip(min=0.0)
        unmet = on_hand - left
        lost, waiting = unmet, None
    else:
        on_hand, unmet, lost, waiting = _serve(rules, on_hand, stock.waiting, demand)
    flows = Flows(orders, shipped, demand, unmet, lost, on_hand, waiting)
    return Stock(on_hand=on_hand, pipeline=pipeline, waiting=waiting, owed=owed), flows


def _ship(
    topology: Topology, rules: Rules, stock: Stock, orders: Array
) -> tuple[Array, Array, Array | None]:
    """Return what leaves for each node, what stays on its shelf, and what it is still owed."""
    wanted = orders if stock.owed is None else orders + stock.owed
    asked = wanted
    if rules.capacity is not None:
        asked = array_namespace(wanted).minimum(wanted, rules.capacity)
    if stock.owed is None:
        return asked, stock.on_hand, None
    xp = array_namespace(wanted)
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
    kept = stock.on_hand - xp.stack(sent, axis=-1)
    return shipped, kept, (wanted - shipped).clip(min=0.0)


def _shared(wishes: list[Array], shelf: Array, xp: ModuleType) -> tuple[list[Array], Array]:
    """Return what each wish gets of a shelf, the same share for all, and what they get together."""
    total: Array = sum(wishes[1:], start=wishes[0])
    sent = xp.minimum(total, shelf)
    share = sent / total.clip(min=1e-9)
    return [wish * share for wish in wishes], sent


def _dispatch(
    on_hand: Array, pipeline: tuple[Array | None, ...], shipped: Array, arrives: Arrives
) -> tuple[Array, tuple[Array | None, ...]]:
    """Put what was shipped where it will arrive; with lead time 0 that is on hand, now."""
    if isinstance(arrives, int):
        if arrives == 0:
            return on_hand + shipped, pipeline
        there = pipeline[arrives - 1]
        placed = shipped if there is None else there + shipped
        return on_hand, (*pipeline[: arrives - 1], placed, *pipeline[arrives:])
    xp = array_namespace(on_hand)
    nothing = xp.zeros_like(on_hand)
    places = [nothing if each is None else each for each in (on_hand, *pipeline)]
    stacked = xp.stack(places, axis=-1)
    now, *later = xp.unstack(stacked + shipped[..., None] * arrives, axis=-1)
    return now, tuple(later)


def _serve(
    rules: Rules, on_hand: Array, waiting: Array, demand: Array
) -> tuple[Array, Array, Array, Array]:
    """Serve who waits, then today's demand."""
    left = on_hand - waiting
    free = left.clip(min=0.0)
    still = free - left
    left = free - demand
    on_hand = left.clip(min=0.0)
    unmet = on_hand - left
    lost = unmet * rules.lost_share
    return on_hand, unmet, lost, still + unmet - lost


def charged(rules: Rules, stock: Stock, flows: Flows) -> list[Array]:
    """Step 5: return what the period is charged for [B, N], in the order of `rules.prices`.

    Costs are linear in it, so that many periods are summed first and priced once.
    """
    short = flows.lost if flows.waiting is None else flows.lost + flows.waiting
    units = [flows.on_hand, short]
    if rules.in_transit is not None:
        units.append(on_the_way(stock))
    if rules.per_unit is not None:
        units.append(flows.shipped)
    if rules.fixed is not None:
        units.append(flows.ordered > 0)
    return units


def priced(rules: Rules, units: Sequence[Array]) -> Array:
    """Return the cost [B, N] of what one period, or the sum of many, is charged for."""
    first, *more = (price * each for price, each in zip(rules.prices, units, strict=True))
    return sum(more, start=first)


def cost(rules: Rules, stock: Stock, flows: Flows) -> Array:
    """Return the cost of the period [B, N]."""
    return priced(rules, charged(rules, stock, flows))


def on_the_way(stock: Stock) -> Array:
    """Return everything shipped to each node that has not arrived [B, N]."""
    due = [each for each in stock.pipeline if each is not None]
    if not due:
        return array_namespace(stock.on_hand).zeros_like(stock.on_hand)
    return summed(due[0], due[1:])


def coming(stock: Stock) -> tuple[Array, ...]:
    """Return what arrives in each of the next periods [B, N], zeros where nothing does."""
    nothing = array_namespace(stock.on_hand).zeros_like(stock.on_hand)
    return tuple(nothing if each is None else each for each in stock.pipeline)


def inventory_position(topology: Topology, stock: Stock) -> Array:
    """Return on hand + on order - owed to customers and to the nodes below [B, N]."""
    position = _at_hand(stock)
    if stock.owed is None:
        return position
    xp = array_namespace(position)
    owed = [stock.owed[..., n] for n in range(topology.nodes)]
    columns = []
    for node in range(topology.nodes):
        own = position[..., node] + owed[node]
        columns.append(own - sum((owed[n] for n in topology.children(node)), start=0.0))
    return xp.stack(columns, axis=-1)


def _at_hand(stock: Stock) -> Array:
    """Return what is on hand and on its way to each node, less what its customers wait for."""
    here = summed(stock.on_hand, stock.pipeline)
    return here if stock.waiting is None else here - stock.waiting


def echelon_position(topology: Topology, stock: Stock) -> Array:
    """Return own position + what is on hand, on its way and not waited for below [B, N].

    What a node owes to another counts once: it still stands on its own shelf, or is on order.
    """
    if topology.is_single_echelon:
        return inventory_position(topology, stock)
    xp = array_namespace(stock.on_hand)
    here = _at_hand(stock)
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
