"""A stand-in ERP for the acceptance tests: a process of its own with a switchboard of faults."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parents[2]
NODES = ("1000", "1010", "1020")
REQUISITIONS = "API_PURCHASEREQ_PROCESS_SRV"
PATIENCE = 60.0  # seconds, on two cores that others use too


def until(done, what, seconds=PATIENCE, alive=None):
    """Return the first true answer of `done`."""
    end = time.monotonic() + seconds
    while not (found := done()):
        if alive is not None:
            assert alive.process.poll() is None, f"it ended while we waited for {what}\n{alive}"
        assert time.monotonic() < end, f"{seconds:.0f} s passed without {what}\n{alive or ''}"
        time.sleep(0.03)
    return found


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


@dataclass
class Erp:
    """A running stand-in ERP."""

    url: str
    admin: str

    def ask(self, method, path, body=None):
        answer = requests.request(method, f"{self.admin}{path}", json=body, timeout=60)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def calm(self):
        """Take every fault and odd habit away."""
        self.ask("DELETE", "/faults")
        self.ask("POST", "/habits", {"line_naming": "mixed", "no_rows": "empty"})

    def plant(self, kind, **said):
        self.ask("POST", "/faults", {"kind": kind, **said})

    def fired(self):
        return sum(each["fired"] for each in self.ask("GET", "/faults")["faults"])

    def days(self, days=1):
        self.ask("POST", "/clock/advance", {"days": days})

    def make_hungry(self):
        """Let the ERP's own rule fill the network, then leave it for some days without orders."""
        self.ask("POST", "/planning", dict.fromkeys(NODES, "reorder_point"))
        self.days(12)
        self.ask("POST", "/planning", dict.fromkeys(NODES, "none"))
        self.days(3)

    def today(self):
        return self.ask("GET", "/clock")["now"][:10]

    def filed(self):
        """Return every line ever filed, as the ERP knows it."""
        return self.ask("GET", "/ledger")["lines"]

    def times(self):
        """Return how often each of our keys was filed."""
        return Counter(each["key"] for each in self.filed() if each["key"])


class Sandbox:
    """A stand-in ERP of its own, started at once; `open` waits until it listens."""

    def __init__(self, directory, *options):
        self._ready = directory / "ready.json"
        command = [sys.executable, "-m", "connector.sandbox", "--ready-file", str(self._ready)]
        command += ["--items", "20", "--regions", "2", "--seed", "7", "--history-days", "30"]
        with (directory / "sandbox.log").open("wb") as log:
            self._process = subprocess.Popen([*command, *options], stdout=log, stderr=log, cwd=ROOT)

    def open(self):
        until(self._ready.exists, "the stand-in ERP to listen")
        told = json.loads(self._ready.read_text())
        erp = Erp(told["url"], told["admin"])
        erp.make_hungry()
        return erp

    def close(self):
        self._process.kill()
        self._process.wait()


@contextmanager
def sandbox(directory):
    """Run a stand-in ERP in need of orders."""
    own = Sandbox(directory)
    try:
        yield own.open()
    finally:
        own.close()
