"""Why a line is ordered as it is: the numbers add up, and the text leaves none out."""

from __future__ import annotations

import itertools
import json
from math import factorial

import numpy as np
import polars as pl
import pytest
from policy_sites import state_of

from connector.errors import CommandRefused
from connector.failsafes.verdicts import FINDINGS, SCREENED, Action, Screened
from connector.policy.attribution import why_this_level
from connector.policy.base_stock import BaseStockPolicy
from connector.policy.explain import explain_line
from connector.policy.features import FEATURES, demand_per_review, encode
from connector.policy.onnx import OnnxPolicy
from connector.policy.telling import render

STEPS = [
    ("demand over lead time", 60.0, "10 a day x 6 days"),
    ("on hand", -60.0, "available stock"),
    ("purchase order", -20.0, "4500012/10, due 2026-11-27"),
]
NAN = float("nan")


def verdict(**change):
    row = {
        "node": "1010", "item": "4711", "requested": 53.5, "rounded": 80.0, "quantity": 40.0,
        "held": 0.0, "value": 400.0, "action": int(Action.CLAMP), "guards": 4, "source": "policy",
    }  # fmt: skip
    return row | change


def finding(**change):
    row = {
        "node": "1010", "item": "4711", "guard": "C2", "action": int(Action.CLAMP),
        "value": 160.0, "threshold": 132.0, "before": 80.0, "after": 40.0, "detail": "over the cap",
    }  # fmt: skip
    return row | change


def screened(*findings, **change):
    return Screened(
        lines=pl.DataFrame([verdict(**change)], schema=SCREENED),
        findings=pl.DataFrame(list(findings), schema=FINDINGS),
    )


def explained(bundle, *findings, state=None, **change):
    state = state or state_of({})
    return explain_line(
        state,
        OnnxPolicy(bundle=bundle).recommend(state),
        screened(*findings, **change),
        node="1010",
        item="4711",
        steps=STEPS,
        bundle=bundle,
    )


def test_every_number_of_the_way_is_kept(bundle):
    told = explained(bundle, finding())
    assert [(each.label, each.quantity) for each in told.steps] == [s[:2] for s in STEPS]
    assert told.position == 80.0
    assert told.policy.quantity == pytest.approx(told.policy.level - 80.0)
    assert told.base_stock.level > 80.0
    assert (told.requested, told.rounded, told.quantity) == (53.5, 80.0, 40.0)
    (check,) = told.checks
    assert (check.guard, check.action) == ("C2", "CLAMP")
    assert (check.value, check.threshold, check.before, check.after) == (160.0, 132.0, 80.0, 40.0)
    assert told.action == "CLAMP"


def test_findings_about_the_node_and_the_site_belong_to_the_line(bundle):
    about_node = finding(item="", guard="B2", action=int(Action.NODE_HOLD))
    about_site = finding(node="", item="", guard="A1", action=int(Action.GLOBAL_HALT))
    elsewhere = finding(node="1020", guard="C1"), finding(item="other", guard="C4")
    told = explained(bundle, about_node, about_site, *elsewhere)
    assert [check.guard for check in told.checks] == ["B2", "A1"]


def test_the_parts_of_a_level_add_up_to_it(bundle):
    why = explained(bundle).why
    total = why.usual_level + sum(part.contribution for part in why.parts)
    assert total == pytest.approx(why.level, rel=1e-6)
    sizes = [abs(part.contribution) for part in why.parts]
    assert sizes == sorted(sizes, reverse=True)


