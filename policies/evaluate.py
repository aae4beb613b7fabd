"""How good a level is: against the exact quantile, beside base-stock and the normal approximation.

Held-out contexts on a full grid (nothing on it was trained on), and demand of another family
(negative binomial) that the network never saw.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from connector.inventory.gamma import gamma_quantile
from connector.policy.features import NAMES, in_range
from policies.contexts import Array, Contexts, Lines, dress
from policies.lead_times import lead_time_pmf
from policies.network import OrderUpTo
from policies.newsvendor import CoverDemand

_GRID = {
    "review": (1.0, 7.0),
    "lead": (2.0, 7.0, 21.0, 60.0),
    "lead_cv": (0.0, 0.25, 0.5),
    "size_cv": (0.3, 1.0, 1.8),
    "empty": (0.0, 0.4, 0.8, 0.95),
    "ratio": (0.80, 0.90, 0.95, 0.98, 0.99),
}


@dataclass(frozen=True, kw_only=True)
class Gap:
    """How far levels are from the exact ones, as shares of them.

    `usual` leaves out demand so lumpy that the best level is below the mean demand in the cover:
    there the level jumps between none and one order's size, and only cost tells good from bad.
    """

    mean: float
    p95: float
    worst: float
    usual_mean: float
    usual_worst: float
    cost_mean: float
    cost_worst: float

    def figures(self, who: str) -> dict[str, float]:
        """Return the numbers by name, for the manifest."""
        return {f"{who}_{name}": round(value, 6) for name, value in vars(self).items()}


def grid_contexts(rng: Generator) -> Contexts:
    """Return the held-out grid: every combination that a site could show."""
    points = np.array(list(product(*_GRID.values())), dtype=np.float64)
    names = {name: k for k, name in enumerate(_GRID)}
    column = {name: points[:, k] for name, k in names.items()}
    nothing = np.zeros(len(points))
    contexts = dress(
        rng,
        Lines(
            above=np.full(len(points), fill_value=False),
            zero_share=column["empty"],
            shape=column["size_cv"] ** -2.0,
            lead_time=lead_time_pmf(column["lead"], column["lead_cv"], nothing, nothing + 2.0),
            downstream_days=nothing,
            review_days=column["review"],
            critical_ratio=column["ratio"],
            estimated=np.full(len(points), fill_value=False),
        ),
    )
    return contexts.take(np.flatnonzero(in_range(contexts.features)))


def levels(network: OrderUpTo, contexts: Contexts) -> dict[str, Array]:
    """Return the levels that the policy, base-stock and the normal approximation would hold."""
    with torch.no_grad():
        features = torch.from_numpy(contexts.features)
        learned, _, _ = network(features)
        normal, deviation, _ = network.derive(features)
    cover = contexts.features[:, NAMES.index("lead_time_mean")].astype(np.float64) + 1.0
    relative = deviation.double().numpy() / cover
    return {
        "policy": learned.double().numpy(),
        "base_stock": cover * gamma_quantile(contexts.critical_ratio, relative),
        "normal": normal.double().numpy(),
    }


def gaps(network: OrderUpTo, contexts: Contexts) -> dict[str, Gap]:
    """Return the gap of each way to set a level, by name."""
    demand = CoverDemand.of(contexts)
    ratio = torch.from_numpy(contexts.critical_ratio)
    exact = demand.quantile(ratio)
    best = demand.cost(exact, ratio)

    usual = exact >= demand.mean()
    return {
        who: _gap(level, exact, demand.cost(level, ratio) / best - 1.0, usual)
        for who, level in (
            (who, torch.from_numpy(level)) for who, level in levels(network, contexts).items()
        )
    }


def _gap(level: Tensor, exact: Tensor, extra_cost: Tensor, usual: Tensor) -> Gap:
    some = exact > 0
    off = (level - exact).abs() / exact
    dearer = extra_cost[some]
    return Gap(
        mean=float(off[some].mean()),
        p95=float(off[some].quantile(0.95)),
        worst=float(off[some].max()),
        usual_mean=float(off[usual & some].mean()),
        usual_worst=float(off[usual & some].max()),
        cost_mean=float(dearer.mean()),
        cost_worst=float(dearer.max()),
    )


def other_family(
    network: OrderUpTo, rng: Generator, count: int = 240, draws: int = 40_000
) -> dict[str, float]:
    """Return the mean extra cost of each way under negative binomial demand, by name."""
    daily = np.exp(rng.uniform(np.log(0.05), np.log(30.0), count))
    successes = np.exp(rng.uniform(np.log(0.3), np.log(20.0), count))
    lines = _negative_binomial_lines(rng, daily, successes)
    contexts = dress(rng, lines)
    ways = levels(network, contexts)
    extra = [
        _extra_costs(
            rng,
            lines,
            row=int(k),
            family=(daily[k], successes[k]),
            levels=[way[k] for way in ways.values()],
            draws=draws,
        )
        for k in np.flatnonzero(in_range(contexts.features))
    ]
    return dict(zip(ways, np.mean(extra, axis=0).tolist(), strict=True))


def _negative_binomial_lines(rng: Generator, daily: Array, successes: Array) -> Lines:
    count = len(daily)
    empty = (successes / (successes + daily)) ** successes
    variance = daily + daily**2 / successes
    size_variance = (variance + daily**2) / (1.0 - empty) - (daily / (1.0 - empty)) ** 2
    size_cv = np.sqrt(np.maximum(size_variance, 0.0)) * (1.0 - empty) / daily
    lead = rng.choice([2.0, 5.0, 10.0, 21.0], count)
    spread = rng.choice([0.0, 0.25, 0.4], count)
    nothing = np.zeros(count)
    return Lines(
        above=np.full(count, fill_value=False),
        zero_share=empty,
        shape=np.maximum(size_cv, 0.02) ** -2.0,
        lead_time=lead_time_pmf(lead, spread, nothing, nothing + 2.0),
        downstream_days=nothing,
        review_days=rng.choice([1.0, 7.0], count),
        critical_ratio=rng.choice([0.9, 0.95, 0.98], count),
        estimated=np.full(count, fill_value=False),
    )


def _extra_costs(
    rng: Generator,
    lines: Lines,
    *,
    row: int,
    family: tuple[float, float],
    levels: list[float],
    draws: int,
) -> list[float]:
    daily, successes = family
    days = rng.choice(lines.lead_time.shape[1], draws, p=lines.lead_time[row])
    days = days + int(lines.review_days[row])
    demand = rng.negative_binomial(successes * days, successes / (successes + daily))
    ratio, rate = lines.critical_ratio[row], daily * lines.review_days[row]

    def cost(level: float) -> float:
        missing = demand - level
        return float(np.where(missing > 0, ratio * missing, (ratio - 1.0) * missing).mean())

    best = cost(float(np.quantile(demand, ratio, method="inverted_cdf")))
    return [cost(level * rate) / best - 1.0 for level in levels]
