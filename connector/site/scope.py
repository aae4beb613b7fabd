"""Narrows what was pulled to the items a site reviews."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime

import polars as pl

from connector.inventory.snapshot import History, Snapshot
from connector.ports import StockReader


@dataclass(frozen=True, kw_only=True)
class ScopedReader:
    """Reads the whole site and keeps the items in scope; `include` empty = all but `exclude`."""

    reader: StockReader
    include: Collection[str] = ()
    exclude: Collection[str] = ()

    def pull(self, now: datetime, history: History) -> Snapshot:
        """Return the picture with only the items in scope; what is out is never ordered."""
        snapshot = self.reader.pull(now, history)
        inside = ~pl.col("item").is_in(list(self.exclude))
        if self.include:
            inside = inside & pl.col("item").is_in(list(self.include))
        return replace(snapshot, items=snapshot.items.filter(inside))

    def server_time(self) -> datetime:
        """Return the ERP's own clock."""
        return self.reader.server_time()
