"""The twin as a Gymnasium environment, for agents that were written elsewhere.

    env = gymnasium.make("policies.environment:replenishd/Replenishment-v0", family="lost-sales")
    many = gymnasium.make_vec("policies.environment:replenishd/Replenishment-v0", num_envs=1_024)

A step is one period: order, ship, serve, pay (see `connector.twin.dynamics`), receive what is due.

- action: orders [nodes], units; what is below zero counts as nothing
- reward: minus the period's cost, all nodes together
- observation, after receipts: `state` is [nodes, 3 + horizon], in units: on hand, customers
  waiting, owed by the supplier, due in 1, 2, .. horizon periods. `features` is [nodes, F], the
  rows that production tells a policy (`connector.policy.features`)

An episode is cut, never ended, after `periods`. Instances are drawn anew for each, unless one is
given. Everything drawn comes from the seed of `reset`.
"""

# torch and gymnasium have no types where they are not installed, and few where they are:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray
from torch import Tensor

from connector.errors import ConfigError
from connector.policy.features import NAMES
from connector.twin.dynamics import Stock, advance, arrivals, coming, cost, receive, uncrossed
from policies.family import Family
from policies.instances import Instances, tell, tell_stock
from policies.runs import family_of

ID = "replenishd/Replenishment-v0"
Floats: TypeAlias = NDArray[np.float32]
Seen = Literal["state", "features"]
_SEEDS = 2**62


class ReplenishmentVectorEnv(VectorEnv[Floats, Floats, NDArray[Any]]):
    """Many replenishment problems side by side, in one batch of the twin.

    All are cut at the same period, and the step after that starts all of them afresh.
    """

    def __init__(
        self,
        num_envs: int = 1,
        *,
        family: Family | str = "lost-sales",
        instance: Instances | None = None,
        periods: int = 100,
        observe: Seen = "state",
    ) -> None:
        """Lay out the spaces; `instance` is one row of the family's, the same for all.

        ConfigError for an unknown family, and for what is no number of rows or periods.
        """
        if num_envs < 1 or periods < 1:
            raise ConfigError(f"{num_envs} environments of {periods} periods, at least 1 of each")
        if instance is not None and len(instance) not in {1, num_envs}:
            raise ConfigError(f"{len(instance)} instances for {num_envs} environments", hint="1")
        self.family = family if isinstance(family, Family) else family_of(family)
        self.metadata = {"autoreset_mode": AutoresetMode.NEXT_STEP}
        self.num_envs, self.periods = num_envs, periods
        self._given = instance
        self._observed = self._features if observe == "features" else _state
        topology = self.family.topology
        columns = len(NAMES) if observe == "features" else 3 + topology.horizon
        low = -np.inf if observe == "features" else 0.0
        shape = (topology.nodes, columns)
        self.single_observation_space = Box(low, np.inf, shape, np.float32)
        self.single_action_space = Box(0.0, np.inf, (topology.nodes,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._over = False

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Floats, dict[str, Any]]:
        """Draw instances, demand and lead times, and return what is seen first."""
        super().reset(seed=seed, options=options)
        chance = torch.Generator().manual_seed(int(self.np_random.integers(_SEEDS)))
        if self._given is None:
            self.instances = self.family.drawn(self.num_envs, chance)
        else:
            self.instances = self._given.take(torch.arange(self.num_envs) % len(self._given))
        horizon = self.family.topology.horizon
        self._demand = self.instances.demand(self.periods, chance)
        self._leads = uncrossed(self.instances.lead_times(self.periods, chance, horizon))
        self._told = tell(self.family.topology, self.instances)
        self._stock = receive(self.family.begin(self.instances, chance))
        self._period, self._over = 0, False
        return self._observed(self._stock), {}

    @torch.no_grad()
    def step(
        self, actions: Floats
    ) -> tuple[Floats, Floats, NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]]:
        """Live one period under these orders [num_envs, nodes]."""
        no = np.zeros(self.num_envs, dtype=np.bool_)
        if self._over:
            seen, _ = self.reset()
            return seen, np.zeros(self.num_envs, dtype=np.float32), no, no, {}
        orders = torch.as_tensor(np.asarray(actions, dtype=np.float32)).clamp(min=0.0)
        topology, rules = self.family.topology, self.instances.rules()
        arrives = arrivals(self._leads[self._period], topology.horizon)
        wanted = self._demand[self._period]
        stock, flows = advance(topology, rules, self._stock, orders, wanted, arrives)
        spent = cost(rules, stock, flows).sum(dim=-1)
        self._stock = receive(stock)
        self._period += 1
        self._over = self._period == self.periods
        info = {"demand": wanted.numpy(), "lost": flows.lost.numpy()}
        return self._observed(self._stock), -spent.numpy(), no, no | self._over, info

    def _features(self, stock: Stock) -> Floats:
        situation, rate = self._told
        told = tell_stock(self.family.topology, stock, rate)
        return _plain(torch.cat([situation, told], dim=-1))


class ReplenishmentEnv(gymnasium.Env[Floats, Floats]):
    """One replenishment problem: a batch of one."""

    def __init__(self, **settings: Any) -> None:
        """Take what `ReplenishmentVectorEnv` takes, but for the number."""
        self._one = ReplenishmentVectorEnv(1, **settings)
        self.observation_space = self._one.single_observation_space
        self.action_space = self._one.single_action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Floats, dict[str, Any]]:
        """Begin afresh."""
        super().reset(seed=seed, options=options)
        seen, info = self._one.reset(seed=int(self.np_random.integers(_SEEDS)))
        return seen[0], info

    def step(self, action: Floats) -> tuple[Floats, float, bool, bool, dict[str, Any]]:
        """Live one period under these orders [nodes]."""
        seen, reward, ended, cut, info = self._one.step(np.asarray(action)[None])
        one = {name: value[0] for name, value in info.items()}
        return seen[0], float(reward[0]), bool(ended[0]), bool(cut[0]), one


def _state(stock: Stock) -> Floats:
    nothing = torch.zeros_like(stock.on_hand)
    waiting = nothing if stock.waiting is None else stock.waiting
    owed = nothing if stock.owed is None else stock.owed
    return _plain(torch.stack([stock.on_hand, waiting, owed, *coming(stock)], dim=-1))


def _plain(seen: Tensor) -> Floats:
    return seen.numpy().astype(np.float32)


gymnasium.register(
    id=ID,
    entry_point="policies.environment:ReplenishmentEnv",
    vector_entry_point="policies.environment:ReplenishmentVectorEnv",
)
