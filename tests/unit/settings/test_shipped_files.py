"""The configurations that are shipped load, and mean what they say."""

from __future__ import annotations

import shutil
from datetime import timedelta
from pathlib import Path

from connector.failsafes.limits import missing_caps
from connector.settings import load, secrets_of

CONFIG = Path(__file__).parents[3] / "config"


def test_the_sandbox_configuration_loads_and_is_a_rehearsal():
    configuration = load(CONFIG / "sandbox.yaml", {})
    (site,) = configuration.settings.sites
    assert site.mode == "shadow"
    assert configuration.settings.clock.follow == "http://127.0.0.1:8181"
    assert len(site.network.nodes) == 7
    assert [each.reveal() for each in secrets_of(site)] == ["sandbox"]
    assert site.posting.quarantine == timedelta(seconds=5)


def test_the_limits_example_is_all_that_live_needs(tmp_path):
    path = tmp_path / "replenishd.yaml"
    shutil.copy(CONFIG / "replenishd.example.yaml", path)
    drop_ins = tmp_path / "replenishd.yaml.d"
    drop_ins.mkdir()
    shutil.copy(CONFIG / "limits.example.yaml", drop_ins / "20-limits.yaml")
    (drop_ins / "50-live.yaml").write_text("sites: [{name: berlin, mode: live}]\n")
    (site,) = load(path, {}).settings.sites
    assert site.mode == "live"
    assert missing_caps(site.limits) == ()
    assert site.limits.budget.site_review == 40000.0
