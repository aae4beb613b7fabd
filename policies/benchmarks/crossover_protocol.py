"""Random lead times that cross, as published: customers one by one, every unit travels on its own.

Temizoez et al., Deep Controlled Learning (random lead times): customers come as a Poisson process
and wait, each wants one unit; after each customer up to six units may be ordered, within two square
roots of the best base-stock level, and every unit draws its own lead time, 2 time units on average.
Cost runs on in continuous time.

In the twin one period is one customer, which is exact, not an approximation: customers of a
Poisson process see time averages, so the average cost just before customers is the cost per unit of
time. The order after customer t is that of period t; a unit that sees N more customers before it
arrives has lead time N + 1. The twin's stock is the published inventory level + 1, since the twin
charges after the customer of the period, and its position when ordering is the published one + 2.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False
# mypy: disallow-subclassing-any=False

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from connector.inventory.state import ARRIVAL_EDGES
from connector.twin.dynamics import Stock, advance, cost, inventory_position, receive
from connector.twin.network import Topology
from policies.benchmarks.crossover_exact import BAND, MEAN, MOST_UNITS
from policies.instances import Instances

KINDS = ("exponential", "uniform", "pareto")
AHEAD = 2.0  # twin position - published position
_CV = {"exponential": 1.0, "uniform": 1.0 / math.sqrt(3.0), "pareto": math.sqrt(3.0)}
_STEPS = 2_000  # of the lead time distribution, where it is summed over


# (stock, expected arrivals by bucket [B, 1, K], period) -> orders [B, 1]
Policy = Callable[[Stock, Tensor, int], Tensor]


@dataclass(frozen=True, kw_only=True)
class Crossing(Instances):
    """Instances as the twin's periods see them [B, 1]."""

    customers: Tensor  # per time unit
    kind: Tensor  # index into KINDS
    base_stock: Tensor  # the best base-stock level, published units


def lead_times(kind: int, uniform: Tensor) -> Tensor:
    """Return lead times in time units for uniform draws from (0, 1)."""
    if KINDS[kind] == "exponential":
        return -MEAN * torch.log1p(-uniform)
    if KINDS[kind] == "uniform":
        return 2.0 * MEAN * uniform
    return 4.0 * ((1.0 - uniform) ** (-1.0 / 3.0) - 1.0)  # Lomax, shape 3, scale 4


def crossing(kind: Tensor, customers: Tensor, holding: Tensor, shortage: Tensor) -> Crossing:
    """Return instances; all arguments are [B, 1]."""
    one = torch.ones_like(customers)
    cv = torch.tensor([_CV[name] for name in KINDS])[kind]
    mean = MEAN * customers
    late = torch.sqrt(mean + (mean * cv) ** 2)  # of the number of customers while under way
    return Crossing(
        mean=one,
        shape=math.inf * one,
        busy=one,
        lead_time=1.0 + mean,
        lead_cv=late / (1.0 + mean),
        holding=holding,
        shortage=shortage,
        lost_share=0.0 * one,
        lot=one,
        customers=customers,
        kind=kind,
        base_stock=best_base_stock(mean, shortage / (holding + shortage)),
    )


def best_base_stock(under_way: Tensor, ratio: Tensor) -> Tensor:
    """Return the best base-stock levels: what is under way is Poisson (Palm), so a newsvendor's."""
    units = torch.arange(200.0)
    logs = units * torch.log(under_way) - under_way - torch.lgamma(units + 1.0)
    return (torch.exp(logs).cumsum(dim=-1) < ratio).sum(dim=-1, keepdim=True).float()


