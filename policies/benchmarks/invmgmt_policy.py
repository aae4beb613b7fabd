"""One policy per network for gym-invmgmt, trained by hindsight: gradients of the profit itself.

Each link has a base-stock position to come up to: the forecast demand until its order can be sold,
against the stock of the whole echelon. The network turns that need into an order, by a share and
a correction it learns; it sees stock, pipeline, backlog, goodwill and the forecast of the periods
left. One set of weights serves all scenarios of a network: trend, shock, goodwill, lost sales.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from policies.benchmarks.invmgmt_twin import PERIODS, Dynamics, Network, State

_UNIT = 20.0  # demand of a plain period
_CONTEXT = 3 + 2
_WARM_UP = 50  # updates until the learning rate is whole
_STEEPEST = 0.3  # norm beyond which a gradient is shortened
_FIRST_SAY = 0.1  # of the network in the orders, before it has learned anything


@dataclass(frozen=True, kw_only=True)
class Demands:
    """Scenarios of one network, a row each; `worth` is what profit is measured in."""

    mean: Tensor  # [S, periods] expected demand at goodwill 1
    noise: Tensor  # [S] 1: Poisson, 0: the mean itself
    backlog: Tensor  # [S]
    goodwill: Tensor  # [S]
    worth: Tensor  # [S]

    def repeated(self, count: int) -> Demands:
        """Return every scenario `count` times over."""
        return Demands(
            mean=self.mean.repeat(count, 1),
            noise=self.noise.repeat(count),
            backlog=self.backlog.repeat(count),
            goodwill=self.goodwill.repeat(count),
            worth=self.worth.repeat(count),
        )


class NeedOrders(nn.Module):
    """State and forecast -> orders [B, links] in units."""

    def __init__(self, network: Network, width: int = 128) -> None:
        """Start as a plain base-stock policy whose suppliers share alike."""
        super().__init__()
        links, nodes = network.links, network.nodes
        reach = [network.reach(link) for link in links]
        self.reach: Tensor
        self.echelon: Tensor
        self.coming: Tensor
        self.open_share: Tensor
        self.register_buffer("reach", torch.tensor(reach))
        tiers = [network.tier(link.buyer) for link in links]
        self.register_buffer(
            "echelon",
            torch.tensor([[float(network.tier(n.name) <= t) for t in tiers] for n in nodes]),
        )
        buyers = [network.tier(links[at].buyer) for at, _ in network.slots]
        self.register_buffer(
            "coming", torch.tensor([[float(b <= t) for t in tiers] for b in buyers])
        )
        alike = [1.0 / tiers.count(tier) for tier in tiers]
        self.register_buffer("open_share", torch.tensor([math.log(math.expm1(s)) for s in alike]))
        count = len(nodes) + len(network.slots) + 2 * PERIODS + len(links) + _CONTEXT
        self.body = nn.Sequential(
            nn.Linear(count, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.head = nn.Linear(width, 2 * len(links))
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.weight.mul_(_FIRST_SAY)

    def forward(self, state: State, ahead: Tensor, period: int, kind: Tensor) -> Tensor:
        """Return orders, below 0 for none; `ahead` [B, periods]: the forecast, 0 past the end."""
        total = torch.cat([torch.zeros_like(ahead[:, :1]), ahead.cumsum(dim=1)], dim=1)
        upto = torch.clamp(self.reach + 1, max=PERIODS)
        position = state.on_hand @ self.echelon + state.pipeline @ self.coming
        need = (total[:, upto] - position + (kind[:, 0] * state.owed)[:, None]) / _UNIT
        clock = torch.zeros_like(ahead)
        clock[:, period] = 1.0
        seen = torch.cat(
            [
                state.on_hand / 100.0,
                state.pipeline / 50.0,
                ahead / 40.0,
                clock,
                need / 10.0,
                state.owed[:, None] / 50.0,
                state.goodwill[:, None],
                kind,
            ],
            dim=1,
        )
        raised, share = self.head(self.body(seen)).chunk(2, dim=1)
        wanted = raised + nn.functional.softplus(share + self.open_share) * need
        in_time = (self.reach + period < PERIODS).to(wanted.dtype)
        return wanted * _UNIT * in_time


def plain(network: Network) -> NeedOrders:
    """Return the policy without its network: order the need, shared alike among suppliers."""
    policy = NeedOrders(network)
    nn.init.zeros_(policy.head.weight)
    return policy


def context(demands: Demands) -> Tensor:
    """Return what tells one kind of scenario from another: backlog, goodwill, noise."""
    return torch.stack([demands.backlog, demands.goodwill, demands.noise], dim=1)


def profits(
    policy: NeedOrders,
    network: Network,
    demands: Demands,
    chance: torch.Generator,
) -> Tensor:
    """Return each replication's profit over the horizon [B]."""
    dynamics = Dynamics(network, demands.backlog, demands.goodwill)
    kind = context(demands)
    state = dynamics.begin()
    profit = torch.zeros_like(demands.noise)
    padded = torch.cat([demands.mean, torch.zeros_like(demands.mean)], dim=1)
    for period in range(PERIODS):
        ahead = padded[:, period : period + PERIODS] * state.goodwill[:, None]
        orders = policy(state, ahead, period, kind)
        shipped = dynamics.filled(state, orders)
        goodwill = dynamics.next_goodwill(state) if period else state.goodwill
        demand = _drawn(demands, demands.mean[:, period] * goodwill, chance)
        state, earned = dynamics.step(state, shipped, goodwill, demand)
        profit = profit + earned
    return profit


