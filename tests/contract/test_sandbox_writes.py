import threading
import time

import pyodata
import pytest
import requests
from sandbox_doors import HEADER, LINES, REQUISITIONS, SECONDS, line, opened, requisition


def refused(answer, status=400):
    assert answer.status_code == status, answer.text
    return answer.json()["error"]


def test_asked_twice_it_files_twice(sandbox):
    before = len(sandbox.ledger()["lines"])
    numbers = [
        sandbox.post(requisition(line(RequirementTracking="TWICE00001"))).json()["d"]
        for _ in range(2)
    ]
    assert numbers[0]["PurchaseRequisition"] != numbers[1]["PurchaseRequisition"]
    ledger = sandbox.ledger()
    assert len(ledger["lines"]) == before + 2
    assert "TWICE00001" in ledger["duplicates"]
    assert [row["times"] for row in ledger["lines"] if row["key"] == "TWICE00001"] == [2, 2]
    assert {row["by"] for row in ledger["lines"]} == {"REPLENISHD"}
    assert len(sandbox.rows(f"{LINES}?$filter=RequirementTracking eq 'TWICE00001'")) == 2


def test_a_create_answers_with_the_whole_document(sandbox):
    answer = sandbox.post(
        requisition(line(), line(PurchaseRequisitionItem="20", RequestedQuantity="0.125"))
    )
    assert answer.status_code == 201
    document = answer.json()["d"]
    first, second = document["to_PurchaseReqnItem"]["results"]
    assert answer.headers["location"].endswith(f"{HEADER}('{document['PurchaseRequisition']}')")
    assert (first["RequestedQuantity"], second["RequestedQuantity"]) == ("20", "0.125")
    assert first["PurchaseRequisitionItem"] == "00010"
    assert first["DeliveryDate"] == "/Date(1797292800000)/"
    assert first["PurchaseRequisitionIsFixed"] is True
    assert first["PurReqnOrigin"] == "R"
    assert first["SupplyingPlant"] == "1000"
    found = sandbox.rows(f"{HEADER}?$filter=startswith(PurReqnDescription,'replen') eq true")
    assert document["PurchaseRequisition"] in {row["PurchaseRequisition"] for row in found}


def test_pyodata_can_file_one(sandbox):
    sandbox.web.headers["x-csrf-token"] = sandbox.token()
    try:
        client = pyodata.Client(sandbox.root + REQUISITIONS.rstrip("/"), sandbox.web)
        request = client.entity_sets.A_PurchaseRequisitionHeader.create_entity()
        made = request.set(
            PurchaseRequisitionType="NB",
            to_PurchaseReqnItem=[line(RequirementTracking="PYODATA001")],
        ).execute()
    finally:
        del sandbox.web.headers["x-csrf-token"]
    assert made.PurchaseRequisition
    assert len(sandbox.rows(f"{LINES}?$filter=RequirementTracking eq 'PYODATA001'")) == 1


def test_texts_are_converted_to_capitals_and_unset_lines_get_numbers(sandbox):
    wanted = line(RequirementTracking="abc123", PurchasingGroup="", BaseUnit="pc")
    del wanted["PurchaseRequisitionItem"]
    found = sandbox.post(requisition(wanted, wanted)).json()["d"]["to_PurchaseReqnItem"]["results"]
    assert [row["RequirementTracking"] for row in found] == ["ABC123", "ABC123"]
    assert [row["PurchaseRequisitionItem"] for row in found] == ["00010", "00020"]
    assert found[0]["PurchasingGroup"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"RequestedQuantity": 20.0}, "RequestedQuantity"),
        ({"RequestedQuantity": 20}, "RequestedQuantity"),
        ({"RequestedQuantity": "20.0005"}, "Scale=3"),
        ({"RequestedQuantity": "12345678901"}, "Precision=13"),
        ({"RequestedQuantity": "2e3"}, "RequestedQuantity"),
        ({"RequestedQuantity": "NaN"}, "RequestedQuantity"),
        ({"RequestedQuantity": "0"}, "quantity"),
        ({"RequestedQuantity": "-5"}, "quantity"),
        ({"RequirementTracking": "ELEVENCHARS"}, "maximum length 10"),
        ({"Colour": "red"}, "Colour"),
        ({"PurchaseRequisitionIsFixed": "true"}, "PurchaseRequisitionIsFixed"),
        ({"DeliveryDate": "tomorrow"}, "DeliveryDate"),
        ({"Plant": 1010}, "Plant"),
        ({"Plant": "9999"}, "Plant 9999"),
        ({"Material": "GHOST"}, "Material GHOST"),
        ({"Material": ""}, "material"),
        ({"BaseUnit": "XYZ"}, "Unit XYZ"),
        ({"BaseUnit": "BOX"}, "Enter the quantity in PC"),
        ({"PurchasingGroup": "999"}, "Purchasing group 999"),
        ({"SupplyingPlant": "1010"}, "receiving plant"),
        ({"SupplyingPlant": "9999"}, "Supplying plant 9999"),
        ({"AccountAssignmentCategory": "K"}, "Account assignment"),
    ],
)
def test_a_line_that_is_not_right_is_refused_and_nothing_is_stored(sandbox, wrong, says):
    before = sandbox.ledger()["lines"]
    error = refused(sandbox.post(requisition(line(PurchaseRequisitionItem="20"), line(**wrong))))
    texts = [
        error["message"]["value"],
        *(x["message"] for x in error["innererror"]["errordetails"]),
    ]
    assert any(says in text for text in texts), texts
    assert sandbox.ledger()["lines"] == before


