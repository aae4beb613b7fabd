"""A live daemon: what it files, how it leaves, and what it does not do twice."""

from __future__ import annotations

import signal
import time


def test_every_order_is_filed_once_and_read_back_in_the_next_review(site):
    erp, daemon = site.erp, site.configure(mode="live").daemon()
    daemon.wait_for("review_done")
    filed = site.keys("filed")
    assert len(filed) == 20
    assert erp.times() == dict.fromkeys(filed, 1)
    ours = {key: (number.zfill(10), float(quantity)) for key, number, quantity in _numbers(site)}
    theirs = {each["key"]: (each["number"], each["quantity"]) for each in erp.filed()}
    assert ours == theirs
    assert daemon.status()["last_review"]["posted"] == 20
    erp.days(1)
    daemon.wait_for("review_done", 2)
    # Most were turned into orders overnight; all of them were seen again, under our key
    seen = site.keys("confirmed", "closed") & filed
    assert seen == filed
    assert site.keys("confirmed")
    assert daemon.stop() == 0
    assert max(erp.times().values()) == 1


def _numbers(site):
    return site.rows("SELECT key, number, quantity FROM line")


def test_sigterm_finishes_the_send_and_a_restart_sends_the_rest_but_no_second_review(site):
    erp = site.erp
    erp.plant("slow", entity="A_PurchaseRequisitionHeader", method="POST", delay_ms=1500, count=1)
    daemon = site.configure(mode="live", posting={"lines_per_document": 2}).daemon()
    daemon.wait(lambda: site.keys("intent"), "a send in progress")
    sending = site.keys("intent")
    begun = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - begun > 0.5  # it waited for the answer
    assert set(erp.times()) == site.keys("filed") == sending
    assert len(site.keys("owed")) == 20 - len(sending) > 10
    again = site.daemon()
    again.wait(lambda: not site.keys("owed", "intent"), "the rest to be sent")
    assert erp.times() == dict.fromkeys(site.keys("filed"), 1)
    assert len(erp.times()) == 20
    assert site.reviews() == 1
    assert not again.events("review_done")
    erp.days(1)
    again.wait_for("review_done")
    assert site.reviews() == 2
    again.process.send_signal(signal.SIGINT)  # Ctrl-C leaves in the same order
    assert again.process.wait(20) == 0


def test_an_excluded_item_is_never_ordered(site):
    """The same world twice: once to learn what is ordered, once with one of its items left out."""
    wanted = site.configure(mode="shadow").once()
    item = site.rows("SELECT item FROM line GROUP BY item ORDER BY count(*) DESC, item")[0][0]
    lines = site.rows("SELECT count(*) FROM line WHERE item = ?", item)[0][0]
    other = site.beside("other").configure(mode="live", network={"items": {"exclude": [item]}})
    report = other.once()
    assert report["ordered"] == wanted["ordered"] - lines
    assert lines >= 2
    assert item not in {each["material"] for each in site.erp.filed()}
    assert len(site.erp.filed()) == report["ordered"]