def _drawn(demands: Demands, mean: Tensor, chance: torch.Generator) -> Tensor:
    """Return demand; it moves with its mean as a Poisson quantile does, to first order."""
    least = torch.clamp(mean, min=0.0)
    raw = torch.poisson(least.detach(), generator=chance)
    swing = (raw - least.detach()) / torch.clamp(least.detach(), min=0.1)
    moved = raw + (least - least.detach()) * (1.0 + 0.5 * swing)
    return torch.where(demands.noise > 0.0, moved, least)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides a training run."""

    seed: int = 1
    updates: int = 400
    replications: int = 8  # of every scenario, per update
    learning_rate: float = 4e-3
    average: float = 0.98  # decay of the weights' running mean, which is what is kept


def train(
    recipe: Recipe, network: Network, demands: Demands, progress: Callable[[int, float], None]
) -> NeedOrders:
    """Return the running mean of the weights after all updates."""
    torch.manual_seed(recipe.seed)
    chance = torch.Generator().manual_seed(recipe.seed)
    policy = NeedOrders(network)
    kept = copy.deepcopy(policy)
    batch = demands.repeated(recipe.replications)
    optimizer = torch.optim.Adam(policy.parameters(), lr=recipe.learning_rate)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda update: _pace(update, recipe.updates),
    )
    for update in range(recipe.updates):
        relative = profits(policy, network, batch, chance) / batch.worth
        optimizer.zero_grad(set_to_none=True)
        (-relative.mean()).backward()
        nn.utils.clip_grad_norm_(policy.parameters(), _STEEPEST)
        optimizer.step()
        schedule.step()
        _follow(kept, policy, min(recipe.average, (1 + update) / (10 + update)))
        progress(update, relative.mean().item())
    return kept


def _pace(update: int, updates: int) -> float:
    annealed = max(0.5 * (1.0 + math.cos(math.pi * update / updates)), 1e-2)
    return annealed * min(1.0, (1 + update) / _WARM_UP)


@torch.no_grad()
def _follow(kept: nn.Module, policy: nn.Module, decay: float) -> None:
    for slow, fast in zip(kept.parameters(), policy.parameters(), strict=True):
        slow.lerp_(fast, 1.0 - decay)
