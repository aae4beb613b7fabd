"""How a run went: a table, a picture, events."""

from __future__ import annotations

import pytest

pytest.importorskip("matplotlib")

from matplotlib.image import imread

from policies.curves import smoothed, write_curves

COSTS = (2.0, 1.0, 0.5)


def test_the_picture_is_one_of_the_costs(tmp_path):
    write_curves(tmp_path, "a run", COSTS, events=False)
    picture = imread(tmp_path / "cost.png")
    assert picture.shape[:2] == (420, 840)
    before = picture.sum()
    write_curves(tmp_path, "a run", COSTS[::-1], events=False)
    assert imread(tmp_path / "cost.png").sum() != before
    assert not (tmp_path / "events").exists()


def test_the_table_holds_every_cost(tmp_path):
    write_curves(tmp_path, "a run", COSTS, events=False)
    assert (tmp_path / "cost.csv").read_text().split() == [
        "update,relative_cost", "1,2.0", "2,1.0", "3,0.5",
    ]  # fmt: skip


def test_events_are_read_back_by_tensorboard(tmp_path):
    pytest.importorskip("torch")
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for _ in range(2):  # written again, they are still one run
        write_curves(tmp_path, "a run", COSTS)
    events = accumulator.EventAccumulator(str(tmp_path / "events")).Reload()
    told = [(each.step, each.value) for each in events.Scalars("cost/update")]
    assert told == [(1, 2.0), (2, 1.0), (3, 0.5)]


def test_the_smooth_curve_is_a_running_mean():
    assert smoothed([4.0, 2.0, 0.0, 2.0], width=2) == [4.0, 3.0, 1.0, 1.0]
