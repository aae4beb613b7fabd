"""A training run that is killed goes on from its last checkpoint, bit for bit."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from resumed_child import ALGORITHMS, UPDATES, digest, learner, run
from safetensors.torch import load_file, save

from policies.agents.learner import follow
from policies.checkpoint import CheckpointDamaged, CheckpointForeign, Keeper

CHILD = Path(__file__).with_name("resumed_child.py")
ROOT = CHILD.parents[3]


def child(directory):
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(directory)],
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def killed(directory, algorithm, at, chance):
    """Kill training a little after it said that it took update `at`; return what it had kept."""
    with child(directory) as started:
        for line in started.stdout:
            if line.strip() == f"{algorithm} {at}":
                break
        time.sleep(chance.uniform(0.0, 0.03))
        started.send_signal(signal.SIGKILL)
    assert started.returncode == -signal.SIGKILL
    return json.loads((directory / algorithm / "checkpoint.json").read_bytes())["updates"]


def test_runs_that_are_killed_end_where_those_left_alone_end(tmp_path):
    chance = random.Random(7)  # noqa: S311 - moments to kill at, the same in every run
    for algorithm in ALGORITHMS:
        assert 16 <= killed(tmp_path, algorithm, 17, chance) < UPDATES
    with child(tmp_path) as last:
        said = [line.split() for line in last.stdout]
    assert last.returncode == 0
    for algorithm in ALGORITHMS:
        *updates, found = [what for name, what in said if name == algorithm]
        assert updates == [str(update) for update in range(UPDATES)]  # told again from the start
        assert found == run(algorithm, None, lambda _: None)


@pytest.fixture(scope="module")
def half_way(tmp_path_factory):
    """Return a directory with a checkpoint after 4 updates."""
    directory = tmp_path_factory.mktemp("kept")
    stop_after(learner("dqn"), Keeper(directory=directory, every=4), 4)
    return directory


def stop_after(one, keeper, updates):
    costs = [one.update() for _ in range(updates)]
    keeper.keep(one, costs, 1.5)
    return costs


@pytest.fixture
def kept(half_way, tmp_path):
    shutil.copytree(half_way, tmp_path / "kept")
    return tmp_path / "kept"


def rewritten(directory, **changes):
    place = directory / "checkpoint.json"
    place.write_text(json.dumps(json.loads(place.read_bytes()) | changes))


def test_nothing_kept_is_a_beginning(tmp_path):
    one, other = learner("dqn"), learner("dqn")
    assert Keeper(directory=tmp_path / "none").resume(one) == ([], 0.0)
    assert digest(one, []) == digest(other, [])


def test_what_a_kill_left_half_written_does_not_count(kept):
    (kept / "state-00000009.safetensors").write_bytes(b"never renamed into the card")
    (kept / "state-00000010.safetensors.partial").write_bytes(b"half")
    one = learner("dqn")
    keeper = Keeper(directory=kept, every=1)
    costs, seconds = keeper.resume(one)
    assert (one.done, len(costs), seconds) == (4, 4, 1.5)
    keeper.keep(one, [*costs, one.update()], 2.0)
    assert sorted(each.name for each in kept.iterdir()) == [
        "checkpoint.json",
        "state-00000005.safetensors",
    ]


def test_time_spent_before_counts(kept):
    one = learner("dqn", updates=4)
    keeper = Keeper(directory=kept / "again")
    stop_after(one, keeper, 4)
    assert follow(one, lambda *_: None, keeper=keeper) > 1.5


@pytest.mark.parametrize(
    ("mine", "named"),
    [
        ({"learning_rate": 0.5}, "recipe learning_rate is 0.002 there and 0.5 here"),
        ({"seed": 6}, "recipe seed is 5 there and 6 here"),
    ],
)
def test_another_recipe_is_refused_by_name(kept, mine, named):
    with pytest.raises(CheckpointForeign, match=named):
        Keeper(directory=kept).resume(learner("dqn", **mine))


def test_another_algorithm_is_refused(kept):
    with pytest.raises(CheckpointForeign, match="algorithm is 'dqn-1' there and 'ppo-1' here"):
        Keeper(directory=kept).resume(learner("ppo"))


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("encoder", "0" * 64),
        ("layout", 0),
        ("families", ["serial"]),
        ("device", "cuda"),
        ("processes", 2),
    ],
)
def test_another_schema_is_refused(kept, what, value):
    rewritten(kept, **{what: value})
    with pytest.raises(CheckpointForeign, match=f"{what} is"):
        Keeper(directory=kept).resume(learner("dqn"))


def test_a_state_that_changed_on_disk_is_refused(kept):
    (place,) = kept.glob("state-*")
    octets = bytearray(place.read_bytes())
    octets[-1] ^= 1
    place.write_bytes(octets)
    with pytest.raises(CheckpointDamaged, match="sha256"):
        Keeper(directory=kept).resume(learner("dqn"))


@pytest.mark.parametrize(
    "part", ["process.0.chance", "process.0.chains.0.stock.on_hand", "module.kept.grid"]
)
def test_a_state_that_lacks_a_part_is_refused(kept, part):
    (place,) = kept.glob("state-*")
    octets = save({name: value for name, value in load_file(place).items() if name != part})
    place.write_bytes(octets)
    rewritten(kept, sha256=hashlib.sha256(octets).hexdigest())
    with pytest.raises(CheckpointDamaged, match=part.split(".")[-1]):
        Keeper(directory=kept).resume(learner("dqn"))


@pytest.mark.parametrize("octets", [b"", b"[]", b"{"])
def test_a_card_that_is_none_is_refused(kept, octets):
    (kept / "checkpoint.json").write_bytes(octets)
    with pytest.raises(CheckpointDamaged):
        Keeper(directory=kept).resume(learner("dqn"))


def test_a_state_that_is_gone_is_refused(kept):
    (place,) = kept.glob("state-*")
    place.unlink()
    with pytest.raises(CheckpointDamaged, match="cannot be read"):
        Keeper(directory=kept).resume(learner("dqn"))
