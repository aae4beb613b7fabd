"""A short kill campaign: the same harness as `make campaign-kill`, with few kills."""

from __future__ import annotations

import sys

import pytest
from acceptance_erp import REQUISITIONS, ROOT
from acceptance_stage import PYTHON

sys.path.insert(0, str(ROOT / "benchmarks"))

from kill_campaign import Campaign


# The harness leaves its logs open for as long as it lives
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.slow
def test_a_daemon_that_is_killed_again_and_again_files_every_order_once(tmp_path):
    running = Campaign(tmp_path / "campaign", 11, "")
    try:
        verdict = running.run(4)
    finally:
        running.close()
    assert verdict.kills == 4
    assert verdict.filed >= 20
    assert verdict.faults >= 1
    assert (verdict.duplicates, verdict.lost, verdict.unknown) == (0, 0, 0)
    assert verdict.intact


def test_the_harness_sees_an_order_that_was_filed_twice(site):
    """A planted defect, sending again when the answer was lost, must not go unseen."""
    site.erp.plant("lost_answer", service=REQUISITIONS, count=1)
    planted = (PYTHON[0], str(ROOT / "benchmarks" / "kill_planted.py"), "resend_in_doubt")
    told = site.configure(mode="live").ask_apart("once", program=planted)
    assert told.code == 0, told
    assert max(site.erp.times().values()) == 2
