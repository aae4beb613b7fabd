"""The context-conditioned network: a base-stock level and a cap on one order, both learned.

    order = min((level - inventory position)+, cap)

Every figure is in units of the line's own mean demand per review, so one set of weights serves all
items. Both outputs may depend on everything the encoder tells, the pipeline day by day included;
the classical level stands inside, so that an untrained network already orders sensibly. A network
for a site keeps to `Bounds` by itself: it never asks for what the fail-safes would refuse.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from connector.policy.features import NAMES, SITUATION, STOCK
from policies.lots import asked_for, steps
from policies.network import normal_exceeded

_SITUATIONS = len(SITUATION)
_POSITION = STOCK.index("inventory_position")
_ECHELON = STOCK.index("echelon_position")
_CAP_START = 1.5
_SOFTNESS = 0.02  # reviews of demand: how gently an order leaves zero while learning
_LEAST_LEVEL = 1e-3  # reviews of demand, where only a logarithm is wanted
_LEAST_SPREAD, _IGNORED = 1e-3, 1e9
_DERIVED = 6
_SPECK = 1e-3  # reviews of demand
_MOST_LOT = 14.0  # logarithm of reviews of demand, which stays finite in 32 bits


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The fail-safes that a line can see: position cap (C2) and collar (C6), by their limits."""

    sigmas: float  # buffer of the position cap over lead time and review, deviations of demand
    times: float  # position caps that no order goes beyond
    collar: float  # usual orders of base-stock that no order goes beyond

    def room(self, cover: Tensor, sd: Tensor, smallest: Tensor) -> Tensor:
        """Return the highest position that an order may lead to, in reviews of demand.

        The smallest lot always fits on top: else an item with a large one would never be ordered.
        """
        return self.times * (cover + self.sigmas * sd) + smallest

    @classmethod
    def of(cls, recipe: Mapping[str, Any]) -> Bounds | None:
        """Return what a run's recipe says; None = nothing."""
        times = recipe.get("cap_times", 0.0)
        if not times:
            return None
        return cls(sigmas=recipe["cap_sigmas"], times=times, collar=recipe["collar"])


class Begun(NamedTuple):
    """What does not change as stock moves, in reviews of demand but for the first."""

    part: Tensor  # of the hidden layer
    classical: Tensor  # level
    smallest: Tensor  # lot
    room: Tensor | None = None  # the highest position that an order may lead to; None = any


