"""What people do to a running daemon: the kill file, halt, approve, reject, a second daemon."""

from __future__ import annotations

import time

HALF = 0.6  # seconds: several looks at the outbox and the mailbox


def test_a_kill_file_and_a_halt_stop_every_send_until_they_are_gone(site):
    erp = site.erp
    kill = site.state / "control" / "KILL"
    kill.parent.mkdir(parents=True)
    kill.touch()
    daemon = site.configure(mode="live").daemon()
    daemon.wait_for("review_done")
    told = daemon.status()
    assert told["halted"]
    assert "KILL" in told["halted_why"]
    assert told["last_review"]["outcome"] == "held"
    time.sleep(HALF)
    assert erp.filed() == []
    assert len(site.keys("owed")) == 20
    kill.unlink()
    daemon.wait(lambda: len(site.keys("filed")) == 20, "the owed lines to be filed")
    before = erp.times()
    assert before == dict.fromkeys(site.keys("filed"), 1)
    assert not daemon.status()["halted"]
    # The same by a command, through the mailbox of the running daemon
    halted = site.ask("halt", "stock count", "--who", "Ada")
    assert halted.code == 0
    assert "halted" in halted.json["done"]
    told = daemon.status()
    assert "Ada" in told["halted_why"]
    assert "stock count" in told["halted_why"]
    assert site.ask("status").json["acc"]["halted"] == told["halted_why"]
    erp.days(1)
    daemon.wait_for("review_done", 2)
    owed = site.keys("owed")
    assert len(owed) >= 3
    time.sleep(HALF)
    assert erp.times() == before
    assert site.ask("resume", "--who", "Ada").code == 0
    daemon.wait(lambda: not site.keys("owed", "intent"), "the owed lines to be filed")
    assert erp.times() == before | dict.fromkeys(owed, 1)
    assert [each["who"] for each in daemon.events("command_done")] == ["Ada", "Ada"]
    assert daemon.stop() == 0


def test_held_lines_are_approved_rejected_or_lapse(site):
    erp = site.erp
    daemon = site.configure(mode="live", limits={"budget": {"line": 300.0}}).daemon()
    daemon.wait_for("review_done")
    held = {each["key"]: each for each in site.ask("held").json}
    assert len(held) >= 3
    assert all(each["value"] > 300 and "D1" in each["reasons"] for each in held.values())
    filed = site.keys("filed")
    assert erp.times() == dict.fromkeys(filed, 1)
    assert len(filed) + len(held) == 20
    yes, no, *others = sorted(held)
    assert site.ask("approve", yes.lower(), "--who", "Ada").code == 0
    refused = site.ask("reject", no, "--who", "Ada")
    assert refused.code == 0
    assert no in refused.json["done"]
    daemon.wait(lambda: yes in site.keys("filed"), "the approved line to be filed")
    assert erp.times() == dict.fromkeys(filed | {yes}, 1)
    (line,) = [each for each in erp.filed() if each["key"] == yes]
    assert line["quantity"] == float(held[yes]["quantity"])
    assert site.keys("withdrawn") == {no}
    for word in ("approve", "reject"):
        twice = site.ask(word, yes)
        assert (twice.code, twice.error["kind"]) == (1, "CommandRefused")
    erp.days(1)
    daemon.wait_for("review_done", 2)
    assert set(others) <= site.keys("lapsed")
    late = site.ask("approve", others[0])
    assert (late.code, late.error["kind"]) == (1, "CommandRefused")
    time.sleep(HALF)
    assert not {no, *others} & set(erp.times())
    assert max(erp.times().values()) == 1
    assert daemon.stop() == 0


def test_a_held_line_expires_though_no_review_follows(site):
    site.configure(
        mode="live",
        limits={"budget": {"line": 300.0}},
        schedule={"cron": "0 6 * * tue"},
        posting={"hold_expiry": "12h"},
    )
    assert site.once(code=1)["outcome"] == "held"
    held, before = site.keys("held"), site.erp.times()
    assert len(held) >= 3
    site.erp.days(1)
    late = site.ask("approve", min(held))
    assert (late.code, late.error["kind"]) == (1, "CommandRefused")
    assert "expired" in late.error["message"]
    daemon = site.daemon()
    daemon.wait(lambda: site.keys("lapsed") == held, "the held lines to expire")
    assert site.reviews() == 1
    assert site.erp.times() == before
    assert daemon.stop() == 0


def test_a_second_daemon_is_refused_and_the_first_goes_on(site):
    daemon = site.configure(mode="live").daemon()
    second = site.daemon(wait=False)
    assert second.process.wait(30) == 75
    words = [line for line in str(second).splitlines() if line.startswith("replenishd: ")]
    assert len(words) == 1
    assert f"held by process {daemon.process.pid}" in words[0]
    assert "Traceback" not in str(second)
    once = site.ask("once")
    assert once.code == 75
    assert once.error["kind"] == "NotLeader"
    daemon.wait(lambda: len(site.keys("filed")) == 20, "the first daemon's orders")
    assert site.reviews() == 1
    assert site.ask("status").json["acc"]["leader"] == str(daemon.process.pid)
    assert daemon.get("/readyz").status_code == 200
    assert site.erp.times() == dict.fromkeys(site.keys("filed"), 1)
    assert daemon.stop() == 0
