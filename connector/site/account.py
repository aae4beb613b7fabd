"""What the ledger and its evidence say of a site's days, as the report wants it.

Read beside a running daemon or after it; nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import orjson
import polars as pl

from connector.failsafes.verdicts import Action
from connector.ledger import queries
from connector.ledger.moments import moment
from connector.ledger.reviews import ReviewRow
from connector.ledger.sqlite import SqliteLedger
from connector.site.others import UNPLANNED, WANTED, others, their_orders
from connector.telemetry.report.data import FINDINGS, MODES, OTHERS, POSTED, REVIEWS

_REVIEWS_MOST = 100_000
# Morning stock of every item-node, with what it should be at most.
STOCK = pl.Schema(
    {
        "day": pl.Date,
        "node": pl.String,
        "item": pl.String,
        "on_hand": pl.Float64,
        "in_transit": pl.Float64,
        "unit_cost": pl.Float64,
        "level": pl.Float64,  # order-up-to level of this node alone
    }
)


@dataclass(frozen=True, kw_only=True)
class Account:
    """The frames of a site between two days, both in them."""

    reviews: pl.DataFrame = field(default_factory=REVIEWS.to_frame)
    ours: pl.DataFrame = field(default_factory=WANTED.to_frame)
    foreign: pl.DataFrame = field(default_factory=WANTED.to_frame)  # others' orders, first seen
    stock: pl.DataFrame = field(default_factory=STOCK.to_frame)
    findings: pl.DataFrame = field(default_factory=FINDINGS.to_frame)
    posted: pl.DataFrame = field(default_factory=POSTED.to_frame)
    others: pl.DataFrame = field(default_factory=OTHERS.to_frame)
    modes: pl.DataFrame = field(default_factory=MODES.to_frame)
    item_nodes: int = 0
    pruned: int = 0  # reviews whose evidence was given up by its retention


def read_account(
    ledger: SqliteLedger,
    site: str,
    first: date,
    last: date,
    *,
    seconds: Mapping[str, float] | None = None,
    unplanned: Sequence[str] = UNPLANNED,
    foreign: bool = True,
) -> Account:
    """Return what happened at a site; `seconds` says how long reviews took where clocks lie.

    `foreign` looks for the orders of others in the pictures, which reads all of them.

    Reviews whose evidence was pruned are counted and listed, and are in no other frame. Raises
    LedgerUnavailable when evidence is damaged.
    """
    decided = _decided(ledger, site, first, last)
    kept = [row for row in decided if ledger.evidence.directory(site, row.review_id).is_dir()]
    lines = queries.lines_frame(ledger.store, site, first).filter(
        pl.col("owed_on") <= last.isoformat()
    )
    pictures = [(day_of(row), row.review_id) for row in kept]
    seen = [_seen(ledger, site, row) for row in kept]
    ours, stock, findings = (_stacked(seen, part) for part in ("ours", "stock", "findings"))
    return Account(
        reviews=_reviews(decided, lines, seconds or {}),
        ours=ours if ours is not None else WANTED.to_frame(),
        foreign=their_orders(ledger.evidence, site, pictures) if foreign else WANTED.to_frame(),
        stock=stock if stock is not None else STOCK.to_frame(),
        findings=findings if findings is not None else FINDINGS.to_frame(),
        posted=_posted(lines),
        others=others(ledger.evidence, site, kept[-1].review_id, unplanned)
        if kept
        else OTHERS.to_frame(),
        modes=_modes(decided, lines, stock),
        item_nodes=int(orjson.loads(decided[-1].counts)["items"]) if decided else 0,
        pruned=len(decided) - len(kept),
    )


def _decided(ledger: SqliteLedger, site: str, first: date, last: date) -> list[ReviewRow]:
    """Return the recorded reviews of these days, oldest first."""
    rows = queries.reviews(ledger.store, site, _REVIEWS_MOST)
    days = {row.review_id: day_of(row) for row in rows if row.recorded_at is not None}
    return [
        row
        for row in reversed(rows)
        if row.review_id in days and first <= days[row.review_id] <= last
    ]


def day_of(row: ReviewRow) -> date:
    """Return the ERP's day on which a review decided."""
    return date.fromisoformat(row.erp_date or row.slot_at[:10])


@dataclass(frozen=True, kw_only=True)
class _Seen:
    ours: pl.DataFrame
    stock: pl.DataFrame
    findings: pl.DataFrame


def _stacked(seen: Sequence[_Seen], part: str) -> pl.DataFrame | None:
    frames = [getattr(each, part) for each in seen]
    return pl.concat(frames) if frames else None


