"""The whole configuration as one frozen value."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from connector.errors import CommandRefused
from connector.settings.parts import Address, FilePath, Part, is_loopback
from connector.settings.site import Site

_LARGEST_PORT = 65_535


def _listen(value: str) -> str:
    host, colon, port = value.rpartition(":")
    if not colon or not host or not port.isdigit() or int(port) > _LARGEST_PORT:
        msg = "write host:port, with [ ] around an IPv6 address: 127.0.0.1:9464"
        raise ValueError(msg)
    return value


def _only_loopback(value: str) -> str:
    if not is_loopback(value):
        msg = "a simulated clock is followed on this machine only"
        raise ValueError(msg)
    return value


class LoggingSettings(Part):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe line that is written."""
    format: Literal["json", "console", "auto"] = "auto"
    """One JSON object per line, text for people, or text only where it is a terminal."""


class WebSettings(Part):
    """The status page, /livez, /readyz and /metrics. It can change nothing."""

    listen: Annotated[str, Field(max_length=300), AfterValidator(_listen)] | None = "127.0.0.1:9464"
    """Host and port; port 0 = any free one; null = no web server."""


class ClockSettings(Part):
    """Rehearsals only."""

    follow: Annotated[Address, AfterValidator(_only_loopback)] | None = None
    """The sandbox's admin address, whose simulated time replaces the wall clock."""


class Settings(Part):
    """Everything people decided."""

    version: Literal[1]
    """The version of this format."""
    state_dir: FilePath
    """Ledger, evidence and control directory; on a local disk, in every backup."""
    logging: LoggingSettings = Field(default_factory=LoggingSettings)
    """What is written to standard error."""
    web: WebSettings = Field(default_factory=WebSettings)
    """The status page, /livez, /readyz and /metrics."""
    clock: ClockSettings = Field(default_factory=ClockSettings)
    """Rehearsals only."""
    sites: Annotated[tuple[Site, ...], Field(min_length=1, max_length=100)]
    """One entry for each ERP system with its nodes."""

    def site(self, name: str) -> Site:
        """Return a site by name; raise CommandRefused naming the ones there are."""
        for each in self.sites:
            if each.name == name:
                return each
        known = ", ".join(each.name for each in self.sites)
        msg = f"there is no site {name}"
        raise CommandRefused(msg, hint=f"one of {known}")
