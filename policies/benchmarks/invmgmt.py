"""python -m policies.benchmarks.invmgmt: the twin-trained policy on gym-invmgmt's leaderboard.

Needs gym-invmgmt 0.2.1 (PyPI, MIT, arXiv 2605.11355) beside torch. The protocol is the authors'
(`benchmarks/run_benchmarks.py` and `evaluate_custom.py` of r2barati/gym-invmgmt-paper):

- 22 core scenarios: two networks (serial, 3 links; "base", 11 links) x {trend + seasonal, the same
  with a shock at period 15} x {goodwill, none} x {backlog, lost sales}; stationary Poisson 20 with
  backlog and with lost sales; one M5 trace with backlog. 30 periods, no discount, profit.
- Ten seeds (42, 123, ...): build the environment, reset(seed=), step 30 times, sum the profit. The
  gap of a scenario is (oracle - policy) / |oracle| of the means over seeds; the score is the mean
  over the 22. Computed so from the published profits, the leaderboard's own 25.5 % and 5.1 % come
  out. The oracle is a linear program that knows the demand path. Under goodwill it is the authors'
  iterative heuristic, no bound: a policy may pass it.
- Tiers. A *blind* policy sees the observation (last demand, backlog, stock, pipeline, period,
  goodwill) and the static network. An *informed* one also sees the demand engine's expected demand
  of any period at the goodwill of the moment, and whether there is noise. No tier sees realised
  demand beforehand, but the M5 trace has no noise: there the expectation is the demand, for every
  informed entry alike. The policy here is informed, as are PPO-Transformer and MSSP-I. It is
  trained on demand drawn from the expectation, never on the ten seeds' paths.

Training: `invmgmt_policy`, one policy for all eleven scenarios of a network, by gradients through
`invmgmt_twin`; published profits only weigh the scenarios. Evaluation is inside the real
environment.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from statistics import fmean
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from connector.errors import ConfigError
from policies.benchmarks.invmgmt_oracle import oracle_profit
from policies.benchmarks.invmgmt_policy import Demands, NeedOrders, Recipe, plain, train
from policies.benchmarks.invmgmt_scenarios import M5_FILE, SEEDS, Scenario, gap, playable
from policies.benchmarks.invmgmt_twin import BASE, PERIODS, SERIAL, Network, State

NETWORKS = {"serial": SERIAL, "network": BASE}
_EVERY = 100


@dataclass(frozen=True, kw_only=True)
class Row:
    """One scenario: mean profit over the seeds, and the seconds of one episode."""

    scenario: Scenario
    profit: float
    untrained: float  # mean profit of the same head before any training: a plain base-stock policy
    seconds: float
    recomputed: float | None  # the oracle, where demand does not depend on goodwill


def environment(scenario: Scenario) -> Any:
    """Return the real environment of a scenario."""
    return import_module("gym_invmgmt").CoreEnv(**scenario.settings())


def demands(scenarios: list[Scenario]) -> Demands:
    """Return scenarios as rows of tensors."""
    row = torch.tensor
    return Demands(
        mean=row([each.mean for each in scenarios]),
        noise=row([float(each.demand is not None) for each in scenarios]),
        backlog=row([float(each.backlog) for each in scenarios]),
        goodwill=row([float(each.goodwill) for each in scenarios]),
        worth=row([each.oracle for each in scenarios]),
    )


def observed(network: Network, seen: NDArray[np.float64]) -> State:
    """Return the environment's observation as a row of the twin's state."""
    told = torch.as_tensor(seen, dtype=torch.float32)[None]
    nodes = len(network.nodes)
    return State(
        on_hand=told[:, 2 : 2 + nodes],
        pipeline=told[:, 2 + nodes : -2],
        owed=told[:, 1],
        margin=torch.zeros(1),
        goodwill=told[:, -1],
    )


def forecast(env: Any, period: int) -> Tensor:
    """Return the informed tier's expected demand from now on, 0 past the end [1, periods]."""
    expected = [env.demand_engine.get_current_mu(each) for each in range(period, PERIODS)]
    return torch.tensor([expected + [0.0] * period], dtype=torch.float32)


@torch.no_grad()
def episode(policy: NeedOrders, scenario: Scenario, seed: int) -> float:
    """Return the profit of one episode in the real environment."""
    network, env = NETWORKS[scenario.network], environment(scenario)
    noise = float(env.demand_engine.noise_scale > 0.0)
    kind = torch.tensor([[float(scenario.backlog), float(scenario.goodwill), noise]])
    seen, _ = env.reset(seed=seed)
    profit = 0.0
    for period in range(PERIODS):
        orders = policy(observed(network, seen), forecast(env, period), period, kind)
        seen, earned, *_ = env.step(orders[0].clamp(min=0.0).double().numpy())
        profit += earned
    return profit


