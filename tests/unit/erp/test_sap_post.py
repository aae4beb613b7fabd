from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import orjson
import pytest
import responses
from hypothesis import given
from hypothesis import strategies as st
from laws import tried
from sap_world import SITE, connection
from strict_sap import Habits, error

from connector.erp.odata.answers import Answer
from connector.erp.odata.connection import Connection
from connector.erp.odata.errors import Message
from connector.erp.sap.fields import REQUISITION_SERVICE
from connector.erp.sap.naming import messages_of_lines
from connector.erp.sap.outcome import outcome
from connector.erp.sap.post import SapPoster
from connector.erp.sap.requisition import REFUSED, payload, quantity_text
from connector.errors import ErpContractBroken, ErpDenied, ErpUnavailable
from connector.ports import (
    Filed,
    InDoubt,
    NotSent,
    Rejected,
    RequisitionDocument,
    RequisitionLine,
    Validated,
)

DUE = date(2026, 12, 15)


def line(n, **changes):
    known = {
        "key": f"KEY000000{n}",
        "site": "dc1",
        "node": "1010",
        "item": ("100001", "100002", "FG-3", "5")[n],
        "quantity": Decimal(20),
        "unit": "PC",
        "due": DUE,
        "purchasing_group": "001",
        "supplying_node": "1000",
    }
    return RequisitionLine(**{**known, **changes})


def document(*lines, **changes):
    known = {"key": "DOCUMENT22", "node": "1010", "purchasing_group": "001", "lines": lines}
    return RequisitionDocument(**{**known, **changes})


THREE = document(line(0), line(1), line(2))


@pytest.fixture
def poster(sap, clock):
    made = []

    def make(mode="live", site=SITE, **changes):
        made.append(SapPoster(connection(sap, **changes), site, clock, mode=mode))
        return made[-1]

    yield make
    for each in made:
        each.close()


def test_a_requisition_is_written_to_the_letter(sap, poster):
    site = replace(
        SITE, purchasing_organizations={"1010": "1710"}, storage_locations={"1010": "171A"}
    )
    filed = poster(site=site).post(document(line(0), description="DOCUMENT22 dc 1010 2026-11-24"))
    assert isinstance(filed, Filed)
    assert sap.posted == [
        {
            "PurchaseRequisitionType": "NB",
            "PurReqnDescription": "DOCUMENT22 dc 1010 2026-11-24",
            "to_PurchaseReqnItem": {
                "results": [
                    {
                        "PurchaseRequisitionItem": "10",
                        "Material": "100001",
                        "Plant": "1010",
                        "StorageLocation": "171A",
                        "RequestedQuantity": "20.000",
                        "BaseUnit": "PC",
                        "DeliveryDate": "/Date(1797292800000)/",
                        "PurchasingGroup": "001",
                        "PurchasingOrganization": "1710",
                        "SupplyingPlant": "1000",
                        "RequirementTracking": "KEY0000000",
                        "RequisitionerName": "REPLENISHD",
                        "PurchaseRequisitionIsFixed": True,
                    }
                ]
            },
        }
    ]


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


@pytest.mark.parametrize(
    ("fault", "kind", "stored"),
    [
        ("lost_after", InDoubt, 1),
        ("reset_before", InDoubt, 0),
        ("truncated", InDoubt, 1),
        ("late", InDoubt, 0),
        (500, InDoubt, 1),
        (502, InDoubt, 1),
        (503, InDoubt, 1),
        (504, InDoubt, 1),
        (200, InDoubt, 1),
        (202, InDoubt, 1),
        (302, InDoubt, 1),
    ],
)
def test_what_nobody_can_tell_is_in_doubt(fault, kind, stored, sap, poster):
    mine = poster()
    sap.filing.faults.append(fault)
    assert type(mine.post(document(line(0)))) is kind
    assert len(mine.find(["KEY0000000"])) == stored
    assert len(sap.posted) <= 1


def answers(status, body, kind="application/json", **headers):
    return lambda handler: handler.raw(status, body, kind, headers)


@pytest.mark.parametrize("status", [400, 403, 404, 409, 412, 422, 423])
def test_a_refusal_in_saps_own_words_is_definite(status, sap, poster):
    body = orjson.dumps(error("ME/083", "Please enter Plant"))
    sap.filing.faults.append(answers(status, body))
    refused = poster().post(THREE)
    assert isinstance(refused, Rejected)
    assert [(m.code, m.text) for m in refused.messages] == [("ME/083", "Please enter Plant")]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 415, 418, 428])
def test_the_same_status_in_other_words_is_not(status, sap, poster):
    sap.filing.faults.append(answers(status, b"<html>no</html>", "text/html"))
    assert isinstance(poster().post(THREE), InDoubt)


