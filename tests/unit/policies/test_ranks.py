"""Several processes that train one network, started as people start them: by torchrun."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")
if not (torch.distributed.is_available() and torch.distributed.is_gloo_available()):
    pytest.skip("this torch has no gloo", allow_module_level=True)

from resumed_child import ALGORITHMS, learner  # noqa: E402

from policies.checkpoint import CheckpointForeign, Keeper  # noqa: E402
from policies.runs import load  # noqa: E402

CHILD = Path(__file__).with_name("ranks_child.py")
ROOT = CHILD.parents[3]


def torchrun(*words):
    done = subprocess.run(
        [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
         *map(str, words)],
        check=False, capture_output=True, text=True, timeout=240,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def two(directory, updates):
    directory.mkdir(exist_ok=True)
    torchrun(CHILD, directory, updates)
    return [json.loads((directory / f"{process}.json").read_text()) for process in (0, 1)]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """Return what two processes came to in six updates, and where they were kept."""
    directory = tmp_path_factory.mktemp("alone")
    return directory, two(directory, 6)


def test_gradients_are_averaged(told):
    for each in told[1]:
        assert each["processes"] == 2
        assert each["gradient"] == [[[1.5, 15.0]], None]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_all_follow_one_gradient_and_each_draws_its_own(told, algorithm):
    first, second = (each[algorithm] for each in told[1])
    assert first["weights"] == second["weights"]
    assert first["chains"] != second["chains"]
    assert first["costs"] == second["costs"]  # of all
    assert len(first["costs"]) == 6


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_process_of_its_own_ends_elsewhere(told, algorithm):
    one = learner(algorithm, updates=6)
    costs = [one.update() for _ in range(6)]
    assert costs != told[1][0][algorithm]["costs"]


def test_what_was_put_down_by_two_is_taken_up_by_two(told, tmp_path):
    two(tmp_path / "run", 3)
    again = two(tmp_path / "run", 6)
    assert again == told[1]


def test_what_two_put_down_one_does_not_take_up(told):
    with pytest.raises(CheckpointForeign, match="processes is 2 there and 1 here"):
        Keeper(directory=told[0] / "ppo").resume(learner("ppo", updates=6))


def test_the_command_trains_in_two_processes_and_the_first_one_writes(tmp_path):
    words = ("--algorithm", "dqn", "--updates", 3, "--out", tmp_path / "run")
    said = torchrun("-m", "policies", "train", *words)
    assert said.count("training lost-sales by dqn") == 1
    assert said.count("3 updates in") == 1
    card, network = load(tmp_path / "run")
    assert (card.processes, card.updates, card.device) == (2, 3, "cpu")
    assert all(torch.isfinite(weight).all() for weight in network.parameters())
