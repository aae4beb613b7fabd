"""Prints what stockpyl finds for its serial book instances: the reference of `serial`.

stockpyl 1.0.2 needs numpy < 2, so it lives in an environment of its own:

    python3.11 -m venv .venv-stockpyl && .venv-stockpyl/bin/pip install "numpy<2" stockpyl==1.0.2
    .venv-stockpyl/bin/python benchmarks/stockpyl_reference.py
"""

from __future__ import annotations

import time
import warnings

NAMES = ("example_6_1", "problem_6_1", "problem_6_16")


def main() -> None:
    warnings.filterwarnings("ignore")
    from stockpyl.instances import load_instance
    from stockpyl.ssm_serial import optimize_base_stock_levels

    for name in NAMES:
        system, began = load_instance(name), time.perf_counter()
        levels, cost = optimize_base_stock_levels(network=system)
        # What is under way is charged as on its supplier's shelf
        demand = system.nodes[-1].demand_source.mean or system.nodes[0].demand_source.mean
        held = {node.index: node.local_holding_cost for node in system.nodes}
        under_way = sum(
            demand * node.shipment_lead_time * held[node.predecessor_indices()[0]]
            for node in system.nodes
            if node.predecessor_indices() and node.predecessor_indices()[0] in held
        )
        print(
            f"{name}: levels {levels}, cost {cost:.4f}, of it under way {under_way:.4f}, "
            f"{time.perf_counter() - began:.1f} s"
        )


if __name__ == "__main__":
    main()
