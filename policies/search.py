"""A fair search: every candidate lives through the same demand, all of them in one batched rollout.

Shapes: C candidates, I instances, R replications of each, N nodes. Stock is [I, R, N], demand
[T, I, R, N]; rules and a policy's parameters broadcast to [C, I, R, N]. What was found is best on
the draws it was searched on, so report it on others (`Trial` with another seed).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from array_api_compat import array_namespace

from connector.errors import ConfigError
from connector.twin.dynamics import Stock
from connector.twin.network import Array, Rules, Topology
from connector.twin.rollout import Policy, rollout
from policies.exact import LostSales

# Named parameters -> policy
Make = Callable[..., Policy]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Average cost per period, all nodes together [C, I], and its standard error."""

    mean: Array
    error: Array


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What candidates are tried on."""

    topology: Topology
    rules: Rules
    stock: Stock
    demand: Sequence[Array] | Array
    lead_time: int | Sequence[Array] | Array
    skip: int

    @classmethod
    def of(
        cls,
        problem: LostSales,
        *,
        seed: int,
        replications: int = 400,
        periods: int = 1_000,
        skip: int = 100,
    ) -> Trial:
        """Draw a trial of one item from its distribution of demand; `skip` comes on top."""
        chance = np.random.default_rng(seed).random((skip + periods, 1, replications, 1))
        drawn = np.searchsorted(np.cumsum(problem.demand)[:-1], chance, side="right")
        mean = float(problem.demand @ np.arange(len(problem.demand)))
        usual = np.full((1, replications, 1), float(round(mean)))
        horizon = max(problem.lead_time, 1)
        under_way = tuple(usual * (ahead < problem.lead_time) for ahead in range(horizon))
        return cls(
            topology=Topology(suppliers=(-1,), horizon=horizon),
            rules=Rules(
                holding=problem.holding,
                shortage=problem.shortage,
                lost_share=1.0,
                fixed=problem.fixed or None,
            ),
            stock=Stock(on_hand=2.0 * usual, pipeline=under_way),
            demand=drawn.astype(np.float64),
            lead_time=problem.lead_time,
            skip=skip,
        )

    def costs(self, policy: Policy, candidates: int = 1) -> Costs:
        """Return what each candidate costs: the first axis of the policy's parameters."""
        done = rollout(
            self.topology,
            self.rules,
            self._repeated(candidates),
            demand=self.demand,
            lead_time=self.lead_time,
            policy=policy,
            skip=self.skip,
        )
        xp = array_namespace(done.cost)
        each = xp.sum(done.cost, axis=-1) / done.periods
        count = each.shape[-1]
        if count == 1:
            return Costs(mean=each[..., 0], error=xp.full_like(each[..., 0], math.nan))
        error = xp.std(each, axis=-1, correction=1) / math.sqrt(count)
        return Costs(mean=xp.mean(each, axis=-1), error=error)

    def _repeated(self, candidates: int) -> Stock:
        xp = array_namespace(self.stock.on_hand)
        shape = (candidates, *self.stock.on_hand.shape)
        return self.stock.each(lambda units: xp.broadcast_to(units, shape))


@dataclass(frozen=True, kw_only=True)
class Found:
    """The best candidate of each instance: parameters by name, and its cost, [I, ..] each."""

    parameters: dict[str, Array]
    policy: Policy
    cost: Array
    error: Array
    tried: int


def search(trial: Trial, make: Make, **axes: Array) -> Found:
    """Try every combination of the axes, in one rollout, and return each instance's best.

    An axis is [K], the same values for all instances, or [K, I]. `make(**parameters)` gets arrays
    [C, 1 or I, 1, 1]. Errors: ConfigError for an axis without values.
    """
    for name, axis in axes.items():
        if not len(axis):
            raise ConfigError(f"nothing to try for {name}", hint="give at least one value")
    columns = _combined(axes)
    count = len(next(iter(columns.values())))
    costs = trial.costs(make(**{name: at[..., None, None] for name, at in columns.items()}), count)
    xp = array_namespace(costs.mean)
    best = xp.argmin(costs.mean, axis=0)
    rows = xp.arange(costs.mean.shape[1])
    chosen = {
        name: xp.broadcast_to(column, costs.mean.shape)[best, rows]
        for name, column in columns.items()
    }
    return Found(
        parameters=chosen,
        policy=make(**{name: value[:, None, None] for name, value in chosen.items()}),
        cost=costs.mean[best, rows],
        error=costs.error[best, rows],
        tried=count,
    )


def _combined(axes: dict[str, Array]) -> dict[str, Array]:
    """Return all combinations, as columns [C, 1 or I]."""
    sizes = [len(axis) for axis in axes.values()]
    picks = np.indices(sizes).reshape(len(sizes), -1)
    columns = {}
    for (name, axis), pick in zip(axes.items(), picks, strict=True):
        xp = array_namespace(axis)
        column = xp.take(axis, xp.asarray(pick), axis=0)
        columns[name] = column[:, None] if column.ndim == 1 else column
    return columns


def descend(trial: Trial, make: Make, start: Array, steps: Sequence[float]) -> Found:
    """Tune one figure per node [I, N] from `start`, with ever smaller steps.

    Each sweep tries, in one rollout, every node one step up and down, all of them together, and
    where it stands; each instance moves to its best, and a step is done when nobody moves.
    `make(figures)` gets an array [C, I, 1, N].
    """
    xp = array_namespace(start)
    nodes = start.shape[-1]
    alone, together = xp.eye(nodes, dtype=start.dtype), xp.ones((1, nodes), dtype=start.dtype)
    moves = xp.concat([0.0 * together, alone, -alone, together, -together])
    rows = xp.arange(start.shape[0])
    at, tried = start, 0
    best, costs = rows, None
    for step in steps:
        while True:
            candidates = at[None, :, :] + step * moves[:, None, :]
            costs = trial.costs(make(candidates[:, :, None, :]), moves.shape[0])
            tried += moves.shape[0]
            best = xp.argmin(costs.mean, axis=0)
            at = candidates[best, rows]
            if not bool(xp.any(best > 0)):
                break
    if costs is None:
        raise ConfigError("no steps to descend by", hint="give at least one")
    return Found(
        parameters={"level": at},
        policy=make(at[:, None, :]),
        cost=costs.mean[best, rows],
        error=costs.error[best, rows],
        tried=tried,
    )
