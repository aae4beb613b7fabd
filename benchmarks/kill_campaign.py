"""Kills a live daemon with SIGKILL at random moments while its ERP misbehaves, then compares books.

    python benchmarks/kill_campaign.py --kills 500            # the product
    python benchmarks/kill_campaign.py --planted all          # defects it must find

The sandbox files twice when asked twice. After the kills the faults are cleared, the daemon is left
to settle, and every line of its ledger is compared with the ERP's own account:

    duplicate   a key that the ERP holds more than once
    lost        a line the ledger holds as filed and the ERP never got, or one that never settled
    unknown     a key in the ERP that the ledger does not hold as filed

A planted defect is found when the ERP holds a duplicate; its run ends there. Exit 0 when the
product has none of the three, or when every planted defect was found.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

import requests
from rich.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
HERE = Path(__file__).resolve().parent
PLANTED = ("no_quarantine", "intent_after_send", "resend_in_doubt")
SENT = ("filed", "confirmed", "closed", "withdrawn", "missing")
UNSETTLED = ("owed", "intent", "in_doubt", "conflict")
FAULTS = (
    {"kind": "lost_answer", "probability": 0.12},
    {"kind": "late_commit", "probability": 0.15, "delay_ms": 600, "hold_ms": 100},
    {"kind": "error_after_commit", "probability": 0.04, "status": 500},
    {"kind": "status", "probability": 0.04, "status": 503, "method": "POST"},
    {"kind": "reset", "probability": 0.06, "method": "POST"},
    {"kind": "truncate", "probability": 0.05, "share": 0.5, "method": "POST"},
    # Stored, and the answer takes a while: many kills fall between the send and its answer
    {"kind": "drip", "probability": 0.25, "chunk_bytes": 256, "delay_ms": 60, "method": "POST"},
)
REQUISITIONS = "API_PURCHASEREQ_PROCESS_SRV"
NODES = ("1000", "1010", "1020")


@dataclass
class Verdict:
    """What a campaign found."""

    variant: str
    kills: int = 0
    days: int = 0
    seconds: float = 0.0
    filed: int = 0
    attempts: int = 0
    faults: int = 0
    duplicates: int = 0
    lost: int = 0
    unknown: int = 0
    intact: bool = True

    @property
    def clean(self) -> bool:
        return self.intact and not (self.duplicates or self.lost or self.unknown)


class Campaign:
    """One sandbox, and a daemon that is killed over and over."""

    def __init__(self, out: Path, seed: int, variant: str) -> None:
        self.out, self.seed, self.variant = out, seed, variant
        self.chance = random.Random(seed)
        self.verdict = Verdict(variant=variant or "product")
        out.mkdir(parents=True, exist_ok=True)
        self.erp = self._sandbox()
        self.config = self._configure()

    def _sandbox(self) -> subprocess.Popen[bytes]:
        ready = self.out / "ready.json"
        ready.unlink(missing_ok=True)
        command = [sys.executable, "-m", "connector.sandbox", "--items", "40", "--regions", "2"]
        command += ["--seed", str(self.seed), "--history-days", "40", "--ready-file", str(ready)]
        command += ["--state", str(self.out / "erp.jsonl")]
        log = (self.out / "sandbox.log").open("wb")
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)
        for _ in range(600):
            if ready.exists() and ready.stat().st_size:
                said = json.loads(ready.read_text())
                self.url, self.admin = said["url"], said["admin"]
                return process
            time.sleep(0.1)
        message = f"the sandbox did not start; read {self.out / 'sandbox.log'}"
        raise SystemExit(message)

    def _configure(self) -> Path:
        password = self.out / "password"
        password.write_text("sandbox")
        password.chmod(0o600)
        nodes = [
            {"plant": node} | ({} if node == NODES[0] else {"supplied_by": NODES[0]})
            for node in NODES
        ]
        caps = dict.fromkeys(
            ("line", "node_day", "node_review", "node_28_days", "site_review"), 1e9
        )
        site = {
            "name": "kill",
            "mode": "live",
            "schedule": {"cron": "0 6 * * *"},
            "erp": {
                "url": self.url,
                "auth": {
                    "kind": "basic",
                    "username": "REPLENISHD",
                    "password": f"${{file:{password}}}",
                },
            },
            "network": {"nodes": nodes},
            # Longer than the sandbox's late commits, which is all that exactly-once rests on
            "posting": {
                "quarantine": "1s",
                "second_look": "1s",
                "tick": "100ms",
                "lines_per_document": 2,
            },
            "limits": {"budget": caps, "throttle": {"per_second": 100.0, "burst": 1000.0}},
        }
        path = self.out / "replenishd.yaml"
        document = {
            "version": 1,
            "state_dir": str(self.out / "state"),
            "web": {"listen": None},
            "clock": {"follow": self.admin},
            "sites": [site],
        }
        path.write_text(json.dumps(document))
        return path

    def daemon(self) -> subprocess.Popen[bytes]:
        """Start the daemon, with the planted defect if there is one."""
        entry = (
            [str(HERE / "kill_planted.py"), self.variant] if self.variant else ["-m", "connector"]
        )
        command = [sys.executable, *entry, "run", "--config", str(self.config)]
        log = (self.out / "daemon.log").open("ab")
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=ROOT)

    def ask(self, method: str, path: str, body: object = None) -> object:
        answer = requests.request(method, f"{self.admin}{path}", json=body, timeout=60)
        answer.raise_for_status()
        return answer.json()

    def run(self, kills: int, progress: Progress | None = None) -> Verdict:
        begun = time.monotonic()
        self.ask("POST", "/planning", dict.fromkeys(NODES, "none"))
        task = progress.add_task(self.verdict.variant, total=kills) if progress else None
        for fault in FAULTS:
            self.ask("POST", "/faults", {**fault, "service": REQUISITIONS})
        while self.verdict.kills < kills and not self._is_caught():
            self._kill_one()
            if progress is not None and task is not None:
                progress.update(task, completed=self.verdict.kills)
        fired = self.ask("GET", "/faults")
        self.verdict.faults = sum(each["fired"] for each in _listed(fired))
        self.ask("DELETE", "/faults")
        if not self._is_caught():
            self._settle()
        self._compare()
        self.verdict.seconds = time.monotonic() - begun
        return self.verdict

    def _kill_one(self) -> None:
        """Let the daemon get somewhere and kill it; a new day whenever its outbox is empty."""
        if self._is_idle():
            self.ask("POST", "/clock/advance", {"days": 1})
            self.verdict.days += 1
        process = self.daemon()
        mark = self._head()
        until = time.monotonic() + 20
        # Wait for its first word to the ledger, so that kills hit the work and not the imports
        while self._head() == mark and time.monotonic() < until and process.poll() is None:
            time.sleep(0.02)
        time.sleep(self.chance.uniform(0.0, 1.6))
        process.send_signal(signal.SIGKILL)
        process.wait()
        self.verdict.kills += 1

    def _settle(self) -> None:
        """Leave the daemon alone until nothing waits, at most two minutes."""
        process = self.daemon()
        until = time.monotonic() + 120
        quiet = 0
        while time.monotonic() < until and quiet < 20:
            time.sleep(0.25)
            quiet = quiet + 1 if self._is_idle() else 0
        # The next review reads back what was filed
        self.ask("POST", "/clock/advance", {"days": 1})
        time.sleep(6)
        process.send_signal(signal.SIGTERM)
        process.wait(60)

    def _books(self) -> sqlite3.Connection | None:
        path = self.out / "state" / "kill" / "ledger.sqlite"
        if not path.exists():
            return None
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)

    def _rows(self, sql: str) -> list[tuple[object, ...]]:
        books = self._books()
        if books is None:
            return []
        try:
            return books.execute(sql).fetchall()
        except sqlite3.OperationalError:
            return []
        finally:
            books.close()

    def _head(self) -> int:
        found = self._rows("SELECT coalesce(max(seq), 0) FROM journal")
        return int(found[0][0]) if found else 0

    def _is_idle(self) -> bool:
        today = str(self.ask("GET", "/clock")["now"])[:10]
        reviewed = self._rows(
            f"SELECT count(*) FROM review WHERE recorded_at IS NOT NULL AND slot_at LIKE '{today}%'"
        )
        waiting = self._rows(
            "SELECT count(*) FROM line WHERE state IN ('owed','intent','in_doubt')"
        )
        return bool(reviewed and reviewed[0][0]) and bool(waiting) and waiting[0][0] == 0

    def _is_caught(self) -> bool:
        """Tell whether a planted defect has shown itself."""
        return bool(self.variant) and any(count > 1 for count in self._erp_account().values())

    def _erp_account(self) -> Counter[object]:
        """Return how often the ERP holds each of our keys."""
        rows = _listed(self.ask("GET", "/ledger"))
        return Counter(each["key"] for each in rows if each.get("key"))

    def _compare(self) -> None:
        """Compare our ledger with the ERP's own account, line by line."""
        ours = dict(self._rows("SELECT key, state FROM line"))
        theirs = self._erp_account()
        verdict = self.verdict
        verdict.filed = len(theirs)
        found = self._rows("SELECT count(*) FROM attempt")
        verdict.attempts = int(found[0][0]) if found else 0
        verdict.duplicates = sum(1 for count in theirs.values() if count > 1)
        verdict.lost = sum(
            1
            for key, state in ours.items()
            if (state in SENT and key not in theirs) or state in UNSETTLED
        )
        verdict.unknown = sum(1 for key in theirs if ours.get(key) not in SENT)
        told = subprocess.run(
            [sys.executable, "-m", "connector", "verify", "--config", str(self.config), "--json"],
            capture_output=True,
            cwd=ROOT,
            check=False,
        )
        verdict.intact = told.returncode == 0

    def close(self) -> None:
        self.erp.terminate()
        self.erp.wait(20)


