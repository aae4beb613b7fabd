"""check, print-config, schema, api-plan, version: what changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from connector.cli import gateway, show, views
from connector.cli.options import DEFAULT_CONFIG, AsJson, Config, SiteName
from connector.errors import EXIT_CONFIG, EXIT_DONE, EXIT_NEEDS_A_PERSON, ConfigError

if TYPE_CHECKING:
    from connector.settings import Configuration, Site

OK, WARNING, FAILED = "ok", "warning", "failed"


class SchemaFormat(StrEnum):
    """What `schema` can write."""

    JSON = "json"
    MARKDOWN = "markdown"
    EXAMPLE = "example"


def check(
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    offline: Annotated[
        bool, typer.Option("--offline", help="Leave the ERP alone: files and policy only.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check layer by layer: syntax, references, credentials, connection, $metadata, policy.

    Also lists every item that somebody else plans. Exit 0 when all is well (warnings included),
    1 when something needs a person, 78 when the configuration cannot be used.
    """
    configuration = gateway.configuration(config)
    names = [site] if site else [each.name for each in configuration.settings.sites]
    findings = list(_of_files(configuration, names))
    broken = any(each["outcome"] == FAILED for each in findings)
    if not broken:
        for name in names:
            with gateway.site(config, name) as runtime:
                findings += [
                    {"site": name, **show.plain(each)} for each in runtime.check(offline=offline)
                ]
    show.answer(findings, as_json=as_json, title="check", view=views.checks)
    failed = any(each["outcome"] == FAILED for each in findings)
    raise typer.Exit(EXIT_CONFIG if broken else EXIT_NEEDS_A_PERSON if failed else EXIT_DONE)


def print_config(config: Config = DEFAULT_CONFIG, as_json: AsJson = False) -> None:
    """Print every setting in force with where it came from; secrets stay references."""
    from connector.settings.effective import as_yaml, effective

    configuration = gateway.configuration(config)
    if as_json:
        show.print_json(
            {
                "digest": configuration.digest,
                "settings": [
                    {"name": each.name, "value": each.value, "source": each.source}
                    for each in effective(configuration)
                ],
            }
        )
        return
    show.text(as_yaml(configuration))


def schema(
    kind: Annotated[
        SchemaFormat, typer.Option("--format", help="JSON Schema, a table, or an example file.")
    ] = SchemaFormat.JSON,
    as_json: AsJson = False,
) -> None:
    """Print what may stand in the configuration file: for editors, for people, or as a start."""
    from connector.settings.example import example
    from connector.settings.schema import json_schema, reference

    if as_json or kind is SchemaFormat.JSON:
        show.print_json(json_schema())
    else:
        show.text(reference() if kind is SchemaFormat.MARKDOWN else example())


def docs(
    write: Annotated[Path, typer.Option("--write", help="The directory.")] = Path("docs/reference"),
) -> None:
    """Write the reference pages from the code; `make docs` does."""
    from connector.cli.reference import write as write_pages

    for path in write_pages(write):
        show.text(str(path))


def api_plan(config: Config = DEFAULT_CONFIG, site: SiteName = "", as_json: AsJson = False) -> None:
    """Print every call the connector can make: service, entity, fields, filters, budget.

    The list is fixed. The policy yields quantities; it never chooses a call.
    """
    with gateway.site(config, site) as runtime:
        show.answer(runtime.api_plan(), as_json=as_json, title="every call", view=views.calls)


def version(as_json: AsJson = False) -> None:
    """Print the version."""
    from connector import __version__

    if as_json:
        show.print_json({"version": __version__})
    else:
        show.text(f"replenishd {__version__}")


def _of_files(configuration: Configuration, names: list[str]) -> Iterator[dict[str, Any]]:
    """Yield what the files alone tell: that they load, and that every reference leads somewhere."""
    files = ", ".join(each.name for each in configuration.files)
    yield _finding("", "syntax", OK, f"{files}; {len(configuration.settings.sites)} sites")
    for warning in configuration.warnings:
        yield _finding("", "references", WARNING, warning)
    for name in names:
        yield from _of_secrets(configuration.settings.site(name))


def _of_secrets(site: Site) -> Iterator[dict[str, Any]]:
    from connector.settings import connection_of, secrets_of

    for secret in secrets_of(site):
        try:
            secret.reveal()
        except ConfigError as error:
            yield _finding(site.name, "references", FAILED, error.args[0], error.hint)
        else:
            yield _finding(site.name, "references", OK, f"{secret} has a value")
    for path in (site.erp.ca_file, site.erp.auth.certificate_file, site.erp.auth.key_file):
        if path is not None and not _is_readable(path):
            yield _finding(site.name, "credentials", FAILED, f"{path} cannot be read")
    try:
        kind = type(connection_of(site.erp).credentials).__name__
    except ConfigError as error:
        yield _finding(site.name, "credentials", FAILED, error.args[0], error.hint)
    else:
        yield _finding(site.name, "credentials", OK, f"{site.erp.auth.kind} ({kind})")


def _is_readable(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return bool(file.read(1))
    except OSError:
        return False


def _finding(site: str, layer: str, outcome: str, detail: str, hint: str = "") -> dict[str, Any]:
    return {"site": site, "layer": layer, "outcome": outcome, "detail": detail, "hint": hint}
