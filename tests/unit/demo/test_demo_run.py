"""The demo from the outside: how it ends, what it says, and what it leaves."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest
from rich.console import Console

from connector.demo.perform import DemoOptions
from connector.demo.run import run, run_with
from connector.errors import EXIT_CONFIG, EXIT_DONE, EXIT_NEEDS_A_PERSON, ConfigError
from connector.ledger import queries
from connector.ledger.sqlite import SqliteLedger

PYTHON = sys.executable


def screen():
    return Console(file=io.StringIO(), width=100)


def play(options):
    console = screen()
    return run_with(options, screen=console), console.file.getvalue()


def processes_of(out):
    """Return the command lines of processes that name a folder."""
    found = []
    for each in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = each.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if str(out) in line:
            found.append(line)
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Play one small demo to its end, with the real sandbox and the real daemon."""
    out = tmp_path_factory.mktemp("demo") / "out"
    code, said = play(DemoOptions(days=4, items=15, regions=2, history_days=30, out=out))
    return out, code, said


def test_the_demo_ends_well_and_shows_its_figures(whole):
    out, code, said = whole
    assert code == EXIT_DONE, said
    for text in ("Fill rate", "ERP rule", "Filed twice", "Unmatched", str(out / "report.html")):
        assert text in said.replace("\n", "") or text in said


def test_the_report_stands_alone_and_is_small(whole):
    out, _, _ = whole
    page = (out / "report.html").read_text()
    assert len(page) < 3_000_000
    assert "4 days beside an ERP" in page
    assert "<script" not in page
    for name in ("compared", "stock", "orders", "service", "failsafes", "posted"):
        assert f'id="{name}"' in page


def test_what_was_posted_is_in_the_erp_once_and_in_the_ledger(whole):
    out, _, _ = whole
    ledger = SqliteLedger.open_reader(out / "state" / "demo")
    try:
        lines = queries.lines_frame(ledger.store, "demo", date(2026, 1, 1))
        assert ledger.verify() == []
        assert len(queries.reviews(ledger.store, "demo")) == 5
    finally:
        ledger.close()
    events = [json.loads(line) for line in (out / "sandbox-state.jsonl").read_text().splitlines()]
    filed = [
        line["tracking"] for each in events if each["event"] == "filed" for line in each["lines"]
    ]
    ours = lines.filter(lines["number"] != "")["key"].to_list()
    assert sorted(filed) == sorted(ours)
    assert len(set(filed)) == len(filed) > 0


def test_nothing_is_left_running(whole):
    out, _, _ = whole
    assert processes_of(out) == []


def test_a_second_demo_takes_the_place_of_the_first_but_nothing_else(whole, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    code, said = play(DemoOptions(out=tmp_path))
    assert code == EXIT_CONFIG
    assert "thesis.txt, which is not of a demo" in said.replace("\n", " ")
    assert (tmp_path / "thesis.txt").exists()
    out, _, _ = whole
    broken = (PYTHON, "-c", "print('no luck'); raise SystemExit(3)")
    code, _ = play(DemoOptions(out=out, sandbox=broken))
    assert code == EXIT_NEEDS_A_PERSON
    assert not (out / "report.html").exists()


def test_a_sandbox_that_dies_is_one_clear_line(tmp_path):
    broken = (PYTHON, "-c", "raise OSError('no room')")
    code, said = play(DemoOptions(out=tmp_path / "out", sandbox=broken))
    assert code == EXIT_NEEDS_A_PERSON
    assert said.count("\n") == 1
    assert "the sandbox ended by itself with code 1" in said
    assert "OSError: no room" in said
    assert str(tmp_path / "out" / "sandbox.log") in said


def test_a_daemon_that_dies_takes_the_sandbox_with_it(tmp_path):
    broken = (PYTHON, "-c", "raise SystemExit('no ledger here')")
    options = DemoOptions(items=5, regions=1, history_days=2, out=tmp_path / "out", daemon=broken)
    code, said = play(options)
    assert code == EXIT_NEEDS_A_PERSON
    assert "the daemon ended by itself with code 1" in said
    assert "no ledger here" in said
    assert processes_of(tmp_path) == []


def test_ctrl_c_ends_everything(tmp_path):
    code = f"""
from pathlib import Path
from connector.demo.perform import DemoOptions
from connector.demo.run import run_with
options = DemoOptions(items=5, regions=1, history_days=2, out=Path({str(tmp_path / "out")!r}))
raise SystemExit(run_with(options))
"""
    demo = subprocess.Popen([PYTHON, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert "sandbox and daemon run" in demo.stdout.readline()
        assert len(processes_of(tmp_path / "out")) >= 2
        demo.send_signal(signal.SIGINT)
        said, _ = demo.communicate(timeout=30)
    finally:
        demo.kill()
        demo.wait()
        demo.stdout.close()
    assert demo.returncode == 130
    assert "sandbox and daemon have ended" in said
    deadline = time.monotonic() + 3
    while processes_of(tmp_path / "out") and time.monotonic() < deadline:
        time.sleep(0.05)
    assert processes_of(tmp_path / "out") == []


def test_too_few_days_are_refused(capsys):
    with pytest.raises(ConfigError, match="a demo of 1 days"):
        DemoOptions(days=1)
    assert run(days=1) == EXIT_CONFIG
    assert "--days 2 or more" in capsys.readouterr().err