@pytest.mark.parametrize("status", [405, 410, 415, 428])
def test_a_status_that_is_not_on_the_list_is_in_doubt_whatever_it_says(status, sap, poster):
    sap.filing.faults.append(answers(status, orjson.dumps(error("X/1", "no"))))
    assert isinstance(poster().post(THREE), InDoubt)


@pytest.mark.parametrize(
    ("status", "headers", "kind", "waits"),
    [
        (429, {"Retry-After": "7"}, NotSent, 7.0),
        (429, {}, NotSent, 0.0),
        (503, {"Retry-After": "3"}, NotSent, 3.0),
        (503, {}, InDoubt, None),
    ],
)
def test_throttled_before_dispatch_is_not_sent(status, headers, kind, waits, sap, poster):
    sap.filing.faults.append(answers(status, b"busy", "text/plain", **headers))
    found = poster().post(THREE)
    assert type(found) is kind
    assert getattr(found, "retry_after_seconds", None) == waits


def test_credentials_refused_are_not_the_lines_fault(sap, poster):
    sap.filing.faults.append(answers(401, orjson.dumps(error("401", "Logon failed"))))
    assert isinstance(poster().post(THREE), NotSent)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"d":{}}',
        b'{"d":{"PurchaseRequisition":""}}',
        b'{"d":{"PurchaseRequisition":"0000000000"}}',
        b'{"d":{"PurchaseRequisition":"100',
        b"<entry/>",
        b'{"d":null}',
        b'{"d":{"PurchaseRequisition":null}}',
    ],
)
def test_a_201_without_a_number_is_in_doubt(body, sap, poster):
    sap.filing.faults.append(answers(201, body))
    assert isinstance(poster().post(THREE), InDoubt)


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


def test_one_bad_line_is_named_so_that_the_others_can_go(sap, poster):
    sap.filing.rejects["100002"] = {
        "code": "ME/083",
        "message": "Plant not maintained",
        "severity": "error",
        "target": "to_PurchaseReqnItem/results/{n}/Material",
    }
    refused = poster().post(THREE)
    assert {m.line_key for m in refused.messages} == {"", "KEY0000001"}


def test_validation_stores_nothing(sap, poster):
    mine = poster("validate")
    assert isinstance(mine.post(THREE), Validated)
    assert sap.posted[0]["PurReqnDoOnlyValidation"] is True
    assert mine.find(["KEY0000000"]) == []
    sap.filing.rejects["FG-3"] = {"code": "ME/1", "message": "no", "severity": "error"}
    assert isinstance(mine.post(THREE), Rejected)


def test_validation_is_refused_by_us_where_the_switch_is_unknown(sap, poster):
    sap.hidden_properties = {"PurReqnDoOnlyValidation"}
    refused = poster("validate").post(THREE)
    assert isinstance(refused, NotSent)
    assert "would file" in refused.reason
    assert sap.posted == []


def test_a_validation_that_stored_is_told_as_what_it_is(sap, poster):
    sap.filing.faults.append(answers(201, b'{"d":{"PurchaseRequisition":"10000099"}}'))
    filed = poster("validate").post(THREE)
    assert (filed.number, filed.messages[0].severity) == ("10000099", "warning")


def test_warnings_come_beside_the_number(sap, poster):
    header = '{"code":"ME/040","message":"Item 00020: date moved","severity":"warning"}'
    body = b'{"d":{"PurchaseRequisition":"10000050"}}'
    sap.filing.faults.append(answers(201, body, **{"sap-message": header}))
    filed = poster().post(THREE)
    assert [(m.severity, m.line_key) for m in filed.messages] == [("warning", "KEY0000001")]


def test_the_erps_own_line_numbers_are_kept(sap, poster):
    rows = [
        {"PurchaseRequisitionItem": f"{n:05d}", "RequirementTracking": f"KEY000000{k}"}
        for n, k in ((1, 2), (2, 0), (3, 1))
    ]
    body = {"d": {"PurchaseRequisition": "10000051", "to_PurchaseReqnItem": rows}}
    sap.filing.faults.append(answers(201, orjson.dumps(body)))
    assert poster().post(THREE).lines == {"KEY0000002": "1", "KEY0000000": "2", "KEY0000001": "3"}


