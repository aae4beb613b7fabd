from __future__ import annotations

from datetime import date
from decimal import Decimal

import polars as pl
import pytest

from connector.erp.memory import InMemoryErp
from connector.errors import ErpUnavailable
from connector.inventory.snapshot import FAULTS, ITEMS, PIPELINE, STOCK, History, Snapshot
from connector.ports import (
    Filed,
    InDoubt,
    NotSent,
    Rejected,
    RequisitionDocument,
    RequisitionLine,
    Validated,
)


def line(key, item="A"):
    return RequisitionLine(
        key=key,
        site="s",
        node="1000",
        item=item,
        quantity=Decimal(2),
        unit="PC",
        due=date(2026, 12, 1),
        purchasing_group="001",
    )


def document(*lines):
    return RequisitionDocument(key="D", node="1000", purchasing_group="001", lines=lines)


@pytest.fixture
def erp(clock):
    frames = {
        "items": pl.DataFrame(schema=ITEMS),
        "stock": pl.DataFrame(schema=STOCK),
        "pipeline": pl.DataFrame(schema=PIPELINE),
        "faults": pl.DataFrame(schema=FAULTS),
    }
    snapshot = Snapshot(
        site="s", taken_at=clock.now(), erp_date=date(2026, 11, 24), history=History(), **frames
    )
    return InMemoryErp(snapshot, clock, late_seconds=60.0)


def test_it_files_twice_when_asked_twice(erp):
    numbers = [erp.post(document(line("K1"))).number for _ in range(2)]
    assert [each.number for each in erp.find(["K1"])] == numbers
    assert erp.posts == 2


@pytest.mark.parametrize(
    ("trouble", "kind", "stored"),
    [
        ("unreachable", NotSent, 0),
        ("throttled", NotSent, 0),
        ("lost_before", InDoubt, 0),
        ("lost_after", InDoubt, 1),
        ("late", InDoubt, 0),
    ],
)
def test_each_trouble_stores_what_it_says(trouble, kind, stored, erp):
    erp.troubles = [trouble]
    assert type(erp.post(document(line("K1")))) is kind
    assert len(erp.find(["K1"])) == stored
    assert isinstance(erp.post(document(line("K2"))), Filed)


def test_a_late_commit_shows_up_later(erp, clock):
    erp.troubles = ["late"]
    erp.post(document(line("K1")))
    assert erp.find(["K1"]) == []
    clock.elapsed = 61.0
    assert [each.key for each in erp.find(["K1"])] == ["K1"]


def test_one_bad_line_sinks_all(erp):
    erp.rejects = {"B": "not maintained"}
    refused = erp.post(document(line("K1"), line("K2", "B")))
    assert isinstance(refused, Rejected)
    assert [message.line_key for message in refused.messages] == ["K2"]
    assert erp.filed == []


def test_people_delete_and_convert_and_lines_can_hide(erp):
    filed = erp.post(document(line("K1"), line("K2")))
    erp.delete(filed.number, filed.lines["K1"])
    erp.convert(filed.number, filed.lines["K2"], Decimal("1.5"))
    found = {each.key: each for each in erp.find(["K1", "K2"])}
    assert (found["K1"].deleted, found["K2"].ordered) == (True, Decimal("1.5"))
    erp.hidden = {"K1"}
    assert [each.key for each in erp.find(["K1", "K2"])] == ["K2"]
    assert len(erp.filed) == 2


def test_when_it_is_down_nothing_is_known(erp, clock):
    erp.is_down = True
    assert isinstance(erp.post(document(line("K1"))), NotSent)
    for ask in (
        lambda: erp.find(["K1"]),
        erp.server_time,
        lambda: erp.pull(clock.now(), History()),
    ):
        with pytest.raises(ErpUnavailable):
            ask()


def test_a_validator_stores_nothing(erp):
    erp.mode = "validate"
    assert isinstance(erp.post(document(line("K1"))), Validated)
    assert erp.filed == []
