"""From accounts and worlds to the report: one way for the demo, one for a ledger alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl

from connector import __version__
from connector.demo.account import Account
from connector.demo.play import Diary
from connector.demo.worlds import RuleWorld, days_of, same_until, with_excess
from connector.failsafes.catalogue import CATALOGUE
from connector.telemetry.report import ReportData
from connector.telemetry.report.data import DAYS, DECISIONS, MODES, OURS

_ONE_SEED = (
    "A rehearsal on made-up demand: it shows that everything works together. What it says about "
    "stock and service holds for this one history of days; yours will differ."
)
_NOT_SAME = (
    "The ERP's orders item by item could not be reproduced for the shadow days, so they are not "
    "compared one by one."
)
_STARTS_FROM = (
    "Both worlds go live from the stock the ERP's rule had built up. Who aims at less stock lives "
    "off it for a while: compare also the stock on the last day."
)


@dataclass(frozen=True, kw_only=True)
class Played:
    """What the demo leaves: the sandbox's accounts, the ledger's, and the rule's world."""

    diary: Diary
    account: Account
    rule: RuleWorld
    sandbox_days: Sequence[Mapping[str, Any]]
    sandbox_ledger: Sequence[Mapping[str, Any]]
    plants: tuple[str, ...]
    labels: Mapping[str, str]
    facts: tuple[tuple[str, str], ...]


def rehearsed(played: Played, made_at: datetime) -> ReportData:
    """Return the demo's report."""
    diary = played.diary
    first, last = diary.first_day, diary.days[-1]
    ours = days_of(_between(played.sandbox_days, first, last), OURS)
    live = diary.live_from or last + timedelta(days=1)
    levels = _levels(played.account, live)
    same = same_until(ours, played.rule.days, live)
    evening = played.account.stock.with_columns(day=pl.col("day") - pl.duration(days=1))
    posted = with_times_filed(played.account.posted, played.sandbox_ledger)
    in_days = pl.col("day").is_between(first, last)
    return ReportData(
        title=f"{len(diary.days)} days beside an ERP",
        site="demo",
        currency="EUR",
        first_day=first,
        last_day=last,
        made_at=made_at,
        version=__version__,
        days=pl.concat(
            [
                with_excess(ours, evening, levels),
                with_excess(played.rule.days, played.rule.left, levels),
            ]
        ),
        decisions=decisions(
            played.account.ours.filter(in_days),
            played.rule.orders if same else played.rule.orders.clear(),
            compared_before=live if same else first,
        ),
        findings=played.account.findings.filter(in_days),
        posted=posted.filter(in_days),
        others=played.account.others,
        modes=spans(diary, played.plants),
        reviews=played.account.reviews.filter(in_days),
        item_nodes=played.account.item_nodes,
        compared_from=diary.live_from,
        unmatched=unmatched(posted, played.sandbox_ledger),
        guard_names={name: guard.name for name, guard in CATALOGUE.items()},
        node_labels=played.labels,
        facts=played.facts,
        notes=(_ONE_SEED, _STARTS_FROM) if same else (_ONE_SEED, _STARTS_FROM, _NOT_SAME),
    )


def recorded(
    account: Account,
    *,
    site: str,
    currency: str,
    first: date,
    last: date,
    made_at: datetime,
    node_labels: Mapping[str, str] | None = None,
) -> ReportData:
    """Return the report of a real site: what its ledger knows, and no second world.

    The ERP's own orders are those of others that appeared in the pictures; service is unknown.
    """
    live = account.modes.filter(pl.col("mode") == "live")["first_day"].min()
    live_from = live if isinstance(live, date) else last + timedelta(days=1)
    return ReportData(
        title="What was recommended, and what was ordered",
        site=site,
        currency=currency,
        first_day=first,
        last_day=last,
        made_at=made_at,
        version=__version__,
        days=_recorded_days(account),
        decisions=decisions(account.ours, account.foreign, compared_before=live_from),
        findings=account.findings,
        posted=account.posted,
        others=account.others,
        modes=account.modes,
        reviews=account.reviews,
        item_nodes=account.item_nodes,
        guard_names={name: guard.name for name, guard in CATALOGUE.items()},
        node_labels=node_labels or {},
        stock_moment="at the review",
    )


def decisions(ours: pl.DataFrame, erp: pl.DataFrame, *, compared_before: date) -> pl.DataFrame:
    """Return DECISIONS: both sides' orders per day and item-node, compared before a day."""
    until = erp.filter(pl.col("day") < compared_before)
    both = ours.join(until, on=("day", "node", "item"), how="full", coalesce=True, suffix="_erp")
    return (
        both.select(
            "day",
            "node",
            "item",
            pl.col("quantity").fill_null(0.0).alias("ours"),
            pl.col("quantity_erp").fill_null(0.0).alias("erp"),
            pl.coalesce("unit_cost", "unit_cost_erp"),
            (pl.col("day") < compared_before).alias("compared"),
        )
        .match_to_schema(DECISIONS)
        .sort("day", "node", "item")
    )


def with_times_filed(posted: pl.DataFrame, ledger: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Return the posted lines with how often the ERP's own account holds each key."""
    counts = filed_counts(ledger)
    return posted.with_columns(
        times_filed=pl.col("key").replace_strict(counts, default=0, return_dtype=pl.Int64)
    )


def filed_counts(ledger: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how often each of our keys stands in the ERP's account."""
    counts: dict[str, int] = {}
    for line in ledger:
        key = line["tracking"]
        counts[key] = counts.get(key, 0) + int(line.get("times_filed", 1))
    return counts


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


def _between(days: Sequence[Mapping[str, Any]], first: date, last: date) -> list[Mapping[str, Any]]:
    return [day for day in days if first.isoformat() <= day["day"] <= last.isoformat()]


def _levels(account: Account, live: date) -> pl.DataFrame:
    """Return the order-up-to levels as they stood on the morning of the comparison."""
    days = account.stock["day"].unique().sort()
    morning = next((day for day in days if day >= live), days[-1] if len(days) else live)
    return account.stock.filter(pl.col("day") == morning).select(
        "node", "item", "level", "unit_cost"
    )


def _recorded_days(account: Account) -> pl.DataFrame:
    cost = pl.col("unit_cost").fill_nan(0.0)
    held = pl.col("on_hand").clip(lower_bound=0.0)
    beyond = (held - 1.5 * pl.col("level")).clip(lower_bound=0.0)
    stock = account.stock.group_by("day", "node").agg(
        stock_units=held.sum(),
        stock_value=(held * cost).sum(),
        transit_value=(pl.col("in_transit") * cost).sum(),
        excess_value=(beyond * cost).sum(),
    )
    orders = account.posted.group_by("day", "node").agg(
        order_lines=pl.len().cast(pl.Int64),
        order_units=pl.col("quantity").sum(),
        order_value=pl.col("value").sum(),
    )
    both = stock.join(orders, on=("day", "node"), how="left").with_columns(
        pl.col("order_lines", "order_units", "order_value").fill_null(0)
    )
    unknown = {name: pl.lit(None) for name in ("demand_units", "served_units", "served_value")}
    return both.with_columns(world=pl.lit(OURS), **unknown).select(
        pl.col(name).cast(kind) for name, kind in DAYS.items()
    )