def _seen(ledger: SqliteLedger, site: str, row: ReviewRow) -> _Seen:
    lines = ledger.evidence.read_lines(site, row.review_id)
    day = pl.lit(day_of(row))
    ours = lines.filter(pl.col("quantity") > 0).select(
        day.alias("day"), "node", "item", "quantity", "unit_cost"
    )
    stock = _with_level(lines).select(
        day.alias("day"), "node", "item", "on_hand", "in_transit", "unit_cost", "level"
    )
    findings = ledger.evidence.read_findings(site, row.review_id)
    return _Seen(
        ours=ours.match_to_schema(WANTED),
        stock=stock.match_to_schema(STOCK),
        findings=_findings(findings, lines, day_of(row)),
    )


def _with_level(lines: pl.DataFrame) -> pl.DataFrame:
    """Add each node's own order-up-to level: its echelon's, less those it supplies directly."""
    below = (
        lines.filter(pl.col("supplying_node") != "")
        .group_by("supplying_node", "item")
        .agg(below=pl.col("base_stock_level").sum())
        .rename({"supplying_node": "node"})
    )
    return lines.join(below, on=("node", "item"), how="left", maintain_order="left").with_columns(
        level=(pl.col("base_stock_level") - pl.col("below").fill_null(0.0)).clip(lower_bound=0.0)
    )


def _findings(findings: pl.DataFrame, lines: pl.DataFrame, day: date) -> pl.DataFrame:
    """Return the findings with what each kept back in money, or the line's worth if it warns."""
    costs = lines.select("node", "item", pl.col("unit_cost").fill_nan(None))
    kept = (
        pl.when(pl.col("action") > int(Action.WARN))
        .then(pl.col("before") - pl.col("after"))
        .otherwise("before")
    )
    names = {int(action): action.name.lower() for action in Action}
    return (
        findings.join(costs, on=("node", "item"), how="left", maintain_order="left")
        .with_columns(
            day=pl.lit(day),
            money=kept.fill_nan(None) * pl.col("unit_cost"),
            action=pl.col("action").replace_strict(names, return_dtype=pl.String),
        )
        .select(pl.col(name).cast(kind) for name, kind in FINDINGS.items())
    )


def _reviews(
    decided: Sequence[ReviewRow], lines: pl.DataFrame, seconds: Mapping[str, float]
) -> pl.DataFrame:
    numbered = lines.filter(pl.col("number") != "")["review"].value_counts()
    posted = dict(numbered.iter_rows())
    rows = []
    for row in decided:
        counts = orjson.loads(row.counts)
        rows.append(
            {
                "day": day_of(row),
                "review": row.review_id,
                "outcome": row.outcome or row.status,
                "lines": counts["items"],
                "ordered": counts["ordered"],
                "held": counts["held"],
                "posted": posted.get(row.review_id, 0),
                "seconds": seconds.get(row.review_id, _took(row)),
                "source": row.source,
            }
        )
    return pl.DataFrame(rows, schema=REVIEWS)


def _took(row: ReviewRow) -> float | None:
    if row.closed_at is None:
        return None
    return (moment(row.closed_at) - moment(row.opened_at)) / timedelta(seconds=1)


def _posted(lines: pl.DataFrame) -> pl.DataFrame:
    """Return the lines that were meant for the ERP: not those of shadow, nor those never sent."""
    meant = lines.filter((pl.col("mode") == "live") & ~pl.col("state").is_in(["held", "lapsed"]))
    return meant.select(
        pl.col("owed_on").str.to_date().alias("day"),
        "key",
        "node",
        "item",
        "quantity",
        "unit",
        "value",
        "number",
        pl.col("number_line").alias("line"),
        "state",
        pl.lit(None, pl.Int64).alias("times_filed"),
    ).match_to_schema(POSTED)


def _modes(
    decided: Sequence[ReviewRow], lines: pl.DataFrame, stock: pl.DataFrame | None
) -> pl.DataFrame:
    """Return each node's spans of one mode: its lines' where it has some, else the review's."""
    if stock is None:
        return MODES.to_frame()
    nodes = stock["node"].unique().sort().to_list()
    own = {
        (review, node): mode
        for review, node, mode in lines.select("review", "node", "mode").unique().iter_rows()
    }
    rows = [span for node in nodes for span in _spans(decided, own, node)]
    return pl.DataFrame(rows, schema=MODES, orient="row")


def _spans(
    decided: Sequence[ReviewRow], own: Mapping[tuple[str, str], str], node: str
) -> Iterator[tuple[str, str, date, date]]:
    begun, mode, last = None, "", None
    for row in decided:
        now = own.get((row.review_id, node), row.mode)
        if begun is not None and last is not None and now != mode:
            yield node, mode, begun, day_of(row) - timedelta(days=1)
            begun = None
        if begun is None:
            begun, mode = day_of(row), now
        last = day_of(row)
    if begun is not None and last is not None:
        yield node, mode, begun, last
