"""SIGHUP: a bad file changes nothing, a good one changes the mode from the next order on."""

from __future__ import annotations

import time

TICKS = 0.6  # seconds: several looks at the outbox


def test_a_bad_file_changes_nothing_and_a_good_one_the_next_orders(site):
    erp, daemon = site.erp, site.configure(mode="shadow").daemon()
    daemon.wait_for("review_done")
    good = site.config.read_text()
    for number, (bad, word) in enumerate(
        (
            (good.replace('"mode": "shadow"', '"mode": "alive"'), "mode"),
            (good[:200], "replenishd.yaml"),
            (good.replace("/state", "/elsewhere"), "state_dir"),
            ("", "replenishd.yaml"),
        ),
        start=1,
    ):
        site.write(bad)
        daemon.hang_up()
        daemon.wait_for("config_rejected", number)
        (note,) = daemon.wait(lambda: daemon.get("/status.json").json()["notes"], "a note")
        assert "refused" in note
        assert word in note
        assert daemon.status()["mode"] == "shadow"
    erp.days(1)
    daemon.wait_for("review_done", 2)
    yesterday = site.keys("recorded")
    assert len(yesterday) >= 40
    assert erp.filed() == []
    # A good file: live for one plant, and not with what was decided in shadow
    site.configure(mode="live", pilot={"nodes": ["1010"]})
    daemon.hang_up()
    daemon.wait_for("config_reloaded")
    daemon.wait(lambda: daemon.get("/status.json").json()["notes"] == [], "the note to go")
    told = daemon.status()
    assert (told["mode"], told["pilot"]) == ("live", ["1010"])
    time.sleep(TICKS)
    assert erp.filed() == []
    erp.days(1)
    daemon.wait_for("review_done", 3)
    today = {row[0]: row[1:] for row in site.rows("SELECT key, node, state FROM line")}
    inside = {key for key in today if key not in yesterday and today[key][0] == "1010"}
    outside = {key for key in today if key not in yesterday and today[key][0] != "1010"}
    assert len(inside) >= 3
    assert len(outside) >= 3
    assert erp.times() == dict.fromkeys(inside, 1)
    assert {today[key][1] for key in inside} == {"filed"}
    assert {today[key][1] for key in outside | yesterday} == {"recorded"}
    # And back: what is decided in shadow is recorded again
    site.configure(mode="shadow")
    daemon.hang_up()
    daemon.wait_for("config_reloaded", 2)
    erp.days(1)
    daemon.wait_for("review_done", 4)
    assert erp.times() == dict.fromkeys(inside, 1)
    assert daemon.stop() == 0


def test_what_a_stopped_live_day_still_owed_is_never_sent_after_a_flip(site):
    erp = site.erp
    kill = site.state / "control" / "KILL"
    kill.parent.mkdir(parents=True)
    kill.touch()
    daemon = site.configure(mode="live").daemon()
    daemon.wait_for("review_done")
    owed = site.keys("owed")
    assert len(owed) == 20
    site.configure(mode="shadow")
    daemon.hang_up()
    daemon.wait_for("config_reloaded")
    kill.unlink()
    daemon.wait(lambda: site.keys("lapsed") == owed, "the owed lines to lapse")
    site.configure(mode="live")
    daemon.hang_up()
    daemon.wait_for("config_reloaded", 2)
    time.sleep(TICKS)
    assert erp.filed() == []
    erp.days(1)
    daemon.wait_for("review_done", 2)
    assert erp.times() == dict.fromkeys(site.keys("filed"), 1)
    assert len(erp.times()) >= 20
    assert not owed & set(erp.times())
    assert daemon.stop() == 0
