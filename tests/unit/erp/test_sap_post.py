from __future__ import annotations

from decimal import Decimal

import pytest
import responses
from sap_drafts import THREE, document, line
from sap_world import SITE
from strict_sap import Habits

from connector.erp.odata.connection import Connection
from connector.erp.sap.fields import REQUISITION_SERVICE
from connector.erp.sap.post import SapPoster
from connector.errors import ErpContractBroken, ErpDenied, ErpUnavailable
from connector.ports import (
    Filed,
    NotSent,
)


def test_filed_lines_know_their_numbers_and_are_found_again(poster):
    mine = poster()
    filed = mine.post(THREE)
    assert (filed.number, filed.lines) == (
        "10000000",
        {"KEY0000000": "10", "KEY0000001": "20", "KEY0000002": "30"},
    )
    found = mine.find(["KEY0000001", "NEVERSENT1"])
    assert [(f.key, f.number, f.line, f.item, f.quantity) for f in found] == [
        ("KEY0000001", "10000000", "20", "100002", Decimal("20.000"))
    ]
    assert mine.find([]) == []


def test_asked_twice_it_files_twice_and_both_are_found(poster):
    mine = poster()
    numbers = [mine.post(THREE).number for _ in range(2)]
    assert numbers == ["10000000", "10000001"]
    assert sorted(f.number for f in mine.find(["KEY0000000"])) == numbers


def test_many_keys_are_searched_in_chunks_with_all_pages(sap, poster):
    sap.habits = Habits(cap=3)
    mine = poster()
    keys = []
    for n in range(30):
        key = f"MANY{n:06d}"
        keys.append(key)
        mine.post(document(line(0, key=key)))
    sap.asked.clear()
    found = mine.find([*keys, *(f"NONE{n:06d}" for n in range(60))])
    assert {f.key for f in found} == set(keys)
    first_pages = [url for url in sap.asked if "$filter" in url and "$skiptoken" not in url]
    assert len(first_pages) == 3


def test_deleted_lines_are_found_as_deleted(sap, poster):
    mine = poster()
    mine.post(THREE)
    for row in sap.rows(REQUISITION_SERVICE, "A_PurchaseRequisitionItem"):
        if row.get("RequirementTracking") == "KEY0000001":
            row |= {"IsDeleted": "X", "OrderedQuantity": Decimal("7.500")}
    (found,) = mine.find(["KEY0000001"])
    assert (found.deleted, found.closed, found.ordered) == (True, False, Decimal("7.500"))


@pytest.mark.parametrize("unset", ["null", "absent", "initial"])
def test_a_search_reads_whatever_unset_looks_like(unset, sap, poster):
    sap.habits = Habits(unset=unset, padded=True)
    mine = poster()
    mine.post(document(line(0)))
    (found,) = mine.find(["KEY0000000"])
    assert (found.deleted, found.closed, found.ordered, found.line) == (
        False,
        False,
        Decimal(0),
        "10",
    )


def test_a_search_that_cannot_be_trusted_raises(sap, poster, clock):
    mine = poster()
    mine.post(THREE)
    sap.get_faults.extend([503] * 9)
    with pytest.raises(ErpUnavailable):
        mine.find(["KEY0000000"])
    sap.get_faults.clear()
    sap.get_faults.extend([401])
    with pytest.raises(ErpDenied):
        mine.find(["KEY0000000"])
    sap.get_faults.clear()
    for row in sap.rows(REQUISITION_SERVICE, "A_PurchaseRequisitionItem"):
        row["RequestedQuantity"] = "many"
    with pytest.raises(ErpUnavailable, match="many"):
        mine.find(["KEY0000000"])
    sap.hidden_properties = {"RequirementTracking"}
    with pytest.raises(ErpContractBroken, match="RequirementTracking"):
        poster().find(["KEY0000000"])


def test_lines_without_keys_prove_nothing(sap, poster):
    honest = sap.page

    def blank(service, entity_set, options):
        status, content = honest(service, entity_set, options)
        for row in content["d"]["results"]:
            row["RequirementTracking"] = ""
        return status, content

    mine = poster()
    mine.post(THREE)
    sap.page = blank
    with pytest.raises(ErpUnavailable, match="without RequirementTracking"):
        mine.find(["KEY0000000"])


def test_nothing_is_sent_when_nobody_answers_the_door(sap, poster, clock):
    mine = poster()
    sap.get_faults.extend([401])
    assert isinstance(mine.post(THREE), NotSent)
    sap.get_faults.clear()
    sap.get_faults.extend([503] * 5)
    assert isinstance(mine.post(THREE), NotSent)
    away = SapPoster(
        Connection(base_url="http://127.0.0.1:9", attempts=1), SITE, clock, mode="live"
    )
    assert isinstance(away.post(THREE), NotSent)
    assert sap.posted == []


def test_a_token_is_fetched_once_and_anew_when_it_has_expired(sap, poster):
    mine = poster()
    mine.post(document(line(0)))
    mine.post(document(line(1)))
    assert sap.filing.fetches == 1
    sap.filing.expire()
    assert isinstance(mine.post(document(line(2))), Filed)
    assert sap.filing.fetches == 2
    assert len(sap.posted) == 3  # the write at the door was turned away before it was looked at


def test_a_token_refused_twice_is_not_sent(sap, poster):
    mine = poster()
    sap.filing._is_known = lambda _handler: False
    assert isinstance(mine.post(THREE), NotSent)
    assert sap.filing.fetches == 2
    assert sap.posted == []


def test_a_door_that_closes_between_the_two_tries_is_certain(sap, poster):
    mine = poster()
    mine.post(document(line(0)))
    sap.filing.expire()
    sap.get_faults.extend([503, 503])
    assert isinstance(mine.post(document(line(1))), NotSent)
    assert len(sap.posted) == 1


def test_a_server_without_tokens_is_written_to_without_one(sap, poster):
    sap.habits = Habits(csrf=False)
    assert isinstance(poster().post(THREE), Filed)
    assert "X-CSRF-Token" not in sap.post_headers[0]


@responses.activate
def test_a_token_may_have_to_be_fetched_by_head(clock):
    root = f"https://erp.example/sap/opu/odata/sap/{REQUISITION_SERVICE}/"
    responses.add("GET", root, status=405)
    responses.add("HEAD", root, headers={"x-csrf-token": "abc"})
    body = {"d": {"PurchaseRequisition": "0010000012"}}
    responses.add("POST", f"{root}A_PurchaseRequisitionHeader", json=body, status=201)
    mine = SapPoster(Connection(base_url="https://erp.example"), SITE, clock, mode="live")
    filed = mine.post(THREE)
    assert (filed.number, filed.lines["KEY0000002"]) == ("10000012", "30")
    assert responses.calls[-1].request.headers["X-CSRF-Token"] == "abc"
