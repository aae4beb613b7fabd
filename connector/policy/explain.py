"""Why one line is ordered as it is, from stock and demand to the final quantity, as data and text.

units waterfall -> the policy's answer, base-stock beside it -> lot -> fail-safes -> final
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl

from connector.errors import CommandRefused
from connector.failsafes.verdicts import Action, Screened
from connector.inventory.base_stock import position
from connector.inventory.recommendation import Recommendation
from connector.inventory.state import State
from connector.policy.attribution import WhyThisLevel, why_this_level
from connector.policy.bundle import Bundle
from connector.policy.features import demand_per_review, encode


@dataclass(frozen=True, kw_only=True)
class Step:
    """One bar of the waterfall, base units; `source` is the document or formula behind it."""

    label: str
    quantity: float
    source: str = ""


@dataclass(frozen=True, kw_only=True)
class Check:
    """One fail-safe that did more than pass, with both numbers."""

    guard: str
    action: str
    value: float
    threshold: float
    before: float
    after: float
    detail: str


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A level and the quantity that lifts the position to it, base units."""

    level: float
    quantity: float


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Everything that decided one line, base units throughout."""

    site: str
    node: str
    item: str
    unit: str
    day: str
    steps: tuple[Step, ...]
    position: float
    source: str
    digest: str
    policy: Answer
    base_stock: Answer
    fell_back: bool
    refused: str
    requested: float
    rounded: float
    checks: tuple[Check, ...]
    action: str
    quantity: float
    held: float
    why: WhyThisLevel | None  # None where base-stock answered

    def as_data(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return asdict(self)


def explain_line(
    state: State,
    recommendation: Recommendation,
    screened: Screened,
    *,
    node: str,
    item: str,
    steps: Iterable[tuple[str, float, str]],
    bundle: Bundle | None = None,
) -> Explanation:
    """Return the explanation of one item-node; raise CommandRefused where the review has none.

    `steps` are the waterfall's (label, quantity, source). `bundle` adds why the policy aims there.
    """
    row = _row(state, node, item)
    verdict = screened.lines.row(row, named=True)
    line = state.frame.row(row, named=True)
    classical = recommendation.base_stock_level, recommendation.base_stock_quantity
    return Explanation(
        site=state.site,
        node=node,
        item=item,
        unit=line["unit"],
        day=state.erp_date.isoformat(),
        steps=tuple(Step(label=label, quantity=q, source=source) for label, q, source in steps),
        position=float(position(state)[row]),
        source=recommendation.source,
        digest=recommendation.digest,
        policy=_answer(recommendation.order_up_to, recommendation.quantity, row),
        base_stock=_answer(*classical, row),
        fell_back=bool(recommendation.fell_back[row]),
        refused=recommendation.refused,
        requested=verdict["requested"],
        rounded=verdict["rounded"],
        checks=_checks(screened.findings, node, item),
        action=Action(verdict["action"]).name,
        quantity=verdict["quantity"],
        held=verdict["held"],
        why=_why(bundle, state, recommendation, row),
    )


def _row(state: State, node: str, item: str) -> int:
    here = (state.frame["node"] == node) & (state.frame["item"] == item)
    rows = here.arg_true()
    if len(rows) != 1:
        raise CommandRefused(
            f"item {item} at node {node} is not in the review of {state.site}",
            hint="give NODE/ITEM as `replenishd status` lists them, without leading zeros",
        )
    return int(rows[0])


def _answer(level: np.ndarray[Any, Any], quantity: np.ndarray[Any, Any], row: int) -> Answer:
    return Answer(level=float(level[row]), quantity=float(quantity[row]))


def _checks(findings: pl.DataFrame, node: str, item: str) -> tuple[Check, ...]:
    mine = findings.filter(pl.col("node").is_in([node, ""]) & pl.col("item").is_in([item, ""]))
    return tuple(
        Check(
            guard=row["guard"],
            action=Action(row["action"]).name,
            value=row["value"],
            threshold=row["threshold"],
            before=row["before"],
            after=row["after"],
            detail=row["detail"],
        )
        for row in mine.iter_rows(named=True)
    )


def _why(
    bundle: Bundle | None, state: State, recommendation: Recommendation, row: int
) -> WhyThisLevel | None:
    if bundle is None or recommendation.fell_back[row]:
        return None
    if bundle.digest != recommendation.digest:
        return None  # another policy answered then
    rate = float(demand_per_review(state)[row])
    return why_this_level(bundle, encode(state)[row], rate)