@pytest.mark.parametrize(
    "body",
    ["", "[]", "{", '{"to_PurchaseReqnItem":5}', '{"to_PurchaseReqnItem":["x"]}', "{}"],
)
def test_a_body_that_is_no_requisition_is_refused(sandbox, body):
    answer = sandbox.web.post(
        sandbox.root + HEADER,
        data=body,
        headers={"x-csrf-token": sandbox.token(), "Content-Type": "application/json"},
        timeout=SECONDS,
    )
    refused(answer)


def test_a_document_type_nobody_defined_is_refused(sandbox):
    assert (
        "ZZ" in refused(sandbox.post(requisition(PurchaseRequisitionType="ZZ")))["message"]["value"]
    )


def test_leading_zeros_and_both_list_shapes_are_understood(sandbox):
    wanted = line(Material="000000000000100000")
    bare = {**requisition(), "to_PurchaseReqnItem": [wanted]}
    made = sandbox.post(bare).json()["d"]["to_PurchaseReqnItem"]["results"]
    assert made[0]["Material"] == "100000"


@pytest.mark.parametrize(
    ("naming", "fits"),
    [
        ("target", lambda found: found["target"] == "/to_PurchaseReqnItem(2)/Plant"),
        ("key", lambda found: "PurchaseRequisitionItem='30'" in found["target"]),
        ("text", lambda found: found["message"].startswith("Item 00030:")),
        ("none", lambda found: "30" not in found["target"] + found["message"]),
    ],
)
def test_the_bad_line_is_named_in_every_way(sandbox, naming, fits):
    sandbox.admin("POST", "/habits", {"line_naming": naming})
    error = refused(
        sandbox.post(requisition(line(), line(PurchaseRequisitionItem="30", Plant="9999")))
    )
    details = error["innererror"]["errordetails"]
    named = [each for each in details if each["severity"] == "error" and fits(each)]
    assert named
    assert "info" in {each["severity"] for each in details}
    main = [each for each in details if each["message"] == error["message"]["value"]]
    assert main, "the main message stands again among the details"


def test_every_bad_line_is_named_at_once(sandbox):
    sandbox.admin("POST", "/habits", {"line_naming": "target"})
    lines = [line(PurchaseRequisitionItem=str(10 * n)) for n in range(1, 6)]
    lines[1]["Material"], lines[3]["Plant"] = "GHOST", "9999"
    details = refused(sandbox.post(requisition(*lines)))["innererror"]["errordetails"]
    targets = {each["target"] for each in details if each["target"]}
    assert targets == {"/to_PurchaseReqnItem(2)/Material", "/to_PurchaseReqnItem(4)/Plant"}


def test_validation_only_stores_nothing_and_gives_no_number(sandbox):
    before = sandbox.ledger()["lines"]
    answer = sandbox.post(requisition(PurReqnDoOnlyValidation=True))
    assert answer.status_code == 201
    assert answer.json()["d"]["PurchaseRequisition"] == ""
    assert "location" not in answer.headers
    refused(sandbox.post(requisition(line(Plant="9999"), PurReqnDoOnlyValidation=True)))
    assert sandbox.ledger()["lines"] == before


