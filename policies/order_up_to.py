"""Makes the first policy: the newsvendor level, learned from simulated demand.

The pinball loss at the critical ratio is least in expectation at that quantile of demand, whatever
its distribution, so no level has to be solved for to train; the exact levels only judge the result.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor, nn

from connector.policy.features import in_range, schema_digest
from policies.contexts import Contexts, draw_contexts
from policies.network import OrderUpTo, normal_exceeded
from policies.newsvendor import CoverDemand, draw_cover_demand

_SOURCES = ("lead_times.py", "contexts.py", "newsvendor.py", "network.py", "order_up_to.py")
_GRADIENT_MAX = 1.0
_UNCERTAINTY_DECAY = 1e-3


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Everything that decides the network, to the bit on one machine."""

    seed: int = 1
    contexts: int = 240_000
    draws: int = 128  # of demand, per context
    epochs: int = 150
    batch: int = 2_048
    width: int = 64
    learning_rate: float = 4e-3
    uncertainty_contexts: int = 1_500  # solved exactly, to learn how far off the level is
    uncertainty_steps: int = 400

    def digest(self) -> str:
        """Return the sha256 of this recipe, the twin's source and the feature schema."""
        parts = [json.dumps(asdict(self), sort_keys=True).encode(), schema_digest().encode()]
        parts += [Path(__file__).with_name(name).read_bytes() for name in _SOURCES]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()


Progress = Callable[[int, float], None]  # epoch, mean relative cost


def contexts_in_range(rng: Generator, count: int) -> Contexts:
    """Return exactly `count` contexts inside the feature ranges."""
    drawn = draw_contexts(rng, count + count // 8 + 64)
    return drawn.take(np.flatnonzero(in_range(drawn.features))[:count])


def train(recipe: Recipe, progress: Progress) -> OrderUpTo:
    """Return the trained network."""
    rng = np.random.default_rng(recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        network = OrderUpTo(recipe.width)
    contexts = contexts_in_range(rng, recipe.contexts)
    demand = torch.from_numpy(_simulate(rng, contexts, recipe.draws))
    network.normalise(torch.from_numpy(contexts.features))
    _fit_level(network, recipe, rng, contexts=contexts, demand=demand, progress=progress)
    _fit_uncertainty(network, recipe, contexts_in_range(rng, recipe.uncertainty_contexts))
    return network.eval()


def _simulate(rng: Generator, contexts: Contexts, draws: int) -> np.ndarray:
    """Draw in parts: the draws' work arrays are several times their size."""
    parts = np.array_split(np.arange(len(contexts)), max(1, len(contexts) // 8_192))
    return np.concatenate([draw_cover_demand(rng, contexts.take(p), draws) for p in parts])


def _fit_level(
    network: OrderUpTo,
    recipe: Recipe,
    rng: Generator,
    *,
    contexts: Contexts,
    demand: Tensor,
    progress: Progress,
) -> None:
    features = torch.from_numpy(contexts.features)
    ratio = torch.from_numpy(contexts.critical_ratio.astype(np.float32))
    scale = cost_scale(network, features, ratio)
    optimizer = torch.optim.Adam(network.parameters(), lr=recipe.learning_rate)
    steps = recipe.epochs * -(-len(contexts) // recipe.batch)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for epoch in range(recipe.epochs):
        total = 0.0
        for rows in torch.from_numpy(rng.permutation(len(contexts))).split(recipe.batch):
            level, _, _ = network(features[rows])
            loss = relative_cost(level, demand[rows], ratio[rows], scale[rows])
            optimizer.zero_grad()
            loss.backward()
            # Rare contexts whose best level jumps have steep losses; one must not undo the rest.
            nn.utils.clip_grad_norm_(network.parameters(), _GRADIENT_MAX)
            optimizer.step()
            schedule.step()
            total += loss.item() * len(rows)
        progress(epoch, total / len(contexts))


def relative_cost(level: Tensor, demand: Tensor, ratio: Tensor, scale: Tensor) -> Tensor:
    """Return the mean newsvendor cost over draws [N, draws], in units of `scale` [N]."""
    missing = demand - level[:, None]
    cost = torch.where(missing > 0, ratio[:, None] * missing, (ratio[:, None] - 1.0) * missing)
    return (cost.mean(dim=1) / scale).mean()


@torch.no_grad()
def cost_scale(network: OrderUpTo, features: Tensor, ratio: Tensor) -> Tensor:
    """Return the least cost under normal demand [N]: with it, all contexts weigh alike."""
    _, deviation, _ = network.derive(features)
    density = torch.exp(-(normal_exceeded(1.0 - ratio) ** 2) / 2.0) / math.sqrt(2.0 * math.pi)
    return (deviation + 1e-3) * density


def _fit_uncertainty(network: OrderUpTo, recipe: Recipe, contexts: Contexts) -> None:
    """Fit the last head alone, by likelihood, to how far ln(level) is off the exact one."""
    exact = CoverDemand.of(contexts).quantile(torch.from_numpy(contexts.critical_ratio)).float()
    features = torch.from_numpy(contexts.features)[exact > 0]
    target = exact[exact > 0].log()
    optimizer = torch.optim.Adam(
        network.uncertainty.parameters(), lr=1e-2, weight_decay=_UNCERTAINTY_DECAY
    )
    for _ in range(recipe.uncertainty_steps):
        _, mean, log_std = network(features)
        loss = (log_std + ((target - mean) / log_std.exp()) ** 2 / 2.0).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
