"""reviews, lines, explain, replay, report, verify: what was decided, why, and the proof."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from connector.cli import gateway, show, views
from connector.cli.options import DEFAULT_CONFIG, AsJson, Config, SiteName
from connector.errors import EXIT_DONE, EXIT_NEEDS_A_PERSON


def explain(
    key: Annotated[str, typer.Argument(help="A line's key, or NODE/ITEM of the last review.")],
    review: Annotated[str, typer.Option(help="A review's id; default: the last one.")] = "",
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    as_json: AsJson = False,
) -> None:
    """Explain one line in units and documents, from demand to the final quantity."""
    with gateway.site(config, site) as runtime:
        explanation, life = runtime.explain(key, review)
    if as_json:
        show.answer({"explanation": explanation, "life": life}, as_json=True)
        return
    show.text(gateway.explained(explanation))
    show.answer(life, as_json=False, title="in the ledger")


def reviews(config: Config = DEFAULT_CONFIG, site: SiteName = "", as_json: AsJson = False) -> None:
    """List the newest reviews with their ids and outcomes."""
    with gateway.site(config, site) as runtime:
        show.answer(runtime.reviews(), as_json=as_json, title="reviews", view=views.reviews)


def lines(
    review: Annotated[str, typer.Argument(help="The review's id, as `reviews` shows it.")],
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    as_json: AsJson = False,
) -> None:
    """List what a review owed or held, with the keys that `explain` takes."""
    with gateway.site(config, site) as runtime:
        show.answer(runtime.lines(review), as_json=as_json, title="lines", view=views.lines)


def replay(
    review: Annotated[str, typer.Argument(help="The review's id, as `reviews` shows it.")],
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    as_json: AsJson = False,
) -> None:
    """Decide a review again from its stored snapshot; it must match bit for bit.

    Exit 1 when it does not.
    """
    with gateway.site(config, site) as runtime:
        found = show.plain(runtime.replay(review))
    show.answer(found, as_json=as_json, title="replay")
    raise typer.Exit(_code(found, "matches"))


def report(
    out: Annotated[Path, typer.Option("--out", "-o", help="Where the page is written.")] = Path(
        "replenishd-report.html"
    ),
    config: Config = DEFAULT_CONFIG,
    site: SiteName = "",
    as_json: AsJson = False,
) -> None:
    """Write the report: what was recommended against what the ERP ordered, in one HTML file."""
    with gateway.site(config, site) as runtime:
        written = runtime.report(out)
    show.answer({"written": str(written or out)}, as_json=as_json)


def verify(config: Config = DEFAULT_CONFIG, site: SiteName = "", as_json: AsJson = False) -> None:
    """Prove the ledger: integrity, hash chain, anchor. Exit 1 when something was altered."""
    with gateway.site(config, site) as runtime:
        found = show.plain(runtime.verify())
    show.answer(found, as_json=as_json, title="ledger")
    raise typer.Exit(_code(found, "intact"))


def _code(found: object, proof: str) -> int:
    proven = isinstance(found, dict) and found.get(proof) is True
    return EXIT_DONE if proven else EXIT_NEEDS_A_PERSON
