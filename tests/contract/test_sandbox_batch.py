import json

import pyodata
import pytest
import requests
from sandbox_doors import HEADER, LINES, REQUISITIONS, SECONDS, line, requisition

CREATE = "A_PurchaseRequisitionHeader"


@pytest.fixture
def client(sandbox):
    sandbox.web.headers["x-csrf-token"] = sandbox.token()
    yield pyodata.Client(sandbox.root + REQUISITIONS.rstrip("/"), sandbox.web)
    del sandbox.web.headers["x-csrf-token"]


def creating(client, **said):
    made = client.entity_sets.A_PurchaseRequisitionHeader.create_entity()
    return made.set(PurchaseRequisitionType="NB", to_PurchaseReqnItem=[line(**said)])


def in_changesets(client, *requests_of_it):
    batch = client.create_batch()
    for request in requests_of_it:
        changes = client.create_changeset()
        changes.add_request(request)
        batch.add_request(changes)
    return batch


def test_pyodata_reads_and_files_in_one_batch(sandbox, client):
    batch = in_changesets(client, creating(client, RequirementTracking="BATCH00001"))
    batch.add_request(client.entity_sets.A_PurchaseRequisitionItem.get_entities().top(3))
    (made,), rows = batch.execute()
    assert made.PurchaseRequisition
    assert len(rows) == 3
    assert len(sandbox.rows(f"{LINES}?$filter=RequirementTracking eq 'BATCH00001'")) == 1


def changeset(*documents, boundary="cs"):
    parts = "".join(
        f"--{boundary}\r\nContent-Type: application/http\r\n"
        "Content-Transfer-Encoding: binary\r\n\r\n"
        f"POST {CREATE} HTTP/1.1\r\nContent-Type: application/json\r\n\r\n"
        f"{json.dumps(document)}\r\n"
        for document in documents
    )
    head = f"--b\r\nContent-Type: multipart/mixed; boundary={boundary}\r\n\r\n"
    return f"{head}{parts}--{boundary}--\r\n"


def sent(sandbox, body, **headers):
    return sandbox.web.post(
        sandbox.root + REQUISITIONS + "$batch",
        data=f"{body}--b--\r\n".encode(),
        headers={
            "Content-Type": "multipart/mixed; boundary=b",
            "x-csrf-token": sandbox.token(),
            **headers,
        },
        timeout=SECONDS,
    )


def test_a_failed_changeset_stores_nothing_and_still_answers_202(sandbox):
    good, bad = line(RequirementTracking="WHOLE00001"), line(Plant="9999")
    answer = sent(sandbox, changeset(requisition(good), requisition(bad)))
    assert answer.status_code == 202
    assert answer.text.count("HTTP/1.1 400") == 1
    assert "HTTP/1.1 201" not in answer.text
    assert sandbox.rows(f"{LINES}?$filter=RequirementTracking eq 'WHOLE00001'") == []
    both = sent(sandbox, changeset(requisition(good), requisition(good)))
    assert both.text.count("HTTP/1.1 201") == 2


def test_the_answer_to_a_changeset_can_be_lost(sandbox):
    sandbox.plant("lost_answer", count=1, entity="$batch")
    with pytest.raises(requests.ConnectionError):
        sent(sandbox, changeset(requisition(line(RequirementTracking="BLOST00001"))))
    assert len(sandbox.rows(f"{LINES}?$filter=RequirementTracking eq 'BLOST00001'")) == 1


def test_a_batch_needs_the_token_too(sandbox):
    answer = sent(sandbox, changeset(requisition()), **{"x-csrf-token": "old"})
    assert (answer.status_code, answer.headers["x-csrf-token"]) == (403, "Required")
    sandbox.plant("csrf_invalid", count=1, entity="$batch")
    assert sent(sandbox, changeset(requisition())).status_code == 403


@pytest.mark.parametrize("body", ["", "--b\r\nContent-Type: application/http\r\n\r\nnonsense\r\n"])
def test_what_is_no_batch_is_refused(sandbox, body):
    assert sent(sandbox, body).status_code == 400


def test_only_reading_stands_outside_a_changeset(sandbox):
    part = "--b\r\nContent-Type: application/http\r\n\r\n"
    body = (
        f"{part}DELETE {HEADER.rpartition('/')[2]}('1') HTTP/1.1\r\n\r\n\r\n"
        f"{part}GET Nothing HTTP/1.1\r\n\r\n\r\n"
    )
    answer = sent(sandbox, body)
    assert answer.status_code == 202
    assert answer.text.count("HTTP/1.1 405") == answer.text.count("HTTP/1.1 404") == 1
