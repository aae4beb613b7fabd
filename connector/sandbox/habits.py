"""In what shapes this system writes values and links: real systems disagree, so all can be had."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_type_hints

from connector.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Habits:
    """One system's habits. The defaults are those of a usual S/4HANA."""

    numc: Literal["zeros", "plain"] = "zeros"  # "00010" or "10"
    unset: Literal["empty", "null"] = "empty"  # texts nobody filled: "" or null
    decimals: Literal["trimmed", "padded"] = "trimmed"  # "3" or "3.000"
    dates: Literal["plain", "offset"] = "plain"  # /Date(0)/ or /Date(0+0000)/
    unset_dates: Literal["null", "initial"] = "null"  # or the first day of the calendar
    materials: Literal["external", "padded"] = "external"  # "100001" or 18 digits
    next_link: Literal["relative", "absolute", "foreign"] = "relative"
    skiptoken: Literal["doubled", "single", "opaque"] = "doubled"
    type_names: Literal["suffix", "bare"] = "suffix"  # A_ProductType or A_Product
    expanded: Literal["results", "list"] = "results"  # {"results": [..]} or a bare list
    last_page: Literal["exact", "empty_follows"] = "exact"  # after a full last page
    patch_answer: Literal["204", "200"] = "204"
    lock_status: Literal["400", "423"] = "400"
    line_naming: Literal["mixed", "target", "key", "text", "none"] = "mixed"  # in errordetails
    root_slash: Literal["optional", "needed"] = "optional"  # for fetching a token at the root
    no_rows: Literal["empty", "error"] = "empty"  # nothing found: [] or 400 "no data found"
    connection: Literal["keep", "close"] = "keep"
    compression: Literal["plain", "gzip"] = "plain"  # for callers that accept gzip

    def but(self, changes: dict[str, Any]) -> Habits:
        """Return these habits with some changed; raise ConfigError for one that is not known."""
        hints = get_type_hints(Habits)
        for name, value in changes.items():
            allowed = get_args(hints[name]) if name in hints else ()
            if value not in allowed:
                known = ", ".join(each.name for each in fields(Habits))
                msg = f"there is no habit {name}={value!r}"
                hint = f"{name} is one of {', '.join(allowed)}" if allowed else f"one of {known}"
                raise ConfigError(msg, hint=hint)
        return replace(self, **changes)
