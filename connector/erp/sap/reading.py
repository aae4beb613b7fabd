"""The reads of one pull, by name: what is asked when, and what is asked instead."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import TYPE_CHECKING

import polars as pl

from connector.erp.odata.catalogue import Read, Slot
from connector.erp.odata.gather import Digest, Rows
from connector.erp.odata.values import UNREAD
from connector.erp.sap import movements as moves
from connector.erp.sap.document_reads import (
    MOVEMENT_ITEMS,
    MOVEMENTS,
    MRP_ELEMENTS,
    OLDER_ORDERS,
    OLDER_RECEIPTS,
    ORDER_ITEMS,
    ORDERS,
    REQUISITIONS,
    SCHEDULE_LINES,
)
from connector.erp.sap.item_reads import UNITS
from connector.erp.sap.movements import Moves
from connector.erp.sap.orders import open_items, requisition_lines, scheduled, scheduled_apart
from connector.erp.sap.site import SapSite
from connector.erp.sap.units import FACTORS, factors

if TYPE_CHECKING:
    from connector.erp.odata.fetch import Fetched, Fetcher
    from connector.inventory.snapshot import Feed


class Reading:
    """The ERP as one pull sees it. Threads share it; `feeds` is the evidence of each read."""

    def __init__(self, fetcher: Fetcher, site: SapSite, read_from: date) -> None:
        self._fetcher = fetcher
        self._site = site
        self._slots: dict[str, Slot] = {
            "plants": site.plants,
            "areas": tuple(dict.fromkeys(map(site.valuation_area, site.plants))),
            "watermark": read_from,
        }
        self.feeds: list[Feed] = []

    def rows(self, read: Read, **slots: Slot) -> Rows:
        """Return the rows of a read."""
        return self._fetch(read, None, **slots).rows

    def optional(self, read: Read) -> Rows | None:
        """Return the rows of a read, None where the server does not know its entity set."""
        return self.rows(read) if self._fetcher.has(read) else None

    def movements(self) -> Moves:
        """Return what moved at this site since the day the pull reads from."""
        found = self._fetch(MOVEMENTS, lambda rows, inner: moves.moved(rows, inner, self._site))
        if found.digests is not None:
            return moves.all_moves(found.digests)
        parts, start = [], 0
        for year, documents in _spans(found.rows.frame):
            rows = _renumbered(self._fetch(MOVEMENT_ITEMS, year=year, documents=documents), start)
            parts.append(moves.moved_apart(found.rows, rows, self._site))
            start += rows.frame.height
        return moves.all_moves(parts)

    def order_lines(self) -> Rows:
        """Return the dated quantities of open purchase order items."""
        found = self._fetch(ORDER_ITEMS)
        items = open_items(found.rows, self._site)
        if found.inner is not None or items.frame.height == 0:
            return scheduled(items, found.inner or _no_dates())
        written = _span(items.frame["order_as_written"])
        return scheduled_apart(items, self._fetch(SCHEDULE_LINES, documents=written).rows)

    def requisitions(self) -> Rows:
        """Return open requisition lines."""
        return requisition_lines(self._fetch(REQUISITIONS).rows, self._site)

    def mrp_elements(self) -> Rows:
        """Return the ERP's own netting."""
        return self._fetch(MRP_ELEMENTS).rows

    def order_headers(self) -> Rows:
        """Return the headers of orders created since the day the pull reads from."""
        return self._fetch(ORDERS).rows

    def older_headers(self, written: Iterable[str]) -> Rows:
        """Return the headers of these orders, given as the server writes them."""
        return self._fetch(OLDER_ORDERS, orders=tuple(written)).rows

    def older_receipts(self, written: Iterable[str]) -> Moves:
        """Return every movement of these orders."""
        found = self._fetch(OLDER_RECEIPTS, orders=tuple(written))
        return moves.moved_undated(found.rows, self._site)

    def unit_factors(self, written: Iterable[str]) -> pl.DataFrame:
        """Return the unit conversions of these products, given as the server writes them."""
        products = tuple(written)
        if not products:
            return FACTORS.to_frame()
        return factors(self._fetch(UNITS, products=products).rows.frame)

    def _fetch(self, read: Read, digest: Digest | None = None, **slots: Slot) -> Fetched:
        found = self._fetcher.fetch(read, {**self._slots, **slots}, digest)
        self.feeds.append(found.feed)
        return found


def _spans(headers: pl.DataFrame) -> list[tuple[str, tuple[str, str]]]:
    """Return per year the first and last document, as the server writes them."""
    years = headers["MaterialDocumentYear~"].unique().sort()
    return [
        (year, _span(headers.filter(pl.col("MaterialDocumentYear~") == year)["MaterialDocument~"]))
        for year in years
    ]


def _span(written: pl.Series) -> tuple[str, str]:
    # Numbers of different lengths are ordered as numbers, not as texts.
    ordered = written.to_frame("number").sort(pl.col("number").str.len_chars(), "number")["number"]
    return str(ordered[0]), str(ordered[-1])


def _renumbered(found: Fetched, start: int) -> Rows:
    """Return rows numbered so that no two reads share a number."""
    numbered = pl.col("row") + pl.lit(start, pl.UInt32)
    rows = found.rows
    return Rows(frame=rows.frame.with_columns(numbered), unread=rows.unread.with_columns(numbered))


def _no_dates() -> Rows:
    frame = pl.DataFrame(
        schema={
            "row": pl.UInt32,
            "ScheduleLine": pl.String,
            "ScheduleLineDeliveryDate": pl.Date,
            "ScheduleLineOrderQuantity": pl.Float64,
        }
    )
    return Rows(frame=frame, unread=UNREAD.to_frame())
