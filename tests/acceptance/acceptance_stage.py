"""The stage of the acceptance tests: the product's commands and its daemon before an ERP.

Everything here is a process of its own, spoken to over sockets, signals, files and exit codes.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import requests
from acceptance_erp import NODES, PATIENCE, ROOT, Erp, until

HERE = ROOT / "tests" / "acceptance"
PYTHON = (sys.executable, "-m", "connector")
WIDE = dict.fromkeys(("line", "node_day", "node_review", "node_28_days", "site_review"), 1e9)


@dataclass
class Told:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)

    @property
    def error(self):
        """Return the one typed error, and require that it is one clear line with a next step."""
        error = self.json["error"]
        lines = [each for each in self.err.splitlines() if each.startswith("replenishd: ")]
        assert "Traceback" not in self.err + self.out
        assert lines == [f"replenishd: {error['message']}".splitlines()[0]], self.err
        assert error["hint"], error
        assert error["exit_code"] == self.code
        return error


class Clerk:
    """A process that runs the commands it is asked for, one after the other."""

    def __init__(self):
        command = [sys.executable, str(HERE / "acceptance_clerk.py")]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, cwd=ROOT, **pipes)

    def ask(self, *words):
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return Told(*json.loads(self.process.stdout.readline()))

    def end(self):
        self.process.communicate(timeout=20)


@dataclass
class Site:
    """One site's directory: configuration, password, state."""

    directory: Path
    erp: Erp
    clerk: Clerk
    name: str = "acc"
    settings: dict = field(default_factory=dict)
    daemons: list = field(default_factory=list)

    @property
    def config(self):
        return self.directory / "replenishd.yaml"

    @property
    def state(self):
        return self.directory / "state" / self.name

    def configure(self, **changes):
        """Write the configuration; keyword arguments replace parts of the one site."""
        password = self.directory / "password"
        if not password.exists():
            password.write_text("sandbox")
            password.chmod(0o600)
        basic = {"kind": "basic", "username": "REPLENISHD", "password": f"${{file:{password}}}"}
        site = {
            "name": self.name,
            "schedule": {"cron": "0 6 * * *"},
            "erp": {"url": self.erp.url, "auth": basic},
            "network": {"nodes": network()},
            "posting": {"quarantine": "1s", "second_look": "1s", "tick": "100ms"},
            "limits": {"budget": WIDE, "throttle": {"per_second": 100.0, "burst": 1000.0}},
        }
        self.settings = {
            "version": 1,
            "state_dir": str(self.directory / "state"),
            "logging": {"format": "json"},
            "web": {"listen": "127.0.0.1:0"},
            "clock": {"follow": self.erp.admin},
            "sites": [merged(site, changes)],
        }
        self.write(json.dumps(self.settings, indent=1))
        return self

    def write(self, text):
        self.config.write_text(text)

    def ask(self, *words):
        """Ask the clerk: a process that pays for the imports once."""
        return self.clerk.ask(*words, "--config", str(self.config), "--json")

    def ask_apart(self, *words, program=PYTHON, **options):
        """Run the command in a process of its own, as a person does."""
        command = [*program, *words, "--config", str(self.config), "--json"]
        told = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120, **options
        )
        return Told(told.returncode, told.stdout, told.stderr)

    def beside(self, name):
        """Return another site of the same ERP with a state of its own."""
        directory = self.directory / name
        directory.mkdir()
        return Site(directory, self.erp, self.clerk)

    def once(self, code=0):
        """Run one review and return its report."""
        told = self.ask("once")
        assert told.code == code, told
        return told.json

    def daemon(self, wait=True, **environment):
        running = Daemon(self, environment)
        self.daemons.append(running)
        if wait:
            running.wait_for("daemon_started")
        return running

    def rows(self, sql, *bound):
        """Read the ledger beside whoever writes it."""
        path = self.state / "ledger.sqlite"
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as books:
            return books.execute(sql, bound).fetchall()

    def states(self):
        """Return how many lines stand in each state."""
        return Counter(row[0] for row in self.rows("SELECT state FROM line"))

    def keys(self, *states):
        marks = ",".join("?" * len(states))
        found = self.rows(f"SELECT key FROM line WHERE state IN ({marks})", *states)  # noqa: S608
        return {row[0] for row in found}

    def reviews(self):
        """Return how many reviews decided something."""
        return self.rows("SELECT count(*) FROM review WHERE recorded_at IS NOT NULL")[0][0]


class Daemon:
    """A running daemon with its log."""

    def __init__(self, site, environment):
        self.site = site
        self.log = site.directory / f"daemon-{len(site.daemons)}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*PYTHON, "run", "--config", str(site.config)],
                stdout=log,
                stderr=log,
                cwd=ROOT,
                env={**os.environ, **environment},
            )

    def __str__(self):
        return self.log.read_text()[-6000:]

    def events(self, name=""):
        """Return the complete log lines, those of one event if it is named."""
        lines = self.log.read_text().splitlines(keepends=True)
        told = [json.loads(each) for each in lines if each.startswith("{") and each[-1] == "\n"]
        return [each for each in told if not name or each["event"] == name]

    def wait_for(self, event, number=1):
        """Wait until the log has so many of an event and return the newest."""
        return until(
            lambda: found[-1] if len(found := self.events(event)) >= number else None,
            f"{number} x {event}",
            alive=self,
        )

    def wait(self, done, what):
        return until(done, what, alive=self)

    @property
    def url(self):
        return self.wait_for("web_listening")["url"]

    def get(self, path):
        return requests.get(f"{self.url}{path}", timeout=20)

    def status(self):
        return self.get("/status.json").json()["sites"][0]

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def stop(self):
        """Ask it to leave and return its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def network(**changes):
    """Return the nodes of the stand-in ERP's network."""
    return [
        {"plant": node} | ({} if node == NODES[0] else {"supplied_by": NODES[0]}) for node in NODES
    ]


def merged(base, changes):
    """Return a document with changes put over it, key by key."""
    both = dict(base)
    for name, value in changes.items():
        under = both.get(name)
        whole = isinstance(value, dict) and isinstance(under, dict)
        both[name] = merged(under, value) if whole else value
    return both
