"""Who answers when somebody may not: the previous bundle, then base-stock, and the log says so."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from policy_sites import network_state, state_of
from policy_workshop import OTHER_KEY, TODAY
from structlog.testing import capture_logs

from connector.errors import ConfigError
from connector.inventory.base_stock import base_stock
from connector.policy.base_stock import BaseStockPolicy
from connector.policy.fallback import FallbackPolicy, Place, choose
from connector.policy.manifest import MODEL
from connector.policy.shipped import SHIPPED, shipped_bundles, shipped_keys, shipped_place
from connector.policy.trust import Trust


def chosen(workshop, *places, today=TODAY):
    return choose(
        [Place(directory=place) for place in places],
        workshop.trust,
        today=today,
        connector_version="0.1.0",
    )


def test_the_first_admitted_bundle_answers(workshop):
    with capture_logs() as events:
        policy = chosen(workshop, workshop.write())
    answer = policy.recommend(network_state(items=3))
    assert answer.source == policy.name == "order-up-to@1"
    assert answer.refused == ""
    assert [each["event"] for each in events] == ["policy_admitted"]


def test_a_refused_bundle_gives_way_to_the_previous_one(workshop):
    previous = workshop.changed(version="0")
    first = workshop.write(keys=(OTHER_KEY,), name="new")
    second = workshop.write(manifest=previous, name="old")
    with capture_logs() as events:
        policy = chosen(workshop, first, second)
    answer = policy.recommend(network_state(items=3))
    assert answer.source == "order-up-to@0"
    assert "signature" in answer.refused
    assert not answer.fell_back.any()
    (refusal,) = [each for each in events if each["event"] == "policy_refused"]
    assert refusal["log_level"] == "warning"
    assert "signature" in refusal["error"]


def test_without_any_bundle_left_base_stock_answers_every_line(workshop, tmp_path):
    place = workshop.write()
    (place / MODEL).write_bytes(workshop.model[:-1])
    policy = chosen(workshop, place, tmp_path / "gone")
    state = network_state(items=3)
    with capture_logs() as events:
        answer = policy.recommend(state)
    level, quantity = base_stock(state)
    assert answer.source == policy.name == "base_stock"
    assert answer.digest == ""
    assert answer.fell_back.all()
    assert "model size" in answer.refused
    assert "directory" in answer.refused
    np.testing.assert_array_equal(answer.order_up_to, level)
    np.testing.assert_array_equal(answer.quantity, quantity)
    assert [each["event"] for each in events] == ["base_stock_took_over"]


def test_a_bundle_that_expires_later_gives_way_then(workshop):
    last = workshop.manifest.expires_on
    policy = chosen(workshop, workshop.write(), today=last)
    assert policy.recommend(state_of({}, day=last)).source == "order-up-to@1"
    with capture_logs() as events:
        answer = policy.recommend(state_of({}, day=last + timedelta(days=1)))
    assert answer.source == "base_stock"
    assert "expiry" in answer.refused
    assert [each["event"] for each in events] == ["policy_unusable", "base_stock_took_over"]


def test_base_stock_asked_for_is_no_fall_back(workshop):
    with capture_logs() as events:
        answer = chosen(workshop).recommend(state_of({}))
    assert answer.source == "base_stock"
    assert answer.refused == ""
    assert not answer.fell_back.any()
    assert events == []


def test_base_stock_is_a_policy_of_its_own():
    answer = BaseStockPolicy().recommend(state_of({}))
    assert answer.order_up_to[0] > 80.0  # the mean over lead time + review
    assert answer.quantity[0] == pytest.approx(answer.order_up_to[0] - 80.0)


def test_the_shipped_bundle_is_admitted_with_the_shipped_keys():
    policy = choose(
        [shipped_place()], Trust.read(shipped_keys()), today=TODAY, connector_version="0.1.0"
    )
    assert policy.name == "order-up-to@1"
    assert policy.refusals == ()


def test_the_shipped_bundle_is_small_and_lies_beside_the_code():
    place = shipped_place().directory
    assert place.parent == shipped_bundles()
    assert sum(each.stat().st_size for each in place.iterdir()) < 400_000


def test_no_private_key_is_shipped():
    for each in shipped_bundles().rglob("*"):
        assert each.is_dir() or b"PRIVATE" not in each.read_bytes()


@pytest.mark.parametrize("content", [b"", b"no key", None])
def test_a_key_file_that_is_none_is_named(tmp_path, content):
    path = tmp_path / "key.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"key\.pem") as caught:
        Trust.read([path])
    assert caught.value.hint


def test_another_kind_of_key_is_refused(tmp_path):
    path = tmp_path / "ec.pem"
    key = generate_private_key(SECP256R1()).public_key()
    path.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises(ConfigError, match="ECPublicKey"):
        Trust.read([path])


@pytest.mark.parametrize("required", [0, 2])
def test_a_trust_that_nothing_or_anything_could_satisfy_is_refused(workshop, required):
    with pytest.raises(ConfigError, match=f"{required} signatures"):
        Trust(workshop.trust.keys, required=required)


def test_an_empty_chooser_says_base_stock():
    assert FallbackPolicy(bundles=()).name == "base_stock"


@pytest.mark.parametrize(("name", "weekly"), [("shipped", False), ("shipped-daily", True)])
def test_every_shipped_bundle_answers_a_network_and_the_daily_one_no_weekly_one(name, weekly):
    place = shipped_place(SHIPPED[name])
    policy = choose([place], Trust.read(shipped_keys()), today=TODAY, connector_version="0.1.0")
    assert policy.refusals == ()
    daily = policy.recommend(network_state(items=20, review_days=1.0))
    assert (~daily.fell_back).mean() > 0.8
    rare = policy.recommend(network_state(items=20, review_days=7.0))
    assert bool(rare.fell_back.all()) == weekly
