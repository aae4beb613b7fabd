"""Every fail-safe that is built, each declared once."""

from __future__ import annotations

from connector.failsafes.guard import Guard
from connector.failsafes.verdicts import Action

_A = (
    Guard(
        id="A1",
        name="kill switch",
        formula="the file KILL exists, or its directory cannot be read, or an operator halted",
        action=Action.GLOBAL_HALT,
        milder=(Action.NODE_HALT,),
    ),
    Guard(
        id="A4",
        name="repeated run",
        formula="a run of the same slot already came to posting",
        action=Action.SUPPRESS,
    ),
    Guard(
        id="A6",
        name="clock jump",
        formula=(
            "wall time and monotonic time moved apart, or our clock and the ERP's Date header "
            "differ, or time is before the last ledger entry or before this build"
        ),
        setting="clock_jump",
        action=Action.NODE_HOLD,
    ),
    Guard(
        id="A7",
        name="throttle",
        formula=(
            "sends beyond a token bucket wait; a node with more lines than max(lines, growth x "
            "the most of the last 8 reviews on this weekday, per day since its last order) is held"
        ),
        setting="throttle",
        action=Action.NODE_HOLD,
        milder=(Action.WARN,),
    ),
)
_B = (
    Guard(
        id="B1",
        name="stale data",
        formula="the picture or one of its reads is older than min(reviews x period, hours)",
        setting="stale_data",
        action=Action.NODE_HOLD,
        milder=(Action.WARN,),
    ),
    Guard(
        id="B2",
        name="partial data",
        formula=(
            "a configured node is empty, or rows differ from the ERP's own count, or rows leave "
            "[low, high] x the median of 8 reviews, or item-nodes came or went"
        ),
        setting="partial_data",
        action=Action.NODE_HOLD,
        milder=(Action.WARN,),
    ),
    Guard(
        id="B4",
        name="unusable value",
        formula=(
            "not (low <= value <= high) for any value used: not a number, infinite, negative or "
            "absurd; or the ERP said something about the item that cannot be used"
        ),
        setting="unusable_value",
        action=Action.NODE_HALT,
        milder=(Action.SUPPRESS,),
    ),
    Guard(
        id="B5",
        name="negative stock",
        formula="stock on hand < 0; held when deeper than max(days x demand, smallest lot)",
        setting="negative_stock",
        action=Action.HOLD,
        milder=(Action.WARN,),
    ),
    Guard(
        id="B7",
        name="stock drop",
        formula=(
            "stock before + receipts - stock now > demand x days + sigmas x sd x sqrt(days) + "
            "multiple + what left for nodes below"
        ),
        setting="stock_drop",
        action=Action.NODE_HOLD,
        milder=(Action.WARN, Action.HOLD),
    ),
    Guard(
        id="B8",
        name="pipeline vanish",
        formula=(
            "pipeline before + filed - receipts - pipeline now > max(multiple, share x pipeline "
            "before), or a confirmed requisition of ours is neither open nor closed"
        ),
        setting="pipeline_vanish",
        action=Action.NODE_HOLD,
        milder=(Action.WARN, Action.HOLD),
    ),
    Guard(
        id="B9",
        name="unit or pack mismatch",
        formula=(
            "the base unit or the pack changed since the last review, or ln(order / median of the "
            "last 12) lies within band of ln(factor)"
        ),
        setting="unit_mismatch",
        action=Action.HOLD,
        milder=(Action.WARN,),
    ),
)
_C = (
    Guard(
        id="C1",
        name="fat finger",
        formula=(
            "order > min(max(days x demand, 1.5 position caps), maximum stock, quantity), "
            "or order x unit cost > value"
        ),
        setting="fat_finger",
        action=Action.SUPPRESS,
    ),
    Guard(
        id="C2",
        name="position cap",
        formula=(
            "position + order > clamp x cap is cut; > hold x cap before any cut is held; cap = "
            "max(f (L + R) + sigmas sd sqrt(L + R), floor) + smallest lot"
        ),
        setting="position_cap",
        action=Action.HOLD,
        milder=(Action.CLAMP,),
    ),
    Guard(
        id="C4",
        name="relative jump",
        formula=(
            "order > times x the largest of the last 12 orders + demand of the days it waited "
            "longer than usual (at most backlog), and > cap x position cap"
        ),
        setting="relative_jump",
        action=Action.HOLD,
        milder=(Action.WARN,),
    ),
    Guard(
        id="C6",
        name="baseline collar",
        formula=(
            "order > high x max(base-stock order, demand of a review period) + smallest lot is "
            "cut, beyond hold x that collar held; order < low x base-stock order is warned of"
        ),
        setting="collar",
        action=Action.HOLD,
        milder=(Action.WARN, Action.CLAMP),
    ),
    Guard(
        id="C7",
        name="cumulative horizon",
        formula=(
            "own orders of H days + order > times x (max(f H + sigmas sd sqrt(H), floor) + "
            "smallest lot) for H in R, L + R and days is cut; held when no lot fits any more"
        ),
        setting="cumulative",
        action=Action.HOLD,
        milder=(Action.CLAMP,),
    ),
    Guard(
        id="C9",
        name="duplicate open requisition",
        formula=(
            "an open document that the position does not count has a similar quantity and a need "
            "date within the review period"
        ),
        setting="duplicate_open",
        action=Action.SUPPRESS,
    ),
    Guard(
        id="C10",
        name="lots and rounding",
        formula=(
            "less than discard x lot is not ordered, else up to whole lots; down to whole lots "
            "after a cut; held when one lot more than doubles the order beyond hold x cap, or "
            "when a cut leaves less than the smallest lot of an item that runs short"
        ),
        setting="lots",
        action=Action.HOLD,
        milder=(Action.CLAMP,),
    ),
    Guard(
        id="C13",
        name="item status",
        formula="the item's status forbids procurement",
        action=Action.SUPPRESS,
    ),
    Guard(
        id="C14",
        name="under-order",
        formula=(
            "position < f L and no order in `reviews` reviews while base-stock orders, or one and "
            "the same policy answer for more than `constant` of a node's items: base-stock instead"
        ),
        setting="under_order",
        action=Action.FALLBACK,
    ),
    Guard(
        id="C16",
        name="parent and child",
        formula="posted for a decision + quantity about to be sent > quantity decided",
        action=Action.GLOBAL_HALT,
    ),
)
_D = (
    Guard(
        id="D1",
        name="budget",
        formula=(
            "reserved + order x unit cost > cap per line, node and day, node and review, node and "
            "28 days, site and review: the most urgent lines first, the rest held"
        ),
        setting="budget",
        action=Action.HOLD,
    ),
    Guard(
        id="D2",
        name="fleet jump",
        formula=(
            "value of a node per day since its last order > max(median + mads x MAD, times x "
            "median) of the same over 8 reviews on this weekday"
        ),
        setting="fleet_jump",
        action=Action.NODE_HOLD,
        milder=(Action.WARN,),
    ),
)

DECLARED = (*_A, *_B, *_C, *_D)
