"""The demo's configuration is one that people could have written, and the daemon accepts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.demo.stage import SITE, Stage, caps
from connector.failsafes.limits import missing_caps
from connector.settings import load


@pytest.fixture
def stage(tmp_path):
    password = tmp_path / "erp-password"
    password.write_text("not-to-be-seen\n")
    return Stage(
        out=tmp_path,
        erp="http://127.0.0.1:5001",
        admin="http://127.0.0.1:5002",
        web_port=5003,
        plants=("1000", "1010", "1020"),
        client="100",
        username="ROBOT",
        password_file=password,
        labels={"1000": "central"},
    )


def test_it_begins_in_shadow_on_the_sandbox_clock(stage):
    stage.write("shadow")
    settings = load(stage.config).settings
    site = settings.site(SITE)
    assert site.mode == "shadow"
    assert settings.clock.follow == stage.admin
    assert settings.state_dir == stage.state_dir
    assert [(node.plant, node.supplied_by) for node in site.network.nodes] == [
        ("1000", None),
        ("1010", "1000"),
        ("1020", "1000"),
    ]
    assert "not-to-be-seen" not in stage.config.read_text()


def test_a_pilot_then_all_is_live_with_every_cap_set(stage):
    budget = caps([{"erp_value": 56_378.2}, {"erp_value": 12_000.0}])
    stage.write("live", pilot=("1000", "1010"), budget=budget)
    pilot = load(stage.config).settings.site(SITE)
    assert (pilot.mode, pilot.pilot.nodes) == ("live", ("1000", "1010"))
    assert missing_caps(pilot.limits) == ()
    assert pilot.limits.budget.node_day == 120_000.0
    stage.write("live", budget=budget)
    assert load(stage.config).settings.site(SITE).pilot.nodes == ()
    assert [each.name for each in stage.out.iterdir() if "part" in each.name] == []


@given(st.lists(st.floats(0, 1e9), max_size=30))
def test_caps_grow_with_what_they_hold(values):
    budget = caps([{"erp_value": value} for value in values])
    dearest = max([1000.0, *values])
    assert 2 * dearest <= budget["node_day"] <= 2.4 * dearest
    assert budget["node_day"] / 3 <= budget["line"] <= budget["node_day"]
    assert budget["line"] < budget["node_review"] <= budget["site_review"]
    assert budget["node_review"] <= budget["node_28_days"]
