"""Training makes every tensor where the network is, seen without any device but the processor.

Where the default device is `meta`, a tensor made without naming a device has no figures, and
whatever meets it fails: just as a processor's tensor fails that meets a CUDA device's.
"""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from policies.agents import dqn, hindsight, ppo  # noqa: E402
from policies.benchmarks.serial import SYSTEMS  # noqa: E402
from policies.distribution import DISTRIBUTION  # noqa: E402
from policies.family import LOST_SALES  # noqa: E402
from policies.head import CappedBaseStock  # noqa: E402

SERIAL = SYSTEMS[1].family()


def few(agent):
    if agent is ppo:
        return ppo.Recipe(instances=8, replicas=4, window=6)
    if agent is dqn:
        return dqn.Recipe(chains=16, steps=3, period=1)
    return hindsight.Recipe(chains=16, window=12)


@pytest.mark.parametrize(
    ("agent", "network", "family"),
    [
        (hindsight, CappedBaseStock, LOST_SALES),
        (hindsight, CappedBaseStock, SERIAL),
        (hindsight, CappedBaseStock, DISTRIBUTION),
        (ppo, CappedBaseStock, LOST_SALES),
        (ppo, CappedBaseStock, DISTRIBUTION),
        (dqn, dqn.MultiplierGrid, LOST_SALES),
    ],
)
def test_no_tensor_is_made_elsewhere_than_the_network_is(agent, network, family):
    def costs():
        learner = agent.Learner(few(agent), weights, (family,))
        return [learner.update() for _ in range(2)]

    torch.manual_seed(3)
    weights = network(8, 2)
    start = {name: value.clone() for name, value in weights.state_dict().items()}
    usual = costs()
    weights.load_state_dict(start)
    with torch.device("meta"):
        assert costs() == usual
