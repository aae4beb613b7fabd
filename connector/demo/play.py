"""The demo's days: first in shadow, then a pilot, then all of the site live.

A day: the daemon reviews what stands at 06:00; then the ERP plans on the same picture where its own
planning is still on, goods move, customers buy, and it is 06:00 of the next day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from connector.demo import stage as staging
from connector.demo.admin import Admin
from connector.demo.children import Child, wait_until
from connector.demo.face import Face, reviewed
from connector.demo.planner import Planner
from connector.demo.stage import Stage
from connector.errors import ReplenishError
from connector.ports import Clock

REVIEW_SECONDS = 90.0  # the longest one review may take before the demo gives up
RELOAD_SECONDS = 20.0
PILOT_DAYS = 3
PILOT_NODES = 2  # the central node and one that it supplies


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that plays."""

    stage: Stage
    admin: Admin
    face: Face
    sandbox: Child
    daemon: Child
    clock: Clock
    planner: Planner


@dataclass(frozen=True, kw_only=True)
class Turn:
    """From one day on: which plants are live, and with which budget."""

    day: date
    live: tuple[str, ...]


@dataclass(kw_only=True)
class Diary:
    """What happened, day by day."""

    first_day: date
    days: list[date] = field(default_factory=list)
    reviews: list[dict[str, Any]] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    budget: dict[str, float] = field(default_factory=dict)
    approved: int = 0  # held lines that the planner let go

    @property
    def live_from(self) -> date | None:
        """Return the first day anything was live, None if all was shadow."""
        return self.turns[0].day if self.turns else None


def play(scene: Scene, days: int, on_day: Callable[[Diary], None]) -> Diary:
    """Live through `days` days and the morning after; raise when a part of it fails."""
    diary = Diary(first_day=scene.admin.now().date())
    live_at = -(-days // 3)
    all_at = min(live_at + PILOT_DAYS, live_at + (days - live_at) // 2)
    plants = scene.stage.plants
    acts = {live_at: plants[:PILOT_NODES], all_at: plants} if days > 1 else {}
    live: tuple[str, ...] = ()
    for number in range(days):
        today = scene.admin.now().date()
        _await_review(scene, diary, today)
        if live:
            diary.approved += scene.planner.decide()
            _await_sent(scene)
        coming = acts.get(number + 1, live)
        if coming != live:
            _go_live(scene, diary, coming)
        # The reload comes before this day's planning run, switching it off after: each day has
        # one planner, and the last shadow day is still the ERP's.
        tomorrow = scene.admin.advance().date()
        if coming != live:
            live = coming
            scene.admin.switch_planning(dict.fromkeys(live, "none"))
            diary.turns.append(Turn(day=tomorrow, live=live))
        diary.days.append(today)
        on_day(diary)
    # The morning after confirms what was filed last, and shows what the last day left
    _await_review(scene, diary, scene.admin.now().date())
    return diary


def _await_review(scene: Scene, diary: Diary, day: date) -> None:
    wait_until(
        lambda: reviewed(scene.face.site(), day) is not None,
        what=f"finish the review of {day}",
        seconds=REVIEW_SECONDS,
        clock=scene.clock,
        children=(scene.sandbox, scene.daemon),
    )
    review = reviewed(scene.face.site(), day)
    if review is None:
        raise scene.daemon.failed(f"took back its review of {day}")
    diary.reviews.append({**review, "day": day})


def _await_sent(scene: Scene) -> None:
    """Wait until nothing approved waits to be sent: the ERP's day begins with what it has."""
    wait_until(
        lambda: _is_sent(scene.face.site()),
        what="send what was approved",
        seconds=REVIEW_SECONDS,
        clock=scene.clock,
        children=(scene.sandbox, scene.daemon),
    )


def _is_sent(site: dict[str, Any] | None) -> bool:
    return site is not None and not site["outbox"] and not site["in_doubt"]


def _go_live(scene: Scene, diary: Diary, plants: tuple[str, ...]) -> None:
    """Write the live configuration, let the daemon read it, and see that it did."""
    if not diary.budget:
        since = diary.first_day.isoformat()
        diary.budget = staging.caps([day for day in scene.admin.days() if day["day"] >= since])
    pilot = () if set(plants) == set(scene.stage.plants) else plants
    scene.stage.write("live", pilot=pilot, budget=diary.budget)
    scene.daemon.hang_up()
    try:
        wait_until(
            lambda: _runs_live(scene.face.site(), pilot),
            what="go live after SIGHUP",
            seconds=RELOAD_SECONDS,
            clock=scene.clock,
            children=(scene.sandbox, scene.daemon),
        )
    except ReplenishError as error:
        notes = "; ".join(scene.face.notes())
        if not notes:
            raise
        raise ReplenishError(f"the daemon did not go live: {notes}", hint=error.hint) from error


def _runs_live(site: dict[str, Any] | None, pilot: tuple[str, ...]) -> bool:
    """Return whether the daemon runs on the new file."""
    return site is not None and site.get("mode") == "live" and tuple(site.get("pilot", ())) == pilot
