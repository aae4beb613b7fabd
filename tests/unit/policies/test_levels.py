"""Where excess begins, and what planners know of a node."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from policies.distribution import DISTRIBUTION, TREE, asking, world  # noqa: E402
from policies.family import poisson_or_geometric  # noqa: E402
from policies.instances import SINGLE  # noqa: E402
from policies.levels import excess_level, known  # noqa: E402


def test_excess_is_times_mean_and_deviations_over_lead_time_and_review() -> None:
    one = poisson_or_geometric(4.0, is_poisson=True, lead_time=3, shortage=9.0)
    assert float(excess_level(SINGLE, one)) == pytest.approx(1.5 * (16.0 + 2.0537 * 4.0))


def test_the_central_node_is_known_by_all_that_leaves_it() -> None:
    instances = world(7, 20).instances(0.98)
    told = known(TREE, instances)
    torch.testing.assert_close(told.mean[:, 0], instances.mean.sum(dim=1))
    torch.testing.assert_close(told.sd[:, 0] ** 2, instances.variance.sum(dim=1))
    torch.testing.assert_close(told.mean[:, 1:], instances.mean[:, 1:])


def test_a_shortage_costs_what_makes_the_critical_ratio_right() -> None:
    instances = asking(world(7, 20).instances(0.9), torch.tensor(0.98))
    held = instances.lead_time + 1.0
    ratio = instances.shortage / (instances.shortage + instances.holding * held)
    torch.testing.assert_close(ratio, torch.full_like(ratio, 0.98))
    torch.testing.assert_close(instances.critical_ratio, ratio)


def test_training_asks_for_ratios_that_sites_set() -> None:
    drawn = DISTRIBUTION.drawn(500, torch.Generator().manual_seed(1))
    assert float(drawn.critical_ratio.min()) > 0.94
    assert float(drawn.critical_ratio.max()) < 0.9995
    assert bool((drawn.critical_ratio == drawn.critical_ratio[:, :1]).all())
