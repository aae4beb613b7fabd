"""Leader, brake, throttle: what decides whether anything may be sent at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
from ledger_worlds import QUICK, SITE, World

from connector.errors import CommandRefused, LedgerUnavailable, NotLeader
from connector.ledger.brake import Brake
from connector.ledger.conduct import Outside
from connector.ledger.dispatch import Dispatcher
from connector.ledger.leader import LeaderLock, holder_of
from connector.ledger.lines import State

_HOLDER = """
import sys, time
from pathlib import Path
from connector.ledger.leader import LeaderLock
lock = LeaderLock(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_leader_is_told_who_leads(tmp_path):
    with LeaderLock(tmp_path) as lock:
        assert lock.held()
        with pytest.raises(NotLeader, match=f"held by process {os.getpid()}") as caught:
            LeaderLock(tmp_path)
    assert caught.value.exit_code == 75
    assert not lock.held()
    with LeaderLock(tmp_path) as lock:
        assert lock.held()


def test_the_kernel_gives_the_lock_back_at_kill_9(tmp_path):
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(NotLeader, match=f"held by process {holder.pid}"):
            LeaderLock(tmp_path)
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.communicate()
    LeaderLock(tmp_path).release()


def test_a_lock_file_that_was_removed_no_longer_counts(tmp_path):
    lock = LeaderLock(tmp_path)
    lock.path.unlink()
    assert not lock.held()
    usurper = LeaderLock(tmp_path)
    assert usurper.held()
    assert not lock.held()
    usurper.release()
    lock.release()


def test_a_lock_that_cannot_be_opened_is_ledger_unavailable(tmp_path):
    (tmp_path / "leader.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LedgerUnavailable, match="cannot be opened"):
        LeaderLock(tmp_path)


@pytest.fixture
def control(tmp_path):
    directory = tmp_path / "control"
    directory.mkdir()
    return directory


def test_the_kill_file_stops_the_next_send_and_its_removal_releases(control):
    world = World(control=control)
    world.review(0, [("1010", "A", "5")])
    (control / "KILL").touch()
    assert "kill file" in world.drain().stopped
    assert world.erp.posts == []
    assert world.states() == {"A": State.OWED}
    (control / "KILL").unlink()
    assert world.drain().filed == 1


def test_a_kill_file_that_points_nowhere_stops_as_well(control):
    (control / "KILL").symlink_to("/nonexistent")
    assert "kill file" in Brake(World().ledger.store, control).reason(SITE)


def test_a_kill_between_two_documents_stops_the_second(control):
    world = World(control=control)
    world.review(0, [("1010", "A", "5"), ("1020", "A", "5")])

    def file_and_kill(_):
        (control / "KILL").touch()
        return "file"

    world.erp.faults = file_and_kill
    drained = world.drain()
    assert drained.filed == 1
    assert "kill file" in drained.stopped
    assert len(world.erp.posts) == 1


def test_a_control_directory_that_cannot_be_read_stops(control):
    world = World(control=control)
    world.review(0, [("1010", "A", "5")])
    control.rmdir()
    assert "cannot be read" in world.drain().stopped
    control.write_text("a file")
    assert "cannot be read" in world.drain().stopped
    assert world.erp.posts == []


def test_a_halt_stands_until_a_named_person_lifts_it(state_dir):
    world = World(directory=state_dir)
    world.review(0, [("1010", "A", "5")])
    world.ledger.brake.halt(site=SITE, who="ada", why="stocktaking", now=world.now())
    world.restart()
    drained = world.drain()
    assert drained.stopped == "halted by ada at 2026-11-23 06:00:00 UTC: stocktaking"
    with pytest.raises(CommandRefused, match="nobody is named"):
        world.ledger.brake.resume(site=SITE, who=" ", now=world.now())
    assert world.ledger.brake.resume(site=SITE, who="bob", now=world.now()) == 1
    assert world.drain().filed == 1
    with pytest.raises(CommandRefused, match="is not halted"):
        world.ledger.brake.resume(site=SITE, who="bob", now=world.now())
    world.sound()


def test_a_halt_of_every_site_is_lifted_as_such(world):
    brake = world.ledger.brake
    brake.halt(site="", who="ada", why="all", now=world.now())
    assert brake.reason(SITE)
    with pytest.raises(CommandRefused):
        brake.resume(site=SITE, who="ada", now=world.now())
    brake.resume(site="", who="ada", now=world.now())
    assert brake.reason(SITE) == ""


def test_a_halt_needs_a_name(world):
    with pytest.raises(CommandRefused, match="nobody is named"):
        world.ledger.brake.halt(site=SITE, who="", why="", now=world.now())


def test_a_halted_site_still_resolves_what_is_in_doubt(world):
    world.review(0, [("1010", "A", "5")])
    world.erp.faults = lambda _: "lose"
    world.drain()
    world.ledger.brake.halt(site=SITE, who="ada", why="look", now=world.now())
    assert world.drain().filed == 1


def test_a_tripped_node_is_not_sent_until_it_is_rearmed(world):
    brake = world.ledger.brake
    brake.trip(site=SITE, node="1010", why="D3", now=world.now())
    brake.trip(site=SITE, node="1010", why="again", now=world.now())
    assert brake.tripped(SITE) == {"1010": "D3"}
    world.review(0, [("1010", "A", "5"), ("1020", "B", "5")])
    assert world.drain().facts == {"in_shadow": 1}
    assert world.states() == {"A": State.OWED, "B": State.FILED}
    brake.rearm(site=SITE, node="1010", who="ada", now=world.now())
    assert world.drain().filed == 1
    with pytest.raises(CommandRefused, match="is not tripped"):
        brake.rearm(site=SITE, node="1010", who="ada", now=world.now())
    world.sound()


def test_a_lost_lock_stops_the_next_send(world):
    world.review(0, [("1010", "A", "5")])
    world.leads = lambda: False
    assert world.drain().stopped == "the leader lock was lost"
    assert world.erp.posts == []


def test_a_stopping_daemon_sends_nothing_more(world):
    world.review(0, [("1010", "A", "5")])
    world.stopping = lambda: True
    assert world.drain().stopped == "the daemon is stopping"
    assert world.erp.posts == []


def test_a_replaced_process_may_not_write_an_intent(state_dir):
    old = World(directory=state_dir)
    old.review(0, [("1010", "A", "5")])
    World(directory=state_dir)  # takes the ledger over, whatever became of the lock
    with pytest.raises(NotLeader, match="epoch 1; epoch 2"):
        old.drain()
    assert old.erp.posts == []
    with pytest.raises(NotLeader):
        old.review(1)


@pytest.mark.parametrize(("sends", "seconds"), [(1, 0.0), (3, 0.0), (4, 0.5), (7, 2.0)])
def test_a_burst_of_sends_goes_through_and_then_its_rate(sends, seconds):
    world = World(conduct=replace(QUICK, sends_per_second=2.0, sends_at_once=3, document_lines=1))
    world.review(0, [("1010", f"I{number}", "5") for number in range(sends)])
    begun = world.clock.elapsed
    assert world.drain().filed == sends
    assert world.clock.elapsed - begun == pytest.approx(seconds)


def test_a_clock_that_stands_or_goes_back_makes_no_permits():
    world = World(conduct=replace(QUICK, sends_per_second=2.0, sends_at_once=1, patience_seconds=0))
    world.review(0, [("1010", "A", "5"), ("1020", "B", "5")])
    refused = "throttled: the next send is due in 0.5 s"
    first = world.drain()
    assert (first.filed, first.stopped) == (1, refused)
    world.clock.elapsed -= 5.0
    again = world.drain()
    assert (again.filed, again.stopped) == (0, refused)
    assert len(world.erp.posts) == 1


def test_a_lock_file_that_is_replaced_while_it_is_taken_is_not_leadership(tmp_path):
    class Replaced(LeaderLock):
        """The lock file is swapped between opening and locking it."""

        def held(self) -> bool:
            self.path.unlink()
            self.path.write_text("4711")
            return super().held()

    with pytest.raises(NotLeader, match="is held by process unknown"):
        Replaced(tmp_path)


def test_a_lock_given_back_twice_is_given_back(tmp_path):
    lock = LeaderLock(tmp_path)
    lock.release()
    lock.release()
    assert not lock.held()


def test_a_daemon_told_to_stop_while_it_waits_for_a_token_sends_no_more():
    conduct = replace(QUICK, sends_per_second=0.1, sends_at_once=1)
    world = World(conduct=conduct)
    world.review(0, [("1010", "A", "5"), ("1020", "B", "5")])
    world.stopping = lambda: bool(world.erp.posts) and world.clock.age > 5
    drained = world.drain()
    assert (drained.filed, drained.stopped) == (1, "the daemon is stopping")


def test_without_a_stop_signal_nothing_stops(world):
    given = {**vars(world.outbox.outside)}
    del given["stopping"]
    world.review(0, [("1010", "A", "5")])
    assert Dispatcher(Outside(**given)).drain(SITE).filed == 1


def test_the_holder_can_be_asked_for_without_taking_the_lock(tmp_path):
    assert holder_of(tmp_path) == ""
    with LeaderLock(tmp_path) as lock:
        assert holder_of(tmp_path) == str(os.getpid())
        assert lock.held()
    assert holder_of(tmp_path) == ""
    with LeaderLock(tmp_path):
        pass