def test_warnings_come_in_a_header_and_do_not_stop_it(sandbox):
    answer = sandbox.post(requisition(line(DeliveryDate="/Date(1793577600000)/")))
    assert answer.status_code == 201
    assert '"severity":"warning"' in answer.headers["sap-message"]


@pytest.mark.parametrize(("habit", "status"), [("204", 204), ("200", 200)])
def test_a_line_can_be_deleted_and_stays_to_be_seen(sandbox, habit, status):
    sandbox.admin("POST", "/habits", {"patch_answer": habit})
    key = f"DEL{habit}"
    number = sandbox.post(requisition(line(RequirementTracking=key))).json()["d"]
    number = number["PurchaseRequisition"]
    path = f"{LINES}(PurchaseRequisition='{number}',PurchaseRequisitionItem='10')"
    answer = sandbox.post({"IsDeleted": "X"}, path, "PATCH")
    assert answer.status_code == status
    assert sandbox.get(path).json()["d"]["IsDeleted"] == "X"
    assert [row["deleted"] for row in sandbox.ledger()["lines"] if row["key"] == key] == [True]
    refused(sandbox.post({"PurReqnReleaseStatus": "05"}, path, "PATCH"))
    missing = f"{LINES}(PurchaseRequisition='999',PurchaseRequisitionItem='10')"
    assert sandbox.post({"IsDeleted": "X"}, missing, "PATCH").status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", f"{HEADER}('10000001')"),
        ("POST", "API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod"),
        ("POST", LINES),
        ("PATCH", f"{HEADER}('10000001')"),
    ],
)
def test_other_changes_are_not_allowed(sandbox, method, path):
    assert sandbox.post({}, path, method).status_code == 405


def test_a_body_of_another_type_is_refused(sandbox):
    assert sandbox.post(requisition(), **{"Content-Type": "text/xml"}).status_code == 415


def test_no_write_without_the_sessions_own_token(sandbox):
    token = sandbox.token()
    required = {"status": 403, "token": "Required"}

    def outcome(session, token):
        answer = session.post(
            sandbox.root + HEADER,
            json=requisition(),
            headers={"x-csrf-token": token, "Accept": "application/json"},
            auth=sandbox.web.auth,
            timeout=SECONDS,
        )
        return {"status": answer.status_code, "token": answer.headers.get("x-csrf-token")}

    with requests.Session() as stranger:
        assert outcome(stranger, token) == required  # a token without its cookies
        assert outcome(sandbox.web, "") == required
        assert outcome(sandbox.web, "wrong==") == required
        theirs = stranger.get(
            sandbox.root + REQUISITIONS,
            headers={"x-csrf-token": "Fetch"},
            auth=sandbox.web.auth,
            timeout=SECONDS,
        )
        assert outcome(sandbox.web, theirs.headers["x-csrf-token"]) == required
        assert outcome(stranger, theirs.headers["x-csrf-token"])["status"] == 201
    assert outcome(sandbox.web, token)["status"] == 201


def test_a_token_is_forgotten_after_a_while_and_can_be_fetched_again():
    with opened(items=8, regions=1, history_days=1, csrf_seconds=0.2) as sandbox:
        token = sandbox.token()
        assert sandbox.post(requisition(), token=token).status_code == 201
        time.sleep(0.25)
        late = sandbox.post(requisition(), token=token)
        assert (late.status_code, late.headers["x-csrf-token"]) == (403, "Required")
        assert sandbox.post(requisition()).status_code == 201


def test_some_systems_want_a_slash_behind_the_service(sandbox):
    def fetched(path):
        answer = sandbox.get(path, headers={"x-csrf-token": "fetch", "Accept": "*/*"})
        return "x-csrf-token" in answer.headers

    assert fetched(REQUISITIONS.rstrip("/"))
    sandbox.admin("POST", "/habits", {"root_slash": "needed"})
    assert not fetched(REQUISITIONS.rstrip("/"))
    assert fetched(REQUISITIONS)


def test_requests_of_one_session_run_beside_each_other():
    with opened(items=8, regions=1, history_days=1, simulate_work_ms=300) as sandbox:
        token = sandbox.token()
        answers = []
        began = time.monotonic()
        threads = [
            threading.Thread(
                target=lambda: answers.append(sandbox.post(requisition(), token=token).status_code)
            )
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert answers == [201] * 4
        assert time.monotonic() - began < 1.0
