"""Six ways to lose an answer, one site each: after the quarantine every order is there once.

The stand-in ERP files twice when asked twice. One daemon minds all six sites.
"""

from __future__ import annotations

import json
from contextlib import ExitStack

import pytest
from acceptance_erp import REQUISITIONS, sandbox
from acceptance_stage import Site

LOST = {
    "lost-answer": {"kind": "lost_answer"},
    "late-commit": {"kind": "late_commit", "delay_ms": 800, "hold_ms": 50},
    "status-503": {"kind": "status", "status": 503, "method": "POST"},
    "error-500": {"kind": "error_after_commit", "status": 500},
    "reset": {"kind": "reset", "method": "POST"},
    "truncate": {"kind": "truncate", "share": 0.5, "method": "POST"},
}
NEVER_STORED = ("status-503", "reset")


@pytest.fixture(scope="module")
def sites(tmp_path_factory, clerk):
    """The six sites after their first review, when nothing is on its way any more."""
    directory = tmp_path_factory.mktemp("doubt")
    with ExitStack() as stack:
        places = {}
        for name, fault in LOST.items():
            (directory / name).mkdir()
            erp = stack.enter_context(sandbox(directory / name))
            erp.plant(**fault, service=REQUISITIONS, count=2)
            place = places[name] = Site(directory, erp, clerk, name=name)
            place.configure(mode="live", posting={"lines_per_document": 4})
        whole = place.settings | {"sites": [each.settings["sites"][0] for each in places.values()]}
        place.write(json.dumps(whole))
        daemon = place.daemon()
        stack.callback(daemon.end)
        daemon.wait(lambda: all(_is_settled(each) for each in places.values()), "every answer")
        yield places
        assert daemon.stop() == 0


def _is_settled(place):
    return place.states().total() == 20 and not place.keys("owed", "intent", "in_doubt")


@pytest.mark.parametrize("name", LOST)
def test_every_order_is_filed_exactly_once(sites, name):
    place = sites[name]
    assert place.erp.fired() == 2
    assert place.states() == {"filed": 20}
    assert place.erp.times() == dict.fromkeys(place.keys("filed"), 1)
    ours = {row[0]: row[1].zfill(10) for row in place.rows("SELECT key, number FROM line")}
    assert ours == {each["key"]: each["number"] for each in place.erp.filed()}
    assert place.rows("SELECT count(*) FROM attempt WHERE outcome = 'in_doubt'") == [(2,)]
    # What the ERP had stored was found there and not sent again; the rest was sent once more
    tries = {row[0] for row in place.rows("SELECT count(*) FROM attempt_line GROUP BY key")}
    assert tries == ({1, 2} if name in NEVER_STORED else {1})
