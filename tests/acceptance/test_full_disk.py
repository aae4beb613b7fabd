"""A disk that fills up: nothing is sent that is not written down, and it goes on after."""

from __future__ import annotations

import os
import resource
import subprocess

import pytest
from acceptance_erp import ROOT
from acceptance_stage import PYTHON, Site

SIZE = 3_145_728
# In a name space of its own: what is mounted here nobody else sees, and it is gone with the shell
IN_A_SMALL_PLACE = """
mount -t tmpfs -o size=$SIZE none "$STATE" || exit 99
head -c "$FILL" /dev/zero > "$STATE/filler"
"$@" > "$SAVED/out" 2> "$SAVED/err"
echo $? > "$SAVED/code"
rm "$STATE/filler"
cp -a "$STATE" "$SAVED/state"
"""


def may_mount():
    asked = ["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/tmp"]  # noqa: S108
    try:
        return subprocess.run(asked, check=False, capture_output=True).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not may_mount(), reason="mounting a small file system needs root")
def test_with_space_again_every_order_is_filed_once(site):
    """The disk is full in the middle of sending, or near it: what is said here holds anywhere."""
    after = _after_a_full_disk(site, free=850_000)
    assert set(site.erp.times()) <= after.keys("intent", "in_doubt", "filed")
    daemon = after.configure(mode="live").daemon()
    site.daemons.append(daemon)
    daemon.wait(lambda: len(after.keys("filed")) == 20, "every order")
    assert site.erp.times() == dict.fromkeys(after.keys("filed"), 1)
    assert daemon.stop() == 0
    assert after.ask("verify").json["intact"]


@pytest.mark.skipif(not may_mount(), reason="mounting a small file system needs root")
def test_a_review_that_could_not_be_written_down_is_held_again_in_its_slot(site):
    after = _after_a_full_disk(site, free=500_000)
    assert site.erp.filed() == []
    assert after.configure(mode="live").once()["drained"]["filed"] == 20
    assert site.erp.times() == dict.fromkeys(after.keys("filed"), 1)


def _after_a_full_disk(site, free):
    """Run a review with so little space, and return the site as it was left, with space again."""
    site.configure(mode="live")
    state, saved = site.directory / "state", site.directory / "saved"
    state.mkdir()
    saved.mkdir()
    asked = ["unshare", "--mount", "sh", "-c", IN_A_SMALL_PLACE, "sh", *PYTHON, "once"]
    asked += ["--config", str(site.config), "--json"]
    told = {"STATE": str(state), "SAVED": str(saved), "SIZE": str(SIZE), "FILL": str(SIZE - free)}
    subprocess.run(asked, cwd=ROOT, env={**os.environ, **told}, check=True)
    assert (saved / "code").read_text() == "1\n"
    said = (saved / "err").read_text()
    assert [each.split(":")[0] for each in said.splitlines()] == ["replenishd", "  next"]
    assert "space" in said or "disk is full" in said
    return Site(saved, site.erp, site.clerk)


def test_a_disk_that_takes_no_more_is_said_in_one_line(site):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))

    told = site.configure(mode="live").ask_apart("once", preexec_fn=small_files)
    assert (told.code, told.error["kind"]) == (1, "LedgerUnavailable")
    assert "ledger.sqlite" in told.error["message"]
    assert site.erp.filed() == []
    assert site.once()["drained"]["filed"] == 20
    assert site.erp.times() == dict.fromkeys(site.keys("filed"), 1)
