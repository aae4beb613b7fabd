"""A training run on disk, made and gone on with as people do: by the command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from connector.errors import ConfigError  # noqa: E402
from policies.agents.hindsight import ordering  # noqa: E402
from policies.benchmarks.zipkin import OPTIMAL, evaluate, instances  # noqa: E402
from policies.checkpoint import CheckpointForeign  # noqa: E402
from policies.family import LOST_SALES  # noqa: E402
from policies.runs import load, note  # noqa: E402
from policies.training import ALGORITHMS, train_family  # noqa: E402

ROOT = Path(__file__).parents[3]
SOME = dict(list(OPTIMAL.items())[:1])


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Return a directory with a run of each algorithm, of two updates."""
    directory = tmp_path_factory.mktemp("runs")
    for algorithm in ALGORITHMS:
        train_family(directory / algorithm, "lost-sales", algorithm=algorithm, updates=2)
    return directory


@pytest.fixture
def run(runs, tmp_path):
    for each in (runs / "dqn").iterdir():
        if each.is_file():
            (tmp_path / each.name).write_bytes(each.read_bytes())
    return tmp_path


def rewritten(directory, **changes):
    card = directory / "run.json"
    told = json.loads(card.read_text()) | changes
    card.write_text(json.dumps({name: value for name, value in told.items() if value != ""}))


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithms_run_is_a_policy(runs, algorithm):
    card, network = load(runs / algorithm)
    assert (card.algorithm, card.family, card.updates) == (algorithm, "lost-sales", 2)
    some = instances(SOME)
    start = LOST_SALES.begin(some, torch.Generator().manual_seed(1))
    with torch.no_grad():
        orders = ordering(network, LOST_SALES.topology, some)(start)
    assert orders.shape == (4, 1)
    assert (orders >= 0).all()
    rows = evaluate(network, SOME, chains=10, periods=100, skip=100)
    assert all(row.cost > 0.5 * row.reference for row in rows)


def test_the_card_says_what_was_done_and_leaves_no_path(runs):
    told = json.loads((runs / "ppo" / "run.json").read_text())
    assert told["recipe"]["seed"] == 1
    assert told["families"] == ["lost-sales"]
    assert told["network"] == "capped-base-stock"
    assert told["versions"]["torch"].startswith("2.")
    assert told["hardware"]["threads"] >= 1
    assert 0.0 < told["figures"]["relative_cost"] < 100.0
    assert str(runs) not in json.dumps(told)
    assert (runs / "ppo" / "cost.png").exists()


def test_figures_are_added_to_the_card(run):
    before, _ = load(run)
    note(run, {"gap": 0.25})
    after, _ = load(run)
    assert after.figures == {**before.figures, "gap": 0.25}
    assert after.recipe == before.recipe


def test_a_finished_run_is_not_made_again(runs):
    before = (runs / "dqn" / "run.json").read_bytes()
    again = train_family(runs / "dqn", "lost-sales", algorithm="dqn", updates=2)
    assert again == load(runs / "dqn")[0]
    assert (runs / "dqn" / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"algorithm": "ppo"}, "algorithm is 'dqn', not 'ppo'"),
        ({"seed": 2}, "seed is 1, not 2"),
        ({"updates": 3}, "updates is 2, not 3"),
    ],
)
def test_a_finished_run_is_not_written_over_by_another(run, asked, named):
    words = {"algorithm": "dqn", "updates": 2, "seed": 1} | asked
    with pytest.raises(ConfigError, match=named):
        train_family(run, "lost-sales", **words)


def test_a_run_on_its_way_is_not_gone_on_with_by_another(runs, tmp_path):
    (tmp_path / "kept").symlink_to(runs / "dqn" / "kept")
    with pytest.raises(CheckpointForeign, match="updates is 2 there and 3 here"):
        train_family(tmp_path, "lost-sales", algorithm="dqn", updates=3)


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"algorithm": "sarsa"}, "no algorithm 'sarsa' .one of hindsight, ppo, dqn"),
        ({"family": "bicycles"}, "no family 'bicycles' .one of lost-sales, distribution"),
        ({"device": "tpu"}, "no device 'tpu' .one of cpu, cuda"),
    ],
)
def test_what_there_is_not_is_named(tmp_path, asked, named):
    words = {"family": "lost-sales", "updates": 1} | asked
    with pytest.raises(ConfigError, match=named):
        train_family(tmp_path / "run", **words)
    assert not (tmp_path / "run").exists()


def test_cuda_is_refused_where_there_is_none(tmp_path):
    if torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(ConfigError, match="no CUDA device"):
        train_family(tmp_path / "run", "lost-sales", updates=1, device="cuda")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"encoder": "0" * 64}, "encoder 000000000000.*train again"),
        ({"network": "transformer"}, "kind 'transformer'.*capped-base-stock"),
        ({"families": ["bicycles"]}, "no family 'bicycles'"),
        ({"families": 3}, "holds no training run"),
        ({"width": 32}, "weights.safetensors does not hold the weights"),
        ({"width": "wide"}, "weights.safetensors does not hold the weights"),
        ({"recipe": ""}, "holds no training run.*recipe"),
        ({"encoder": ""}, "lacks encoder"),
        ({"surprise": 1}, "holds no training run.*surprise"),
    ],
)
def test_a_card_that_cannot_be_used_is_refused_by_name(run, changes, named):
    rewritten(run, **changes)
    with pytest.raises(ConfigError, match=f"(?s){named}"):
        load(run)


@pytest.mark.parametrize("octets", [b"", b"[]", b"{", b"\xff\xfe"])
def test_a_file_that_is_no_card_is_refused(run, octets):
    (run / "run.json").write_bytes(octets)
    with pytest.raises(ConfigError, match="holds no training run"):
        load(run)


@pytest.mark.parametrize("octets", [b"", b"pickle", None])
def test_weights_that_are_none_are_refused(run, octets):
    place = run / "weights.safetensors"
    place.unlink() if octets is None else place.write_bytes(octets)
    with pytest.raises(ConfigError, match=r"weights\.safetensors"):
        load(run)


def trained(directory):
    words = ["--algorithm", "dqn", "--updates", "60", "--seed", "4", "--out", str(directory)]
    return subprocess.Popen(
        [sys.executable, "-m", "policies", "train", *words],
        stdout=subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
    )


def test_a_killed_command_goes_on_and_ends_where_one_left_alone_ends(tmp_path):
    killed, alone = tmp_path / "killed", tmp_path / "alone"
    with trained(killed) as first:
        while not (killed / "kept" / "checkpoint.json").exists():
            assert first.poll() is None
            time.sleep(0.01)
        first.send_signal(signal.SIGKILL)
    assert first.returncode == -signal.SIGKILL
    assert not (killed / "run.json").exists()
    for place in (killed, alone):
        with trained(place) as process:
            assert process.wait(timeout=120) == 0
    for name in ("weights.safetensors", "cost.csv"):
        assert (killed / name).read_bytes() == (alone / name).read_bytes()
