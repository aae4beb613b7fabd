"""Opens a stand-in ERP for a test: in a thread of its own, spoken to over real sockets."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urljoin

import requests

from connector.sandbox.main import Doors, run
from connector.sandbox.options import SandboxOptions

REQUISITIONS = "API_PURCHASEREQ_PROCESS_SRV/"
HEADER = REQUISITIONS + "A_PurchaseRequisitionHeader"
LINES = REQUISITIONS + "A_PurchaseRequisitionItem"
STOCK = "API_MATERIAL_STOCK_SRV/A_MatlStkInAcctMod"
SECONDS = 10


@dataclass
class Open:
    """A running stand-in and a caller who knows its password."""

    doors: Doors
    web: requests.Session = field(default_factory=requests.Session)

    def __post_init__(self):
        self.web.auth = ("REPLENISHD", "sandbox")
        self.web.headers["Accept"] = "application/json"

    @property
    def root(self):
        return f"{self.doors.url}/sap/opu/odata/sap/"

    def get(self, path, **said):
        return self.web.get(self.root + path, timeout=SECONDS, **said)

    def rows(self, path):
        answer = self.get(path)
        assert answer.status_code == 200, answer.text
        return answer.json()["d"]["results"]

    def pages(self, path, most=500):
        url = self.root + path
        for _ in range(most):
            document = self.web.get(url, timeout=SECONDS).json()["d"]
            yield document["results"]
            if "__next" not in document:
                return
            url = urljoin(url, document["__next"])

    def all_rows(self, path):
        return [row for page in self.pages(path) for row in page]

    def token(self):
        answer = self.get(REQUISITIONS, headers={"X-CSRF-Token": "Fetch"})
        return answer.headers["x-csrf-token"]

    def post(self, document, path=HEADER, method="POST", **headers):
        token = headers.pop("token", None) or self.token()
        return self.web.request(
            method,
            self.root + path,
            json=document,
            headers={"x-csrf-token": token, **headers},
            timeout=SECONDS,
        )

    def admin(self, method, path, said=None):
        answer = requests.request(method, self.doors.admin + path, json=said, timeout=60)
        return answer.json()

    def plant(self, kind, **said):
        return self.admin("POST", "/faults", {"kind": kind, **said})

    def ledger(self):
        return self.admin("GET", "/ledger")

    def calm(self):
        """Take every fault and odd habit away."""
        self.admin("DELETE", "/faults")
        self.admin("POST", "/habits", dict.fromkeys(()) | SandboxOptions().habits.__dict__)
        self.web.cookies.clear()


@contextmanager
def opened(**options):
    """Run a stand-in while the test looks at it."""
    ready, found = threading.Event(), []

    def announce(doors):
        found.append(doors)
        ready.set()

    chosen = SandboxOptions(**{"items": 30, "regions": 2, "history_days": 30, **options})
    thread = threading.Thread(target=run, args=(chosen, announce), daemon=True)
    thread.start()
    assert ready.wait(30), "the stand-in did not open its doors"
    sandbox = Open(found[0])
    try:
        yield sandbox
    finally:
        sandbox.admin("POST", "/quit")
        sandbox.web.close()
        thread.join(10)
        assert not thread.is_alive()


def line(**said):
    """Return one requisition line that nothing is wrong with."""
    return {
        "PurchaseRequisitionItem": "10",
        "Material": "100000",
        "Plant": "1010",
        "SupplyingPlant": "1000",
        "RequestedQuantity": "20.000",
        "BaseUnit": "PC",
        "DeliveryDate": "/Date(1797292800000)/",
        "PurchasingGroup": "001",
        "RequirementTracking": "7F3K9QX201",
        "RequisitionerName": "REPLENISHD",
        "PurchaseRequisitionIsFixed": True,
        **said,
    }


def requisition(*lines, **said):
    """Return a requisition's JSON."""
    return {
        "PurchaseRequisitionType": "NB",
        "PurReqnDescription": "replenishd",
        "to_PurchaseReqnItem": {"results": list(lines) or [line()]},
        **said,
    }
