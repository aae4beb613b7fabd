"""How a stand-in is set up: the world, the doors, the habits. Defaults suit a demonstration."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from connector.errors import ConfigError
from connector.sandbox.access import Keys, User
from connector.sandbox.habits import Habits
from connector.twin.scenario import WorldOptions


@dataclass(frozen=True, kw_only=True)
class SandboxOptions:
    """Everything that can be chosen about a stand-in. Passwords guard nothing but made-up data."""

    items: int = 200
    regions: int = 6
    seed: int = 7
    history_days: int = 90
    first_day: date = date(2026, 11, 2)  # where the simulated clock stands at first
    host: str = "127.0.0.1"
    port: int = 0  # 0 = any free one
    admin_port: int = 0
    ready_file: Path | None = None  # told the addresses once both doors are open
    state_file: Path | None = None  # keeps what was filed through restarts
    certfile: Path | None = None  # with keyfile: HTTPS
    keyfile: Path | None = None
    client: str = "100"  # the only sap-client there is
    user: str = "REPLENISHD"
    password: str = field(default="sandbox", repr=False)
    reader: str = "READER"  # may read, not write
    blind: str = "BLIND"  # sees nothing of one plant, and is told nothing about it
    blind_plant: str = "1010"
    api_key: str = field(default="", repr=False)  # "" = none accepted
    oauth_client: str = ""  # "" = none accepted
    oauth_secret: str = field(default="", repr=False)
    token_seconds: float = 3600.0  # life of an OAuth token
    csrf_seconds: float = 1800.0  # life of a CSRF token
    page_rows: int = 5000  # page size of services whose own is not documented
    simulate_work_ms: float = 0.0  # how long every request takes at least
    habits: Habits = field(default_factory=Habits)

    def __post_init__(self) -> None:
        """Refuse a certificate without its key, and a key without its certificate."""
        if (self.certfile is None) != (self.keyfile is None):
            msg = f"certfile is {self.certfile}, keyfile is {self.keyfile}"
            raise ConfigError(msg, hint="give both for HTTPS, or neither")

    @property
    def world(self) -> WorldOptions:
        """Return what decides the world."""
        return WorldOptions(
            items=self.items,
            regions=self.regions,
            seed=self.seed,
            history_days=self.history_days,
            first_day=self.first_day,
        )

    @property
    def keys(self) -> Keys:
        """Return who may come in."""
        hidden = frozenset([self.blind_plant])
        people = (
            User(name=self.user.upper()),
            User(name=self.reader.upper(), may_write=False),
            User(name=self.blind.upper(), hidden_plants=hidden),
        )
        return Keys(
            users={person.name: (self.password, person) for person in people},
            api_key=self.api_key,
            client_id=self.oauth_client,
            client_secret=self.oauth_secret,
            token_seconds=self.token_seconds,
            csrf_seconds=self.csrf_seconds,
        )
