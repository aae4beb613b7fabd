"""What is out of scope is read and never reviewed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from site_desks import ITEM_NAMES, LOW, NODES

from connector.inventory.snapshot import History
from connector.site.scope import ScopedReader


@pytest.mark.parametrize(
    ("include", "exclude", "left"),
    [
        ((), (), {"CUPS", "MILK", "SALT", "TEA"}),
        ((), ("SALT", "NONE"), {"CUPS", "MILK", "TEA"}),
        (("SALT", "TEA"), (), {"SALT", "TEA"}),
        (("SALT", "TEA"), ("TEA",), {"SALT"}),
        (("NONE",), (), set()),
    ],
)
def test_only_items_in_scope_are_reviewed_and_all_else_is_as_read(house, include, exclude, left):
    whole = house.reader.pull(house.clock.now(), History())
    scoped = ScopedReader(reader=house.reader, include=include, exclude=exclude)
    snapshot = scoped.pull(house.clock.now(), History())
    assert set(snapshot.items["item"]) == left
    assert snapshot.items.height == len(left) * len(NODES)
    assert snapshot.items.schema == whole.items.schema
    for name in ("stock", "pipeline", "faults"):
        assert getattr(snapshot, name).equals(getattr(whole, name))
    assert snapshot.feeds == whole.feeds  # the evidence that the read was complete
    assert snapshot.history is not None


def test_the_clock_is_the_erps(house):
    house.clock.sleep(5.0)
    scoped = ScopedReader(reader=house.reader, include=("TEA",))
    assert scoped.server_time() == house.clock.wall


def test_an_item_out_of_scope_is_never_ordered_however_short_it_is(house):
    scoped = ScopedReader(reader=house.reader, exclude=("SALT",))
    house.desk.rewire(replace(house.wiring, erp=replace(house.wiring.erp, reader=scoped)))
    house.stock = dict.fromkeys(house.stock, LOW)
    house.desk.tick()
    assert {line.item for line in house.lines()} == set(ITEM_NAMES) - {"SALT"}
    assert {line.item for line in house.erp.filed} == set(ITEM_NAMES) - {"SALT"}
    assert house.desk.notes.report.items == 6
