"""Training runs in a process of their own, to be killed: DIRECTORY; says so after each update.

Each ends with the sha256 of everything that decides how it would go on.
"""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path

import torch

from policies.agents import dqn, hindsight, ppo
from policies.agents.learner import follow
from policies.benchmarks.serial import SYSTEMS
from policies.checkpoint import Keeper, _state
from policies.family import LOST_SALES
from policies.head import CappedBaseStock

UPDATES = 30
ALGORITHMS = ("hindsight", "ppo", "dqn")
FAMILIES = (LOST_SALES, SYSTEMS[1].family())  # in the second one customers and nodes wait


def learner(algorithm, **changes):
    torch.set_num_threads(1)
    torch.manual_seed(5)
    if algorithm == "hindsight":
        recipe = hindsight.Recipe(
            **{"seed": 5, "chains": 64, "window": 16, "updates": UPDATES} | changes
        )
        return hindsight.Learner(recipe, CappedBaseStock(16, 2), FAMILIES)
    if algorithm == "ppo":
        recipe = ppo.Recipe(
            **{"seed": 5, "instances": 16, "replicas": 4, "window": 8, "updates": UPDATES} | changes
        )
        return ppo.Learner(recipe, CappedBaseStock(16, 2), (LOST_SALES,))
    recipe = dqn.Recipe(
        **{"seed": 5, "chains": 64, "steps": 4, "period": 3, "updates": UPDATES} | changes
    )
    return dqn.Learner(recipe, dqn.MultiplierGrid(16, 2), (LOST_SALES,))


def digest(one, costs):
    found = hashlib.sha256()
    for name, value in sorted(_state(one, costs).items()):
        found.update(name.encode() + value.numpy().tobytes())
    return found.hexdigest()


def run(algorithm, keeper, tell):
    one, costs = learner(algorithm), {}

    def progress(update, cost):
        costs[update] = cost
        tell(update)

    follow(one, progress, keeper=keeper)
    return digest(one, list(costs.values()))


def say(words):
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for name in ALGORITHMS:
        kept = Keeper(directory=Path(sys.argv[1]) / name, every=2)
        say(f"{name} {run(name, kept, lambda update, name=name: say(f'{name} {update}'))}")
