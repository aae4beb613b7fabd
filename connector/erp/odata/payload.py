"""One page of JSON into columns of text, with no object per value that outlives the page.

The decoder is typed: only the properties that were asked for are built, `__metadata` and deferred
links are skipped unread. Servers disagree on shapes, so each property may be text, number, boolean,
null or missing, and a list of rows may be `{"d": {"results": [...]}}`, `{"d": [...]}` or, from
servers that answer in the light format, `{"value": [...]}`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import polars as pl
from msgspec import UNSET, UnsetType

from connector.errors import ErpContractBroken

_Scalar = str | int | float | bool | UnsetType | None
_Count = str | int | None
_BOM = b"\xef\xbb\xbf"


class PageUnreadable(ErpContractBroken):
    """The body is not JSON: cut off, or something else altogether."""


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Rows as columns of text; null = not said. `missing` columns were in no row at all."""

    frame: pl.DataFrame
    missing: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page: its rows, the rows inside them, and where it goes on.

    `inner` has `row`, the place of the parent; it is None where the rows inside were not sent.
    """

    rows: Columns
    inner: Columns | None
    following: str  # the next page's address as the server gave it, "" = none
    count: int | None  # the server's own count of all rows


@dataclass(frozen=True)
class Shape:
    """A compiled decoder for one set of properties. Use `shape`."""

    names: tuple[str, ...]
    inner_names: tuple[str, ...]
    navigation: str
    decoder: msgspec.json.Decoder[Any]

    def page(self, body: bytes) -> Page:
        """Return a page; raise PageUnreadable (not JSON) or ErpContractBroken (other rows)."""
        envelope = self._envelope(body)
        if envelope.error is not UNSET:
            msg = "the answer is an error with status 200"
            raise ErpContractBroken(msg, hint="look at the ERP's gateway log")
        results, following, count = _unwrapped(envelope)
        rows = _columns(self.names, results)
        inner = self._inner(results) if self.navigation else None
        return Page(rows=rows, inner=inner, following=following, count=count)

    def _envelope(self, body: bytes) -> Any:
        try:
            return self.decoder.decode(body.removeprefix(_BOM))
        except msgspec.ValidationError as error:
            msg = f"a page has a shape that is not read: {error}"
            raise ErpContractBroken(msg, hint="`replenishd check` compares the metadata") from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            msg = f"a page is not whole JSON: {error}"
            raise PageUnreadable(msg, hint="a proxy cut it off, or the server sent Atom") from error

    def _inner(self, results: Sequence[Any]) -> Columns | None:
        """Return the rows inside the rows, None when the server left them out."""
        values = list(map(attrgetter(self.navigation), results))
        lists = [each for each in map(_many, values) if each is not None]
        left_out = bool(values) and all(value is UNSET for value in values)
        if left_out or len(lists) < len(values):
            return None
        counts = np.fromiter(map(len, lists), np.int64, len(lists))
        columns = _columns(self.inner_names, list(chain.from_iterable(lists)))
        places = pl.Series("row", np.repeat(np.arange(len(lists), dtype=np.uint32), counts))
        return Columns(frame=columns.frame.with_columns(places), missing=columns.missing)


@lru_cache(maxsize=64)
def shape(names: tuple[str, ...], navigation: str = "", inner: tuple[str, ...] = ()) -> Shape:
    """Return the decoder for these properties, and for those of the rows inside."""
    row_fields: list[Any] = [(name, _Scalar, UNSET) for name in names]
    if navigation:
        row_fields.append((navigation, _rows_type(inner), UNSET))
    row = msgspec.defstruct("Row", row_fields, gc=False)
    rows: Any = msgspec.defstruct(
        "Rows",
        [
            ("results", list[row] | UnsetType, UNSET),  # type: ignore[valid-type]
            ("following", str | UnsetType | None, UNSET),
            ("count", _Count | UnsetType, UNSET),
        ],
        rename={"following": "__next", "count": "__count"},
    )
    envelope: Any = msgspec.defstruct(
        "Envelope",
        [
            ("d", list[row] | rows | UnsetType | None, UNSET),  # type: ignore[valid-type]
            ("value", list[row] | UnsetType, UNSET),  # type: ignore[valid-type]
            ("error", msgspec.Raw | UnsetType, UNSET),
            ("following", str | UnsetType | None, UNSET),
            ("light_following", str | UnsetType | None, UNSET),
            ("count", _Count | UnsetType, UNSET),
            ("light_count", _Count | UnsetType, UNSET),
        ],
        rename={
            "following": "odata.nextLink",
            "light_following": "@odata.nextLink",
            "count": "odata.count",
            "light_count": "@odata.count",
        },
    )
    return Shape(names, inner, navigation, msgspec.json.Decoder(envelope))


def _rows_type(names: tuple[str, ...]) -> Any:
    row = msgspec.defstruct("Inner", [(name, _Scalar, UNSET) for name in names], gc=False)
    rows = msgspec.defstruct(
        "InnerRows",
        [
            ("results", list[row] | UnsetType, UNSET),  # type: ignore[valid-type]
            ("following", str | UnsetType | None, UNSET),  # a server may cut these rows, too
        ],
        rename={"following": "__next"},
    )
    return list[row] | rows | UnsetType | None  # type: ignore[valid-type]


def _unwrapped(envelope: Any) -> tuple[Sequence[Any], str, int | None]:
    if envelope.value is not UNSET:
        following = envelope.following or envelope.light_following
        count = envelope.count if envelope.count is not UNSET else envelope.light_count
        return envelope.value, following or "", _whole(count)
    if isinstance(envelope.d, list):
        return envelope.d, "", None
    if envelope.d is None or envelope.d is UNSET or envelope.d.results is UNSET:
        msg = "a page holds no list of rows"
        raise ErpContractBroken(msg, hint="is this an OData V2 service that answers in JSON?")
    return envelope.d.results, envelope.d.following or "", _whole(envelope.d.count)


def _whole(count: Any) -> int | None:
    text = "" if count is UNSET or count is None else str(count).strip()
    return int(text) if text.isascii() and text.isdigit() else None


def _many(value: Any) -> Sequence[Any] | None:
    """Return the rows inside a row, None where only a link to them or to the rest of them came."""
    if isinstance(value, list):
        return value
    if value is None or value is UNSET:
        return ()
    return None if value.results is UNSET or value.following else value.results


def _columns(names: tuple[str, ...], rows: Sequence[Any]) -> Columns:
    if not rows:
        return Columns(
            frame=pl.DataFrame(schema=dict.fromkeys(names, pl.String)), missing=frozenset()
        )
    # Column by column: a tuple per row would set off the garbage collector, page after page.
    missing: set[str] = set()
    series = [_text(name, list(map(attrgetter(name), rows)), missing) for name in names]
    return Columns(frame=pl.DataFrame(series), missing=frozenset(missing))


def _text(name: str, values: Sequence[Any], missing: set[str]) -> pl.Series:
    for kind in (pl.String, pl.Boolean):
        try:
            return pl.Series(name, values, dtype=kind, strict=True).cast(pl.String)
        except (TypeError, ValueError, pl.exceptions.PolarsError):
            pass  # numbers or gaps among them: the slow way, value by value
    if all(value is UNSET for value in values):
        missing.add(name)
    return pl.Series(name, [_said(value) for value in values], dtype=pl.String)


def _said(value: Any) -> str | None:
    if value is None or value is UNSET or isinstance(value, str):
        return None if value is UNSET else value
    if isinstance(value, bool):
        return "true" if value else "false"
    return repr(value)
