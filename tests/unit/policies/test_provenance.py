"""Which commit, versions and hardware a run was made with."""

from __future__ import annotations

import shutil
import subprocess

import pytest

pytest.importorskip("torch")

from policies.provenance import hardware, revision, versions

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


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


def test_versions_and_hardware_are_those_here():
    assert versions()["torch"].startswith("2.")
    assert hardware()["threads"] >= 1