@pytest.mark.parametrize(
    "changes",
    [
        {"quantity": Decimal("1.0005")},
        {"quantity": Decimal(0)},
        {"quantity": Decimal(-1)},
        {"quantity": Decimal("NaN")},
        {"quantity": Decimal("1E+11")},
        {"quantity": Decimal("1E+40")},
        {"unit": ""},
        {"unit": "PIECE"},
        {"node": "1020"},
        {"key": "TOOLONGKEY1"},
        {"item": ""},
    ],
)
def test_a_line_that_does_not_fit_is_refused_not_cut(changes, sap, poster):
    refused = poster().post(document(line(0), line(1, **changes)))
    assert isinstance(refused, Rejected)
    assert {m.code for m in refused.messages} == {REFUSED}
    assert {m.line_key for m in refused.messages} == {changes.get("key", "KEY0000001")}
    assert sap.posted == []
    assert sap.asked == []


def test_a_document_has_a_limit_and_no_key_twice(poster):
    many = document(*(line(0, key=f"K{n:09d}") for n in range(101)))
    assert "101 lines" in poster().post(many).messages[0].text
    assert (
        "two lines" in poster().post(document(line(0), line(1, key="KEY0000000"))).messages[0].text
    )
    assert "0 lines" in poster().post(document()).messages[0].text


@tried
@given(st.decimals(Decimal("0.001"), Decimal("9999999999.999"), places=3))
def test_a_quantity_is_written_to_the_last_decimal(quantity):
    text = quantity_text(quantity, 3)
    assert re.fullmatch(r"\d+\.\d{3}", text)
    assert Decimal(text) == quantity


@tried
@given(st.dates(date(1970, 1, 1), date(9999, 12, 31)))
def test_a_day_is_written_as_its_midnight(day):
    body = payload(document(line(0, due=day)), SITE, scale=3, only_validate=False)
    written = body["to_PurchaseReqnItem"]["results"][0]["DeliveryDate"]
    days = int(written[6:-2]) / 86_400_000
    assert days == (day - date(1970, 1, 1)).days


@pytest.mark.parametrize(
    ("message", "keys"),
    [
        (Message(code="M", text="Item 00020: plant is missing"), ["KEY0000001"]),
        (Message(code="M", text="Error in item 30"), ["KEY0000002"]),
        (Message(code="M", text="Position 10 fehlerhaft"), ["KEY0000000"]),
        (Message(code="M", text="no", field="PREQ_ITEM 00030"), ["KEY0000002"]),
        (
            Message(
                code="M",
                text="x",
                target="/to_PurchaseReqnItem(PurchaseRequisition='',PurchaseRequisitionItem='00020')/Plant",
            ),
            ["KEY0000001"],
        ),
        (
            Message(code="M", text="x", target="to_PurchaseReqnItem/results/2/Material"),
            ["KEY0000002"],
        ),
        (Message(code="M", text="x", target="to_PurchaseReqnItem/0/Material"), ["KEY0000000"]),
        (Message(code="M", text="Tracking KEY0000001 is unknown"), ["KEY0000001"]),
        (
            Message(code="M", text="Material 000000000000100002 is locked by MUELLER"),
            ["KEY0000001"],
        ),
        (Message(code="M", text="Material FG-3 is not maintained in plant 1010"), ["KEY0000002"]),
        (Message(code="M", text="FG-3 is blocked."), ["KEY0000002"]),
        (Message(code="M", text="Material 1000 is not maintained"), [""]),
        (Message(code="M", text="Item category 7 is not allowed"), [""]),
        (Message(code="M", text="The period is closed"), [""]),
        (Message(code="M", text="Item 00040 does not exist"), [""]),
    ],
)
def test_messages_name_the_line_they_mean(message, keys):
    assert [m.line_key for m in messages_of_lines([message], THREE)] == keys


@tried
@given(st.text(max_size=60), st.text(max_size=40))
def test_no_wording_is_too_strange(text, target):
    found = messages_of_lines([Message(code="", text=text, target=target)], THREE)
    assert len(found) >= 1


@tried
@given(
    st.integers(100, 599), st.binary(max_size=80), st.sampled_from([None, 0.0, 5.0]), st.booleans()
)
def test_only_the_list_is_definite(status, body, waits, only_validate):
    answer = Answer(method="POST", url="https://e/x", status=status, headers={}, body=body)
    found = outcome(answer, THREE, waits=waits, only_validate=only_validate)
    assert not isinstance(found, Filed)
    if isinstance(found, NotSent):
        assert status == 429 or (status == 503 and waits is not None)


def test_repeats_are_known_by_the_same_request_id(sap, poster):
    mine = poster(site=replace(SITE, repeatability=True))
    for _ in range(2):
        mine.post(document(line(0)))
    sent = [headers["RequestID"] for headers in sap.post_headers]
    assert sent[0] == sent[1] == hashlib.sha256(b"live/DOCUMENT22").hexdigest()[:32].upper()
    assert sap.post_headers[0]["RepeatabilityCreation"] == "2026-11-24T06:00:00"
    poster().post(document(line(0)))
    assert "RequestID" not in sap.post_headers[-1]
