"""The environment for outsiders: Gymnasium's own checks, and a cost that is known."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")
gymnasium = pytest.importorskip("gymnasium")

from gymnasium.utils.env_checker import check_env  # noqa: E402

from connector.errors import ConfigError  # noqa: E402
from connector.policy.features import NAMES  # noqa: E402
from policies.environment import ID, ReplenishmentEnv, ReplenishmentVectorEnv  # noqa: E402
from policies.family import poisson_or_geometric  # noqa: E402
from policies.runs import FAMILIES  # noqa: E402

NAME = f"policies.environment:{ID}"
ZIPKIN = poisson_or_geometric(5.0, is_poisson=True, lead_time=2, shortage=4.0)


# Orders and stocks have no upper bound, and the checker would rather they had
@pytest.mark.filterwarnings("ignore:.*Box (action|observation) space.*:UserWarning")
@pytest.mark.filterwarnings("ignore:.*symmetric and normalized.*:UserWarning")
@pytest.mark.parametrize("observe", ["state", "features"])
@pytest.mark.parametrize("family", FAMILIES)
def test_gymnasium_finds_nothing_wrong(family, observe):
    env = gymnasium.make(NAME, family=family, observe=observe, periods=12)
    check_env(env.unwrapped, skip_render_check=True)
    assert env.spec.id == ID


def lived(seed, periods=1_000, skip=100):
    """Return the average cost of each of 400 chains under the best base-stock level."""
    many = gymnasium.make_vec(NAME, num_envs=400, instance=ZIPKIN, periods=periods + skip)
    seen, _ = many.reset(seed=seed)
    paid = np.zeros(400)
    for period in range(periods + skip):
        position = seen[..., 0] + seen[..., 3:].sum(axis=-1)
        seen, reward, ended, cut, _ = many.step(np.maximum(BEST - position, 0.0))
        assert not ended.any()
        assert cut.all() == cut.any() == (period == periods + skip - 1)
        paid -= reward * (period >= skip)
    return paid / periods


BEST = 16.0


def test_the_best_base_stock_costs_what_is_known():
    costs = lived(1)
    error = costs.std() / np.sqrt(len(costs))
    assert abs(costs.mean() - 4.6396) < 4.0 * error
    assert error < 0.002 * 4.6396


def test_a_seed_decides_everything_and_another_seed_something_else():
    def path(seed):
        many = ReplenishmentVectorEnv(8, periods=5)
        seen, _ = many.reset(seed=seed)
        order = np.full((8, 1), 3.0, dtype=np.float32)
        # Over the end and into the next episode
        return np.stack([seen, *(many.step(order)[0] for _ in range(8))])

    assert np.array_equal(path(3), path(3))
    assert not np.array_equal(path(3), path(4))


def test_after_the_cut_the_next_step_starts_afresh_and_costs_nothing():
    many = ReplenishmentVectorEnv(3, periods=2)
    many.reset(seed=1)
    order = np.full((3, 1), 4.0, dtype=np.float32)
    many.step(order)
    *_, cut, _ = many.step(order)
    assert cut.all()
    before = many.instances
    _, reward, _, cut, _ = many.step(order)
    assert (reward == 0.0).all()
    assert not cut.any()
    assert not torch.equal(before.mean, many.instances.mean)


def test_one_is_a_batch_of_one():
    env = ReplenishmentEnv(instance=ZIPKIN, observe="features")
    seen, _ = env.reset(seed=2)
    assert seen.shape == (1, len(NAMES))
    _, reward, ended, cut, info = env.step(np.array([7.0]))
    left = np.expm1(abs(env.step(np.array([0.0]))[0][0, NAMES.index("on_hand")])) * 5.0
    assert isinstance(reward, float)
    assert (ended, cut) == (False, False)
    assert info["demand"].shape == (1,)
    assert left >= 0.0


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"family": "moon"}, "there is no family 'moon'"),
        ({"periods": 0}, "1 environments of 0 periods"),
        ({"num_envs": 2, "instance": ZIPKIN.joined(ZIPKIN).joined(ZIPKIN)}, "3 instances for 2"),
    ],
)
def test_what_cannot_be_lived_in_is_refused(settings, says):
    with pytest.raises(ConfigError, match=says):
        ReplenishmentVectorEnv(**settings)
