"""What the ERP checks and refuses: validation stores nothing, one bad line sinks no other."""

from __future__ import annotations

import json


def test_validate_stores_nothing_and_marks_the_lines(site):
    report = site.configure(mode="validate").once()
    assert report["drained"]["validated"] == report["ordered"] == 20
    assert site.states() == {"validated": 20}
    assert site.erp.filed() == []
    sent = site.erp.ask("GET", "/requests")
    assert any("A_PurchaseRequisitionHeader" in name for name in sent)  # it did ask the ERP


def test_refused_lines_are_parked_with_the_erps_words_and_the_rest_is_filed(site):
    """The ERP names bad lines by position, by key or in its text: one document for each."""
    erp = site.erp
    erp.plant("lock", lines=[1], count=3)
    report = site.configure(mode="live").once()
    assert report["drained"]["rejected"] == 3
    assert report["drained"]["filed"] == 17
    assert erp.times() == dict.fromkeys(site.keys("filed"), 1)
    for item, messages in site.rows("SELECT item, messages FROM line WHERE state = 'rejected'"):
        (said,) = [each for each in json.loads(messages) if each["severity"] == "error"]
        assert said["code"] == "M3/021"
        assert f"{item} is locked" in said["text"]
    assert not site.keys("rejected") & set(erp.times())


def test_a_document_refused_as_a_whole_is_halved_until_one_line_is_left(site):
    """The ERP refuses the first document, and then the first half of it, which is one line."""
    erp = site.erp
    erp.plant("reject_document", code="06/999", message="No further requisition today", count=2)
    report = site.configure(mode="live").once()
    parked = site.rows("SELECT key, messages FROM line WHERE state = 'rejected'")
    assert report["drained"]["rejected"] == len(parked) == 1
    assert "No further requisition today" in parked[0][1]
    tries = site.rows("SELECT count(*) FROM attempt_line WHERE key = ?", parked[0][0])
    assert tries == [(2,)]  # with another, then alone
    assert erp.times() == dict.fromkeys(site.keys("filed"), 1)
    assert len(erp.times()) == 19
