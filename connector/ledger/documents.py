"""Which lines share a requisition, and in which order requisitions are sent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import groupby

from connector.ledger.lines import Line

Keys = tuple[str, ...]


def group(lines: Iterable[Line], most: int) -> list[Keys]:
    """Return documents of one node and group, of at most `most` lines, in fixed order."""
    ordered = sorted(lines, key=_order)
    documents: list[Keys] = []
    for _, shared in groupby(ordered, key=lambda line: (line.node, line.purchasing_group)):
        keys = [line.key for line in shared]
        documents += [tuple(keys[at : at + most]) for at in range(0, len(keys), most)]
    return documents


def halves(keys: Sequence[str]) -> list[Keys]:
    """Return both halves of a refused document whose bad line the ERP did not name."""
    middle = len(keys) // 2
    return [tuple(keys[:middle]), tuple(keys[middle:])]


def _order(line: Line) -> tuple[str, str, str, int, str]:
    return (line.node, line.purchasing_group, line.item, line.line_no, line.key)
