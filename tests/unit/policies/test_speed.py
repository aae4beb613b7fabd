"""The speed table: both loops do the same, and a peer that is not there is said to be missing."""

from __future__ import annotations

import json
import sys

import pytest

torch = pytest.importorskip("torch")

from policies.benchmarks import speed, speed_peers  # noqa: E402


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_the_twin_does_what_the_loop_by_hand_does_in_both_libraries():
    chance = torch.Generator().manual_seed(7)
    demand = torch.poisson(torch.full((60, 500), speed.MEAN), generator=chance)
    by_hand = speed.by_hand(demand)
    assert speed.by_twin(demand) == pytest.approx(by_hand, rel=1e-6)
    assert speed.by_twin(demand.numpy()) == pytest.approx(by_hand, rel=1e-6)


def peer(tmp_path, name, does):
    """Write an interpreter that does something else than run the script."""
    place = tmp_path / name
    place.write_text(f"#!{sys.executable}\nimport sys\n{does}\n")
    place.chmod(0o755)
    return str(place)


def test_the_table_names_three_sizes_threads_and_peers(tmp_path):
    answer = json.dumps({"runs": "something near", "steps_per_second": 4.0, "cost": 7.5})
    environ = {
        "REPLENISHD_GYM_INVMGMT": peer(tmp_path, "one", f"print({answer!r})"),
        "REPLENISHD_STOCKPYL": str(tmp_path / "nowhere"),
    }
    lines = []
    speed.report(1, lines.append, sizes=(8, 16, 32), environ=environ)
    rows = [line for line in "\n".join(lines).splitlines() if line.startswith("| ")]
    assert [row.split(" | ")[:2] for row in rows[1:7]] == [
        [f"| {count}", size] for count in (1, 2) for size in ("8", "16", "32")
    ]
    assert rows[-2].startswith("| gym-invmgmt | something near | 4 | 7.50 | ")
    assert rows[-2].count(" x") == 3
    assert rows[-1].startswith("| stockpyl | not installed: there is no ")


def test_a_peer_that_fails_says_why(tmp_path):
    failing = peer(tmp_path, "two", "sys.exit('ModuleNotFoundError: no stockpyl')")
    told = speed.ask("stockpyl", {"REPLENISHD_STOCKPYL": failing})
    assert told == "failed: ModuleNotFoundError: no stockpyl"


@pytest.mark.parametrize("name", ["gym-invmgmt", "stockpyl"])
def test_a_peer_lives_by_nearly_the_same_cost(name):
    module = {"gym-invmgmt": "gym_invmgmt"}.get(name, name)
    pytest.importorskip(module)
    _, run = speed_peers.PEERS[name]()
    costs = [run(seed) for seed in range(1, 21)]
    # With backorders instead of lost sales the same level costs more
    assert 7.0 < sum(costs) / len(costs) < 10.0
