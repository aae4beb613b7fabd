"""status, held, approve, reject, halt, resume, accept, rearm: what a person sees and decides."""

from __future__ import annotations

from typing import Annotated

import typer

from connector.cli import gateway, show, views
from connector.cli.options import DEFAULT_CONFIG, AsJson, Config, SiteName, Who, person

Line = Annotated[str, typer.Argument(help="The ten characters of the line, as `held` shows them.")]


def status(config: Config = DEFAULT_CONFIG, site: SiteName = "", as_json: AsJson = False) -> None:
    """Tell how every site stands: mode, last review, what waits, is in doubt or halted."""
    names = [site] if site else _sites(config)
    found = {}
    for name in names:
        with gateway.site(config, name) as runtime:
            found[name] = runtime.status()
    if as_json:
        show.answer(found, as_json=True)
        return
    for name, each in found.items():
        show.answer(each, as_json=False, title=name, view=views.status)


def held(config: Config = DEFAULT_CONFIG, site: SiteName = "", as_json: AsJson = False) -> None:
    """List the lines that wait for a person, with the fail-safe that held each."""
    with gateway.site(config, site) as runtime:
        show.answer(runtime.held(), as_json=as_json, title="held lines", view=views.held)


def approve(
    line: Line,
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Let a held line be ordered, exactly as it is held and once."""
    with gateway.site(config, site) as runtime:
        _told(runtime.approve(line.upper(), person(who)), as_json=as_json)


def reject(
    line: Line,
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Refuse a held line; the next review decides afresh."""
    with gateway.site(config, site) as runtime:
        _told(runtime.reject(line.upper(), person(who)), as_json=as_json)


def halt(
    why: Annotated[str, typer.Argument(help="Why, for whoever finds it halted.")],
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Stop every send of a site from the next one on; reviews go on and are recorded.

    Without replenishd at hand: touch STATE_DIR/SITE/control/KILL.
    """
    with gateway.site(config, site) as runtime:
        _told(runtime.halt(person(who), why), as_json=as_json)


def resume(
    config: Config = DEFAULT_CONFIG, site: SiteName = "", who: Who = "", as_json: AsJson = False
) -> None:
    """Let a halted site send again."""
    with gateway.site(config, site) as runtime:
        _told(runtime.resume(person(who)), as_json=as_json)


def accept(
    why: Annotated[str, typer.Argument(help="Why the change is real, for the auditor.")],
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Let later reviews compare with the newest picture though a data fail-safe held it.

    For changes that are real: new items, a moved warehouse. The next review then orders again.
    """
    with gateway.site(config, site) as runtime:
        _told(runtime.accept(person(who), why), as_json=as_json)


def rearm(
    node: Annotated[str, typer.Argument(help="The node, as `status` shows it.")],
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """Let a node that a breaker put in shadow post again, in a person's name."""
    with gateway.site(config, site) as runtime:
        _told(runtime.rearm(node, person(who)), as_json=as_json)


def write_off(
    line: Line,
    why: Annotated[str, typer.Argument(help="Why, for the auditor.")],
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """End the alarm of a missing or conflicting line: it is not in the ERP as ours."""
    with gateway.site(config, site) as runtime:
        _told(runtime.write_off(line.upper(), person(who), why), as_json=as_json)


def adopt(
    line: Line,
    number: Annotated[str, typer.Argument(help="The requisition in the ERP.")],
    number_line: Annotated[str, typer.Argument(help="Its line.")],
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    who: Who = "",
    as_json: AsJson = False,
) -> None:
    """End the alarm of a conflict: this line of the ERP is the one we filed."""
    with gateway.site(config, site) as runtime:
        _told(runtime.adopt(line.upper(), number, number_line, person(who)), as_json=as_json)


def restored(
    config: Config = DEFAULT_CONFIG, site: SiteName = "", who: Who = "", as_json: AsJson = False
) -> None:
    """Open a ledger that was restored from a backup; the daemon must not run.

    Everything owed is looked up in the ERP before it may be sent, and past slots stay closed.
    """
    with gateway.site(config, site) as runtime:
        _told(runtime.restored(person(who)), as_json=as_json)


def _told(sentence: str, *, as_json: bool) -> None:
    show.answer({"done": sentence} if as_json else sentence, as_json=as_json)


def _sites(config: Config) -> list[str]:
    return [each.name for each in gateway.configuration(config).settings.sites]
