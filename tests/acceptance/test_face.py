"""What the daemon tells the service manager, and what it answers over HTTP."""

from __future__ import annotations

import socket

import pytest


class Manager:
    """A service manager's end of NOTIFY_SOCKET."""

    def __init__(self, path):
        self.path = str(path)
        self.told = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.path)
        self._socket.settimeout(20)

    def wait_for(self, *words):
        """Return what came until a notice with all of these assignments, which is the last."""
        come = []
        while not come or not set(words) <= set(come[-1]):
            come.append(self._socket.recv(4096).decode().splitlines())
        self.told += come
        return come

    def close(self):
        self._socket.close()


@pytest.fixture
def manager(tmp_path):
    own = Manager(tmp_path / "notify")
    yield own
    own.close()


def test_the_service_manager_hears_of_start_life_reload_and_end(site, manager):
    daemon = site.configure(mode="shadow").daemon(NOTIFY_SOCKET=manager.path)
    first, *_ = manager.wait_for("READY=1")
    assert "READY=1" in first  # nothing before it is ready
    manager.wait_for("WATCHDOG=1")
    daemon.hang_up()
    manager.wait_for("RELOADING=1")
    manager.wait_for("READY=1")
    manager.wait_for("WATCHDOG=1")
    site.write("broken")
    daemon.hang_up()
    manager.wait_for("RELOADING=1")
    manager.wait_for("READY=1")  # with the old configuration
    site.configure(mode="shadow")
    # A reload waits for the review in progress; the service manager must not take us for dead
    daemon.wait_for("review_done")
    site.erp.plant("slow", entity="A_PurchaseOrderItem", method="GET", delay_ms=3000, count=1)
    site.erp.days(1)
    daemon.wait(site.erp.fired, "a slow read")
    daemon.hang_up()
    manager.wait_for("RELOADING=1")
    assert ["WATCHDOG=1"] in manager.wait_for("READY=1")
    daemon.wait_for("config_reloaded", 2)
    daemon.process.terminate()
    manager.wait_for("STOPPING=1")
    assert daemon.process.wait(20) == 0


def test_ready_only_while_the_erp_answers_and_alive_all_the_time(site):
    erp = site.erp
    erp.plant("status", status=503, method="GET")
    daemon = site.configure(mode="live", erp={"load": {"attempts": 1}}).daemon()
    daemon.wait_for("review_failed")
    ready = daemon.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["ready"] is False
    assert "ERP" in " ".join(ready.json()["reasons"])
    assert daemon.get("/livez").status_code == 200
    erp.calm()
    daemon.wait_for("review_done")
    assert daemon.get("/readyz").json() == {"ready": True, "reasons": []}
    # The ERP goes away again: the next review finds out
    failed = len(daemon.events("review_failed"))
    erp.plant("status", status=503, method="GET")
    erp.days(1)
    daemon.wait_for("review_failed", failed + 1)
    ready = daemon.get("/readyz")
    assert ready.status_code == 503
    assert "ERP" in " ".join(ready.json()["reasons"])
    assert daemon.get("/livez").status_code == 200
    measured = metrics(daemon)
    assert measured['replenishd_requisitions_total{outcome="filed",site="acc"}'] == 20
    assert measured['replenishd_reviews_total{outcome="done",site="acc"}'] == 1
    assert measured['replenishd_reviews_total{outcome="ErpUnavailable",site="acc"}'] > failed
    assert measured['replenishd_mode{mode="live",site="acc"}'] == 1
    # The log names the review as the commands do
    review = site.rows("SELECT review_id FROM review WHERE outcome = 'done'")[0][0]
    assert daemon.events("review_done")[0]["review"] == review
    assert daemon.status()["site"] == "acc"
    page = daemon.get("/")
    assert page.status_code == 200
    assert review in page.text
    assert daemon.stop() == 0


def metrics(daemon):
    """Return every sample by its name and labels."""
    answer = daemon.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    lines = (each for each in answer.text.splitlines() if not each.startswith("#"))
    return {name: float(value) for name, _, value in (each.rpartition(" ") for each in lines)}
