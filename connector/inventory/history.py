"""The memory of what moved: each pull re-reads an overlap and replaces it, so nothing counts twice.

The ERP's movements are too many to read every time. A history is covered from `since` on; a pull
reads every document created on or after a day, and everything the history knew from that day on is
replaced by what was read. Documents are only ever added, so pulls may overlap as they like.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl

from connector.errors import SnapshotUnfit
from connector.inventory.quantity import LARGEST, MILLION
from connector.inventory.snapshot import CONSUMPTION, ORDERS, RECEIPTS, History

# A document can become visible a little after its creation day: read the newest days once more.
OVERLAP_DAYS = 1
# An order can stand open far longer than the window before its receipt tells its lead time.
ORDER_MEMORY_DAYS = 365


def reread_from(history: History, since: date) -> date:
    """Return the creation day from which the next pull must read, to cover `since` onwards."""
    if history.since is None or history.watermark is None or history.since > since:
        return since
    return max(history.watermark, since)


def merge(
    history: History,
    *,
    since: date,
    watermark: date,
    consumption: pl.DataFrame,
    receipts: pl.DataFrame,
    orders: pl.DataFrame,
) -> History:
    """Return the history with everything created on or after `watermark` replaced by a pull.

    `watermark` is the day from which the pull read (`reread_from`), `since` the first posting day
    to keep. The result's own watermark is where the next pull begins. Merging a pull again changes
    nothing. Raises SnapshotUnfit when the pull began too late or a quantity is not a number.
    """
    needed = reread_from(history, since)
    if watermark > needed and history.watermark is not None:
        raise SnapshotUnfit(
            f"movements were read from {watermark} on; the history needs them from {needed} on",
            hint="read from the day that `reread_from` names",
        )
    return History(
        since=_covered(history, since, watermark),
        watermark=_next_watermark(watermark, consumption, receipts),
        consumption=_replaced(
            history.consumption, consumption, CONSUMPTION, since=since, watermark=watermark
        ),
        receipts=_replaced(history.receipts, receipts, RECEIPTS, since=since, watermark=watermark),
        orders=_known_orders(history.orders, orders, since),
    )


def passing(frame: pl.DataFrame, keep: pl.Expr) -> pl.DataFrame:
    """Filter rows; the longest run of rows that pass is shared with the frame, not copied.

    What a review keeps of a history is nearly all of it, in one run: two copies would not be small.
    """
    mask = frame.select(keep.fill_null(value=False)).to_series()
    edges = np.concatenate(([-1], np.flatnonzero(~mask.to_numpy()), [frame.height]))
    longest = np.diff(edges).argmax()
    low, high = int(edges[longest]) + 1, int(edges[longest + 1])
    first, last = slice(low), slice(high, None)
    return pl.concat(
        [frame[first].filter(mask[first]), frame[low:high], frame[last].filter(mask[last])]
    )


def _covered(history: History, since: date, watermark: date) -> date:
    """Return the first day from which nothing is missing: an earlier gap is never claimed."""
    if watermark <= since:
        return since
    return max(since, watermark if history.since is None else history.since)


def _next_watermark(watermark: date, *pulled: pl.DataFrame) -> date:
    newest = [day for frame in pulled if isinstance(day := frame["created_on"].max(), date)]
    return max([watermark, *(day - timedelta(days=OVERLAP_DAYS) for day in newest)])


def _replaced(
    kept: pl.DataFrame, pulled: pl.DataFrame, schema: pl.Schema, *, since: date, watermark: date
) -> pl.DataFrame:
    """Append the pull behind what was created before it; ordered by creation day, then by key."""
    in_window = pl.col("posted_on") >= since
    before = passing(kept, in_window & (pl.col("created_on") < watermark))
    after = pulled.filter(in_window & (pl.col("created_on") >= watermark))
    _require_numbers(after)
    keys = ["created_on", *(name for name in schema if name not in ("created_on", "quantity"))]
    millionths = (pl.col("quantity") * MILLION).round().cast(pl.Int64)
    added = after.group_by(keys).agg(quantity=millionths.sum() / MILLION)
    grown = pl.concat([before.select(*schema), added.sort(keys).select(*schema)])
    return grown.cast(schema)  # in two pieces: joining them would hold all of it twice


def _require_numbers(frame: pl.DataFrame) -> None:
    odd = frame.filter(~(pl.col("quantity").abs() <= LARGEST).fill_null(value=False))
    if odd.height:
        row = odd.row(0, named=True)
        msg = f"a movement of {row['item']} at {row['node']} has quantity {row['quantity']}"
        raise SnapshotUnfit(
            f"{msg}; a number up to {LARGEST:g} is expected ({odd.height} such rows)",
            hint="look at the material documents created that day",
        )


def _known_orders(kept: pl.DataFrame, pulled: pl.DataFrame, since: date) -> pl.DataFrame:
    """Return every order once, as the pull last saw it, and forget the very old ones."""
    both = pl.concat([pulled.select(*ORDERS), kept.select(*ORDERS)])
    recent = pl.col("ordered_on") >= since - timedelta(days=ORDER_MEMORY_DAYS)
    # The pull comes first; within it, the same order twice is settled by value, not by row order.
    ranked = both.with_row_index("age").with_columns(pl.col("age") >= pulled.height)
    newest = ranked.sort("order", "age", "ordered_on", "supplying_node").unique(
        "order", keep="first", maintain_order=True
    )
    return newest.filter(recent).select(*ORDERS).cast(ORDERS).rechunk()
