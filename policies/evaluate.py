"""How good a level is: against the exact quantile, beside the classical normal approximation.

Held-out contexts on a full grid (nothing on it was trained on), and demand of another family
(negative binomial) that the network never saw.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
from numpy.random import Generator
from torch import Tensor

from connector.policy.features import in_range
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
    "below": (0.0, 9.0),
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
    above = points[:, names["below"]] > 0
    points = points[~(above & (points[:, names["empty"]] > 0))]
    column = {name: points[:, k] for name, k in names.items()}
    nothing = np.zeros(len(points))
    contexts = dress(
        rng,
        Lines(
            above=column["below"] > 0,
            zero_share=column["empty"],
            shape=column["size_cv"] ** -2.0,
            lead_time=lead_time_pmf(column["lead"], column["lead_cv"], nothing, nothing + 2.0),
            downstream_days=column["below"],
            review_days=column["review"],
            critical_ratio=column["ratio"],
            estimated=np.full(len(points), fill_value=False),
        ),
    )
    return contexts.take(np.flatnonzero(in_range(contexts.features)))


def gaps(network: OrderUpTo, contexts: Contexts) -> tuple[Gap, Gap]:
    """Return the gap of the network and of the classical level, where any stock is best."""
    with torch.no_grad():
        features = torch.from_numpy(contexts.features)
        learned, _, _ = network(features)
        classical, _, _ = network.derive(features)
    demand = CoverDemand.of(contexts)
    ratio = torch.from_numpy(contexts.critical_ratio)
    exact = demand.quantile(ratio)
    best = demand.cost(exact, ratio)

    def gap(level: Tensor) -> Gap:
        return _gap(level, exact, demand.cost(level, ratio) / best - 1.0, exact >= demand.mean())

    return gap(learned.double()), gap(classical.double())


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
) -> tuple[float, float]:
    """Return the mean extra cost under negative binomial demand: the network's, the classical's."""
    daily = np.exp(rng.uniform(np.log(0.05), np.log(30.0), count))
    successes = np.exp(rng.uniform(np.log(0.3), np.log(20.0), count))
    lines = _negative_binomial_lines(rng, daily, successes)
    contexts = dress(rng, lines)
    keep = np.flatnonzero(in_range(contexts.features))
    with torch.no_grad():
        features = torch.from_numpy(contexts.features)
        learned = network(features)[0].double().numpy()
        classical = network.derive(features)[0].double().numpy()
    extra = [
        _extra_costs(
            rng,
            lines,
            row=k,
            family=(daily[k], successes[k]),
            levels=(learned[k], classical[k]),
            draws=draws,
        )
        for k in keep
    ]
    means = np.mean(extra, axis=0)
    return float(means[0]), float(means[1])


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
    levels: tuple[float, float],
    draws: int,
) -> tuple[float, float]:
    daily, successes = family
    days = rng.choice(lines.lead_time.shape[1], draws, p=lines.lead_time[row])
    days = days + int(lines.review_days[row])
    demand = rng.negative_binomial(successes * days, successes / (successes + daily))
    ratio, rate = lines.critical_ratio[row], daily * lines.review_days[row]

    def cost(level: float) -> float:
        missing = demand - level
        return float(np.where(missing > 0, ratio * missing, (ratio - 1.0) * missing).mean())

    best = cost(float(np.quantile(demand, ratio, method="inverted_cdf")))
    first, second = (cost(level * rate) / best - 1.0 for level in levels)
    return first, second
