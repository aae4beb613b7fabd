"""The long-running process: schedule, signals, heartbeat. It decides when, never what.

APScheduler only wakes it (in memory, coalesced, one instance); whether a slot is due, and that it
runs once, is the ledger's word. SIGTERM finishes the send in progress and leaves; SIGHUP validates
first and keeps the old configuration when the new one is bad.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import structlog
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from connector.errors import EXIT_DONE, ReplenishError
from connector.machine import Machine
from connector.site.desk import Desk

log = structlog.get_logger("replenishd.daemon")

_HEARTBEAT_SECONDS = 1.0
_STUCK_AFTER_SECONDS = 900.0  # the longest one review may keep the watchdog waiting


class Daemon:
    """One process, many sites, each with its own lock, ledger and schedule."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._machine: Machine = Machine(config)
        self._scheduler = BackgroundScheduler(timezone="UTC")
        self._wake = threading.Event()
        self._stopping = False
        self._reload = False

    def run(self) -> int:
        """Serve until SIGTERM; return the exit code."""
        self._listen()
        self._machine.start_web()
        self._schedule()
        self._scheduler.start()
        self._machine.notify.ready(f"{len(self._machine.desks)} sites")
        log.info("daemon_started", config=str(self._config), sites=len(self._machine.desks))
        while not self._stopping:
            self._wake.wait(_HEARTBEAT_SECONDS)
            self._wake.clear()
            if self._reload and not self._stopping:
                self._reload = False
                self._while_beating(self._reconfigure)
            self._beat()
        self._leave()
        return EXIT_DONE

    def _listen(self) -> None:
        signal.signal(signal.SIGTERM, self._on_stop)
        signal.signal(signal.SIGINT, self._on_stop)
        signal.signal(signal.SIGHUP, self._on_reload)

    def _on_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stopping = True
        self._machine.stop_sending()
        self._wake.set()

    def _on_reload(self, _number: int, _frame: FrameType | None) -> None:
        self._reload = True
        self._wake.set()

    def _while_beating(self, work: Callable[[], None]) -> None:
        """Do what may wait for a review, which takes longer than systemd's patience."""
        worker = threading.Thread(target=work, name="reload")
        worker.start()
        while worker.is_alive():
            worker.join(_HEARTBEAT_SECONDS)
            self._beat()

    def _beat(self) -> None:
        """Tell systemd we live, unless a site has been inside one call for too long."""
        stuck = [
            desk.name for desk in self._machine.desks if desk.busy_seconds() > _STUCK_AFTER_SECONDS
        ]
        if stuck:
            log.error("watchdog_withheld", sites=stuck)
        else:
            self._machine.notify.watchdog()

    def _schedule(self) -> None:
        """Wake every site at its cron slots and, between them, for approvals and in-doubt rows."""
        self._scheduler.remove_all_jobs()
        for desk in self._machine.desks:
            # Rehearsals follow a simulated clock, which cron on the machine's clock cannot see.
            if not self._machine.follows_simulation:
                self._add(desk, "review", desk.schedule.trigger)
            self._add(desk, "tick", IntervalTrigger(seconds=desk.tick_seconds, timezone="UTC"))

    def _add(self, desk: Desk, kind: str, trigger: object) -> None:
        grace = max(1, int(desk.schedule.grace.total_seconds()))
        self._scheduler.add_job(
            desk.tick,
            trigger,
            id=f"{desk.name}/{kind}",
            coalesce=True,
            max_instances=1,
            misfire_grace_time=grace,
            replace_existing=True,
        )

    def _reconfigure(self) -> None:
        """Swap to the file as it is now, or keep what runs and say why."""
        self._machine.notify.reloading()
        try:
            self._machine.reload(self._config)
        except ReplenishError as error:
            log.error("config_rejected", error=str(error), kept="previous configuration")
            self._machine.note_reload(ok=False, detail=str(error))
        else:
            self._schedule()
            self._machine.note_reload(ok=True, detail="")
            log.info("config_reloaded", config=str(self._config))
        self._machine.notify.ready("reloaded")

    def _leave(self) -> None:
        log.info("daemon_draining")
        self._machine.notify.stopping()
        self._scheduler.shutdown(wait=True)
        self._machine.close()
        log.info("daemon_stopped")


def run(config: Path) -> int:
    """Run the daemon on this configuration file until it is told to stop."""
    return Daemon(config).run()
