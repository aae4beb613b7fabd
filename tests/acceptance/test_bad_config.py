"""Configurations that cannot be used: exit 78, one error that names the line and the next step."""

from __future__ import annotations

import pytest
from acceptance_erp import Erp, free_port
from acceptance_stage import Site


def replaced(old, new):
    return lambda good: good.replace(old, new)


BAD = {
    "no YAML": (lambda good: good[:300], "not valid YAML"),
    "empty": (lambda _: "", "version: 1"),
    "a list": (lambda _: "[1, 2]", "mapping"),
    "unknown key": (replaced('"schedule"', '"shedule"'), "did you mean schedule?"),
    "key twice": (replaced('"version": 1,', '"version": 1,\n "version": 1,'), "written twice"),
    "wrong type": (replaced('"version": 1', '"version": "one"'), "version"),
    "unknown mode": (replaced('"live"', '"alive"'), "'shadow', 'validate' or 'live'"),
    "mode from outside": (replaced('"live"', '"${env:MODE}"'), "never comes from the environment"),
    "limit from outside": (replaced("1000000000.0", '"${env:CAP}"'), "limits is written"),
    "no caps in live": (replaced("1000000000.0", "null"), "how much EUR it may commit"),
    "infinite cap": (replaced("1000000000.0", ".inf"), "finite"),
    "cron": (replaced("0 6 * * *", "0 6 * *"), "5 fields"),
    "unknown supplier": (replaced('"supplied_by": "1000"', '"supplied_by": "9999"'), "9999"),
    "plain http": (replaced("http://127.0.0.1", "http://erp.example.com"), "this machine only"),
    "no secret": (replaced("/password}", "/nowhere}"), "nowhere"),
    "bundle nobody signed": (
        replaced('"mode"', '"policy": {"bundle": "/nowhere"}, "mode"'),
        "trusted_keys",
    ),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory, clerk):
    """A site whose ERP is not there: nothing here comes so far as to ask it."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    place = Site(tmp_path_factory.mktemp("config"), Erp(nowhere, nowhere), clerk)
    return place.configure(mode="live")


@pytest.mark.parametrize("kind", BAD)
def test_it_is_refused_with_the_reason_before_anything_starts(good, kind, monkeypatch):
    spoil, words = BAD[kind]
    text = good.config.read_text()
    try:
        good.write(spoil(text))
        told = good.ask("once")
    finally:
        good.write(text)
    assert told.code == 78
    error = told.error
    assert error["kind"] == "ConfigError"
    assert words in " ".join((error["message"], error["hint"]))
    assert not (good.directory / "state").exists()


def test_several_mistakes_are_told_at_once_with_their_lines(good):
    text = good.config.read_text()
    try:
        good.write(text.replace('"schedule"', '"shedule"').replace('"live"', '"alive"'))
        told = good.ask("check", "--offline")
    finally:
        good.write(text)
    first, second = told.error["problems"]
    assert told.code == 78
    assert "replenishd.yaml:" in first
    assert "shedule" in first
    assert "alive" in second


def test_the_daemon_does_not_start_with_such_a_file(tmp_path, clerk):
    nowhere = f"http://127.0.0.1:{free_port()}"
    site = Site(tmp_path, Erp(nowhere, nowhere), clerk).configure(mode="live")
    site.write(site.config.read_text().replace('"live"', '"alive"'))
    daemon = site.daemon(wait=False)
    assert daemon.process.wait(30) == 78
    assert "alive" in str(daemon)
    assert "Traceback" not in str(daemon)
