"""The demo's processes: watched while they run, and never left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from connector.clock import SystemClock
from connector.demo.children import Child, last_words, wait_until
from connector.errors import ReplenishError

SLEEPS = (sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)")
IGNORE = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
STUBBORN = (sys.executable, "-c", f"{IGNORE}; print('up', flush=True); time.sleep(60)")


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def until(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_a_child_ends_with_its_block_whatever_happened(tmp_path):
    pids = []

    def fall():
        with Child("x", SLEEPS, tmp_path / "log") as child:
            assert until(lambda: (tmp_path / "log").read_text() == "up\n")
            pids.append(child.pid)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fall()
    assert not is_running(pids[0])


def test_a_child_that_ignores_sigterm_is_made_to_go(tmp_path):
    child = Child("x", STUBBORN, tmp_path / "log")
    assert until(lambda: (tmp_path / "log").read_text() == "up\n")
    assert child.stop(0.2) == -signal.SIGKILL
    assert not is_running(child.pid)
    assert child.stop(0.2) == -signal.SIGKILL


def test_a_child_that_dies_is_reported_with_its_last_words_and_its_log(tmp_path):
    log = tmp_path / "daemon.log"
    command = (sys.executable, "-c", "import sys; print('ValueError: no plant'); sys.exit(3)")
    with Child("daemon", command, log) as child:
        with pytest.raises(ReplenishError) as caught:
            wait_until(
                lambda: False, what="start", seconds=5, clock=SystemClock(), children=[child]
            )
        with pytest.raises(ReplenishError, match="code 3"):
            child.hang_up()
    said = str(caught.value)
    assert "the daemon ended by itself with code 3" in said
    assert "ValueError: no plant" in said
    assert str(log) in said
    assert "\n" not in said


def test_waiting_too_long_is_reported(tmp_path):
    with (
        Child("daemon", SLEEPS, tmp_path / "log") as child,
        pytest.raises(ReplenishError, match=r"took longer than 0 s to finish the review"),
    ):
        wait_until(
            lambda: False,
            what="finish the review",
            seconds=0.1,
            clock=SystemClock(),
            children=[child],
        )


def test_children_do_not_outlive_a_killed_parent(tmp_path):
    code = f"""
from pathlib import Path
import time
from connector.demo.children import Child
child = Child("x", {SLEEPS!r}, Path({str(tmp_path / "log")!r}))
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    assert until(lambda: (tmp_path / "log").read_text() == "up\n")
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert until(lambda: not is_running(pid))


def test_a_child_whose_parent_is_gone_already_does_not_start():
    done = subprocess.run(
        [sys.executable, "-m", "connector.demo.tether", "1", *SLEEPS],
        capture_output=True,
        check=False,
        timeout=10,
    )
    assert (done.returncode, done.stdout) == (1, b"")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([], ""),
        (["plain text"], "plain text"),
        (["Traceback", "  File x", "KeyError: 'a'", "bye"], "KeyError: 'a'"),
        (
            [
                json.dumps({"event": "review_failed", "level": "error", "error": "no answer"}),
                json.dumps({"event": "daemon_stopped", "level": "info"}),
            ],
            "review_failed: no answer",
        ),
        ([json.dumps({"event": "a\x1b[2J\nb", "level": "critical"})], "a [2J b"),
        (["x" * 1000], "x" * 300),
        (["[1, 2]", ""], "[1, 2]"),
    ],
)
def test_last_words_are_one_readable_line(tmp_path, lines, words):
    log = tmp_path / "log"
    log.write_text("\n".join(lines))
    assert last_words(log) == words


def test_a_missing_log_has_no_words(tmp_path):
    assert last_words(tmp_path / "none") == ""
