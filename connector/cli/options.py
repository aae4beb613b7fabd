"""The options that many commands share, and who is asking."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CONFIG = Path("/etc/replenishd/replenishd.yaml")

Config = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file.", show_default=True)
]
SiteName = Annotated[
    str, typer.Option("--site", "-s", help="Which site; may be left out when there is only one.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON, for machines.")]
Who = Annotated[
    str, typer.Option("--who", help="Who decides this; default: the name this account has.")
]


def person(who: str) -> str:
    """Return the name under which a decision is written down.

    The account's name comes from the system, not from the environment, which anybody may set.
    """
    if who.strip():
        return who.strip()
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"
