"""Whether what the ERP has under one of our keys is our line."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connector.ledger.lines import Line
from connector.ports import FiledLine


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """What one complete look found under a key."""

    there: FiledLine | None = None  # our line, None = it is not there
    conflict: str = ""  # why a person must look


def sight(line: Line, found: Sequence[FiledLine]) -> Sighting:
    """Judge what a look found: ours, absent, somebody else's, or twice.

    A key alone is 50 bits and people copy documents, so node, item and unit must agree. Another
    quantity is still our line: a person changed it, and the person won.
    """
    ours = [each for each in found if is_ours(line, each)]
    if found and not ours:
        other = found[0]
        what = f"{other.node}/{other.item} in {other.unit}"
        return Sighting(conflict=f"{other.number}/{other.line} carries this key for {what}")
    standing = [each for each in ours if not each.deleted] or ours[:1]
    if len(standing) > 1:
        numbers = ", ".join(f"{each.number}/{each.line}" for each in standing)
        return Sighting(conflict=f"filed {len(standing)} times: {numbers}")
    if not standing:
        return Sighting()
    if line.number and not is_same_document(line, standing[0]):
        what = f"{standing[0].number}/{standing[0].line} carries this key"
        return Sighting(conflict=f"filed as {line.number}/{line.number_line}, but {what}")
    return Sighting(there=standing[0])


def is_ours(line: Line, found: FiledLine) -> bool:
    """Tell whether a found line is for the same node, item and unit."""
    return (found.node, found.item, found.unit) == (line.node, line.item, line.unit)


def is_same_document(line: Line, found: FiledLine) -> bool:
    """Compare document numbers as the ERP does: leading zeros mean nothing."""
    known = (line.number.lstrip("0"), line.number_line.lstrip("0"))
    return known == (found.number.lstrip("0"), found.line.lstrip("0"))
