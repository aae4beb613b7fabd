"""The reference pages, written from the code: settings, commands, errors, fail-safes, metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from typer.main import get_command

from connector import __version__, errors
from connector.failsafes.catalogue import catalogue_rows
from connector.settings.schema import reference as settings_reference
from connector.telemetry.metrics import Meter

_MADE = "<!-- Written by `make docs` from the code; do not edit. -->\n"


def pages() -> dict[str, str]:
    """Return every page by its file name."""
    return {
        "configuration.md": _page("Configuration", _SETTINGS_HEAD, settings_reference()),
        "commands.md": _page("Commands", _COMMANDS_HEAD, "\n".join(_commands())),
        "errors.md": _page("Errors and exit codes", _ERRORS_HEAD, "\n".join(_errors())),
        "failsafes.md": _page("Fail-safes", _FAILSAFES_HEAD, "\n".join(_failsafes())),
        "metrics.md": _page("Metrics", _METRICS_HEAD, "\n".join(_metrics())),
    }


def write(directory: Path) -> list[Path]:
    """Write every page into a directory and return where they lie."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages().items():
        path = directory / name
        path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


_SETTINGS_HEAD = """\
One YAML file, merged with `<file>.d/*.yaml` in name order: mappings merge, lists are replaced,
`sites` merge by `name` and `nodes` by `plant`. Unknown names are refused. Durations: `500ms` `90s`
`15m` `6h` `2d`; sizes: `512k` `32m` `1g`. Secrets are `${credential:NAME}` (systemd),
`${file:PATH}` or `${env:NAME}`; addresses, users and paths may be. `mode`, `pilot` and `limits` are
written in the file only. `replenishd print-config` shows what is in force and where it came from.
"""
_COMMANDS_HEAD = """\
`--config` defaults to `/etc/replenishd/replenishd.yaml`; `--site` may be left out when there is one
site; `--json` answers machines.
"""
_ERRORS_HEAD = """\
What failed decides the exit code; 2 is a command that was written wrongly. A refused order is no
error: it is a verdict.
"""
_FAILSAFES_HEAD = """\
A fail-safe may lower an order or hold it, never raise it; what cannot be decided is denied. Each
number is a setting of the site.
"""
_METRICS_HEAD = """\
Served at `/metrics` of `web.listen` for Prometheus, with memory, CPU and open files of the process
beside them. A histogram has `_bucket`, `_sum` and `_count`.
"""


def _page(title: str, head: str, body: str) -> str:
    return f"{_MADE}# {title}\n\n{head}\n{body.rstrip()}\n"


def _commands() -> Iterator[str]:
    from connector.cli.app import app

    group = get_command(app)
    for name, command in sorted(group.commands.items()):  # type: ignore[attr-defined]
        if command.hidden:
            continue
        yield f"## {name}\n"
        yield f"{(command.help or '').strip()}\n"
        options = [each for each in command.params if each.name not in ("help", "config", "site")]
        for each in options:
            words = ", ".join(each.opts) if each.opts[0].startswith("-") else each.name.upper()
            if told := getattr(each, "help", None):
                yield f"- `{words}` {told}"
        yield ""


def _errors() -> Iterator[str]:
    yield "| error | exit code | meaning |"
    yield "|---|---|---|"
    kinds: list[type[errors.ReplenishError]] = [errors.ReplenishError]
    for kind in kinds + errors.ReplenishError.__subclasses__():
        if kind.__module__ == errors.__name__:
            yield f"| `{kind.__name__}` | {kind.exit_code} | {_first_line(kind)} |"


def _failsafes() -> Iterator[str]:
    yield "| id | fail-safe | trips when | does | setting | default | unit | bounds |"
    yield "|---|---|---|---|---|---|---|---|"
    told = ""
    for row in catalogue_rows():
        guard = ("", "", "", "") if row.id == told else (row.id, row.name, row.formula, row.action)
        number = (f"`{row.setting}`" if row.setting else "", row.default, row.unit, row.bounds)
        yield f"| {' | '.join(_cell(each) for each in (*guard, *number))} |"
        told = row.id


def _metrics() -> Iterator[str]:
    yield "| metric | kind | labels | meaning |"
    yield "|---|---|---|---|"
    for each in sorted(Meter(version=__version__, process=False).documented, key=lambda m: m.name):
        labels = ", ".join(f"`{label}`" for label in each.labels)
        yield f"| `{each.name}` | {each.kind} | {labels} | {_cell(each.text)} |"


def _cell(text: str) -> str:
    return " ".join(str(text).replace("|", "\\|").split())


def _first_line(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]
