"""run, once, sandbox, demo: what starts something."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connector.cli import gateway, show, views
from connector.cli.options import DEFAULT_CONFIG, AsJson, Config, SiteName
from connector.errors import EXIT_DONE, EXIT_NEEDS_A_PERSON


def run(config: Config = DEFAULT_CONFIG) -> None:
    """Run the daemon: review every site on its schedule until SIGTERM.

    SIGTERM finishes the send in progress. SIGHUP reads the configuration again and keeps the old
    one when the new one is bad.
    """
    raise typer.Exit(gateway.run_daemon(config))


def once(config: Config = DEFAULT_CONFIG, site: SiteName = "", as_json: AsJson = False) -> None:
    """Review a site once and exit.

    Exit 1 when lines wait for a person, or nodes, the site or the sending were stopped; 75 when
    the ERP did not answer or another process leads.
    """
    with gateway.site(config, site) as runtime:
        report = show.plain(runtime.review_once())
    report.pop("screened", None)  # as long as the site is large; `lines` and the evidence have it
    show.answer(report, as_json=as_json, title="review", view=views.review)
    waits = report["outcome"] == "held"
    raise typer.Exit(EXIT_NEEDS_A_PERSON if waits else EXIT_DONE)


def demo(
    *,
    days: Annotated[int, typer.Option(min=2, max=366, help="Simulated days.")] = 60,
    items: Annotated[int, typer.Option(min=1, max=5000, help="Items in the network.")] = 200,
    regions: Annotated[int, typer.Option(min=1, max=50, help="Regional centers.")] = 6,
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another network.")] = 7,
    out: Annotated[Path, typer.Option("--out", "-o", help="Where everything is left.")] = Path(
        "demo-out"
    ),
    as_json: AsJson = False,
) -> None:
    """Show the whole product on this machine: a made-up ERP, the real daemon, two months.

    Shadow first, then live by a changed file and a reload. Ends with a table and one HTML report.
    """
    raise typer.Exit(
        gateway.demo(days=days, items=items, regions=regions, seed=seed, out=out, as_json=as_json)
    )


def sandbox(context: typer.Context) -> None:
    """Run a stand-in ERP on loopback: SAP OData V2 with SAP's habits, and a switchboard of faults.

    It is no SAP and holds no data of anybody. It files a requisition twice when asked twice.
    """
    raise typer.Exit(gateway.sandbox(context.args))
