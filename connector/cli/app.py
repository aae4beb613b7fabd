"""Every command by name. Each group has its own file; none imports more than it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer

from connector.cli import checking, deciding, explaining, running

_HELP = """Lets a learned policy replenish real warehouses, safely, beside the ERP.

Exit codes:

- 0: done

- 1: something needs a person

- 2: the command was written wrongly

- 75: try again later

- 78: the configuration cannot be used

Every command that answers takes --json."""

_COMMANDS: dict[str, dict[str, Callable[..., None]]] = {
    "Run": {
        "run": running.run,
        "once": running.once,
        "demo": running.demo,
        "sandbox": running.sandbox,
    },
    "Check": {
        "check": checking.check,
        "print-config": checking.print_config,
        "schema": checking.schema,
        "api-plan": checking.api_plan,
        "version": checking.version,
    },
    "See and decide": {
        "status": deciding.status,
        "held": deciding.held,
        "approve": deciding.approve,
        "reject": deciding.reject,
        "halt": deciding.halt,
        "resume": deciding.resume,
        "accept": deciding.accept,
        "rearm": deciding.rearm,
        "write-off": deciding.write_off,
        "adopt": deciding.adopt,
        "restored": deciding.restored,
    },
    "Explain and prove": {
        "reviews": explaining.reviews,
        "lines": explaining.lines,
        "explain": explaining.explain,
        "replay": explaining.replay,
        "report": explaining.report,
        "verify": explaining.verify,
    },
}

# The sandbox reads its own options, --help among them: it also runs without this command line.
_PASSED_ON: dict[str, dict[str, Any]] = {
    "sandbox": {
        "add_help_option": False,
        "context_settings": {"allow_extra_args": True, "ignore_unknown_options": True},
    }
}

app = typer.Typer(
    name="replenishd",
    help=_HELP,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _panel, _commands in _COMMANDS.items():
    for _name, _command in _commands.items():
        app.command(_name, rich_help_panel=_panel, **_PASSED_ON.get(_name, {}))(_command)
app.command("docs", hidden=True)(checking.docs)
