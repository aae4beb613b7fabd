"""The report of a real site: what its ledger and evidence know, without a second world."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta

import polars as pl

from connector import __version__
from connector.failsafes.catalogue import CATALOGUE
from connector.site.account import Account
from connector.telemetry.report import ReportData
from connector.telemetry.report.data import DAYS, DECISIONS, EXCESS_TIMES, OURS


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
        guard_names=guard_names(),
        node_labels=node_labels or {},
        stock_moment="at the review",
        notes=_notes(account),
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


def guard_names() -> dict[str, str]:
    """Return the fail-safes' names by their ids."""
    return {name: guard.name for name, guard in CATALOGUE.items()}


def _notes(account: Account) -> tuple[str, ...]:
    if not account.pruned:
        return ()
    gone = f"{account.pruned} of {account.reviews.height} reviews"
    return (f"The evidence of {gone} was pruned: what they recommended is not in this report.",)


def _recorded_days(account: Account) -> pl.DataFrame:
    cost = pl.col("unit_cost").fill_nan(0.0)
    held = pl.col("on_hand").clip(lower_bound=0.0)
    beyond = (held - EXCESS_TIMES * pl.col("level")).clip(lower_bound=0.0)
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
