import time
from email.utils import parsedate_to_datetime

import pytest
import requests
from sandbox_doors import HEADER, LINES, STOCK, line, requisition

PRODUCTS = "API_PRODUCT_SRV/A_Product"
PLANTS = "API_PRODUCT_SRV/A_ProductPlant"
COUNTED = "?$top=5000&$inlinecount=allpages"


def filed(sandbox, key):
    return [row for row in sandbox.ledger()["lines"] if row["key"] == key]


def eventually(found, seconds=3.0):
    end = time.monotonic() + seconds
    while not (answer := found()) and time.monotonic() < end:
        time.sleep(0.02)
    return answer


@pytest.mark.parametrize(
    ("said", "status", "header", "starts"),
    [
        ({"status": 503, "retry_after": 2}, 503, "2", "<html>"),
        ({"status": 429, "format": "json", "retry_after": 1}, 429, "1", '{"error"'),
        ({"status": 429, "format": "none"}, 429, None, ""),
        ({"status": 503, "format": "json"}, 503, None, '{"error"'),
    ],
)
def test_it_turns_callers_away(sandbox, said, status, header, starts):
    sandbox.plant("status", count=1, **said)
    answer = sandbox.get(STOCK + "?$top=1")
    assert answer.status_code == status
    assert answer.headers.get("retry-after") == header
    assert answer.text.startswith(starts)
    assert sandbox.get(STOCK + "?$top=1").status_code == 200


def test_a_fault_meets_only_those_it_is_meant_for(sandbox):
    sandbox.plant("status", entity="A_Product", after=1, count=1)
    outcomes = [sandbox.get(path + "?$top=1").status_code for path in [PRODUCTS, STOCK] * 3]
    assert outcomes == [200, 200, 503, 200, 200, 200]
    told = sandbox.admin("GET", "/faults")
    assert told["faults"][0]["fired"] == 1
    assert told["log"][-1]["entity"] == "A_Product"


def test_faults_can_be_cleared_one_by_one(sandbox):
    first, second = (sandbox.plant("status", status=s)["planted"][0] for s in (500, 503))
    assert sandbox.admin("DELETE", f"/faults/{first}") == {"cleared": 1}
    assert sandbox.get(STOCK).status_code == 503
    assert second == first + 1
    assert sandbox.admin("DELETE", "/faults") == {"cleared": 1}


@pytest.mark.parametrize(
    "wrong", [{"kind": "earthquake"}, {"kind": "status", "match": {"colour": "red"}}]
)
def test_a_fault_nobody_knows_is_refused(sandbox, wrong):
    assert "error" in sandbox.admin("POST", "/faults", wrong)


def test_it_hangs_up(sandbox):
    sandbox.plant("reset", count=1)
    with pytest.raises(requests.ConnectionError):
        sandbox.get(STOCK)
    assert sandbox.get(STOCK + "?$top=1").status_code == 200


def test_it_is_slow(sandbox):
    sandbox.plant("slow", count=1, delay_ms=300)
    began = time.monotonic()
    assert sandbox.get(STOCK + "?$top=1").status_code == 200
    assert time.monotonic() - began >= 0.3


def test_it_shows_a_login_page_instead(sandbox):
    sandbox.plant("html_login", count=1)
    answer = sandbox.get(STOCK)
    assert answer.status_code == 200
    assert "text/html" in answer.headers["content-type"]


