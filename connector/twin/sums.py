"""Sums of arrays: in place where that can harm nobody, which is faster by the arrays not made."""

from __future__ import annotations

from collections.abc import Sequence

from array_api_compat import array_namespace

from connector.twin.network import Array

_FEW = 12  # so many arrays are added one by one sooner than stacked


def onto(total: Array, more: Array) -> Array:
    """Return total + more, written over a total that only the caller holds, where that can be.

    It cannot where a gradient goes through, nor where the sum is larger or of a wider kind.
    """
    if getattr(total, "requires_grad", False) or getattr(more, "requires_grad", False):
        return total + more
    try:
        total += more
    except (RuntimeError, TypeError, ValueError):
        return total + more
    return total


def summed(first: Array, more: Sequence[Array | None]) -> Array:
    """Return the sum of all that there is; the first itself where there is no more."""
    if len(more) > _FEW:
        xp = array_namespace(first)
        stacked = [each for each in more if each is not None]
        return first + xp.sum(xp.stack(stacked), axis=0) if stacked else first
    total = first
    for each in more:
        if each is not None:
            total = total + each if total is first else onto(total, each)
    return total
