"""One of several processes that train together, started by torchrun: DIRECTORY UPDATES.

Writes to DIRECTORY/PROCESS.json what its weights, its chains and its mean gradient came to.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path

import torch
from resumed_child import ALGORITHMS, learner

from policies.agents import ranks
from policies.agents.learner import follow
from policies.checkpoint import Keeper


def digest(tensors):
    found = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        found.update(name.encode() + value.detach().numpy().tobytes())
    return found.hexdigest()


def mean_gradient():
    """Average a gradient that is this process's number, and one that nobody has."""
    layer = torch.nn.Linear(2, 1)
    layer.weight.grad = torch.tensor([[1.0, 10.0]]) * (ranks.rank() + 1)
    ranks.average_gradients(layer)
    return layer.weight.grad.tolist(), layer.bias.grad


def trained(algorithm, directory, updates):
    """Take some updates of a run, from where it was kept; return what they came to."""
    one, costs = learner(algorithm, updates=6), {}
    keeper = Keeper(directory=directory, every=updates)

    def progress(update, cost):
        costs[update] = cost
        if update + 1 == updates:
            raise StopIteration

    try:
        follow(one, progress, keeper=keeper)
    except StopIteration:
        keeper.keep(one, list(costs.values()), 1.0)
    return {
        "weights": digest(one.network.state_dict() | one.kept.state_dict()),
        "chains": digest(one.columns()),
        "costs": list(costs.values()),
    }


if __name__ == "__main__":
    place, updates = Path(sys.argv[1]), int(sys.argv[2])
    with ranks.together(torch.device("cpu")):
        told = {name: trained(name, place / name, updates) for name in ALGORITHMS}
        told |= {"processes": ranks.processes(), "gradient": mean_gradient()}
        (place / f"{ranks.rank()}.json").write_text(json.dumps(told))