def test_it_sends_callers_elsewhere(sandbox):
    sandbox.plant("redirect", count=1, location="https://elsewhere.example/saml2")
    answer = sandbox.get(STOCK, allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (
        302,
        "https://elsewhere.example/saml2",
    )


def test_tokens_run_out_in_the_middle(sandbox):
    token = sandbox.token()
    sandbox.plant("csrf_invalid", count=1, method="POST")
    answer = sandbox.post(requisition(), token=token)
    assert (answer.status_code, answer.headers["x-csrf-token"]) == (403, "Required")
    sandbox.plant("token_expired", count=1)
    assert sandbox.get(STOCK).status_code == 401
    assert sandbox.post(requisition()).status_code == 201


def test_bodies_come_broken(sandbox):
    whole = sandbox.get(STOCK).content
    sandbox.plant("truncate", count=1, share=0.5)
    short = sandbox.get(STOCK)
    assert short.content == whole[: len(whole) // 2]
    with pytest.raises(ValueError, match=r"JSON|Expecting|Unterminated"):
        short.json()
    sandbox.plant("cut", count=1, share=0.5)
    with pytest.raises(requests.RequestException):
        sandbox.get(STOCK)


def test_bodies_come_in_drops(sandbox):
    sandbox.plant("drip", count=1, chunk_bytes=200, delay_ms=20)
    began = time.monotonic()
    assert len(sandbox.rows(STOCK + "?$top=3")) == 3
    assert time.monotonic() - began > 0.1


def test_the_date_may_be_wrong(sandbox):
    truth = parsedate_to_datetime(sandbox.get(STOCK).headers["date"])
    assert truth.isoformat() == sandbox.admin("GET", "/clock")["now"]
    sandbox.plant("skewed_date", count=1, seconds=-3600)
    skewed = parsedate_to_datetime(sandbox.get(STOCK).headers["date"])
    assert (truth - skewed).total_seconds() == 3600


def test_a_property_goes_away_or_is_called_differently(sandbox):
    sandbox.plant("property_removed", entity="A_ProductPlant", property="MRPType")
    sandbox.plant(
        "property_renamed", entity="A_ProductPlant", property="ABCIndicator", to="ABCCode"
    )
    row = sandbox.rows(PLANTS + "?$top=1")[0]
    assert "MRPType" not in row
    assert row["ABCCode"] in {"A", "B", "C"}
    assert sandbox.get(PLANTS + "?$select=MRPType").status_code == 400
    declared = sandbox.get("API_PRODUCT_SRV/$metadata").text
    plant_type = declared.partition('Name="A_ProductPlantType"')[2].partition("</EntityType>")[0]
    assert 'Name="ABCCode"' in plant_type
    assert 'Name="MRPType"' not in plant_type


def test_master_data_is_badly_kept(sandbox):
    sandbox.plant("unknown_unit", entity="A_MatlStkInAcctMod", materials=["100000"], unit="QQ")
    sandbox.plant("negative_stock", materials=["100001"], plant="1010", quantity="-7.5")
    sandbox.plant("empty_plant", entity="A_MatlStkInAcctMod", plant="1020")
    rows = sandbox.all_rows(STOCK)
    assert {row["Plant"] for row in rows} == {"1000", "1010"}
    units = {row["MaterialBaseUnit"] for row in rows if row["Material"] == "100000"}
    assert units == {"QQ"}
    amounts = {
        row["MatlWrhsStkQtyInMatlBaseUnit"]
        for row in rows
        if (row["Material"], row["Plant"]) == ("100001", "1010")
    }
    assert amounts == {"-7.5"}


def test_factors_rows_and_values_can_be_taken_away(sandbox):
    units = "API_PRODUCT_SRV/A_ProductUnitsOfMeasure"
    boxed = sandbox.all_rows(f"{units}?$filter=AlternativeUnit eq 'BOX'")
    material = boxed[0]["Product"]
    sandbox.plant("missing_factor", materials=[material])
    left = sandbox.all_rows(f"{units}?$filter=AlternativeUnit eq 'BOX'")
    assert [row["Product"] for row in left] == [row["Product"] for row in boxed[1:]]
    sandbox.plant("drop_rows", entity="A_ProductPlant", where={"Plant": "1010"})
    sandbox.plant(
        "set_value", entity="A_ProductPlant", property="PurchasingGroup", value="", where={}
    )
    rows = sandbox.all_rows(PLANTS + "?$top=5000")
    assert {row["Plant"] for row in rows} == {"1000", "1020"}
    assert {row["PurchasingGroup"] for row in rows} == {""}


def test_the_answer_is_lost_but_the_requisition_is_there(sandbox):
    sandbox.plant("lost_answer", count=1)
    with pytest.raises(requests.ConnectionError):
        sandbox.post(requisition(line(RequirementTracking="LOST000001")))
    assert len(filed(sandbox, "LOST000001")) == 1


def test_a_reset_before_the_commit_leaves_nothing(sandbox):
    token = sandbox.token()
    sandbox.plant("reset", count=1, method="POST")
    with pytest.raises(requests.ConnectionError):
        sandbox.post(requisition(line(RequirementTracking="RESET00001")), token=token)
    assert filed(sandbox, "RESET00001") == []


@pytest.mark.parametrize("status", [500, 502, 504])
def test_an_error_after_the_commit_lies(sandbox, status):
    key = f"ERR{status}"
    sandbox.plant("error_after_commit", count=1, status=status)
    assert sandbox.post(requisition(line(RequirementTracking=key))).status_code == status
    assert len(filed(sandbox, key)) == 1


def test_a_commit_comes_late(sandbox):
    sandbox.plant("late_commit", count=1, delay_ms=300)
    with pytest.raises(requests.ConnectionError):
        sandbox.post(requisition(line(RequirementTracking="LATE000001")))
    assert filed(sandbox, "LATE000001") == []
    assert len(eventually(lambda: filed(sandbox, "LATE000001"))) == 1
    sandbox.plant("late_commit", count=1, delay_ms=100, status=504)
    answer = sandbox.post(requisition(line(RequirementTracking="LATE000002")))
    assert answer.status_code == 504
    assert eventually(lambda: filed(sandbox, "LATE000002"))


def test_the_caller_gives_up_before_the_commit(sandbox):
    token = sandbox.token()
    sandbox.plant("late_commit", count=1, delay_ms=400, hold_ms=600)
    with pytest.raises(requests.Timeout):
        sandbox.web.post(
            sandbox.root + HEADER,
            json=requisition(line(RequirementTracking="GAVEUP0001")),
            headers={"x-csrf-token": token},
            timeout=0.1,
        )
    assert filed(sandbox, "GAVEUP0001") == []
    assert len(eventually(lambda: filed(sandbox, "GAVEUP0001"))) == 1


def test_the_update_task_fails_after_a_number_was_given(sandbox):
    sandbox.plant("update_task_failed", count=1)
    answer = sandbox.post(requisition(line(RequirementTracking="GHOST00001")))
    assert answer.status_code == 201
    number = answer.json()["d"]["PurchaseRequisition"]
    assert sandbox.get(f"{HEADER}('{number}')").status_code == 404
    assert sandbox.rows(f"{LINES}?$filter=RequirementTracking eq 'GHOST00001'") == []
    assert number in sandbox.ledger()["phantoms"]


@pytest.mark.parametrize(("habit", "status"), [("400", 400), ("423", 423)])
def test_a_material_is_locked(sandbox, habit, status):
    sandbox.admin("POST", "/habits", {"lock_status": habit, "line_naming": "target"})
    sandbox.plant("lock", count=1, materials=["100001"])
    two = requisition(line(), line(PurchaseRequisitionItem="20", Material="100001"))
    answer = sandbox.post(two)
    assert answer.status_code == status
    targets = {each["target"] for each in answer.json()["error"]["innererror"]["errordetails"]}
    assert "/to_PurchaseReqnItem(2)" in targets
    assert "/to_PurchaseReqnItem(1)" not in targets
    sandbox.plant("lock", count=1, lines=[1])
    assert sandbox.post(two).status_code == status
    assert sandbox.post(two).status_code == 201


def test_a_document_is_refused_without_a_line_to_blame(sandbox):
    sandbox.plant("reject_document", count=1, code="M7/053", message="Period 011 is closed")
    error = sandbox.post(requisition()).json()["error"]
    assert (error["code"], error["message"]["value"]) == ("M7/053", "Period 011 is closed")


def test_a_warning_is_added(sandbox):
    sandbox.plant("warn", count=1, message="Source of supply is blocked")
    assert "Source of supply is blocked" in sandbox.post(requisition()).headers["sap-message"]
