"""The command line. `main` is what `replenishd` runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and leave with its exit code; without arguments, those of the process."""
    from connector.cli.app import app
    from connector.cli.refusing import tell, tell_interrupted
    from connector.errors import ReplenishError

    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        app(words, prog_name="replenishd")
    except ReplenishError as error:
        sys.exit(tell(error, as_json="--json" in words))
    except KeyboardInterrupt:
        sys.exit(tell_interrupted())
