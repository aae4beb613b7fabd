"""One suite, every ERP: in memory, the strict SAP over HTTP, and the sandbox over its doors."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from connector.sandbox.options import SandboxOptions

sys.path.insert(0, str(Path(__file__).parents[1] / "unit" / "erp"))
from sandbox_doors import opened
from sap_world import SITE, connection, fill
from strict_sap import NOW, StrictSap

from connector.clock import SystemClock
from connector.erp.memory import InMemoryErp
from connector.erp.odata.connection import Basic, Connection
from connector.erp.sap.plan import REQUISITION_SET
from connector.erp.sap.post import SapPoster
from connector.erp.sap.read import SapReader
from connector.erp.sap.site import SapSite
from connector.erp.shadow import ShadowPoster
from connector.errors import ErpUnavailable
from connector.inventory import snapshot as shape
from connector.inventory.snapshot import History
from connector.ports import (
    Filed,
    InDoubt,
    NotSent,
    Recorded,
    Rejected,
    RequisitionDocument,
    RequisitionLine,
    Validated,
)

AWAY = Connection(base_url="http://127.0.0.1:9", attempts=1)


@dataclass
class Subject:
    reader: Any
    poster: Any
    validator: Any
    away: Any  # a poster whose ERP does not answer
    items: list[tuple[str, str, str]]  # node, item, unit
    reject: Any  # makes the ERP refuse an item
    lose_answer: Any  # makes it store and say nothing
    due: date = NOW.date() + timedelta(days=21)
    # What the reader must be told about time
    now: datetime = NOW


def strict():
    sap = StrictSap()
    fill(sap)
    link, clock = connection(sap, attempts=1), SystemClock()
    bad = {
        "code": "ME/083",
        "message": "Plant not maintained",
        "severity": "error",
        "target": "x/{n}/y",
    }
    yield Subject(
        reader=SapReader(link, SITE, clock),
        poster=SapPoster(link, SITE, clock, mode="live"),
        validator=SapPoster(link, SITE, clock, mode="validate"),
        away=SapPoster(AWAY, SITE, clock, mode="live"),
        items=[("1010", "100001", "PC"), ("1010", "FG-3", "PC"), ("1010", "0A", "PC")],
        reject=lambda item: sap.filing.rejects.update({item: bad}),
        lose_answer=lambda: sap.filing.faults.append("lost_after"),
    )
    sap.close()


def memory():
    sap = StrictSap()
    fill(sap)
    snapshot = SapReader(connection(sap), SITE, SystemClock()).pull(NOW, History())
    sap.close()
    erp = InMemoryErp(snapshot, SystemClock())
    validator = InMemoryErp(snapshot, SystemClock(), mode="validate")
    away = InMemoryErp(snapshot, SystemClock())
    away.is_down = True

    def reject(item):
        erp.rejects[item] = validator.rejects[item] = "Plant not maintained"

    yield Subject(
        reader=erp,
        poster=erp,
        validator=validator,
        away=away,
        items=[("1010", "100001", "PC"), ("1010", "FG-3", "PC"), ("1010", "0A", "PC")],
        reject=reject,
        lose_answer=lambda: erp.troubles.append("lost_after"),
    )


def sandbox():
    with opened(items=24, regions=2, history_days=30) as doors:
        usual = SandboxOptions()
        login = Basic(user=usual.user, password=usual.password)
        there = {"client": usual.client, "credentials": login, "attempts": 1}
        link = Connection(base_url=doors.doors.url, **there)
        site, clock = SapSite(name="demo", plants=("1000", "1010", "1020")), SystemClock()
        reader = SapReader(link, site, clock)
        items = reader.pull(clock.now(), History()).items.filter(pl.col("blocked").not_())
        some = items.filter(pl.col("node") == "1010").head(2).select("node", "item", "unit").rows()
        yield Subject(
            reader=reader,
            poster=SapPoster(link, site, clock, mode="live"),
            validator=SapPoster(link, site, clock, mode="validate"),
            away=SapPoster(AWAY, site, clock, mode="live"),
            items=[*some, ("1010", "NOSUCH", "PC")],
            reject=lambda _item: None,  # it is unknown there as it is
            lose_answer=lambda: doors.plant("lost_answer", count=1, entity=REQUISITION_SET),
            due=reader.server_time().date() + timedelta(days=21),
            now=clock.now(),
        )


@pytest.fixture(params=[memory, strict, sandbox], ids=lambda make: make.__name__, scope="module")
def subject(request):
    yield from request.param()


_counter = iter(range(1, 10_000))


@pytest.fixture
def draft(subject):
    def make(*positions):
        lines = []
        for position in positions:
            node, item, unit = subject.items[position]
            lines.append(
                RequisitionLine(
                    key=f"CNTR{next(_counter):06d}",
                    site="dc1",
                    node=node,
                    item=item,
                    unit=unit,
                    quantity=Decimal("12.000"),
                    due=subject.due,
                    purchasing_group="001",
                    supplying_node="1000",
                )
            )
        key = f"DCMT{next(_counter):06d}"
        return RequisitionDocument(
            key=key, node=lines[0].node, purchasing_group="001", lines=tuple(lines)
        )

    return make


def test_a_pull_has_the_contracts_shape(subject):
    snapshot = subject.reader.pull(subject.now, History())
    assert snapshot.taken_at == subject.now
    assert snapshot.taken_at.tzinfo is not None
    for name, schema in (
        ("items", shape.ITEMS),
        ("stock", shape.STOCK),
        ("pipeline", shape.PIPELINE),
        ("faults", shape.FAULTS),
    ):
        assert getattr(snapshot, name).schema == schema
    keys = snapshot.items.select("node", "item")
    assert keys.rows() == sorted(set(keys.rows()))
    assert set(snapshot.pipeline["kind"]) <= set(shape.PIPELINE_KINDS)
    assert set(snapshot.stock["standing"]) <= {"available", "in_transit", "inspection", "blocked"}
    assert (snapshot.pipeline["quantity"] > 0).all()
    assert snapshot.history.consumption.schema == shape.CONSUMPTION
    assert snapshot.history.receipts.schema == shape.RECEIPTS
    assert snapshot.history.orders.schema == shape.ORDERS


def test_a_second_pull_with_the_first_ones_history_says_the_same(subject):
    first = subject.reader.pull(subject.now, History())
    again = subject.reader.pull(subject.now, first.history)
    assert again.history.consumption.equals(first.history.consumption)
    assert again.history.receipts.equals(first.history.receipts)


def test_the_erps_clock_is_aware(subject):
    assert subject.reader.server_time().astimezone(UTC).tzinfo is UTC


def test_a_filed_document_has_a_number_and_a_line_for_each_key(subject, draft):
    document = draft(0, 1)
    filed = subject.poster.post(document)
    assert isinstance(filed, Filed), filed
    assert filed.number
    assert set(filed.lines) == {line.key for line in document.lines}
    assert len(set(filed.lines.values())) == 2


def test_what_was_filed_is_found_as_it_was_sent(subject, draft):
    document = draft(0, 1)
    filed = subject.poster.post(document)
    found = {each.key: each for each in subject.poster.find(list(filed.lines))}
    for line in document.lines:
        each = found[line.key]
        assert (each.node, each.item, each.unit) == (line.node, line.item, line.unit)
        assert (each.quantity, each.ordered) == (line.quantity, 0)
        assert (each.number, each.line) == (filed.number, filed.lines[line.key])
        assert not each.deleted


def test_what_was_never_sent_is_not_found(subject):
    assert subject.poster.find(["NEVERSENT1", "NEVERSENT2"]) == []
    assert subject.poster.find([]) == []


def test_asked_twice_it_files_twice(subject, draft):
    document = draft(0)
    numbers = {subject.poster.post(document).number for _ in range(2)}
    found = subject.poster.find([document.lines[0].key])
    assert {each.number for each in found} == numbers
    assert len(found) == 2


def test_a_validation_stores_nothing(subject, draft):
    document = draft(0)
    assert isinstance(subject.validator.post(document), Validated)
    assert subject.poster.find([document.lines[0].key]) == []


def test_an_erp_that_is_away_is_certain_about_posts_and_silent_about_finds(subject, draft):
    assert isinstance(subject.away.post(draft(0)), NotSent)
    with pytest.raises(ErpUnavailable):
        subject.away.find(["NEVERSENT1"])


def test_a_lost_answer_is_in_doubt_and_the_line_is_there(subject, draft):
    subject.lose_answer()
    document = draft(0)
    assert isinstance(subject.poster.post(document), InDoubt)
    assert len(subject.poster.find([document.lines[0].key])) == 1


def test_one_bad_line_sinks_its_document_and_is_named(subject, draft):
    subject.reject(subject.items[2][1])
    document = draft(0, 2)
    refused = subject.poster.post(document)
    assert isinstance(refused, Rejected)
    assert document.lines[1].key in {message.line_key for message in refused.messages}
    assert subject.poster.find([line.key for line in document.lines]) == []


def test_shadow_touches_nothing(draft):
    poster = ShadowPoster()
    assert poster.mode == "shadow"
    assert isinstance(poster.post(draft(0)), Recorded)
    assert poster.find(["A"]) == []
