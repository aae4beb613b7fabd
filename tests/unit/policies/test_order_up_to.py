"""Training, where torch is there: exact levels, parity, and a network that learns."""

from __future__ import annotations

import math
from datetime import date

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("onnx")

from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: E402
    Ed25519PrivateKey,
)

from connector.errors import PolicyUnusable  # noqa: E402
from connector.policy.features import FEATURES, in_range  # noqa: E402
from connector.policy.graph import read_graph  # noqa: E402
from connector.policy.session import Session  # noqa: E402
from policies.contexts import Lines, draw_contexts, dress  # noqa: E402
from policies.evaluate import gaps, grid_contexts  # noqa: E402
from policies.export import require_parity, to_onnx  # noqa: E402
from policies.lead_times import lead_time_facts, lead_time_pmf  # noqa: E402
from policies.network import OrderUpTo, normal_exceeded  # noqa: E402
from policies.newsvendor import CoverDemand, draw_cover_demand  # noqa: E402
from policies.order_up_to import Recipe, contexts_in_range, train  # noqa: E402
from policies.release import release  # noqa: E402

SMALL = Recipe(contexts=6_000, draws=64, epochs=12, uncertainty_contexts=100, uncertainty_steps=50)


def quiet(*_: object) -> None:
    return None


@pytest.fixture(scope="module")
def contexts():
    return contexts_in_range(np.random.default_rng(3), 200)


@pytest.fixture(scope="module")
def trained():
    return train(SMALL, quiet)


def line(**change):
    fixed = {
        "zero_share": 0.0, "shape": 1.0, "lead": 4.0, "review": 1.0, "ratio": 0.95,
    } | change  # fmt: skip
    one = np.ones(1)
    return Lines(
        above=np.zeros(1, dtype=bool),
        zero_share=one * fixed["zero_share"],
        shape=one * fixed["shape"],
        lead_time=lead_time_pmf(one * fixed["lead"], one * 0.0, one * 0.0, one * 2.0),
        downstream_days=one * 0.0,
        review_days=one * fixed["review"],
        critical_ratio=one * fixed["ratio"],
        estimated=np.zeros(1, dtype=bool),
    )


def exact(**change):
    context = dress(np.random.default_rng(1), line(**change))
    return float(CoverDemand.of(context).quantile(torch.from_numpy(context.critical_ratio))[0])


def test_the_exact_level_of_exponential_days_is_the_erlang_quantile():
    # Five days of exponential demand, mean 1: P(Erlang(5) <= 9.1535) = 0.95.
    assert exact() == pytest.approx(9.1535, abs=1e-3)


def test_no_stock_is_best_where_demand_is_rarer_than_the_ratio():
    # 2 days, each empty with 0.97: no demand in 94 % of covers.
    assert exact(zero_share=0.97, lead=1.0, ratio=0.94) == 0.0
    assert exact(zero_share=0.97, lead=1.0, ratio=0.95) > 0.0


def test_exact_levels_mean_and_cost_agree_with_simulation(contexts):
    demand = CoverDemand.of(contexts)
    ratio = torch.from_numpy(contexts.critical_ratio)
    level = demand.quantile(ratio)
    draws = draw_cover_demand(np.random.default_rng(4), contexts, 8_000).astype(np.float64)
    np.testing.assert_allclose(draws.mean(axis=1), demand.mean(), rtol=0.12)
    met = (draws <= level.numpy()[:, None]).mean(axis=1)
    positive = level.numpy() > 0
    np.testing.assert_allclose(met[positive], contexts.critical_ratio[positive], atol=0.02)
    missing = draws - level.numpy()[:, None]
    cost = np.where(
        missing > 0,
        contexts.critical_ratio[:, None] * missing,
        (contexts.critical_ratio[:, None] - 1.0) * missing,
    ).mean(axis=1)
    assert abs(cost / demand.cost(level, ratio).numpy() - 1.0).mean() < 0.05


def test_no_other_level_costs_less_than_the_exact_one(contexts):
    demand = CoverDemand.of(contexts)
    ratio = torch.from_numpy(contexts.critical_ratio)
    level = demand.quantile(ratio)
    best = demand.cost(level, ratio)
    for factor in (0.9, 1.1):
        assert (demand.cost(level * factor, ratio) >= best - 1e-9).all()


def test_lead_times_have_the_moments_asked_for():
    one = np.ones(1)
    facts = lead_time_facts(lead_time_pmf(20.0 * one, 0.25 * one, 0.0 * one, 2.0 * one))
    assert facts["lead_time_mean"][0] == pytest.approx(20.0, abs=0.05)
    assert facts["lead_time_sd"][0] == pytest.approx(5.0, abs=0.05)
    assert facts["lead_time_p90"][0] > facts["lead_time_p50"][0]


def test_the_same_seed_draws_the_same_contexts():
    first, second = (draw_contexts(np.random.default_rng(9), 50) for _ in range(2))
    assert first.features.tobytes() == second.features.tobytes()
    assert in_range(first.features).mean() > 0.8


def test_the_normal_quantile_is_the_normal_quantile():
    tails = torch.tensor([0.5, 0.1, 0.05, 0.01, 0.001, 0.9], dtype=torch.float64)
    expected = torch.tensor([0.0, 1.28155, 1.64485, 2.32635, 3.09023, -1.28155]).double()
    assert (normal_exceeded(tails) - expected).abs().max() < 5e-4


def test_an_untrained_network_is_the_normal_approximation(contexts):
    features = torch.from_numpy(contexts.features)
    network = OrderUpTo()
    with torch.no_grad():
        classical, _, _ = network.derive(features)
        level, mean, log_std = network(features)
    np.testing.assert_allclose(level, classical, rtol=1e-4)
    np.testing.assert_allclose(mean.exp(), level, rtol=1e-6)
    assert (log_std >= math.log(0.05)).all()


def test_a_network_learns_what_the_normal_approximation_misses(trained):
    found = gaps(trained, grid_contexts(np.random.default_rng(8)))
    assert found["policy"].cost_mean < 0.5 * found["normal"].cost_mean


def test_training_is_repeatable(trained):
    again = train(SMALL, quiet)
    for first, second in zip(trained.parameters(), again.parameters(), strict=True):
        assert torch.equal(first, second)


def test_onnx_answers_like_torch_and_holds_only_what_may_run(trained, contexts):
    model = to_onnx(trained, contexts.features)
    assert require_parity(trained, model, contexts.features) <= 1e-5
    graph = read_graph(model)
    assert graph.disallowed == ()
    assert graph.forbidden == ()
    single = Session(model, len(FEATURES)).answer(contexts.features[:1])
    assert single.action.shape == (1,)


def test_a_model_unlike_its_network_is_not_exported(trained, contexts):
    with pytest.raises(PolicyUnusable, match="differs from torch"):
        require_parity(OrderUpTo(), to_onnx(trained, contexts.features), contexts.features)


def test_a_network_that_learned_nothing_is_not_released(tmp_path):
    lazy = Recipe(contexts=300, draws=8, epochs=1, uncertainty_contexts=50, uncertainty_steps=1)
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    with pytest.raises(PolicyUnusable, match="may be released"):
        release(
            lazy,
            key,
            tmp_path / "lazy",
            created_on=date(2026, 11, 24),
            expires_on=date(2027, 11, 24),
            tell=quiet,
        )
    assert not (tmp_path / "lazy").exists()