def arrival_odds(kind: int, customers: float, horizon: int) -> Tensor:
    """Return P(a unit arrives in each of production's buckets | age, still under way) [A, K].

    Age a (from 0) was ordered a + 1 periods ago. This is all a planner can know where orders cross:
    what is under way and since when, never when it will come.
    """
    edges = torch.tensor(ARRIVAL_EDGES)
    alive = under_way_odds(kind, customers, 2 * horizon)
    age = torch.arange(1, horizon + 1)
    # Under way after a + 1 periods: at least a + 1 customers came since, and so on for the edges
    here = torch.clamp(alive[age], min=1e-30)
    later = [alive[(age + edge).clamp(max=2 * horizon)] / here for edge in edges.tolist()]
    left = torch.stack([torch.ones(horizon), *later, torch.zeros(horizon)], dim=-1)
    return left[:, :-1] - left[:, 1:]


def odds_of(kind: int, customers: float, horizon: int, count: int) -> tuple[Tensor, Tensor]:
    """Return arrival and survival odds for `count` chains of one instance."""
    odds = arrival_odds(kind, customers, horizon)
    alive = under_way_odds(kind, customers, horizon)
    return odds.expand(count, *odds.shape), alive.expand(count, *alive.shape)


def under_way_odds(kind: int, customers: float, most: int) -> Tensor:
    """Return P(a unit is still under way after n more customers), n = 0 .. most."""
    taken = lead_times(kind, (torch.arange(_STEPS, dtype=torch.float64) + 0.5) / _STEPS)
    number = torch.arange(1.0, most + 1.0, dtype=torch.float64)
    odds = torch.special.gammainc(number[None, :], customers * taken[:, None]).mean(dim=0)
    return torch.cat([torch.ones(1), odds.float()])


@dataclass(frozen=True, kw_only=True)
class Road:
    """Orders by age: units sent [B, A], and the periods that each unit takes [B, A, MOST_UNITS]."""

    sent: Tensor
    takes: Tensor

    @classmethod
    def empty(cls, count: int, horizon: int) -> Road:
        """Return nothing under way."""
        nothing = torch.zeros(count, horizon, MOST_UNITS)
        return cls(sent=nothing[..., 0], takes=nothing)

    def after(self, order: Tensor, takes: Tensor) -> Road:
        """Return it one period later, with what was ordered today [B, 1]."""
        return Road(
            sent=torch.cat([order, self.sent[:, :-1]], dim=1),
            takes=torch.cat([takes[:, None], self.takes[:, :-1]], dim=1),
        )

    def by_age(self, alive: Tensor) -> Tensor:
        """Return how many units of each age are still under way [B, A].

        One unit more would be under way with the odds `alive` [B, H + 1], and that is its gradient.
        """
        ages = torch.arange(1.0, self.takes.shape[1] + 1.0)
        units = torch.arange(MOST_UNITS) < self.sent.detach()[..., None]
        here = ((self.takes > ages[:, None]) & units).sum(dim=-1)
        return here + (self.sent - self.sent.detach()) * alive[:, 1:]

    def detach(self) -> Road:
        """Return the same, without its past."""
        return Road(sent=self.sent.detach(), takes=self.takes)


