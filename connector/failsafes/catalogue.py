"""Every fail-safe, declared once: docs, configuration, metrics and explanations are read from here.

A fail-safe's bit in SCREENED.guards is its place in ORDER, which names the whole catalogue, built
or not: adding one never moves the bits of evidence that is already stored.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import get_type_hints

from connector.failsafes.limits import Limits
from connector.failsafes.parameters import Parameter, Parameters, declared
from connector.failsafes.verdicts import Action

ORDER = tuple(
    f"{layer}{number}"
    for layer, count in (("A", 14), ("B", 15), ("C", 16), ("D", 8), ("E", 8))
    for number in range(1, count + 1)
)
LAYERS = {
    "A": "process and control",
    "B": "data and state",
    "C": "one line",
    "D": "sums over lines",
    "E": "change of policy",
}


@dataclass(frozen=True, kw_only=True)
class Guard:
    """One fail-safe. `setting` is its group of parameters in `Limits`."""

    id: str
    name: str
    formula: str  # in words: when it trips
    setting: str
    action: Action  # the strongest it can say
    milder: tuple[Action, ...] = ()  # what else it can say
    version: int = 1

    @property
    def bit(self) -> int:
        """Return the position of its bit in SCREENED.guards."""
        return ORDER.index(self.id)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Return its parameters with units, defaults and bounds."""
        kind: type[Parameters] = get_type_hints(Limits)[self.setting]
        return tuple(declared(kind))


@dataclass(frozen=True, kw_only=True)
class CatalogueRow:
    """One parameter of one fail-safe, ready to print; a fail-safe without any has one row."""

    id: str
    name: str
    layer: str
    formula: str
    action: str
    version: int
    setting: str = ""  # limits.position_cap.clamp
    default: str = ""
    unit: str = ""
    bounds: str = ""
    means: str = ""


_A = (
    Guard(
        id="A1",
        name="kill switch",
        formula="the file KILL exists, or its directory cannot be read, or an operator halted",
        setting="kill_switch",
        action=Action.GLOBAL_HALT,
        milder=(Action.NODE_HALT,),
    ),
    Guard(
        id="A4",
        name="repeated run",
        formula="a run of the same slot already came to posting",
        setting="repeated_run",
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
            "the most of the last 8 reviews on this weekday) is held"
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
            "[low, high] x the median of 8 reviews, or item-nodes came or went, or one came twice"
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
            "order > min(max(days x demand, position cap), maximum stock, quantity), "
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
        formula="order > times x the largest of the last 12 orders, and > cap x position cap",
        setting="relative_jump",
        action=Action.HOLD,
        milder=(Action.WARN,),
    ),
    Guard(
        id="C6",
        name="baseline collar",
        formula=(
            "order > high x base-stock order + smallest lot is cut, beyond hold x that collar "
            "held; order < low x base-stock order is warned of"
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
        setting="item_status",
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
        setting="parent_child",
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
            "value of a node > max(median + mads x MAD, times x median) of 8 reviews on this "
            "weekday, for each review whose need is still unordered"
        ),
        setting="fleet_jump",
        action=Action.NODE_HOLD,
        milder=(Action.WARN,),
    ),
)

CATALOGUE = {guard.id: guard for guard in (*_A, *_B, *_C, *_D)}


def catalogue_rows() -> Iterator[CatalogueRow]:
    """Yield the catalogue as a table, one row per parameter."""
    for guard in CATALOGUE.values():
        said = "/".join(action.name for action in sorted((*guard.milder, guard.action)))
        for each in guard.parameters or (None,):
            row = CatalogueRow(
                id=guard.id,
                name=guard.name,
                layer=LAYERS[guard.id[0]],
                formula=guard.formula,
                action=said,
                version=guard.version,
            )
            yield _with_parameter(row, guard, each) if each else row


def _with_parameter(row: CatalogueRow, guard: Guard, each: Parameter) -> CatalogueRow:
    listed = ", ".join(map(str, each.default)) if isinstance(each.default, tuple) else each.default
    numeric = each.high > each.low
    return replace(
        row,
        setting=f"limits.{guard.setting}.{each.name}",
        default="not set" if each.default is None else str(listed),
        unit=each.unit,
        bounds=f"{each.low:g} to {each.high:g}" if numeric else "",
        means=each.means,
    )


def guards_of(bits: int) -> tuple[str, ...]:
    """Return the ids whose bits are set in a SCREENED.guards value."""
    return tuple(name for place, name in enumerate(ORDER) if bits >> place & 1)
