"""Real processes, a real file, `kill -9` at random instants."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from ledger_fakes import START
from ledger_worlds import SECRET, SITE

from connector.clock import SystemClock
from connector.ledger.journal import Head
from connector.ledger.lines import State, select
from connector.ledger.moments import instant
from connector.ledger.sqlite import SqliteLedger

KILLS = 20
LINES = 60


def child(state_dir: Path, erp: Path) -> subprocess.Popen[str]:
    script = Path(__file__).parent / "ledger_daemon.py"
    return subprocess.Popen(
        [sys.executable, str(script), str(state_dir), str(erp)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_twenty_deaths_file_everything_once(state_dir, tmp_path):
    erp, rng = tmp_path / "erp.sqlite", random.Random(11)  # noqa: S311
    with sqlite3.connect(erp) as database:
        database.execute("CREATE TABLE filed (key TEXT, node TEXT, item TEXT, quantity TEXT)")
    kills = 0
    while kills < KILLS:
        process = child(state_dir, erp)
        assert process.stdout.readline() in {"leading\n", ""}
        time.sleep(rng.uniform(0.0, 0.12))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        kills += 1
    process = child(state_dir, erp)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert out.endswith("at rest\n")
    ledger = SqliteLedger.open(state_dir, at=instant(SystemClock()), secret=SECRET, control=None)
    lines = select(ledger.store, "site = ?", (SITE,))
    with sqlite3.connect(erp) as database:
        filed = [row[0] for row in database.execute("SELECT key FROM filed ORDER BY key")]
    assert len(lines) == LINES
    assert {line.state for line in lines} == {State.FILED}
    assert filed == sorted(line.key for line in lines)
    assert ledger.store.integrity() == ()
    assert ledger.verify([Head(seq=0, hash="")]) == []
    assert ledger.epoch > KILLS / 2
    assert START.tzinfo is not None