@dataclass(kw_only=True)
class World:
    """Chains that go on from window to window."""

    instances: Crossing
    topology: Topology
    stock: Stock
    road: Road
    ahead: Tensor  # [B, H] time units between the customers to come
    odds: Tensor  # [B, A, K], see `arrival_odds`
    alive: Tensor  # [B, H + 1], see `under_way_odds`

    @classmethod
    def empty(
        cls,
        instances: Crossing,
        known: tuple[Tensor, Tensor],
        chance: Generator,
        *,
        shift: Tensor | float = 0.0,
    ) -> World:
        """Return chains with nothing on hand and nothing under way, as published.

        The first customer has come already. `shift` [B, 1] moves levels off whole numbers, where
        the twin's gradient depends on the side it is looked at from. `known` is what `odds_of` says
        of each chain.
        """
        odds, alive = known
        horizon, nothing = odds.shape[1], torch.zeros_like(instances.mean)
        return cls(
            instances=instances,
            topology=Topology(suppliers=(-1,), horizon=horizon),
            stock=Stock(
                on_hand=nothing + AHEAD + shift,
                pipeline=(nothing,) * horizon,
                waiting=nothing,
                owed=None,
            ),
            road=Road.empty(len(instances), horizon),
            ahead=gaps(instances, horizon, chance),
            odds=odds,
            alive=alive,
        )

    def live(self, periods: int, policy: Policy, chance: Generator) -> Tensor:
        """Go on for some periods, and return the cost of each [T, B]."""
        takes = self._takes(periods, chance)
        rules, demand = self.instances.rules(), torch.ones_like(self.instances.mean)
        spent = []
        for period in range(periods):
            self.stock = receive(self.stock)
            expected = torch.einsum("ba,bak->bk", self.road.by_age(self.alive), self.odds)[:, None]
            order = self.allowed(policy(self.stock, expected, period))
            arrives = _arrives(takes[period], order, self.alive)
            self.stock, flows = advance(self.topology, rules, self.stock, order, demand, arrives)
            self.road = self.road.after(order, takes[period])
            spent.append(cost(rules, self.stock, flows)[:, 0])
        return torch.stack(spent)

    def allowed(self, order: Tensor) -> Tensor:
        """Return the nearest order [B, 1] that the published problem allows, in whole units."""
        whole = order + (torch.floor(order + 0.5) - order).detach()
        least, most = self.room()
        return torch.minimum(torch.maximum(whole, least), most)

    def room(self) -> tuple[Tensor, Tensor]:
        """Return the least and the most that may be ordered now [B, 1]."""
        position = inventory_position(self.topology, self.stock).detach() - AHEAD
        level = self.instances.base_stock
        band = torch.ceil(BAND * torch.sqrt(level))
        most = torch.clamp(torch.floor(level + band - position + 0.5), 0.0, MOST_UNITS)
        short = torch.clamp(level - band, min=0.0) - position
        return torch.minimum(torch.clamp(torch.floor(short + 0.5), 0.0, MOST_UNITS), most), most

    def _takes(self, periods: int, chance: Generator) -> Tensor:
        """Draw the lead times of the units that may be ordered, in periods [T, B, MOST_UNITS]."""
        more = gaps(self.instances, periods, chance)
        between = torch.cat([self.ahead, more], dim=1)
        self.ahead = between[:, periods:]
        times = torch.cat([torch.zeros(len(between), 1), between.cumsum(dim=1)], dim=1)
        draws = torch.rand(len(between), periods, MOST_UNITS, generator=chance)
        taken = torch.zeros_like(draws)
        for kind in range(len(KINDS)):
            taken = torch.where(
                (self.instances.kind == kind)[..., None], lead_times(kind, draws), taken
            )
        until = (times[:, :periods, None] + taken).flatten(1)
        seen = torch.searchsorted(times, until).view_as(draws)
        after = seen - torch.arange(periods)[:, None]
        return after.clamp(1, self.topology.horizon).float().transpose(0, 1)


def gaps(instances: Crossing, count: int, chance: Generator) -> Tensor:
    """Draw the time units between customers [B, count]."""
    drawn = torch.rand(len(instances), count, generator=chance)
    return -torch.log1p(-drawn) / instances.customers


def _arrives(takes: Tensor, order: Tensor, alive: Tensor) -> Tensor:
    """Return which share of an order arrives how many periods ahead [B, 1, H + 1].

    One unit more would have a lead time of its own, which nothing else depends on. So the gradient
    of what arrives is its expectation; with one draw instead, gradients that pass through many
    orders grow without end.
    """
    units = order.detach()
    some = (torch.arange(MOST_UNITS) < units).to(takes.dtype)
    drawn = torch.zeros_like(alive).scatter_add_(1, takes.long(), some)
    sure = torch.zeros_like(alive[:, :1])
    expected = alive[:, :-1] - alive[:, 1:]
    expected = torch.cat([sure, expected[:, :-1], expected[:, -1:] + alive[:, -1:]], dim=1)
    # d(order x share) = expected; an order of none may be spread as one likes
    least = torch.clamp(units, min=1.0)
    share = torch.where(units > 0, drawn / least, expected)
    return (share + (expected - share) * (order - units) / least)[:, None]
