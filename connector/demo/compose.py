"""From the diary, the ledger and both worlds to the demo's report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from connector import __version__
from connector.demo.play import Diary
from connector.demo.stage import CURRENCY, SITE
from connector.demo.worlds import Lived, with_excess
from connector.site.account import Account
from connector.site.recorded import decisions, guard_names
from connector.telemetry.report import ReportData
from connector.telemetry.report.data import MODES

_ONE_SEED = (
    "A rehearsal on made-up demand: it shows that everything works together. What it says about "
    "stock and service holds for this one history of days; yours will differ."
)
_STARTS_FROM = (
    "Both worlds go live from the stock the ERP's rule had built up. Who aims at less stock lives "
    "off it for a while: compare also the stock on the last day."
)


@dataclass(frozen=True, kw_only=True)
class Played:
    """What the demo leaves: the ledger's account, both worlds, and the ERP's account of lines."""

    diary: Diary
    account: Account
    ours: Lived
    rule: Lived
    sandbox_ledger: Sequence[Mapping[str, Any]]
    plants: tuple[str, ...]
    labels: Mapping[str, str]
    facts: tuple[tuple[str, str], ...]

    def worlds(self) -> tuple[Lived, Lived]:
        """Return both worlds."""
        return self.ours, self.rule


def rehearsed(played: Played, made_at: datetime) -> ReportData:
    """Return the demo's report."""
    diary, account = played.diary, played.account
    first, last = diary.first_day, diary.days[-1]
    live = diary.live_from or last + timedelta(days=1)
    levels = _levels(account, live)
    posted = with_times_filed(account.posted, played.sandbox_ledger)
    in_days = pl.col("day").is_between(first, last)
    return ReportData(
        title=f"{len(diary.days)} days beside an ERP",
        site=SITE,
        currency=CURRENCY,
        first_day=first,
        last_day=last,
        made_at=made_at,
        version=__version__,
        days=pl.concat(with_excess(each.days, each.left, levels) for each in played.worlds()),
        decisions=decisions(account.ours.filter(in_days), played.rule.orders, compared_before=live),
        findings=account.findings.filter(in_days),
        posted=posted.filter(in_days),
        others=account.others,
        modes=spans(diary, played.plants),
        reviews=account.reviews.filter(in_days),
        item_nodes=account.item_nodes,
        compared_from=diary.live_from,
        unmatched=unmatched(posted, played.sandbox_ledger),
        guard_names=guard_names(),
        node_labels=played.labels,
        facts=played.facts,
        notes=(_ONE_SEED, _STARTS_FROM) if diary.live_from else (_ONE_SEED,),
    )


def with_times_filed(posted: pl.DataFrame, ledger: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the posted lines with how often the ERP's own account holds each key."""
    counts = filed_counts(ledger)
    return posted.with_columns(
        times_filed=pl.col("key").replace_strict(counts, default=0, return_dtype=pl.Int64)
    )


def filed_counts(ledger: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how often each key stands in the ERP's account, which has a row per filing."""
    return dict(Counter(str(line["key"]) for line in ledger if line["key"]))


def unmatched(posted: pl.DataFrame, ledger: Sequence[Mapping[str, Any]]) -> int:
    """Count the keys that only the ERP holds, or that only our ledger says it filed."""
    theirs = set(filed_counts(ledger))
    ours = set(posted.filter(pl.col("number") != "")["key"].to_list())
    return len(theirs ^ ours)


def spans(diary: Diary, plants: tuple[str, ...]) -> pl.DataFrame:
    """Return each plant's days in shadow and live."""
    rows = []
    for plant in plants:
        live = next((turn.day for turn in diary.turns if plant in turn.live), None)
        end = diary.days[-1]
        if live is None or live > diary.first_day:
            until = end if live is None else min(end, live - timedelta(days=1))
            rows.append((plant, "shadow", diary.first_day, until))
        if live is not None and live <= end:
            rows.append((plant, "live", live, end))
    return pl.DataFrame(rows, schema=MODES, orient="row")


def _levels(account: Account, live: date) -> pl.DataFrame:
    """Return the order-up-to levels as they stood on the morning of the comparison."""
    days = account.stock["day"].unique().sort()
    morning = next((day for day in days if day >= live), days[-1] if len(days) else live)
    return account.stock.filter(pl.col("day") == morning).select(
        "node", "item", "level", "unit_cost"
    )
