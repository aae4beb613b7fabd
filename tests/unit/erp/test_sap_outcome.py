from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import tried
from sap_drafts import THREE, answers, document, line
from strict_sap import error

from connector.erp.odata.answers import Answer
from connector.erp.sap.outcome import outcome
from connector.ports import (
    Filed,
    InDoubt,
    NotSent,
    Rejected,
    Validated,
)


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


@pytest.mark.parametrize("status", [400, 404, 409, 412, 422, 423])
def test_a_refusal_in_saps_own_words_is_definite(status, sap, poster):
    body = orjson.dumps(error("ME/083", "Please enter Plant"))
    sap.filing.faults.append(answers(status, body))
    refused = poster().post(THREE)
    assert isinstance(refused, Rejected)
    assert [(m.code, m.text) for m in refused.messages] == [("ME/083", "Please enter Plant")]


@pytest.mark.parametrize(("status", "next_step"), [(401, "password"), (403, "M_BANF_WRK")])
def test_who_is_not_let_in_hears_the_erps_words_and_the_next_step(status, next_step, sap, poster):
    body = orjson.dumps(error("06/236", "No authorization in plant 1010"))
    sap.filing.faults.append(answers(status, body))
    found = poster().post(THREE)
    assert isinstance(found, NotSent)
    assert found.retry_after_seconds == 0
    assert "06/236 No authorization in plant 1010" in found.reason
    assert next_step in found.reason


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
