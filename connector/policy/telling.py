"""An explanation as text for a terminal: one number a line, units named, nothing left out."""

from __future__ import annotations

import math
from collections.abc import Iterator

from connector.policy.explain import Check, Explanation

_LABEL = 46
_BAR = 24
_TOP = 6
_ROUNDING = 1e-6  # between one line asked alone and in the site's batch


def render(explanation: Explanation) -> str:
    """Return the explanation as lines of text, at most 100 columns for usual names."""
    return "\n".join(_lines(explanation)) + "\n"


def _lines(e: Explanation) -> Iterator[str]:
    yield f"item {e.item} at node {e.node} of {e.site}, {e.day}, in {e.unit}"
    yield ""
    largest = max(
        (abs(step.quantity) for step in e.steps if math.isfinite(step.quantity)), default=0
    )
    for step in e.steps:
        bar = _bar(step.quantity, largest)
        yield f"{_row(step.label, step.quantity)}  {bar:<{_BAR}}  {step.source}".rstrip()
    yield ""
    yield from _answers(e)
    yield ""
    yield from _why(e)
    yield _row("requested", e.requested)
    yield _row("after lots", e.rounded)
    for check in e.checks:
        yield from _check(check)
    yield _row(f"final ({e.action.lower()})", e.quantity)
    if e.held:
        yield _row("waiting for a person", e.held)


def _answers(e: Explanation) -> Iterator[str]:
    source = "base-stock (the policy did not answer this line)" if e.fell_back else e.source
    yield _row("position the level is held against", e.position)
    yield f"  answer of {source}" + (f", sha256 {e.digest[:12]}" if e.digest else "")
    yield _row("  order up to", e.policy.level)
    yield _row("  quantity", e.policy.quantity)
    yield _row("beside it, base-stock: order up to", e.base_stock.level)
    yield _row("                       quantity", e.base_stock.quantity)
    if e.refused:
        yield f"  refused before: {e.refused}"


def _why(e: Explanation) -> Iterator[str]:
    if e.why is None:
        return
    yield "  why this level (exact Shapley values; parts add up)"
    yield _row("  usual level at this rate of demand", e.why.usual_level)
    for part in e.why.parts[:_TOP]:
        values = ", ".join(
            f"{name} {_number(here)} (usual {_number(usual)})"
            for name, (here, usual) in part.features.items()
        )
        yield f"  {'  ' + part.group:<{_LABEL}}{part.contribution:>+14,.3f}  {values}"
    rest = sum(part.contribution for part in e.why.parts[_TOP:])
    if len(e.why.parts) > _TOP:
        yield f"  {'  the rest':<{_LABEL}}{rest:>+14,.3f}"
    yield _row("  level of the node by itself", e.why.level)
    if not math.isclose(e.policy.level, e.why.level, rel_tol=_ROUNDING):
        yield _row("  agreed limits and levels below", e.policy.level - e.why.level)
    yield ""


def _check(check: Check) -> Iterator[str]:
    name = f"{check.guard} {check.action.lower().replace('_', ' ')}"
    compared = f"measured {_number(check.value)}, allowed {_number(check.threshold)}"
    yield f"  {name:<{_LABEL}}{_number(check.after):>14}  was {_number(check.before)}; {compared}"
    if check.detail:
        yield f"      {check.detail}"


def _row(label: str, quantity: float) -> str:
    return f"  {label:<{_LABEL}}{_number(quantity):>14}"


def _number(quantity: float) -> str:
    return f"{quantity:,.3f}".rstrip("0").rstrip(".") if math.isfinite(quantity) else str(quantity)


def _bar(quantity: float, largest: float) -> str:
    if not math.isfinite(quantity) or not largest:
        return ""
    length = round(_BAR * abs(quantity) / largest)
    return ("+" if quantity > 0 else "-") * length