def test_the_parts_are_shapley_values(bundle):
    """Compared with the definition: the mean gain over every order of arrival."""
    features = encode(state_of({}))[0]
    why = why_this_level(bundle, features, rate=20.0)
    usual = bundle.manifest.reference.states.numbers().mean(axis=0, dtype=np.float64)
    groups = [part.group for part in why.parts]

    def level(present):
        here = [feature.group in present for feature in FEATURES]
        row = np.where(here, features, usual.astype(np.float32)).astype(np.float32)
        return float(bundle.session.answer(row[None, :]).action[0]) * 20.0

    known = {
        frozenset(some): level(some)
        for size in range(len(groups) + 1)
        for some in itertools.combinations(groups, size)
    }
    for part in why.parts:
        gain = 0.0
        for order in itertools.permutations(groups):
            before = frozenset(order[: order.index(part.group)])
            gain += known[before | {part.group}] - known[before]
        assert part.contribution == pytest.approx(gain / factorial(len(groups)), rel=1e-3, abs=1e-3)


def test_only_what_the_policy_reads_has_a_part(bundle):
    why = explained(bundle).why
    shown = {name for part in why.parts for name in part.features}
    assert shown == set(bundle.manifest.features.reads)
    assert {part.group for part in why.parts}.isdisjoint({"stock and pipeline", "calendar"})


def test_a_line_with_a_longer_lead_time_owes_more_to_it(bundle):
    def part(**change):
        state = state_of(change)
        rate = demand_per_review(state)[0]
        why = why_this_level(bundle, encode(state)[0], rate)
        return next(each.contribution for each in why.parts if each.group == "lead time")

    longer = {"lead_time_mean": 30.0, "lead_time_p50": 30.0, "lead_time_p90": 36.0}
    assert part(**longer) > part()


def test_no_reasons_are_invented_where_base_stock_answered(bundle):
    state = state_of({"critical_ratio": 0.4})
    told = explained(bundle, state=state)
    assert told.fell_back
    assert told.why is None
    assert "did not answer this line" in render(told)


def test_no_reasons_are_invented_for_another_policys_answer(bundle):
    state = state_of({})
    told = explain_line(
        state,
        BaseStockPolicy().recommend(state),
        screened(),
        node="1010",
        item="4711",
        steps=STEPS,
        bundle=bundle,
    )
    assert told.why is None
    assert told.source == "base_stock"


def test_an_unknown_line_is_refused_with_the_next_step(bundle):
    state = state_of({})
    answer = OnnxPolicy(bundle=bundle).recommend(state)
    with pytest.raises(CommandRefused, match="item 9 at node 1010") as caught:
        explain_line(state, answer, screened(), node="1010", item="9", steps=[])
    assert caught.value.hint


def test_the_text_tells_every_number(bundle):
    told = explained(bundle, finding(), held=40.0)
    text = render(told)
    for expected in (
        "item 4711 at node 1010 of north, 2026-11-24, in PC",
        "4500012/10, due 2026-11-27",
        "order-up-to@1",
        "beside it, base-stock",
        "why this level",
        "lead time",
        "C2 clamp",
        "was 80; measured 160, allowed 132",
        "over the cap",
        "final (clamp)",
        "waiting for a person",
    ):
        assert expected in text
    assert max(map(len, text.splitlines())) < 200


def test_what_comes_on_top_of_the_networks_level_is_told(bundle):
    agreed = explained(bundle, state=state_of({"safety_stock": 500.0}))
    assert agreed.policy.level == pytest.approx(580.0)
    assert agreed.why.level < 580.0
    (told,) = [each for each in render(agreed).splitlines() if "agreed limits" in each]
    assert float(told.split()[-1]) == pytest.approx(580.0 - agreed.why.level, abs=1e-3)
    assert "agreed limits" not in render(explained(bundle))


def test_the_text_stands_numbers_that_are_none(bundle):
    text = render(explained(bundle, finding(value=NAN, before=float("inf"))))
    assert "measured nan" in text
    assert "was inf" in text


def test_the_data_is_json(bundle):
    data = explained(bundle, finding()).as_data()
    again = json.loads(json.dumps(data))
    assert again["policy"]["level"] == data["policy"]["level"]
    assert again["checks"][0]["guard"] == "C2"
    assert again["why"]["parts"][0]["group"]
