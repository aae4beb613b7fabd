"""The policy as a port: levels in base units, base-stock where it may not answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import msgspec
import numpy as np
import pytest
from policy_sites import network_state, reordered, state_of

from connector.errors import PolicyUnusable
from connector.inventory.base_stock import base_stock, position
from connector.inventory.state import State
from connector.policy.features import NAMES, demand_per_review, encode
from connector.policy.manifest import Scope, Table
from connector.policy.onnx import OnnxPolicy
from connector.policy.session import Answers


class ScriptedSession:
    """Answers what the test says, whatever it is asked, and counts the lines."""

    def __init__(self, *actions: float) -> None:
        self.actions = actions
        self.asked = 0

    def answer(self, features):
        self.asked += len(features)
        action = np.resize(np.array(self.actions, dtype=np.float32), len(features))
        return Answers(action, np.log(np.abs(action) + 1), np.zeros_like(action))


def scripted(bundle, *actions):
    return OnnxPolicy(bundle=replace(bundle, session=ScriptedSession(*actions)))


def test_an_action_is_a_level_in_reviews_of_demand(bundle):
    answer = scripted(bundle, 6.0).recommend(state_of({}))
    assert answer.order_up_to.tolist() == [120.0]  # 6 reviews of 20
    assert answer.quantity.tolist() == [40.0]  # position 80
    assert answer.fell_back.tolist() == [False]
    assert answer.source == "order-up-to@1"
    assert answer.digest == bundle.digest
    assert answer.refused == ""


def test_nothing_is_ordered_above_the_level(bundle):
    answer = scripted(bundle, 3.0).recommend(state_of({}))
    assert (answer.order_up_to[0], answer.quantity[0]) == (60.0, 0.0)


def test_base_stock_stands_beside_every_line(bundle):
    state = network_state(items=5)
    answer = OnnxPolicy(bundle=bundle).recommend(state)
    level, quantity = base_stock(state)
    np.testing.assert_array_equal(answer.base_stock_level, level)
    np.testing.assert_array_equal(answer.base_stock_quantity, quantity)


def test_a_central_level_is_its_own_and_those_below_against_the_echelon_position(bundle):
    central = {
        "node": "1000", "supplying_node": "", "level": 1.0, "demand_mean": 0.0,
        "echelon_demand_mean": 20.0, "inventory_position": 50.0, "echelon_position": 210.0,
    }  # fmt: skip
    state = state_of(central, {"node": "1010"}, {"node": "1020"})
    answer = scripted(bundle, 5.0).recommend(state)
    assert answer.order_up_to.tolist() == [200.0 + 100.0 + 100.0, 100.0, 100.0]
    assert answer.quantity.tolist() == [190.0, 20.0, 20.0]


def test_what_planners_agreed_is_kept(bundle):
    # Mean demand over lead time + review is 10 x 8 = 80.
    safety, ceiling = {"safety_stock": 70.0}, {"maximum_stock": 90.0}
    state = state_of({}, {"item": "b"} | safety, {"item": "c"} | ceiling)
    assert scripted(bundle, 6.0).recommend(state).order_up_to.tolist() == [120.0, 150.0, 90.0]


FALLS_BACK = {
    "no demand": {"demand_mean": 0.0},
    "out of range": {"critical_ratio": 0.4},
    "a nan in the state": {"lead_time_mean": float("nan")},
    "an unknown review period": {"review_days": 0.0},
}


@pytest.mark.parametrize("why", FALLS_BACK)
def test_a_line_the_policy_was_not_made_for_falls_back(bundle, why):
    state = state_of(FALLS_BACK[why], {"item": "other"})
    policy = scripted(bundle, 6.0)
    answer = policy.recommend(state)
    assert policy.bundle.session.asked == 1
    assert answer.fell_back.tolist() == [True, False]
    assert answer.order_up_to[0] == answer.base_stock_level[0]
    assert answer.quantity[0] == answer.base_stock_quantity[0]
    assert answer.refused == ""


@pytest.mark.parametrize("action", [-0.1, 2_001.0])
def test_an_answer_outside_the_declared_range_falls_back(bundle, action):
    state = state_of({}, {"item": "other"})
    assert scripted(bundle, action, 6.0).recommend(state).fell_back.tolist() == [True, False]


def test_the_declared_range_itself_is_answered(bundle):
    state = state_of({}, {"item": "other"})
    assert not scripted(bundle, 0.0, 2_000.0).recommend(state).fell_back.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_broken_answer_in_a_thousand_falls_back_and_more_refuse_the_policy(bundle, bad):
    state = network_state(items=143)  # 1001 lines
    one = scripted(bundle, *([6.0] * 1_000), bad).recommend(state)
    assert one.fell_back.sum() == 1
    assert np.isfinite(one.quantity).all()
    with pytest.raises(PolicyUnusable, match="2 of 1001") as caught:
        scripted(bundle, *([6.0] * 999), bad, bad).recommend(state)
    assert caught.value.hint


def test_only_the_scope_is_answered(bundle):
    state = state_of({}, {"item": "b"}, {"node": "1020"})
    for scope, answered in (
        (Scope(), [True, True, True]),
        (Scope(nodes=("1010",)), [True, True, False]),
        (Scope(items=("b",)), [False, True, False]),
    ):
        manifest = msgspec.structs.replace(bundle.manifest, scope=scope)
        narrowed = OnnxPolicy(bundle=replace(bundle, manifest=manifest))
        assert (~narrowed.recommend(state).fell_back).tolist() == answered


def test_only_what_was_trained_is_answered(bundle):
    state = state_of({"review_days": 1.0}, {"item": "b", "review_days": 7.0})
    ranges = np.tile(np.array([[-1e9, 1e9]], dtype=np.float32), (len(NAMES), 1))
    ranges[NAMES.index("review_days")] = (0.9, 1.1)
    for trained, answered in ((None, [True, True]), (Table.of(ranges), [True, False])):
        features = msgspec.structs.replace(bundle.manifest.features, trained=trained)
        manifest = msgspec.structs.replace(bundle.manifest, features=features)
        answer = OnnxPolicy(bundle=replace(bundle, manifest=manifest)).recommend(state)
        assert (~answer.fell_back).tolist() == answered
    level, _ = base_stock(state)
    assert answer.order_up_to[1] == level[1]


def test_a_policy_expires_while_the_daemon_runs(bundle):
    last = bundle.manifest.expires_on
    assert OnnxPolicy(bundle=bundle).recommend(state_of({}, day=last)).refused == ""
    with pytest.raises(PolicyUnusable, match="expiry"):
        OnnxPolicy(bundle=bundle).recommend(state_of({}, day=last + timedelta(days=1)))


def test_the_same_state_gives_the_same_bits(workshop):
    state = network_state()
    place = workshop.write()
    answers = [OnnxPolicy(bundle=workshop.load(place)).recommend(state) for _ in range(2)]
    assert answers[0].order_up_to.tobytes() == answers[1].order_up_to.tobytes()
    assert answers[0].quantity.tobytes() == answers[1].quantity.tobytes()


def test_a_lines_level_does_not_depend_on_its_place(bundle):
    state = network_state(items=30)
    rows = np.random.default_rng(3).permutation(len(state))
    policy = OnnxPolicy(bundle=bundle)
    np.testing.assert_allclose(
        policy.answered_levels(reordered(state, rows)),
        policy.answered_levels(state)[rows],
        rtol=1e-5,
    )


def test_batches_do_not_show_in_the_answers(bundle):
    state = network_state(items=40)
    features = encode(state)
    many = np.tile(features, (40, 1))  # more than one batch
    actions = bundle.session.answer(many).action.reshape(40, -1)
    np.testing.assert_allclose(
        actions, np.tile(bundle.session.answer(features).action, (40, 1)), rtol=1e-5
    )


def test_no_lines_give_no_answers(bundle):
    empty = State("north", state_of({}).erp_date, state_of({}).frame.clear())
    assert OnnxPolicy(bundle=bundle).recommend(empty).quantity.tolist() == []


def test_levels_of_a_site_are_within_sane_factors_of_base_stock(bundle):
    state = network_state(items=200)
    answer = OnnxPolicy(bundle=bundle).recommend(state)
    assert not answer.fell_back.any()
    factor = answer.order_up_to / answer.base_stock_level
    assert factor.min() > 0.75
    assert factor.max() < 1.33
    assert abs(np.log(factor)).mean() < 0.06
    central = state.column("level") > 0
    assert central.sum() == 200
    days = answer.order_up_to[central] / state.column("echelon_demand_mean")[central]
    assert (days > state.column("lead_time_mean")[central] + 1).all()


def test_level_grows_with_what_should_raise_it(bundle):
    policy = OnnxPolicy(bundle=bundle)

    def level(**change):
        return policy.answered_levels(state_of(change))[0]

    usual = level()
    assert level(critical_ratio=0.99) > usual
    assert level(demand_sd=10.0) > usual
    assert level(lead_time_mean=12.0, lead_time_p50=12.0, lead_time_p90=14.0) > usual
    assert level(lead_time_sd=4.0, lead_time_p90=11.0) > usual
    assert level(on_hand=5.0) == usual  # what is there lowers the order, not the level
    assert demand_per_review(state_of({}))[0] < usual


def test_position_is_the_echelons_above_and_the_nodes_own_below():
    state = state_of({"level": 1.0, "echelon_position": 9.0, "inventory_position": 4.0})
    assert position(state)[0] == 9.0
