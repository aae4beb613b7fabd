"""`python -m connector.sandbox`: the stand-in ERP as a process of its own."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

from connector.errors import ReplenishError
from connector.sandbox.habits import Habits
from connector.sandbox.main import Doors, run
from connector.sandbox.options import SandboxOptions

_CHOICES: tuple[tuple[str, Callable[[str], object]], ...] = (
    ("items", int),
    ("regions", int),
    ("seed", int),
    ("history-days", int),
    ("first-day", date.fromisoformat),
    ("host", str),
    ("port", int),
    ("admin-port", int),
    ("client", str),
    ("user", str),
    ("password", str),
    ("reader", str),
    ("blind", str),
    ("blind-plant", str),
    ("api-key", str),
    ("oauth-client", str),
    ("oauth-secret", str),
    ("token-seconds", float),
    ("csrf-seconds", float),
    ("page-rows", int),
    ("simulate-work-ms", float),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a stand-in ERP until it is told to stop; return the exit code."""
    said = vars(_parser().parse_args(arguments))
    chosen = dict(pair.partition("=")[::2] for pair in said.pop("habit"))
    try:
        options = SandboxOptions(**said, habits=Habits().but(chosen))
        run(options, announce=_announce)
    except ReplenishError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


def _announce(doors: Doors) -> None:
    sys.stdout.write(f"SAP face {doors.url}  admin {doors.admin}  pid {doors.pid}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    defaults = SandboxOptions()
    parser = argparse.ArgumentParser(
        prog="python -m connector.sandbox",
        description="A stand-in ERP: SAP OData V2 services over a simulated network.",
    )
    add = parser.add_argument
    for name, kind in _CHOICES:
        default = getattr(defaults, name.replace("-", "_"))
        add(f"--{name}", type=kind, default=default, help=f"default {default!s}")
    for name, text in (
        ("state", "keep what was filed here, through restarts"),
        ("ready-file", "write the addresses here once both doors are open"),
        ("certfile", "certificate for HTTPS"),
        ("keyfile", "its private key"),
    ):
        target = "state_file" if name == "state" else name.replace("-", "_")
        add(f"--{name}", dest=target, type=Path, help=text)
    add(
        "--habit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="how this system writes values and links; may be repeated",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