def recomputed_oracle(scenario: Scenario) -> float | None:
    """Return the oracle's mean profit on this machine's demand paths; None under goodwill."""
    if scenario.goodwill:
        return None
    profits = []
    for seed in SEEDS:
        env = environment(scenario)
        env.reset(seed=seed)
        for _ in range(PERIODS):
            env.step(np.zeros(env.action_space.shape))
        network = NETWORKS[scenario.network]
        profits.append(oracle_profit(network, env.D[:, 0], backlog=scenario.backlog))
    return fmean(profits)


def evaluate(policies: dict[str, NeedOrders], scenarios: tuple[Scenario, ...]) -> list[Row]:
    """Return a row for each scenario."""
    return [_measured(policies[each.network], each) for each in scenarios]


def _measured(policy: NeedOrders, scenario: Scenario) -> Row:
    began = time.perf_counter()
    profit = fmean(episode(policy, scenario, seed) for seed in SEEDS)
    seconds = (time.perf_counter() - began) / len(SEEDS)
    untrained = plain(NETWORKS[scenario.network])
    return Row(
        scenario=scenario,
        profit=profit,
        untrained=fmean(episode(untrained, scenario, seed) for seed in SEEDS),
        seconds=seconds,
        recomputed=recomputed_oracle(scenario),
    )


def table(rows: list[Row]) -> str:
    """Return the rows as Markdown, the mean last."""
    lines = [
        "| scenario | oracle | recomputed | ours | gap | untrained | MSSP-I | PPO-Transformer |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        oracle = f"{row.scenario.oracle:.1f}"
        again = "-" if row.recomputed is None else f"{row.recomputed:.1f}"
        gaps = " | ".join(f"{each:.1%}" for each in _gaps(row))
        lines.append(f"| {row.scenario.name} | {oracle} | {again} | {row.profit:.1f} | {gaps} |")
    for name, some in (
        (f"mean of {len(rows)}", rows),
        ("mean without M5", [row for row in rows if row.scenario.demand is not None]),
        ("mean without goodwill", [row for row in rows if not row.scenario.goodwill]),
    ):
        means = map(fmean, zip(*map(_gaps, some), strict=True))
        lines.append(f"| {name} | | | | {' | '.join(f'{each:.2%}' for each in means)} |")
    return "\n".join(lines)


def _gaps(row: Row) -> list[float]:
    it = row.scenario
    return [gap(it.oracle, each) for each in (row.profit, row.untrained, it.program, it.learned)]


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _require_packages() -> None:
    missing = [name for name in ("gym_invmgmt", "scipy") if find_spec(name) is None]
    if missing:
        raise ConfigError(
            f"{' and '.join(missing)} cannot be imported",
            hint="pip install gym-invmgmt==0.2.1 scipy",
        )


def _lived() -> tuple[Scenario, ...]:
    """Return the scenarios; say before the training what the evaluation would miss after it."""
    try:
        _require_packages()
        return playable()
    except ConfigError as error:
        sys.stderr.write(f"policies: {error}\n")
        raise SystemExit(error.exit_code) from error


def main(arguments: list[str] | None = None) -> None:
    """Train both policies, evaluate them in the real environment, print the table."""
    parser = argparse.ArgumentParser(prog="python -m policies.benchmarks.invmgmt")
    parser.add_argument("--seed", type=int, default=1, help="of the training")
    parser.add_argument("--updates", type=int, default=Recipe.updates, help="of each policy")
    told = parser.parse_args(arguments)
    scenarios = _lived()
    if all(each.demand is not None for each in scenarios):
        _say(f"without the two M5 scenarios: {M5_FILE} names no file")
    recipe = Recipe(seed=told.seed, updates=told.updates)
    policies: dict[str, NeedOrders] = {}
    for name, network in NETWORKS.items():
        began = time.perf_counter()

        def progress(update: int, relative: float, name: str = name) -> None:
            if update % _EVERY == 0:
                _say(f"{name}: update {update}, gap while learning {1.0 - relative:.2%}")

        own = [each for each in scenarios if each.network == name]
        policies[name] = train(recipe, network, demands(own), progress)
        _say(f"{name}: trained in {time.perf_counter() - began:.0f} s")
    rows = evaluate(policies, scenarios)
    _say(table(rows))
    _say(f"one episode: {fmean(row.seconds for row in rows):.3f} s")


if __name__ == "__main__":
    main()
