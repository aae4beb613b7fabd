"""The only door of the commands to the rest: what they call, and in which words.

Everything is imported when it is called, so that `--help` needs none of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from connector.settings import Configuration


class SiteRuntime(Protocol):
    """One site as bootstrap wires it. Answers are values that show.plain() can turn into JSON."""

    def review_once(self, slot: datetime | None = None) -> Any:
        """Review the slot, or now; return its report."""

    def status(self) -> Mapping[str, Any]:
        """Tell how the site stands."""

    def check(self, offline: bool) -> Sequence[Any]:
        """Check policy, and unless offline the ERP; layer, outcome, detail, hint each."""

    def held(self) -> Sequence[Any]:
        """Return the lines that wait for a person."""

    def approve(self, line: str, who: str) -> Any:
        """Let a held line be ordered once."""

    def reject(self, line: str, who: str) -> Any:
        """Refuse a held line."""

    def halt(self, who: str, why: str) -> Any:
        """Stop every send."""

    def resume(self, who: str) -> Any:
        """Let a halted site send again."""

    def explain(self, key: str) -> Any:
        """Return why a line is ordered as it is."""

    def replay(self, review_id: str) -> Any:
        """Decide a review again; `matches` tells whether it came out the same."""

    def report(self, path: Path) -> Path:
        """Write the HTML report and return where it lies."""

    def verify(self) -> Any:
        """Prove the ledger; `intact` tells whether it is."""

    def api_plan(self) -> Any:
        """Return every call that can be made."""

    def close(self) -> None:
        """Give everything back."""


def configuration(path: Path) -> Configuration:
    """Return the settings in force; raise ConfigError."""
    from connector.settings import load

    return load(path)


@contextmanager
def site(path: Path, name: str) -> Iterator[SiteRuntime]:
    """Open one site for a command and close it again; "" = the only one there is."""
    from connector.bootstrap import open_site
    from connector.clock import FollowedClock, SystemClock
    from connector.errors import CommandRefused

    settings = configuration(path).settings
    names = [each.name for each in settings.sites]
    if not name and len(names) > 1:
        msg = f"the configuration has {len(names)} sites"
        raise CommandRefused(msg, hint=f"say which: --site {' | '.join(names)}")
    follow = settings.clock.follow
    clock = FollowedClock(follow) if follow else SystemClock()
    runtime: SiteRuntime = open_site(settings, name or names[0], clock)
    try:
        yield runtime
    finally:
        runtime.close()


def run_daemon(path: Path) -> int:
    """Run the daemon until it is told to stop."""
    from connector.daemon import run

    return run(path)


def explained(explanation: Any) -> str:
    """Return an explanation as text for a terminal."""
    from connector.policy.telling import render

    return render(explanation)


def demo(*, days: int, items: int, regions: int, seed: int, out: Path, as_json: bool) -> int:
    """Play the demo and return its exit code."""
    from connector.demo.run import run

    return run(days=days, items=items, regions=regions, seed=seed, out=out, as_json=as_json)


def sandbox(
    *,
    port: int,
    admin_port: int,
    items: int,
    regions: int,
    seed: int,
    history_days: int,
    state: Path | None,
    ready_file: Path | None,
) -> int:
    """Serve the sandbox until it is told to quit and return its exit code."""
    from connector.sandbox.server import serve

    return serve(
        port=port,
        admin_port=admin_port,
        items=items,
        regions=regions,
        seed=seed,
        history_days=history_days,
        state=state,
        ready_file=ready_file,
    )
