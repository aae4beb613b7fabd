"""The rows of the crash matrix that are about the disk: full, or without power."""

from __future__ import annotations

import random
from dataclasses import replace

import apsw
import pytest
from ledger_disks import BrokenDisk, FragileDisk
from ledger_worlds import World

from connector.errors import LedgerUnavailable
from connector.ledger.brake import Brake
from connector.ledger.lines import State
from connector.ledger.store import Store

S = State


def filed_once(world) -> None:
    assert world.states() == {"A": S.FILED}
    assert world.erp.times_filed() == {world.lines()["A"].key: 1}
    world.sound()


@pytest.fixture
def disk():
    disk = BrokenDisk()
    yield disk
    disk.unregister()


def on_disk(state_dir, disk) -> World:
    """Return a world whose ledger lies on that disk, with one line owed."""
    world = World(directory=state_dir)
    world.review(0, [("1010", "A", "5")])
    world.ledger.store.close()
    store = Store.open(state_dir / "ledger.sqlite", now=world.now(), vfs=disk.name)
    world.ledger = replace(world.ledger, store=store, brake=Brake(store, None))
    world.outbox = world._dispatcher()
    return world


def test_row_15_the_disk_is_full_at_the_intent(state_dir, disk):
    world = on_disk(state_dir, disk)
    disk.error = apsw.FullError("no space")
    with pytest.raises(LedgerUnavailable, match="the disk is full"):
        world.drain()
    assert world.erp.posts == []  # no intent, no send
    disk.error = None
    assert world.states() == {"A": S.OWED}
    world.drain()
    filed_once(world)


def test_row_16_the_disk_is_full_at_the_answer(state_dir, disk):
    world = on_disk(state_dir, disk)

    def fill(_):
        disk.error = apsw.FullError("no space")
        return "file"

    world.erp.faults = fill
    with pytest.raises(LedgerUnavailable, match="the disk is full"):
        world.drain()
    disk.error, world.erp.faults = None, lambda _: "file"
    assert world.states() == {"A": S.INTENT}
    assert world.drain().filed == 1
    filed_once(world)


def survives_power_losses(directory, synchronous: str, losses: int) -> int:
    """Return after how many of these losses an acknowledged commit was gone or the file bad."""
    bad = 0
    for seed in range(losses):
        rng, disk = random.Random(seed), FragileDisk()  # noqa: S311
        path = directory / f"{synchronous}-{seed}.sqlite"
        store = Store.open(path, now=World().now(), vfs="fragile-disk")
        store.connection.pragma("synchronous", synchronous)
        commits = rng.randint(1, 30)
        for number in range(commits):
            with store.write() as write:
                write.run(
                    "INSERT INTO halt (site, at, who, why) VALUES ('', '', ?, ?)",
                    (str(number), "x" * rng.randint(1, 3_000)),
                )
        left = disk.lose_power(rng, directory / f"{synchronous}-{seed}") / path.name
        try:
            after = Store.open(left, now=World().now())
            kept = after.rows("SELECT count(*) FROM halt")[0][0]
            bad += kept < commits or after.integrity() != ()
            after.close()
        except LedgerUnavailable:
            bad += 1
        store.close()
        disk.unregister()
    return bad


def test_row_17_a_power_loss_keeps_every_acknowledged_commit(tmp_path):
    assert survives_power_losses(tmp_path, "FULL", 20) == 0


def test_row_17_the_same_harness_sees_that_less_than_full_is_not_enough(tmp_path):
    assert survives_power_losses(tmp_path, "NORMAL", 10) > 5
