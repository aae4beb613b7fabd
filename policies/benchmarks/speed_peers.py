"""How many periods a second a peer simulates; run by path, in an environment of the peer's own.

    python3.11 -m venv .venv-gym-invmgmt && .venv-gym-invmgmt/bin/pip install gym-invmgmt==0.2.1
    python3.11 -m venv .venv-stockpyl && .venv-stockpyl/bin/pip install "numpy<2" stockpyl==1.0.2
    .venv-stockpyl/bin/python policies/benchmarks/speed_peers.py stockpyl

The problem is the one of `speed`: one node, lead time 4, Poisson demand 5, holding 1, shortage 9, a
base-stock level. Prints one JSON object. Imports nothing of this project: stockpyl needs numpy < 2.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

LEVEL, SHORTAGE, LEAD_TIME, MEAN = 28.0, 9.0, 4, 5.0
PERIODS, SECONDS = 200, 2.0
_NETWORK = f"""
name: one node
nodes:
  - id: 0
  - {{id: 1, I0: 10, h: 1.0}}
  - id: 2
edges:
  - {{from: 1, to: 0, p: 0.0, b: {SHORTAGE}, demand_dist: poisson, dist_param: {{mu: {MEAN}}}}}
  - {{from: 2, to: 1, L: {LEAD_TIME}, p: 0.0, g: 0.0}}
"""


def gym_invmgmt() -> tuple[str, Callable[[int], float]]:
    """Return what is run, and one run of it: seed -> cost per period."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "one.yaml"
        path.write_text(_NETWORK, encoding="utf-8")
        env = import_module("gym_invmgmt").make_custom_env(
            str(path),
            num_periods=PERIODS,
            backlog=False,
            demand_config={"type": "stationary", "base_mu": MEAN, "use_goodwill": False},
        )

    def run(seed: int) -> float:
        seen, _ = env.reset(seed=seed)
        earned = 0.0
        for _ in range(PERIODS):
            # Last demand, backlog, on hand, the pipeline; the last two are period and goodwill
            order = env.action_space.low + max(LEVEL - float(seen[2:-2].sum()), 0.0)
            seen, reward, *_ = env.step(order)
            earned += float(reward)
        return -earned / PERIODS

    return "the same problem, lost sales, one environment", run


def stockpyl() -> tuple[str, Callable[[int], float]]:
    """Return what is run, and one run of it: seed -> cost per period."""
    system = import_module("stockpyl.supply_chain_network").single_stage_system(
        local_holding_cost=1.0,
        stockout_cost=SHORTAGE,
        shipment_lead_time=LEAD_TIME,
        demand_type="P",
        mean=MEAN,
        policy_type="BS",
        base_stock_level=LEVEL,
    )
    simulate = import_module("stockpyl.sim").simulation

    def run(seed: int) -> float:
        return float(simulate(system, PERIODS, rand_seed=seed, progress_bar=False)) / PERIODS

    return "the same node with backorders: it has no lost sales", run


PEERS = {"gym-invmgmt": gym_invmgmt, "stockpyl": stockpyl}


def main(peer: str) -> None:
    """Run for some seconds and print steps a second."""
    warnings.filterwarnings("ignore")
    runs, run = PEERS[peer]()
    run(0)
    costs: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        costs.append(run(len(costs) + 1))
    steps = len(costs) * PERIODS / (time.perf_counter() - began)
    told = {"runs": runs, "steps_per_second": steps, "cost": sum(costs) / len(costs)}
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
