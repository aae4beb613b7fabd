"""Pages into one frame: typed as they come, the text dropped, rows that came twice counted once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import polars as pl

from connector.erp.odata.catalogue import Expansion, Field, Read
from connector.erp.odata.payload import Columns, Page
from connector.erp.odata.values import UNREAD, empty, typed
from connector.errors import ErpContractBroken

# Two hashes of 64 bits: among a million rows a false twin has odds of 1e-26.
_TWINS = ("twin_a", "twin_b")
_SEEDS = (0x5EED, 0xF00D)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Typed rows with `row`, their number, and what in them could not be read."""

    frame: pl.DataFrame
    unread: pl.DataFrame  # UNREAD, by row


class Selection(Protocol):
    """What is asked of a read on this server."""

    @property
    def fields(self) -> tuple[Field, ...]:
        """Return the fields that are asked for."""

    @property
    def expansion(self) -> Expansion | None:
        """Return the rows inside that are asked for."""


class Gathered:
    """Collects the pages of one read."""

    def __init__(self, read: Read, selected: Selection) -> None:
        self._read = read
        self._selected = selected
        self._frames: list[pl.DataFrame] = []
        self._unread: list[pl.DataFrame] = [UNREAD.to_frame()]
        self._inner_frames: list[pl.DataFrame] = []
        self._inner_unread: list[pl.DataFrame] = [UNREAD.to_frame()]
        self._expanded = selected.expansion is not None
        self._seen: set[str] = set()  # properties that were in at least one row
        self._survivors: pl.DataFrame | None = None
        self.pages = 0
        self.octets = 0
        self.arrived = 0
        self.expected: int | None = 0

    def expect(self, count: int | None) -> None:
        """Add what the server counted for one query; one query without a count spoils the sum."""
        self.expected = None if count is None or self.expected is None else self.expected + count

    def add(self, page: Page, octets: int) -> None:
        """Take one page."""
        self.pages += 1
        self.octets += octets
        height = page.rows.frame.height
        if height == 0:
            return
        names = page.rows.frame.columns
        self._seen |= set(names) - page.rows.missing
        self._expanded &= page.inner is not None
        if page.inner is not None and self._expanded:
            self._add_inner(page.inner)
        made = typed(page.rows.frame, self._selected.fields)
        identity = [name for name in self._read.identity if name in names]
        kept = [field.name for field in self._selected.fields if field.kept]
        self._frames.append(
            made.frame.select(
                pl.int_range(self.arrived, self.arrived + height, dtype=pl.UInt32).alias("row"),
                *kept,
                *(
                    page.rows.frame[name].fill_null("").alias(f"{name}~")
                    for name in self._read.as_written
                ),
                *(
                    pl.struct(identity).hash(seed).alias(twin)
                    for twin, seed in zip(_TWINS, _SEEDS, strict=True)
                ),
            )
        )
        self._unread.append(made.unread.with_columns(pl.col("row") + self.arrived))
        self.arrived += height

    def rows(self) -> Rows:
        """Return the rows, the latest of each; raise ErpContractBroken when a field never came."""
        self._require_fields()
        fields = [field for field in self._read.fields if field.kept]
        lacking = [field for field in fields if field not in self._selected.fields]
        if not self._frames:
            none = empty(fields).with_columns(
                pl.Series("row", [], dtype=pl.UInt32),
                *(pl.Series(f"{name}~", [], dtype=pl.String) for name in self._read.as_written),
            )
            return Rows(frame=none, unread=UNREAD.to_frame())
        frame = pl.concat(self._frames)
        self._frames.clear()
        if frame.select(pl.struct(_TWINS).is_duplicated().any()).item():
            frame = frame.unique(subset=_TWINS, keep="last", maintain_order=True)
            self._survivors = frame.select("row")
        frame = frame.drop(_TWINS)
        if lacking:
            blank = pl.DataFrame(schema=dict.fromkeys((each.name for each in lacking), pl.String))
            frame = frame.join(typed(blank.clear(1), lacking).frame, how="cross")
        return Rows(frame=frame, unread=self._surviving(pl.concat(self._unread)))

    def inner(self) -> Rows | None:
        """Return the rows inside the rows (`row` is their parent's), None when not sent."""
        expansion = self._selected.expansion
        if expansion is None or (not self._expanded and self.arrived > 0):
            return None
        if not self._inner_frames:
            frame = empty(expansion.fields).with_columns(pl.Series("row", [], dtype=pl.UInt32))
            return Rows(frame=frame, unread=UNREAD.to_frame())
        frame = self._surviving(pl.concat(self._inner_frames))
        return Rows(frame=frame, unread=self._surviving(pl.concat(self._inner_unread)))

    def _add_inner(self, inner: Columns) -> None:
        expansion = self._selected.expansion
        if expansion is None or inner.frame.height == 0:
            return
        if any(each.required and each.name in inner.missing for each in expansion.fields):
            self._expanded = False  # rows without what was asked for: read them by themselves
            return
        made = typed(inner.frame, expansion.fields)
        parent = inner.frame["row"] + self.arrived
        self._inner_frames.append(made.frame.with_columns(parent))
        places = parent.gather(made.unread["row"])
        self._inner_unread.append(made.unread.with_columns(places.alias("row")))

    def _surviving(self, frame: pl.DataFrame) -> pl.DataFrame:
        if self._survivors is None:
            return frame
        return frame.join(self._survivors, on="row", how="semi", maintain_order="left")

    def _require_fields(self) -> None:
        """Refuse rows that lack what cannot be unset: names and quantities.

        A flag, a date or a text in no row at all may be a server that leaves out what is unset.
        """
        if self.arrived == 0:
            return
        lacking = [
            field.name
            for field in self._selected.fields
            if field.required and field.kind in {"key", "decimal"} and field.name not in self._seen
        ]
        if lacking:
            msg = f"{self._read.entity_set}: no row has {', '.join(lacking)}"
            hint = "the server ignores $select or renamed it: `replenishd check`"
            raise ErpContractBroken(msg, hint=hint)
