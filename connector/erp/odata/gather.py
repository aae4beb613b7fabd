"""Pages into one frame: typed as they come, the text dropped, rows that came twice counted once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import polars as pl

from connector.erp.odata.catalogue import Expansion, Field, Read
from connector.erp.odata.payload import Columns, Page
from connector.erp.odata.values import ALL_READ, empty, typed
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


# What is left of a page: its rows (each only once) and the rows inside them go in.
Digest = Callable[[Rows, Rows], Any]


class Gathered:
    """Collects the pages of one read; with a digest, only what that leaves of the rows inside."""

    def __init__(self, read: Read, selected: Selection, digest: Digest | None = None) -> None:
        self._read = read
        self._selected = selected
        self._digest = digest
        self._digests: list[Any] = []
        self._twins: set[tuple[int, int]] = set()  # of the rows digested
        self._frames: list[pl.DataFrame] = []
        self._unread: list[pl.DataFrame] = [ALL_READ]
        self._inner_frames: list[pl.DataFrame] = []
        self._inner_unread: list[pl.DataFrame] = [ALL_READ]
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
        self._seen |= set(page.rows.frame.columns) - page.rows.missing
        rows = self._typed(page.rows)
        inner = self._inner(page.inner)
        if self._digest is None:
            self._frames.append(rows.frame)
            self._unread.append(rows.unread)
            if inner is not None:
                self._inner_frames.append(inner.frame)
                self._inner_unread.append(inner.unread)
        else:
            self._add_digest(rows, inner)
        self.arrived += height

    def _typed(self, rows: Columns) -> Rows:
        made = typed(rows.frame, self._selected.fields)
        identity = rows.frame.select(
            name for name in self._read.identity if name in rows.frame.columns
        )
        kept = [field.name for field in self._selected.fields if field.kept]
        end = self.arrived + rows.frame.height
        written = self._read.as_written
        twins = zip(_TWINS, _SEEDS, strict=True)
        frame = made.frame.select(
            pl.int_range(self.arrived, end, dtype=pl.UInt32).alias("row"),
            *kept,
            *(rows.frame[name].fill_null("").alias(f"{name}~") for name in written),
            *(identity.hash_rows(seed).alias(twin) for twin, seed in twins),
        )
        return Rows(frame=frame, unread=made.unread.with_columns(pl.col("row") + self.arrived))

    def _add_digest(self, rows: Rows, inner: Rows | None) -> None:
        """Digest the rows that did not come before; an earlier page has the others."""
        fresh = [twins not in self._twins for twins in rows.frame.select(_TWINS).iter_rows()]
        self._twins.update(rows.frame.select(_TWINS).iter_rows())
        new = rows.frame.filter(pl.Series(fresh, dtype=pl.Boolean))
        self._frames.append(new)
        self._unread.append(rows.unread.join(new, on="row", how="semi"))
        if inner is None or self._digest is None:
            return
        mine = Rows(
            frame=inner.frame.join(new, on="row", how="semi", maintain_order="left"),
            unread=inner.unread.join(new, on="row", how="semi"),
        )
        headers = Rows(frame=self._completed(new.drop(_TWINS)), unread=self._unread[-1])
        self._digests.append(self._digest(headers, mine))

    def rows(self) -> Rows:
        """Return the rows, the latest of each; raise ErpContractBroken when a field never came."""
        self._require_fields()
        if not self._frames:
            none = empty([field for field in self._read.fields if field.kept]).with_columns(
                pl.Series("row", [], dtype=pl.UInt32),
                *(pl.Series(f"{name}~", [], dtype=pl.String) for name in self._read.as_written),
            )
            return Rows(frame=none, unread=ALL_READ)
        frame = pl.concat(self._frames)
        self._frames.clear()
        if frame.select(pl.struct(_TWINS).is_duplicated().any()).item():
            frame = frame.unique(subset=_TWINS, keep="last", maintain_order=True)
            self._survivors = frame.select("row")
        frame = self._completed(frame.drop(_TWINS))
        return Rows(frame=frame, unread=self._surviving(pl.concat(self._unread)))

    def _completed(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return a frame with the columns this server does not have, unset."""
        kept = [field for field in self._read.fields if field.kept]
        lacking = [field for field in kept if field not in self._selected.fields]
        if not lacking:
            return frame
        blank = pl.DataFrame(schema=dict.fromkeys((each.name for each in lacking), pl.String))
        return frame.join(typed(blank.clear(1), lacking).frame, how="cross")

    def digests(self) -> list[Any] | None:
        """Return what is left of each page, None when the rows inside were not sent."""
        return self._digests if self._expanded or self.arrived == 0 else None

    def inner(self) -> Rows | None:
        """Return the rows inside the rows (`row` is their parent's), None when not sent."""
        expansion = self._selected.expansion
        if expansion is None or (not self._expanded and self.arrived > 0):
            return None
        if not self._inner_frames:
            return _no_rows(expansion)
        frame = self._surviving(pl.concat(self._inner_frames))
        return Rows(frame=frame, unread=self._surviving(pl.concat(self._inner_unread)))

    def _inner(self, inner: Columns | None) -> Rows | None:
        """Return a page's rows inside, typed; None once they are not what was asked for."""
        expansion = self._selected.expansion
        if inner is None or expansion is None or not self._expanded:
            self._expanded = False
            return None
        if inner.frame.height == 0:
            return _no_rows(expansion)
        if any(each.required and each.name in inner.missing for each in expansion.fields):
            self._expanded = False  # rows without what was asked for: read them by themselves
            return None
        made = typed(inner.frame, expansion.fields)
        parent = inner.frame["row"] + self.arrived
        places = parent.gather(made.unread["row"])
        return Rows(
            frame=made.frame.with_columns(parent),
            unread=made.unread.with_columns(places.alias("row")),
        )

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


def _no_rows(expansion: Expansion) -> Rows:
    frame = empty(expansion.fields).with_columns(pl.Series("row", [], dtype=pl.UInt32))
    return Rows(frame=frame, unread=ALL_READ)
