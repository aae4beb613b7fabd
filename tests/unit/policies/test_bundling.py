"""Making a bundle: what is written is what a site would admit."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connector.errors import PolicyUnusable
from connector.policy.bundle import Bundle, load_bundle
from connector.policy.manifest import MANIFEST, MODEL, Training, read_manifest
from connector.policy.shipped import shipped_keys, shipped_place
from connector.policy.trust import Trust
from policies.bundling import Identity, States, manifest_of, write_bundle

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
IDENTITY = Identity(
    policy_id="trial",
    version="2",
    created_on=date(2026, 11, 24),
    expires_on=date(2027, 11, 24),
    connector_minimum="0.1.0",
)


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    return load_bundle(
        shipped_place().directory,
        Trust.read(shipped_keys()),
        today=date(2026, 11, 24),
        connector_version="0.1.0",
        hard_links=True,
    )


@pytest.fixture(scope="module")
def states(shipped) -> States:
    rows = shipped.manifest.reference.states.numbers()
    golden = shipped.manifest.golden.features.numbers()
    return States(golden=golden, reference=rows, fit=rows, calibration=golden)


def manifest(shipped, states, **arguments):
    model = (shipped_place().directory / MODEL).read_bytes()
    made = manifest_of(
        arguments.pop("identity", IDENTITY),
        model,
        states,
        reads=shipped.manifest.features.reads,
        action_range=(0.0, 100.0),
        training=Training(twin="test", digest="0" * 64, seed=1),
        evaluation={},
        **arguments,
    )
    return made, model


def test_what_is_written_is_admitted(shipped, states, tmp_path):
    made, model = manifest(shipped, states)
    bundle = write_bundle(tmp_path / "trial-2", made, model, [KEY])
    assert bundle.name == "trial@2"
    again = load_bundle(
        tmp_path / "trial-2",
        Trust((KEY.public_key(),)),
        today=IDENTITY.expires_on,
        connector_version="0.1.0",
    )
    assert again.manifest == made
    assert [each.name for each in tmp_path.iterdir()] == ["trial-2"]


def test_a_bundle_replaces_an_earlier_one_whole(shipped, states, tmp_path):
    place = tmp_path / "trial"
    place.mkdir()
    (place / "left over").write_text("x", encoding="ascii")
    made, model = manifest(shipped, states)
    write_bundle(place, made, model, [KEY])
    assert sorted(each.name for each in place.iterdir()) == [MANIFEST, "manifest.sig", MODEL]


def test_a_bundle_that_no_site_would_admit_is_not_put_in_place(shipped, states, tmp_path):
    past = replace(IDENTITY, expires_on=date(2026, 1, 1))
    made, model = manifest(shipped, states, identity=past)
    with pytest.raises(PolicyUnusable, match="expiry"):
        write_bundle(tmp_path / "trial", made, model, [KEY])
    assert list(tmp_path.iterdir()) == []


def test_a_version_is_measured_against_the_one_before(shipped, states):
    made, _ = manifest(shipped, states, previous=shipped)
    kl = made.kl_against_previous
    assert kl is not None
    assert (kl.policy_id, kl.digest) == ("order-up-to", shipped.digest)
    assert kl.mean == pytest.approx(0.0, abs=1e-6)  # the same network
    assert kl.maximum == pytest.approx(0.0, abs=1e-6)


def test_reference_shares_are_those_of_the_bins(shipped, states):
    made, _ = manifest(shipped, states)
    shares = made.reference.shares.numbers()
    np.testing.assert_allclose(shares.sum(axis=1), 1.0, rtol=1e-5)
    k = made.features.names.index("demand_rate")  # continuous: bins of equal weight
    np.testing.assert_allclose(shares[k], 0.1, atol=0.02)


def test_calibration_scores_are_those_of_states_held_out(shipped, states):
    made, _ = manifest(shipped, states)
    calibration = made.calibration
    centre, whitening = calibration.centre.numbers()[:, 0], calibration.whitening.numbers()
    scores = (((states.calibration - centre) @ whitening) ** 2).sum(axis=1)
    np.testing.assert_allclose(np.sort(scores), calibration.scores.numbers()[:, 0], rtol=1e-3)


def test_the_shipped_manifest_says_what_was_measured():
    path: Path = shipped_place().directory / MANIFEST
    evaluation = read_manifest(path.read_bytes()).evaluation
    assert evaluation["policy_cost_mean"] < evaluation["base_stock_cost_mean"]
    assert evaluation["policy_usual_mean"] < 0.03
    assert evaluation["policy_cost_mean"] < 0.01
