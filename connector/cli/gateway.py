"""The only door of the commands to the rest: what they call, and in which words.

Everything is imported when it is called, so that `--help` needs none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from connector.settings import Configuration


class SiteRuntime(Protocol):
    """One site as bootstrap wires it. Answers are values that show.plain() can turn into JSON."""

    def review_once(self) -> Any:
        """Review now; return the report."""

    def status(self) -> Mapping[str, Any]:
        """Tell how the site stands."""

    def check(self, *, offline: bool) -> Sequence[Any]:
        """Check policy, and unless offline the ERP; layer, outcome, detail, hint each."""

    def held(self) -> Sequence[Any]:
        """Return the lines that wait for a person."""

    def approve(self, line: str, who: str) -> str:
        """Let a held line be ordered once."""

    def reject(self, line: str, who: str) -> str:
        """Refuse a held line."""

    def halt(self, who: str, why: str) -> str:
        """Stop every send."""

    def resume(self, who: str) -> str:
        """Let a halted site send again."""

    def accept(self, who: str, why: str) -> str:
        """Let later reviews compare with a picture that a data fail-safe held."""

    def write_off(self, line: str, who: str, why: str) -> Any:
        """End an alarm: the line is not in the ERP as ours."""

    def adopt(self, line: str, number: str, number_line: str, who: str) -> Any:
        """End a conflict: this line of the ERP is ours."""

    def restored(self, who: str) -> Any:
        """Open a ledger that was restored from a backup."""

    def rearm(self, node: str, who: str) -> str:
        """Let a tripped node post again."""

    def reviews(self) -> Sequence[Any]:
        """Return the newest reviews."""

    def lines(self, review: str) -> Sequence[Any]:
        """Return what a review owed or held."""

    def explain(self, what: str, review: str = "") -> tuple[Any, Mapping[str, Any]]:
        """Return why a line is ordered as it is, and its life in the ledger."""

    def replay(self, review: str) -> Any:
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


def _open(known: Configuration, name: str) -> SiteRuntime:
    from connector.bootstrap import clock_for_questions, open_site
    from connector.settings import secrets_of
    from connector.telemetry.logs import configure
    from connector.telemetry.redaction import Redactor

    # A command's answer goes to standard output alone; what it has to log is rarely worth a line.
    secrets = [each.reveal() for each in secrets_of(known.settings.site(name))]
    configure(redactor=Redactor(*secrets), level="error")
    runtime: SiteRuntime = open_site(known, name, clock_for_questions(known.settings))
    return runtime


# Who opens a site: bootstrap, unless a test has put a stand-in here.
OPENER: ContextVar[Callable[[Configuration, str], SiteRuntime]] = ContextVar(
    "OPENER", default=_open
)


@contextmanager
def site(path: Path, name: str) -> Iterator[SiteRuntime]:
    """Open one site for a command and close it again; "" = the only one there is."""
    from connector.errors import CommandRefused

    known = configuration(path)
    names = [each.name for each in known.settings.sites]
    if not name and len(names) > 1:
        msg = f"the configuration has {len(names)} sites"
        raise CommandRefused(msg, hint=f"say which: --site {' | '.join(names)}")
    runtime = OPENER.get()(known, known.settings.site(name or names[0]).name)
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


def sandbox(arguments: Sequence[str]) -> int:
    """Serve the sandbox until it is told to quit and return its exit code."""
    from connector.sandbox.__main__ import main

    return main(arguments)
