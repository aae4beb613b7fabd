"""What earlier reviews left that the next one must respect, as columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from connector.inventory.memory import ORDERED, OWN, PREVIOUS, SPENT, VITALS, Memory
from connector.ledger.lines import STORES_NOTHING
from connector.ledger.store import Row, Store

SPENT_DAYS = 28
VITAL_DAYS = 56
ORDERED_DAYS = 91  # twelve orders of an item that is ordered weekly, and some
# Lines owed by earlier reviews are not listed: they lapse in the commit of the one that asks, and
# none is sent while it decides. A missing line is one that was confirmed and is not shown: B8. A
# conflict counts as in doubt: the ERP may have it.
_OWN = """
SELECT key, node, item, CAST(quantity AS REAL),
    CASE state WHEN 'missing' THEN 'confirmed' WHEN 'conflict' THEN 'in_doubt' ELSE state END,
    number, number_line, substr(filed_at, 1, 10), due
FROM line
WHERE site = ? AND state IN ('intent', 'in_doubt', 'filed', 'confirmed', 'missing', 'conflict')
    AND (mode NOT IN ('shadow', 'validate') OR number <> '')
ORDER BY key
"""
# What was posted counts in every mode; what was only recorded, in the mode that recorded it.
_ORDERED = """
SELECT node, item, owed_on, CAST(quantity AS REAL), value FROM line
WHERE site = ? AND owed_on > ?
    AND (mode NOT IN ('shadow', 'validate') OR mode = ?)
    AND state NOT IN ('held', 'owed', 'lapsed', 'rejected', 'withdrawn')
ORDER BY owed_on, node, item, key
"""
_SPENT = """
SELECT node, owed_on, sum(value) FROM line
WHERE site = ? AND owed_on > ?
    AND mode NOT IN ('shadow', 'validate')
    AND state NOT IN ('held', 'owed', 'lapsed', 'rejected', 'withdrawn')
GROUP BY node, owed_on ORDER BY node, owed_on
"""
# Beside a planner that goes on ordering (shadow) a policy wants less than it does alone (live).
_VITALS = """
SELECT slot, weekday, node, items, stock_rows, pipeline_rows, zero_share,
    CASE review.mode WHEN ? THEN lines ELSE 0 END, CASE review.mode WHEN ? THEN value ELSE 0 END
FROM vital JOIN review USING (slot)
WHERE vital.site = ? AND day > ? AND slot_at >= coalesce((
    SELECT slot_at FROM site JOIN review ON review_id = accepted_review WHERE site.site = vital.site
), '')
ORDER BY slot, node
"""
_MODE = "SELECT mode FROM review WHERE site = ? ORDER BY opened_at DESC, slot_at DESC LIMIT 1"
_POINTER = (
    "SELECT review_id, erp_date, accepted_review FROM site"
    " JOIN review ON review_id = previous_review"
    " WHERE site.site = ?"
)
# Who lets an order go believes the reading it was made from.
_APPROVED = (
    "SELECT DISTINCT node, item FROM line JOIN transition USING (key) JOIN journal USING (seq)"
    " WHERE review_id = ? AND kind = 'approved'"
)


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """What a review saw, by its id, as PREVIOUS: what was believed of it, or all of it."""

    believed: Callable[[str], pl.DataFrame]
    whole: Callable[[str], pl.DataFrame]


def remember(
    store: Store, site: str, erp_date: date, pictures: Pictures, *, mode: str | None = None
) -> Memory:
    """Return the memory of a review on `erp_date`.

    `mode` is the deciding review's; None = of the newest one opened. What was only recorded in
    another mode is not remembered as ordered or spent: it never reached anybody.
    """
    if mode is None:
        found = store.rows(_MODE, (site,))
        mode = found[0][0] if found else ""
    pointer = store.rows(_POINTER, (site,))
    previous = PREVIOUS.to_frame()
    if pointer:
        review, _, accepted = pointer[0]
        approved = store.rows(_APPROVED, (review,))
        previous = _taught(pictures, review, approved, whole=review == accepted)
    return Memory(
        own=_frame(store.rows(_OWN, (site,)), OWN),
        ordered=_frame(
            store.rows(_ORDERED, (site, _before(erp_date, ORDERED_DAYS), mode)), ORDERED
        ),
        previous=previous,
        previous_on=date.fromisoformat(pointer[0][1]) if pointer else None,
        # In shadow nothing ordered ever came, so sums of orders say nothing of what is on its way.
        posted_since=erp_date + timedelta(days=1) if mode in STORES_NOTHING else None,
        vitals=_frame(
            store.rows(_VITALS, (mode, mode, site, _before(erp_date, VITAL_DAYS))), VITALS
        ),
        spent=_frame(store.rows(_SPENT, (site, _before(erp_date, SPENT_DAYS))), SPENT),
    )


def _taught(pictures: Pictures, review: str, approved: list[Row], *, whole: bool) -> pl.DataFrame:
    """Return what a review believed, and what people believed of it since."""
    if whole:
        return pictures.whole(review)
    believed = pictures.believed(review)
    if not approved:
        return believed
    names = ("node", "item")
    places = pl.DataFrame(approved, schema=dict.fromkeys(names, pl.String), orient="row")
    taken = pictures.whole(review).join(places, on=names, how="semi")
    return pl.concat([believed.join(places, on=names, how="anti"), taken])


def _before(erp_date: date, days: int) -> str:
    return (erp_date - timedelta(days=days)).isoformat()


def _frame(rows: list[Row], schema: pl.Schema) -> pl.DataFrame:
    """Return rows as typed columns; days arrive as text, "" = none."""
    texts = {name: pl.String if kind == pl.Date else kind for name, kind in schema.items()}
    frame = pl.DataFrame(rows, schema=texts, orient="row")
    days = [name for name, kind in schema.items() if kind == pl.Date]
    return frame.with_columns(
        pl.when(pl.col(day) != "").then(pl.col(day)).str.to_date("%Y-%m-%d") for day in days
    )