class CappedBaseStock(nn.Module):
    """features [N, F] -> action, mean, log_std [N]: an order-up-to level that holds the cap."""

    def __init__(self, width: int = 64, depth: int = 3) -> None:
        """Start near the classical level: the last layer is small."""
        super().__init__()
        self.centre: Tensor
        self.spread: Tensor
        self.bounds: Bounds | None = None
        self.register_buffer("centre", torch.zeros(_SITUATIONS + _DERIVED))
        self.register_buffer("spread", torch.ones(_SITUATIONS + _DERIVED))
        self.where = nn.Linear(_SITUATIONS + _DERIVED, width)
        self.stock = nn.Linear(2 * len(STOCK), width, bias=False)
        layers: list[nn.Module] = [nn.SiLU()]
        for _ in range(depth - 1):
            layers += [nn.Linear(width, width), nn.SiLU()]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(width, 2)
        self.log_std = nn.Parameter(torch.tensor(-2.0))
        nn.init.zeros_(self.head.bias)
        with torch.no_grad():
            self.head.weight.mul_(0.1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the level to raise the position to, and mean and log sd of its logarithm.

        The connector makes whole lots of what is missing, as `policies.lots` did while training.
        """
        situation, stock = features[:, :_SITUATIONS], features[:, _SITUATIONS:]
        position = self.position(situation, stock)
        order = torch.clamp(self.order(self.begin(situation), stock, position), min=0.0)
        step, _ = _lots(situation)
        asked = asked_for(order, step)
        # Just below the position where nothing is wanted: floats must not ask for a speck
        level = torch.clamp(position + torch.where(asked > 0.0, asked, -_SPECK), min=0.0)
        mean = torch.log(torch.clamp(level, min=_LEAST_LEVEL))
        return level, mean, mean * 0.0 + self.log_std

    def begin(self, situation: Tensor) -> Begun:
        """Return what does not change as stock moves."""
        parts = _classical_parts(situation)
        inputs = torch.cat([situation, _derived(parts)], dim=-1)
        bounds, (_, smallest) = self.bounds, _lots(situation)
        return Begun(
            part=self.where((inputs - self.centre) / self.spread),
            classical=parts.cover + parts.z * parts.sd,
            smallest=smallest,
            room=bounds.room(parts.cover, parts.sd, smallest) if bounds else None,
        )

    def position(self, situation: Tensor, stock: Tensor) -> Tensor:
        """Return the position that the level is compared with, in reviews of demand."""
        above = situation[..., NAMES.index("level")] > 0.0
        told = torch.where(above, stock[..., _ECHELON], stock[..., _POSITION])
        return torch.sign(told) * (torch.exp(torch.abs(told)) - 1.0)

    def order(self, begun: Begun, stock: Tensor, position: Tensor, *, soft: bool = False) -> Tensor:
        """Return the order [N], in reviews of demand; soft lets gradients through near zero."""
        inputs = torch.cat([stock, torch.tanh(stock)], dim=-1)
        raised, capped = self.head(self.body(begun.part + self.stock(inputs))).unbind(-1)
        level = begun.classical * torch.exp(0.5 * raised)
        # A cap below the smallest lot would never order, and no gradient would tell
        cap = torch.maximum(nn.functional.softplus(capped + _CAP_START), begun.smallest)
        short = level - position
        if soft:
            short = _SOFTNESS * nn.functional.softplus(short / _SOFTNESS)
        return self.bounded(begun, torch.minimum(short, cap), position)

    def bounded(self, begun: Begun, order: Tensor, position: Tensor) -> Tensor:
        """Return the order, cut to what the bounds leave."""
        if self.bounds is None or begun.room is None:
            return order
        usual = torch.clamp(begun.classical - position, min=1.0)
        collar = self.bounds.collar * usual + begun.smallest
        return torch.minimum(torch.minimum(order, begun.room - position), collar)

    @torch.no_grad()
    def normalise(self, situation: Tensor) -> None:
        """Take centre and spread of the inputs from these situations, into the graph."""
        inputs = torch.cat([situation, _derived(_classical_parts(situation))], dim=-1)
        self.centre.copy_(inputs.mean(dim=0))
        spread = inputs.std(dim=0)
        # What never changed here says nothing: whatever a site tells instead must not count
        self.spread.copy_(torch.where(spread > _LEAST_SPREAD, spread, _IGNORED))


class _Parts(NamedTuple):
    """What the base-stock level of normal demand is made of, in reviews of demand."""

    cover: Tensor  # lead time + review, and what is below
    sd: Tensor  # of demand over the cover
    z: Tensor
    tail: Tensor


def _classical_parts(situation: Tensor) -> _Parts:
    def read(name: str) -> Tensor:
        return situation[..., NAMES.index(name)]

    cover = read("lead_time_mean") + 1.0 + read("downstream_cover")
    tail = 1.0 - read("critical_ratio")
    per_day = read("demand_cv") ** 2 * cover / torch.clamp(read("review_days"), min=0.5)
    late = (read("lead_time_cv") * read("lead_time_mean")) ** 2
    return _Parts(cover, torch.sqrt(per_day + late + 1e-6), normal_exceeded(tail), tail)


def _lots(situation: Tensor) -> tuple[Tensor, Tensor]:
    """Return what orders are multiples of, and the least of them, in reviews of demand."""
    multiple, fixed, minimum = (
        torch.exp(torch.clamp(situation[..., NAMES.index(name)], min=0.0, max=_MOST_LOT)) - 1.0
        for name in ("lot_multiple", "lot_fixed", "lot_minimum")
    )
    return steps(multiple, fixed, minimum)


def _derived(parts: _Parts) -> Tensor:
    """Return what the classical level is made of, which the body would have to learn."""
    cover, sd, z, tail = parts
    logs = (z, torch.log(tail), torch.log(cover), torch.log(sd), z * sd / cover)
    return torch.stack([*logs, torch.log1p(cover - 1.0)], dim=-1)
