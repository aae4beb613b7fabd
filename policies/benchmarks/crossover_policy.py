"""The policy where orders cross, and how it learns: gradients through the twin, as in hindsight.

Special here are that every unit has a lead time of its own, and that one unit more or less is a
whole decision.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False
# mypy: disallow-subclassing-any=False

from __future__ import annotations

import copy
import math

import torch
from torch import Generator, Tensor

from connector.policy.features import NAMES
from connector.twin.dynamics import Stock, inventory_position
from connector.twin.network import Topology
from policies.agents.hindsight import Recipe
from policies.agents.learner import annealed, keep_up, set_rate, step
from policies.benchmarks.crossover_exact import MOST_UNITS
from policies.benchmarks.crossover_protocol import (
    AHEAD,
    KINDS,
    Crossing,
    Policy,
    World,
    arrival_odds,
    crossing,
    under_way_odds,
)
from policies.head import Begun, CappedBaseStock
from policies.instances import tell, tell_stock
from policies.network import normal_exceeded

RECIPE = Recipe(chains=192, window=100, updates=1_100, learning_rate=3e-3, average=0.98)
HORIZON = 160  # customers that a unit may miss while learning
_RATES = (1.0, 1.5, 2.2, 3.3, 5.0, 7.0, 10.0, 11.0)
_WEIGHTS = (1.0, 0.5, 0.5, 0.7, 1.0, 1.0, 3.0, 1.0)
_RATIOS = (1.0 / 12.0, 130.0)  # shortage / holding
_RENEWED, _WARM, _SHIFT = 20, 60, 0.25
_TRIED, _TRIAL_SEED = 50, 4_001
_PASSED = 0.9  # of what an order is felt to matter
_LEAST_RATE = 1e-3  # of the first learning rate, at the end of the schedule
_SINGLE = Topology(suppliers=(-1,), horizon=1)


class CrossingBaseStock(CappedBaseStock):
    """The same network around the level that is right where orders cross.

    What is under way varies by its own square root then (Palm), not by how far lead times spread.
    """

    def __init__(self, width: int = 64, depth: int = 3) -> None:
        """Start with a cap that no order comes to."""
        super().__init__(width, depth)
        with torch.no_grad():
            self.head.bias[1] = MOST_UNITS

    def begin(self, situation: Tensor) -> Begun:
        """Return the hidden layer's part, and the level of Poisson demand over the cover."""
        begun = super().begin(situation)
        cover = situation[..., NAMES.index("lead_time_mean")] + 1.0
        z = normal_exceeded(1.0 - situation[..., NAMES.index("critical_ratio")])
        level = torch.clamp(cover + z * torch.sqrt(cover), min=1.0)
        return begun._replace(classical=level)


class Placing:
    """The policy of a network: it sees stock, and arrivals as they are to be expected."""

    def __init__(
        self, network: CappedBaseStock, instances: Crossing, *, soft: bool = False
    ) -> None:
        """Tell the network what does not change."""
        self.network, self.soft = network, soft
        self.situation, self.rate = tell(_SINGLE, instances)
        self.begun = network.begin(self.situation)

    def __call__(self, stock: Stock, expected: Tensor, _: int) -> Tensor:
        """Return orders [B, 1], not yet whole units."""
        return torch.clamp(self.meant(stock, expected), min=0.0)

    def meant(self, stock: Stock, expected: Tensor) -> Tensor:
        """Return what is short [B, 1], below 0 where there is too much."""
        told = tell_stock(_SINGLE, stock, self.rate, expected)
        position = self.network.position(self.situation, told)
        return self.network.order(self.begun, told, position, soft=self.soft) * self.rate


def base_stock(instances: Crossing) -> Policy:
    """Return the best base-stock policy."""
    level = instances.base_stock + AHEAD
    return lambda stock, *_: level - inventory_position(_SINGLE, stock)


