from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import tried
from sap_drafts import THREE, document, line
from sap_world import SITE

from connector.erp.odata.errors import Message
from connector.erp.sap.naming import messages_of_lines
from connector.erp.sap.requisition import REFUSED, payload, quantity_text
from connector.ports import (
    Filed,
    Rejected,
)


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


def test_one_bad_line_is_named_so_that_the_others_can_go(sap, poster):
    sap.filing.rejects["100002"] = {
        "code": "ME/083",
        "message": "Plant not maintained",
        "severity": "error",
        "target": "to_PurchaseReqnItem/results/{n}/Material",
    }
    refused = poster().post(THREE)
    assert {m.line_key for m in refused.messages} == {"", "KEY0000001"}


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


def test_repeats_are_known_by_the_same_request_id(sap, poster):
    mine = poster(site=replace(SITE, repeatability=True))
    for _ in range(2):
        mine.post(document(line(0)))
    sent = [headers["RequestID"] for headers in sap.post_headers]
    assert sent[0] == sent[1] == hashlib.sha256(b"live/DOCUMENT22").hexdigest()[:32].upper()
    assert sap.post_headers[0]["RepeatabilityCreation"] == "2026-11-24T06:00:00"
    poster().post(document(line(0)))
    assert "RequestID" not in sap.post_headers[-1]
