"""What people are shown of an answer: the few columns that decide something. JSON has all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_REVIEWS = {
    "review": "review_id",
    "slot": "slot_at",
    "mode": "mode",
    "outcome": "outcome",
    "items": "counts.items",
    "ordered": "counts.ordered",
    "value": "counts.value",
    "held": "counts.held",
    "source": "source",
    "detail": "detail",
}
_LINES = {
    "key": "key",
    "node": "node",
    "item": "item",
    "quantity": "quantity",
    "unit": "unit",
    "value": "value",
    "due": "due",
    "from": "supplying_node",
    "state": "state",
    "requisition": "number",
    "reason": "reason",
}
_HELD = {
    "key": "key",
    "node": "node",
    "item": "item",
    "quantity": "quantity",
    "unit": "unit",
    "value": "value",
    "held by": "reasons",
    "expires": "expires_at",
}
_REVIEW_SCALARS = (
    *("review", "outcome", "items", "ordered", "ordered_value", "held", "findings", "source"),
    "detail",
)
OTHER_PLANNERS = "planner of "


def reviews(rows: Any) -> Any:
    """Return the reviews as a table of what they did."""
    return _picked(rows, _REVIEWS)


def lines(rows: Any) -> Any:
    """Return lines as a table of what is ordered."""
    return _picked(rows, _LINES)


def held(rows: Any) -> Any:
    """Return held lines as a table of what waits, why, and until when."""
    return _picked(rows, _HELD)


def calls(rows: Any) -> str:
    """Return the calls that can be made as text, whole: somebody is to approve of them."""
    return "\n".join(line for row in rows for line in _call(row))


def _call(row: Mapping[str, Any]) -> Iterator[str]:
    yield f"{row['method']} {row['service']}/{row['entity_set']}".rstrip("/")
    yield f"    {row['purpose']}; {row['when']}, at most {row['calls_max']} calls"
    for name in ("filter", "expand"):
        if row.get(name):
            yield f"    {name}: {row[name]}"
    if row.get("fields"):
        yield f"    fields: {', '.join(row['fields'])}"


def review(report: Any) -> Any:
    """Return one review's outcome and what its sends came to."""
    if not isinstance(report, Mapping):
        return report
    sent = report.get("drained")
    counted = {name: each for name, each in sent.items() if each} if sent else {}
    return {name: report.get(name) for name in _REVIEW_SCALARS if name in report} | counted


def status(site: Any) -> Any:
    """Return where a site stands; the last review by what it did, a missed one by why."""
    if not isinstance(site, Mapping):
        return site
    told = {name: each for name, each in site.items() if each not in ("", [], {}, None)}
    told.pop("journal_head", None)
    for which in ("last", "missed"):
        if row := told.pop(f"{which}_review", None):
            told |= {f"{which} {name}": each for name, each in reviews([row])[0].items() if each}
    for name in ("in_doubt", "alarms"):
        if name in told:
            told[name] = lines(told[name])
    return told


def checks(findings: Any) -> Any:
    """Return the layers as a table, then who else plans an item, one line per item-node."""
    layers: list[Any] = []
    others: dict[tuple[str, str], list[str]] = {}
    for each in findings:
        layer = str(each.get("layer", ""))
        if layer.startswith(OTHER_PLANNERS):
            place = layer.removeprefix(OTHER_PLANNERS)
            others.setdefault((each.get("site", ""), place), []).append(each["detail"])
        else:
            layers.append(each)
    planned = [
        {"site": site, "node/item": place, "somebody else plans it": "; ".join(details)}
        for (site, place), details in sorted(others.items())
    ]
    table = {"layers": layers}
    return table | ({f"{len(planned)} item-nodes planned by others": planned} if planned else {})


def _picked(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return rows with these columns only; without any of them, as they are."""
    picked = []
    for row in rows:
        shown = {name: _at(row, path) for name, path in columns.items() if _has(row, path)}
        picked.append(shown or dict(row))
    return picked


def _has(row: Mapping[str, Any], path: str) -> bool:
    return path.partition(".")[0] in row


def _at(row: Any, path: str) -> Any:
    for step in path.split("."):
        row = row.get(step) if isinstance(row, Mapping) else None
    return row
