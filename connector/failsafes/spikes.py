"""Layer C, one line at a time: how large an order may be. Every function only answers; none acts.

Cuts come back with `allowed`. Holds look at the order before any cut (`asked`), so that a cut
cannot hide an anomaly.
"""

from __future__ import annotations

import numpy as np

from connector.failsafes.columns import Column, Lines
from connector.failsafes.past import Past
from connector.failsafes.verdicts import Finding


def fat_finger(lines: Lines, asked: Column) -> Finding:
    """C1: more than anybody ever means to order."""
    limits = lines.limits.fat_finger
    # Slow items and long lead times may order more than 60 days at once: what C2 would let a person
    # approve is no slip of a finger.
    most = np.maximum(limits.days * lines.demand, lines.limits.position_cap.hold * lines.cap)
    storage = lines.state.column("maximum_stock")
    most = np.minimum(most, np.where(storage > 0, storage, np.inf))
    if limits.quantity is not None:
        most = np.minimum(most, limits.quantity)
    tripped = asked > most
    if limits.value is None:
        return Finding(tripped=tripped, value=asked, threshold=most)
    worth = asked * lines.unit_cost
    dear = (asked > 0) & ~((lines.unit_cost > 0) & (worth <= limits.value))
    return Finding(
        tripped=tripped | dear,
        value=np.where(tripped, asked, worth),
        threshold=np.where(tripped, most, limits.value),
    )


def position_cap(lines: Lines, quantity: Column) -> Finding:
    """C2, the cut: no more than takes the position to `clamp` caps."""
    most = lines.limits.position_cap.clamp * lines.cap
    position = lines.position + quantity
    return Finding(
        tripped=(quantity > 0) & (position > most),
        value=position,
        threshold=most,
        allowed=most - lines.position,
    )


def far_beyond_position_cap(lines: Lines, asked: Column) -> Finding:
    """C2, the hold: the order as asked takes the position beyond `hold` caps."""
    most = lines.limits.position_cap.hold * lines.cap
    position = lines.position + asked
    return Finding(tripped=(asked > 0) & (position > most), value=position, threshold=most)


def collar(lines: Lines, quantity: Column, base_stock: Column) -> Finding:
    """C6, the cut: no more than `high` usual orders of base-stock, and one smallest lot."""
    most = _collar(lines, base_stock)
    return Finding(tripped=quantity > most, value=quantity, threshold=most, allowed=most)


def far_beyond_collar(lines: Lines, asked: Column, base_stock: Column) -> Finding:
    """C6, the hold: beyond `hold` collars."""
    most = lines.limits.collar.hold * _collar(lines, base_stock)
    return Finding(tripped=asked > most, value=asked, threshold=most)


def below_collar(lines: Lines, asked: Column, base_stock: Column) -> Finding:
    """C6, the warning: less than `low` times what base-stock orders; never raised."""
    least = lines.limits.collar.low * base_stock
    return Finding(tripped=(base_stock > 0) & (asked < least), value=asked, threshold=least)


def _collar(lines: Lines, base_stock: Column) -> Column:
    # On average base-stock orders a review's demand. Where it would order less today, a policy that
    # keeps a little more must not starve for it: how much more is for the position cap to say.
    usual = np.maximum(base_stock, lines.demand * lines.review)
    return lines.limits.collar.high * usual + lines.lots.smallest


def cumulative(past: Past, quantity: Column) -> Finding:
    """C7: many small orders in a row buy more than a horizon's demand justifies."""
    lines, limits = past.lines, past.lines.limits.cumulative
    worst = np.full(len(lines), np.inf)
    value, threshold = np.zeros(len(lines)), np.zeros(len(lines))
    fixed = (np.full(len(lines), days) for days in limits.days)
    for days in (lines.review, *fixed, lines.lead_time + lines.review):
        before = past.within(days)
        most = limits.times * lines.need(days, limits.sigmas)
        tighter = most - before < worst
        worst = np.where(tighter, most - before, worst)
        value = np.where(tighter, before + quantity, value)
        threshold = np.where(tighter, most, threshold)
    return Finding(
        tripped=(quantity > 0) & (quantity > worst),
        value=value,
        threshold=threshold,
        allowed=worst,
    )


def relative_jump(past: Past, asked: Column) -> Finding:
    """C4: far larger than any of the item's last orders, and not small.

    An item that was held or out of reach for some days needs what was sold meanwhile on top: else
    one hold would hold every later, larger order as well.
    """
    lines, limits, orders = past.lines, past.lines.limits.relative_jump, past.orders
    waited = np.minimum(past.waited, limits.backlog)
    most = limits.times * orders.largest + waited * np.maximum(lines.demand, 0.0)
    known = orders.count >= limits.orders
    large = asked > limits.cap * lines.cap
    return Finding(tripped=known & large & (asked > most), value=asked, threshold=most)


def no_earlier_orders(past: Past, asked: Column) -> Finding:
    """C4, the warning: a large order of an item that has too few earlier ones to compare with."""
    lines, limits, orders = past.lines, past.lines.limits.relative_jump, past.orders
    large = asked > limits.cap * lines.cap
    return Finding(
        tripped=large & (orders.count < limits.orders) & (asked > 0),
        value=orders.count,
        threshold=np.full(len(lines), float(limits.orders)),
        detail="too few earlier orders to compare with",
    )


def known_factor(past: Past, asked: Column) -> Finding:
    """B9: the order is a typical mistake of units away from the item's usual order."""
    limits, orders = past.lines.limits.unit_mismatch, past.orders
    known = (orders.count >= limits.orders) & (orders.median > 0) & (asked > 0)
    ratio = np.divide(asked, orders.median, out=np.ones(len(asked)), where=known)
    away = np.log(ratio)
    factors = np.array([factor for factor in limits.factors if factor != 1.0])
    if not len(factors):
        return Finding(tripped=np.zeros(len(asked), dtype=bool), value=ratio, threshold=ratio)
    apart = np.abs(away[:, None] - np.log(factors)[None, :])
    nearest = apart.argmin(axis=1)
    return Finding(
        tripped=known & (apart.min(axis=1) < limits.band),
        value=ratio,
        threshold=factors[nearest],
        detail="unit? the order differs from the usual one by a known factor",
    )
