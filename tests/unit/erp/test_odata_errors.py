from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import tried

from connector.erp.odata.answers import Answer, http_date, is_no_data, trouble
from connector.erp.odata.errors import gateway_error, header_messages
from connector.errors import ErpContractBroken, ErpDenied, ErpUnavailable

BODY = {
    "error": {
        "code": "06/026",
        "message": {"lang": "en", "value": "Please enter material number"},
        "innererror": {
            "transactionid": "5F3E",
            "errordetails": [
                {
                    "code": "06/026",
                    "message": "Please enter material number",
                    "severity": "error",
                    "propertyref": "Material",
                    "target": "/to_PurchaseReqnItem(1)",
                },
                {"code": "ME/083", "message": "Please enter Plant", "severity": "error"},
                {"code": "ME/083", "message": "Please enter Plant", "severity": "error"},
                {"code": "W5/001", "message": "Price is old", "severity": "warning"},
                {"code": "00/001", "message": "Note", "severity": "info"},
            ],
        },
    }
}


def test_an_error_is_its_messages_each_once_and_best_pointed():
    error = gateway_error(orjson.dumps(BODY), "application/json")
    assert (error.code, error.text) == ("06/026", "Please enter material number")
    assert [(m.code, m.severity, m.field) for m in error.messages] == [
        ("06/026", "error", "Material"),
        ("ME/083", "error", ""),
        ("W5/001", "warning", ""),
        ("00/001", "info", ""),
    ]


XML = (
    b'<?xml version="1.0"?><error xmlns="http://schemas.microsoft.com/ado/2007/08/dataservices/metadata">'
    b'<code>06/026</code><message xml:lang="en">Please enter material number</message><innererror>'
    b"<errordetails><errordetail><code>ME/083</code><message>Please enter Plant</message>"
    b"<propertyref>Plant</propertyref><severity>error</severity><target/></errordetail>"
    b"</errordetails></innererror></error>"
)


def test_xml_says_the_same():
    error = gateway_error(XML, "application/xml")
    assert (error.code, error.text) == ("06/026", "Please enter material number")
    assert [(m.code, m.field) for m in error.messages] == [("06/026", ""), ("ME/083", "Plant")]


def test_v4_words_and_wrapped_details_are_read_too():
    v4 = {"error": {"code": "X/1", "message": "no", "details": [{"code": "X/2", "message": "why"}]}}
    assert [m.code for m in gateway_error(orjson.dumps(v4), "").messages] == ["X/1", "X/2"]
    wrapped = {
        "error": {
            "code": "X/1",
            "message": {"value": "no"},
            "innererror": {"errordetails": {"errordetail": [{"code": "X/3"}]}},
        }
    }
    assert [m.code for m in gateway_error(orjson.dumps(wrapped), "").messages] == ["X/1", "X/3"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"CSRF token validation failed",
        b"<html>",
        b"{}",
        b'{"error":"x"}',
        b"[]",
        b'<!DOCTYPE e [<!ENTITY a "b">]><error/>',
        b'{"error":{"code":',
    ],
)
def test_what_is_no_error_body_is_none(body):
    assert gateway_error(body, "text/plain") is None


@tried
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(0, 9), st.text(max_size=5)),
        lambda x: st.one_of(
            st.lists(x, max_size=3),
            st.dictionaries(
                st.sampled_from(
                    [
                        "error",
                        "code",
                        "message",
                        "value",
                        "innererror",
                        "errordetails",
                        "severity",
                        "errordetail",
                        "details",
                        "target",
                    ]
                ),
                x,
                max_size=4,
            ),
        ),
        max_leaves=12,
    )
)
def test_no_json_raises(content):
    gateway_error(orjson.dumps({"error": content}), "application/json")
    header_messages({"sap-message": orjson.dumps(content).decode()})


def test_messages_beside_a_success_are_read():
    header = {
        "code": "ME/040",
        "message": "Date moved",
        "severity": "warning",
        "target": "",
        "details": [{"code": "ME/041", "message": "Really", "severity": "info"}],
    }
    found = header_messages({"sap-message": orjson.dumps(header).decode()})
    assert [(m.code, m.severity) for m in found] == [("ME/040", "warning"), ("ME/041", "info")]
    assert header_messages({"sap-message": "<notification/>"}) == ()
    numeric = [{"code": "A", "message": "b", "numericSeverity": 4}]
    found = header_messages({"sap-messages": orjson.dumps(numeric).decode()})
    assert found[0].severity == "error"


def answer(status, body=b"", kind="application/json", **headers):
    return Answer(
        method="GET",
        url="https://e.example/s/A?x=1",
        status=status,
        headers={"Content-Type": kind, **headers},
        body=body,
    )


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, ErpContractBroken),
        (400, ErpContractBroken),
        (401, ErpDenied),
        (403, ErpDenied),
        (404, ErpContractBroken),
        (405, ErpContractBroken),
        (429, ErpUnavailable),
        (500, ErpUnavailable),
        (503, ErpUnavailable),
        (204, ErpContractBroken),
    ],
)
def test_a_status_is_whose_trouble_it_is(status, kind):
    found = trouble(answer(status, orjson.dumps(BODY)))
    assert type(found) is kind
    assert found.hint
    assert "?x=1" not in str(found)


def test_a_redirect_is_named_by_its_host_alone():
    found = trouble(answer(302, Location="https://sso.example/login?token=abc"))
    assert "sso.example" in str(found)
    assert "abc" not in str(found)


def test_no_data_is_not_an_error():
    none = {"error": {"code": "/IWBEP/CM_MGW_RT/022", "message": {"value": "Data is not Found"}}}
    assert is_no_data(answer(400, orjson.dumps(none)))
    assert not is_no_data(answer(400, orjson.dumps(BODY)))
    assert not is_no_data(answer(500, orjson.dumps(none)))


@pytest.mark.parametrize("text", ["", "yesterday", "Tue, 99 Nov 2026 00:00:00 GMT", "0"])
def test_what_is_no_date_is_none(text):
    assert http_date(text) is None
