"""One process with its sites: opened once, rewired when the configuration changes."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import structlog

from connector import __version__
from connector.bootstrap import clock_of, wiring_of
from connector.clock import FollowedClock, SystemClock
from connector.errors import ConfigError
from connector.settings import Configuration, load, secrets_of
from connector.site.desk import Desk
from connector.site.health import site_health
from connector.telemetry.logs import configure
from connector.telemetry.metrics import Meter
from connector.telemetry.notify import Notifier
from connector.telemetry.redaction import Redactor
from connector.web.app import make_app
from connector.web.health import Health
from connector.web.server import WebServer

log = structlog.get_logger("replenishd.daemon")


class Machine:
    """Every desk of this process, its web face and its word to systemd."""

    def __init__(self, config: Path) -> None:
        """Load the configuration and open every site; raise ConfigError, NotLeader, ..."""
        self._redactor = Redactor()
        configuration = self._load(config)
        self.clock: SystemClock = clock_of(configuration.settings)
        self._log(configuration)
        self._meter = Meter(version=__version__)
        self.notify = Notifier(os.environ.get("NOTIFY_SOCKET", ""))
        self._started_at: datetime = self.clock.now()
        self._notes: tuple[str, ...] = ()
        self._web: WebServer | None = None
        self.desks: list[Desk] = []
        self._settings = configuration.settings
        try:
            self._open(configuration)
        except BaseException:
            self.close()
            raise

    @property
    def follows_simulation(self) -> bool:
        """Tell whether this is a rehearsal on the sandbox's clock."""
        return isinstance(self.clock, FollowedClock)

    def reload(self, config: Path) -> None:
        """Take another configuration, whole or not at all; raise ConfigError and keep the old."""
        configuration = self._load(config)
        self._require_same_ground(configuration)
        wirings = {
            site.name: wiring_of(configuration, site, self.clock, self._meter)
            for site in configuration.settings.sites
        }
        for desk in self.desks:
            desk.rewire(wirings[desk.name])
        self._settings = configuration.settings
        self._log(configuration)

    def note_reload(self, *, ok: bool, detail: str) -> None:
        """Keep the outcome of a reload where an operator looks."""
        self._notes = () if ok else (f"the last reload was refused: {detail}",)
        self._meter.reloaded(accepted=ok)

    def start_web(self) -> None:
        """Serve the status page, unless it is switched off."""
        listen = self._settings.web.listen
        if listen is None:
            return
        host, _, port = listen.rpartition(":")
        app = make_app(self.health, self._exposition)
        self._web = WebServer(app, host=host.strip("[]"), port=int(port))
        self._web.start()
        log.info("web_listening", url=self._web.url)

    def health(self) -> Health:
        """Return the whole process as its face shows it."""
        monotonic = self.clock.monotonic()
        beats = [monotonic - desk.notes.heartbeat_at for desk in self.desks]
        slowest = max((desk.tick_seconds for desk in self.desks), default=1.0)
        busy = max((desk.busy_seconds() for desk in self.desks), default=0.0)
        return Health(
            version=__version__,
            started_at=self._started_at,
            now=self.clock.now(),
            heartbeat_seconds=max(beats, default=0.0),
            heartbeat_limit=max(60.0, 3 * slowest, busy + 60.0),
            sites=tuple(site_health(desk) for desk in self.desks),
            notes=self._notes,
        )

    def _exposition(self) -> bytes:
        """Return the metrics, with what only now is known."""
        for site in self.health().sites:
            self._meter.halted(site.site, halted=site.halted)
            self._meter.leader(site.site, leader=site.leader)
            self._meter.in_doubt(
                site.site, lines=site.in_doubt, oldest_seconds=site.in_doubt_oldest_seconds
            )
            if site.data_age_seconds is not None:
                self._meter.data_age(site.site, site.data_age_seconds)
        return self._meter.exposition()

    def stop_sending(self) -> None:
        """Let the sends in progress finish and start no other."""
        self.clock.stop()
        for desk in self.desks:
            desk.stop_sending()

    def close(self) -> None:
        """Give everything back."""
        if self._web is not None:
            self._web.stop()
        for desk in self.desks:
            desk.close()

    def _load(self, config: Path) -> Configuration:
        configuration = load(config)
        for secret in secrets_of(configuration.settings):
            self._redactor.keep(secret.reveal())
        return configuration

    def _log(self, configuration: Configuration) -> None:
        settings = configuration.settings.logging
        console = {"json": False, "console": True, "auto": None}[settings.format]
        configure(redactor=self._redactor, level=settings.level, console=console)
        for warning in configuration.warnings:
            log.warning("config_advice", advice=warning)

    def _open(self, configuration: Configuration) -> None:
        for site in configuration.settings.sites:
            wiring = wiring_of(configuration, site, self.clock, self._meter)
            directory = configuration.settings.state_dir / site.name
            self.desks.append(Desk(wiring, directory, self.clock, self._meter))

    def _require_same_ground(self, configuration: Configuration) -> None:
        """Refuse what a running process cannot change under itself."""
        now, then = configuration.settings, self._settings
        for name, new, old in (
            ("state_dir", now.state_dir, then.state_dir),
            ("sites", sorted(s.name for s in now.sites), sorted(s.name for s in then.sites)),
            ("clock.follow", now.clock.follow, then.clock.follow),
            ("web.listen", now.web.listen, then.web.listen),
        ):
            if new != old:
                msg = f"{name}: {new} instead of {old} needs a restart, not a reload"
                raise ConfigError(msg, hint="restart the service, or undo the change")
