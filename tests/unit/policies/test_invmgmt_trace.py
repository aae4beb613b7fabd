"""The M5 trace comes from a file that a person downloaded, and only the benchmark's own will do."""

from __future__ import annotations

import pytest

from connector.errors import ConfigError
from policies.benchmarks.invmgmt_scenarios import M5_FILE, SCENARIOS, m5, playable, units_in

DAYS = [f"d_{day}" for day in range(1838, 1872)]
ITEM = "FOODS_3_382_CA_3_evaluation"


def sheet(item=ITEM, days=DAYS, units=None):
    counts = units or [str(day) for day in range(len(days))]
    return [f"id,item_id,{','.join(days)}\n", f"{item},X,{','.join(counts)}\n"]


@pytest.fixture(autouse=True)
def forgotten(monkeypatch):
    monkeypatch.delenv(M5_FILE, raising=False)
    m5.cache_clear()
    yield
    m5.cache_clear()


def test_the_window_is_the_benchmarks_thirty_days():
    other = sheet(item="FOODS_1_001_CA_1_evaluation")[1]
    header, own = sheet()
    assert units_in([header, other, own]) == tuple(range(3, 33))


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        (sheet(item="FOODS_3_382_CA_3_validation"), "there is no FOODS_3_382"),
        ([], "there is no FOODS_3_382"),
        (sheet(days=DAYS[:20]), "no whole number for every day from d_1841 to d_1870"),
        (sheet(units=["1.5"] * len(DAYS)), "no whole number for every day"),
        (sheet(units=["1"] * 9), "no whole number for every day"),
    ],
)
def test_a_file_without_it_is_refused_by_name(lines, says):
    with pytest.raises(ConfigError, match=says):
        units_in(lines)


def test_another_series_in_the_right_place_is_refused(tmp_path, monkeypatch):
    place = tmp_path / "sales_train_evaluation.csv"
    place.write_text("".join(sheet()))
    monkeypatch.setenv(M5_FILE, str(place))
    with pytest.raises(ConfigError, match="another series"):
        playable()


def test_a_file_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv(M5_FILE, str(tmp_path / "nothing.csv"))
    with pytest.raises(ConfigError, match=r"nothing\.csv"):
        playable()


def test_without_a_file_the_other_twenty_are_played():
    assert len(playable()) == len(SCENARIOS) - 2 == 20
    assert all(each.demand is not None for each in playable())
    with pytest.raises(ConfigError, match="download sales_train_evaluation"):
        SCENARIOS[-1].settings()