def _listed(answer: object) -> list[dict[str, object]]:
    if isinstance(answer, list):
        return answer
    return next(value for value in answer.values() if isinstance(value, list))


def campaign(out: Path, seed: int, kills: int, variant: str, progress: Progress) -> Verdict:
    running = Campaign(out / (variant or f"product-{seed}"), seed, variant)
    try:
        return running.run(kills, progress)
    finally:
        running.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(2)))
    parser.add_argument("--planted", default="", choices=("", "all", *PLANTED))
    parser.add_argument("--planted-kills", type=int, default=40)
    parser.add_argument("--out", type=Path, default=ROOT / "campaign-out")
    options = parser.parse_args()
    out = options.out / f"{options.seed}"
    variants = {"": [""], "all": list(PLANTED)}.get(options.planted, [options.planted])
    kills = options.planted_kills if options.planted else options.kills
    verdicts = []
    with Progress() as progress:
        for variant in variants:
            verdicts.append(campaign(out, options.seed, kills, variant, progress))
    print(f"seed {options.seed}")
    for verdict in verdicts:
        print(json.dumps(asdict(verdict)))
    if options.planted:
        missed = [each.variant for each in verdicts if not each.duplicates]
        print("every planted defect was found" if not missed else f"MISSED: {missed}")
        return 1 if missed else 0
    print("clean" if verdicts[0].clean else "NOT CLEAN")
    return 0 if verdicts[0].clean else 1


if __name__ == "__main__":
    sys.exit(main())
