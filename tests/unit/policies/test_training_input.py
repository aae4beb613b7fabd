"""What a person may get wrong around training is refused by name, before it costs an hour."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import array_api_compat.torch as torch_arrays  # noqa: E402

from connector.errors import ConfigError, PolicyUnusable  # noqa: E402
from connector.policy.features import situation  # noqa: E402
from connector.policy.lines import Lines  # noqa: E402
from connector.twin.dynamics import Stock  # noqa: E402
from connector.twin.rollout import rollout  # noqa: E402
from policies.agents.hindsight import Learner, Recipe, ordering  # noqa: E402
from policies.family import LOST_SALES, poisson_or_geometric  # noqa: E402
from policies.head import CappedBaseStock  # noqa: E402
from policies.instances import SINGLE, observed, tell  # noqa: E402

ONE = poisson_or_geometric(5.0, is_poisson=True, lead_time=2, shortage=9.0)


def numpy_stock():
    nothing = np.zeros((1, 1), dtype=np.float32)
    return Stock(on_hand=nothing, pipeline=(nothing,) * SINGLE.horizon)


def torch_stock():
    return numpy_stock().each(torch.from_numpy)


def family_of(**columns):
    def draw(count, _):
        many = ONE.take(torch.zeros(count, dtype=torch.int64))
        return replace(many, **{name: make(many.mean) for name, make in columns.items()})

    return replace(LOST_SALES, name="own", draw=draw)


@pytest.mark.parametrize(
    ("columns", "named"),
    [
        ({"mean": lambda m: m * np.nan}, r"family own: mean is nan at \[0, 0\]"),
        ({"mean": lambda m: m * np.inf}, r"family own: mean is inf at \[0, 0\]"),
        ({"mean": lambda m: -m}, r"family own: mean is -5.0 at"),
        ({"lead_time": lambda m: m / 0.0}, "family own: lead_time is inf"),
        ({"shortage": lambda m: m - 6.0}, "family own: shortage is -1.0"),
        ({"mean": lambda m: m.numpy()}, "family own: mean is numpy.ndarray"),
        ({"lot": lambda m: m[:3]}, r"family own: lot has shape \(3, 1\)"),
    ],
)
def test_a_family_of_no_network_is_refused_before_training(columns, named):
    with pytest.raises(ConfigError, match=named):
        Learner(Recipe(chains=8), CappedBaseStock(8, 2), (family_of(**columns),))


@pytest.mark.parametrize(
    ("seen", "named"),
    [
        (torch.zeros((0, 1, 1)), "history of demand has 0 periods"),
        (torch.zeros((1, 1, 1)), "history of demand has 1 periods"),
        (
            torch.tensor([1.0, float("nan")]).view(2, 1, 1),
            r"history of demand is nan at \[1, 0, 0\]",
        ),
        (torch.tensor([1.0, -2.0]).view(2, 1, 1), "history of demand is -2.0"),
        (np.ones((4, 1, 1)), "history of demand is numpy.ndarray"),
    ],
)
def test_a_history_that_tells_nothing_is_refused(seen, named):
    with pytest.raises(ConfigError, match=named):
        observed(ONE, seen)


def test_a_stock_of_another_library_is_refused_by_a_network():
    orders = ordering(CappedBaseStock(8, 2), SINGLE, ONE)
    with pytest.raises(ConfigError, match=r"stock on hand is numpy\.ndarray"):
        orders(numpy_stock())
    assert orders(torch_stock()).shape == (1, 1)


def test_instances_of_another_library_are_refused_by_a_network():
    with pytest.raises(ConfigError, match=r"mean demand is numpy\.ndarray"):
        ordering(CappedBaseStock(8, 2), SINGLE, replace(ONE, mean=ONE.mean.numpy()))


def test_demand_of_another_library_is_refused_by_the_twin():
    with pytest.raises(ConfigError, match=r"demand is numpy\.ndarray, stock.on_hand is torch"):
        rollout(
            SINGLE, ONE.rules(), torch_stock(),
            demand=np.ones((3, 1, 1), dtype=np.float32), lead_time=1,
            policy=ordering(CappedBaseStock(8, 2), SINGLE, ONE),
        )  # fmt: skip


def test_a_feature_that_nobody_tells_is_named():
    told = {"demand_mean": ONE.mean, "echelon_demand_mean": ONE.mean, "review_days": ONE.mean}
    lines = Lines(
        (told | {"level": ONE.mean * 0.0}).__getitem__,
        inside=ONE.mean > 0, cover_below=ONE.mean, xp=torch_arrays,
    )  # fmt: skip
    with pytest.raises(PolicyUnusable, match="encoder asks for 'echelon_demand_sd'"):
        situation(lines)
    assert tell(SINGLE, ONE)[0].shape[:2] == (1, 1)


def test_what_is_known_after_some_weeks_is_what_was_seen():
    seen = torch.tensor([0.0, 4.0, 0.0, 8.0])[:, None, None]
    known = observed(ONE, seen)
    assert (float(known.mean), float(known.seen_zero_share)) == (3.0, 0.5)
    assert float(known.variance) == pytest.approx(14.0 + 2 / 3)
    never = observed(ONE, torch.zeros(56, 1, 1))
    assert 0.0 < float(never.mean) < 0.01
    assert float(never.variance) == float(never.mean)


def test_lead_times_are_known_as_receipts_show_them():
    late = replace(ONE, shown_time=ONE.lead_time + 3.0, shown_cv=ONE.lead_cv + 0.1)
    known = observed(late, torch.ones(56, 1, 1))
    assert float(known.lead_time) == 5.0
    assert float(known.lead_cv) == pytest.approx(0.1)
    assert float(observed(ONE, torch.ones(56, 1, 1)).lead_time) == 2.0
