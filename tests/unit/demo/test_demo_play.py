"""The order of the demo's days: who plans when, and that every day has exactly one planner."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from connector.demo.face import reviewed, slot_day
from connector.demo.play import Scene, play
from connector.errors import ReplenishError

FIRST = date(2026, 11, 2)
PLANTS = ("1000", "1010", "1020")


class Theatre:
    """Sandbox, daemon and clock in one, writing down what was done to them."""

    def __init__(self, *, deaf=False, notes=(), catch_ups=0):
        self.today, self.events = FIRST, []
        self.deaf, self.said = deaf, notes
        self.written = self.running = ("shadow", ())
        self.planning = dict.fromkeys(PLANTS, "reorder_point")
        self.reviews, self.moment = {}, 0.0
        self.catch_ups, self.unsent, self.asked = catch_ups, 0, []
        self.stage = SimpleNamespace(plants=PLANTS, write=self.write)

    # the stage
    def write(self, mode, *, pilot=(), budget=None):
        self.written = (mode, tuple(pilot))
        self.budget = budget

    # the sandbox
    def now(self):
        return datetime(self.today.year, self.today.month, self.today.day, 6, tzinfo=UTC)

    def advance(self):
        assert self.unsent == 0, "the ERP's day began before all was sent"
        planned = [plant for plant, how in self.planning.items() if how != "none"]
        mode, pilot = self.reviews[self.today]
        live = (pilot or PLANTS) if mode == "live" else ()
        self.events.append((self.today, tuple(planned), tuple(live)))
        self.today += timedelta(days=1)
        return self.now()

    def switch_planning(self, plants):
        self.planning |= plants

    def days(self):
        early = {"day": "2026-10-01", "erp_value": 1e9}
        return [early, {"day": "2026-11-02", "erp_value": 5000.0}]

    # the daemon
    def site(self):
        self.reviews.setdefault(self.today, self.running)
        self.unsent = max(0, self.unsent - 1)
        mode, pilot = self.running
        return {
            "mode": mode,
            "pilot": list(pilot),
            "outbox": self.unsent % 2,
            "in_doubt": self.unsent // 2,
            "last_review": {
                "review": f"r{self.today}",
                "slot": f"demo/replenishment/{self.today:%Y%m%d}T060000Z",
                "finished_at": "x",
            },
        }

    def notes(self):
        return self.said

    def hang_up(self):
        if not self.deaf:
            self.running = self.written

    def require_alive(self):
        pass

    def failed(self, what):
        return ReplenishError(f"the daemon {what}", hint="read the log")

    # the planner
    def decide(self):
        self.asked.append(self.today)
        self.unsent += self.catch_ups
        return self.catch_ups

    # the clock
    def monotonic(self):
        return self.moment

    def sleep(self, seconds):
        self.moment += max(seconds, 1.0)

    def scene(self):
        return Scene(
            stage=self.stage,
            admin=self,
            face=self,
            sandbox=self,
            daemon=self,
            clock=self,
            planner=self,
        )


@pytest.mark.parametrize(("days", "pilot_days"), [(2, 0), (4, 1), (5, 1), (12, 3), (60, 3)])
def test_every_plant_has_one_planner_every_day(days, pilot_days):
    theatre, seen = Theatre(), []
    diary = play(theatre.scene(), days, lambda diary: seen.append(len(diary.days)))
    assert seen == list(range(1, days + 1))
    for _, planned, live in theatre.events:
        assert sorted({*planned, *live}) == list(PLANTS)
        assert not set(planned) & set(live)
    shadow = -(-days // 3)
    counts = [len(live) for _, _, live in theatre.events]
    assert counts[:shadow] == [0] * shadow
    assert counts[shadow:] == [2] * pilot_days + [3] * (days - shadow - pilot_days)
    assert diary.live_from == FIRST + timedelta(days=shadow)


def test_the_planner_decides_on_every_live_day_and_nothing_approved_is_left_unsent():
    theatre = Theatre(catch_ups=3)
    diary = play(theatre.scene(), 6, lambda _: None)
    assert theatre.asked == [FIRST + timedelta(days=number) for number in range(2, 6)]
    assert diary.approved == 4 * 3


def test_a_day_in_shadow_is_nobodys_to_approve():
    theatre = Theatre(catch_ups=3)
    diary = play(theatre.scene(), 1, lambda _: None)
    assert (theatre.asked, diary.approved, diary.live_from) == ([], 0, None)


def test_what_was_approved_and_is_never_sent_is_told():
    theatre = Theatre(catch_ups=1_000)
    with pytest.raises(ReplenishError, match="longer than 90 s to send what was approved"):
        play(theatre.scene(), 3, lambda _: None)


def test_the_morning_after_is_reviewed_too():
    theatre = Theatre()
    diary = play(theatre.scene(), 4, lambda _: None)
    assert [review["day"] for review in diary.reviews] == [
        FIRST + timedelta(days=number) for number in range(5)
    ]
    assert len(diary.days) == 4


def test_the_caps_come_from_the_shadow_days_only():
    theatre = Theatre()
    diary = play(theatre.scene(), 4, lambda _: None)
    assert diary.budget["node_day"] == 10_000.0
    assert theatre.budget == diary.budget


def test_a_refused_reload_is_told_in_the_daemons_words():
    theatre = Theatre(deaf=True, notes=("the last reload was refused: sites.demo.mode",))
    with pytest.raises(ReplenishError, match=r"did not go live: the last reload was refused"):
        play(theatre.scene(), 4, lambda _: None)


def test_a_reload_that_nobody_hears_is_told_too():
    with pytest.raises(ReplenishError, match="took longer than 20 s to go live"):
        play(Theatre(deaf=True).scene(), 4, lambda _: None)


def site(**review):
    return {"last_review": review}


@pytest.mark.parametrize(
    ("shown", "done"),
    [
        (None, False),
        ({}, False),
        ({"last_review": None}, False),
        (site(slot="demo/replenishment/20261102T060000Z", finished_at=None), False),
        (site(slot="demo/replenishment/20261101T060000Z", finished_at="x"), False),
        (site(slot="demo/replenishment/20261102T060000Z", finished_at="x"), True),
        (site(slot="2026-11-02T06:00:00+00:00", finished_at="x"), True),
    ],
)
def test_only_a_finished_review_of_the_day_counts(shown, done):
    assert (reviewed(shown, FIRST) is not None) is done


def test_a_slot_without_a_day_is_refused():
    with pytest.raises(ReplenishError, match="names no day"):
        slot_day("demo/42")
