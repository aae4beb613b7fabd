"""The command line. `main` is what `replenishd` runs."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command and leave with its exit code."""
    from connector.cli.app import app
    from connector.cli.refusing import tell, tell_interrupted
    from connector.errors import ReplenishError

    try:
        app()
    except ReplenishError as error:
        sys.exit(tell(error, as_json="--json" in sys.argv))
    except KeyboardInterrupt:
        sys.exit(tell_interrupted())
