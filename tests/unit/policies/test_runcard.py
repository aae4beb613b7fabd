"""The card of a run: which code, on what, and how it went."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from matplotlib.image import imread

from policies.runcard import Journal, RunCard, revision, smoothed, write_card

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
CARD = RunCard(
    algorithm="ppo-1",
    families=("lost-sales",),
    recipe={"seed": 3},
    seconds=12.5,
    costs=(2.0, 1.0, 0.5),
    figures={"gap": 0.01},
)


def git(directory, *words):
    named = ["-c", "user.name=a", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(directory), *named, *words], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    """Return a repository whose name a shell would run."""
    place = tmp_path / "$(touch ran); touch ran"
    place.mkdir()
    git(place, "init")
    (place / "code.py").write_text("1\n")
    git(place, "add", "code.py")
    git(place, "commit", "-m", "first")
    return place


@needs_git
def test_the_commit_and_whether_the_code_was_changed_since(repository):
    told = revision(repository)
    assert len(told["commit"]) == 40
    assert not told["changed"]
    (repository / "code.py").write_text("2\n")
    assert revision(repository) == told | {"changed": True}
    assert not list(repository.parent.rglob("ran"))


@needs_git
def test_code_that_lies_in_somebody_elses_repository_has_no_revision(repository):
    (repository / "installed").mkdir()
    (repository / "installed" / "other.py").write_text("3\n")
    assert revision(repository / "installed") is None


def test_no_git_and_no_repository_are_fine(tmp_path, monkeypatch):
    assert revision(tmp_path) is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert revision(tmp_path) is None


def test_the_card_says_what_was_done_and_leaves_no_path(tmp_path):
    told = json.loads(write_card(tmp_path / "run", CARD).read_text())
    assert told["recipe"] == {"seed": 3}
    assert (told["seconds"], told["updates"], told["costs"]) == (12.5, 3, [2.0, 1.0, 0.5])
    assert told["versions"]["torch"].startswith("2.")
    assert told["hardware"]["threads"] >= 1
    assert str(tmp_path) not in json.dumps(told)


def test_the_curve_is_a_picture_of_the_costs(tmp_path):
    write_card(tmp_path, CARD)
    picture = imread(tmp_path / "cost.png")
    assert picture.shape[:2] == (420, 840)
    before = picture.sum()
    write_card(tmp_path, RunCard(**vars(CARD) | {"costs": (0.5, 1.0, 2.0)}))
    assert imread(tmp_path / "cost.png").sum() != before


def test_events_are_read_back_by_tensorboard(tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    for _ in range(2):  # written again, they are still one run
        write_card(tmp_path, CARD)
    events = accumulator.EventAccumulator(str(tmp_path / "events")).Reload()
    told = [(each.step, each.value) for each in events.Scalars("cost/update")]
    assert told == [(1, 2.0), (2, 1.0), (3, 0.5)]
    assert events.Scalars("figures/gap")[0].value == pytest.approx(0.01)


def test_without_tensorboard_the_card_says_so(tmp_path):
    told = json.loads(write_card(tmp_path, CARD, events=False).read_text())
    assert told["events"] == "not written: tensorboard is not installed"
    assert not (tmp_path / "events").exists()


def test_an_update_told_again_counts_once():
    journal = Journal()
    for update, cost in [(0, 3.0), (1, 2.0), (2, 9.0), (0, 3.0), (1, 2.0), (2, 1.0)]:
        journal(update, cost)
    assert journal.costs == [3.0, 2.0, 1.0]


def test_the_smooth_curve_is_a_running_mean():
    assert smoothed([4.0, 2.0, 0.0, 2.0], width=2) == [4.0, 3.0, 1.0, 1.0]