class Learner:
    """A run between two updates: windows of all kinds of lead times, renewed now and then."""

    def __init__(self, recipe: Recipe, network: CappedBaseStock) -> None:
        """Work out what can be known of every age, and where features lie."""
        self.recipe, self.network, self.done = recipe, network, 0
        self.chance = Generator().manual_seed(recipe.seed)
        self.pairs = [(kind, rate) for kind in range(len(KINDS)) for rate in _RATES]
        self.odds = torch.stack([arrival_odds(*pair, HORIZON) for pair in self.pairs])
        self.alive = torch.stack([under_way_odds(*pair, HORIZON) for pair in self.pairs])
        some, _ = self.drawn(4_096)
        situation, _ = tell(_SINGLE, some)
        network.normalise(situation.flatten(0, 1))
        self.kept, self.best = copy.deepcopy(network), (math.inf, 0)
        self.averaged = copy.deepcopy(network)
        self.optimizer = torch.optim.Adam(network.parameters())
        self.world = self.renewed(self.recipe.chains)

    def drawn(self, count: int) -> tuple[Crossing, tuple[Tensor, Tensor]]:
        """Return instances of the whole range, and their odds."""
        weights = torch.tensor(_WEIGHTS).repeat(len(KINDS))
        at = torch.multinomial(weights, count, replacement=True, generator=self.chance)
        kind, rate = torch.tensor(self.pairs)[at].split(1, dim=1)
        low, high = (math.log(edge) for edge in _RATIOS)
        ratio = torch.exp(low + (high - low) * torch.rand(count, 1, generator=self.chance))
        some = crossing(kind.long(), rate, torch.ones_like(rate), ratio)
        return some, (self.odds[at], self.alive[at])

    def restart(self, chains: int) -> None:
        """Go on from what is kept, with an optimizer that remembers nothing."""
        for each in (self.network, self.averaged):
            each.load_state_dict(self.kept.state_dict())
        self.optimizer = torch.optim.Adam(self.network.parameters())
        self.world = self.renewed(chains)

    @torch.no_grad()
    def renewed(self, chains: int) -> World:
        """Return new chains that have lived under the policy as it is."""
        some, known = self.drawn(chains)
        shift = _SHIFT * (2.0 * torch.rand(len(some), 1, generator=self.chance) - 1.0)
        world = World.empty(some, known, self.chance, shift=shift)
        first = Placing(self.network, some) if self.done else base_stock(some)
        world.live(_WARM, first, self.chance)
        return world

    def update(self) -> float:
        """Take one step against the cost of the next window, and return that cost."""
        recipe = self.recipe
        set_rate(
            self.optimizer, recipe.learning_rate * annealed(self.done / recipe.updates, _LEAST_RATE)
        )
        if self.done and self.done % _RENEWED == 0:
            self.world = self.renewed(self.recipe.chains)
        world = self.world
        # What is ordered late in a window would only be seen to cost. It answers to what came
        # before all the same, or that would be seen to stay for good.
        orders = Placing(self.network, world.instances, soft=True)
        answer = Placing(self.frozen(), world.instances, soft=True)
        learned = recipe.window // 2

        def policy(stock: Stock, expected: Tensor, period: int) -> Tensor:
            order = (orders if period < learned else answer)(stock, expected, period)
            if order.requires_grad:
                # Good policies answer one unit by several, and answers to answers add up to noise
                order.register_hook(lambda felt: _PASSED * felt)
            return order

        world.stock, world.road = world.stock.each(Tensor.detach), world.road.detach()
        costs = world.live(recipe.window, policy, self.chance).mean(dim=0)
        loss = (costs / usual_cost(world.instances)).mean()
        step(self.optimizer, loss, self.network)
        keep_up(self.averaged, self.network, recipe.average, self.done)
        self.done += 1
        if self.done % _TRIED == 0 or self.done == recipe.updates:
            self.choose()
        return loss.item()

    def choose(self) -> None:
        """Keep the running mean of the weights if it costs less than what is kept.

        Both are tried on the same draws, of the whole range and apart from those learned from.
        """
        own, self.chance = self.chance, Generator().manual_seed(_TRIAL_SEED)
        with torch.no_grad():
            some, known = self.drawn(2 * self.recipe.chains)
            world = World.empty(some, known, self.chance)
            policy = Placing(self.averaged, some)
            world.live(_WARM, policy, self.chance)
            costs = world.live(2 * self.recipe.window, policy, self.chance).mean(dim=0)
        self.chance = own
        cost = float((costs / usual_cost(some)).mean())
        if cost < self.best[0]:
            self.best = cost, self.done
            self.kept.load_state_dict(self.averaged.state_dict())

    def frozen(self) -> CappedBaseStock:
        """Return the network as it is, which nothing is learned by."""
        return copy.deepcopy(self.network).requires_grad_(requires_grad=False)


def usual_cost(instances: Crossing) -> Tensor:
    """Return about what the best base-stock policy costs [B], so that all weigh alike."""
    z = torch.special.ndtri(instances.critical_ratio)
    density = torch.exp(-(z**2) / 2.0) / math.sqrt(2.0 * math.pi)
    spread = torch.sqrt(instances.lead_time - 1.0)
    return ((instances.holding + instances.shortage) * density * spread)[:, 0]
