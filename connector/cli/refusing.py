"""How a command fails: one clear line, the next step, the exit code. Never a traceback."""

from __future__ import annotations

import sys
from typing import Any

from connector.errors import EXIT_TRY_LATER, ReplenishError


def tell(error: ReplenishError, *, as_json: bool) -> int:
    """Say what failed and return the exit code."""
    if as_json:
        from connector.cli.show import print_json

        print_json({"error": _facts(error)})
    sys.stderr.write(f"replenishd: {error.args[0]}\n")
    if error.hint:
        sys.stderr.write(f"  next: {error.hint}\n")
    return error.exit_code


def tell_interrupted() -> int:
    """Say that a person stopped the command."""
    sys.stderr.write("replenishd: stopped; nothing is half done, the ledger tells what was sent\n")
    return EXIT_TRY_LATER


def _facts(error: ReplenishError) -> dict[str, Any]:
    return {
        "kind": error.kind,
        "message": error.args[0],
        "hint": error.hint,
        "exit_code": error.exit_code,
        "problems": list(error.facts.get("problems", ())),
    }
