"""C10 and C14: whose answer a line carries, and which whole lots that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from connector.failsafes.columns import Column, Lines, Mask, usable
from connector.failsafes.docket import Docket
from connector.failsafes.recall import Recall
from connector.failsafes.verdicts import Action, Finding
from connector.inventory.recommendation import Recommendation

_SAME_BITS = 20  # answers that agree to a millionth are the same answer


@dataclass(frozen=True, kw_only=True)
class Answers:
    """The policy's and base-stock's quantities, unusable ones as 0 (B4 refuses their lines)."""

    policy: Column
    base_stock: Column
    order_up_to: Column
    from_base_stock: Mask  # the policy did not answer these itself


def answers_of(
    lines: Lines, recommendation: Recommendation, answered: dict[str, Column]
) -> Answers:
    """Read the recommendation's numbers without believing them."""
    good = {
        name: usable(column, high=lines.limits.unusable_value.quantity)
        for name, column in answered.items()
    }
    refused = recommendation.source == "base_stock"
    return Answers(
        policy=good["quantity"],
        base_stock=good["base_stock_quantity"],
        order_up_to=good["order_up_to"],
        from_base_stock=(answered["fell_back"] > 0) | refused,
    )


def judge_under_order(docket: Docket, recall: Recall, answers: Answers) -> None:
    """C14: let base-stock answer for starved lines, and for nodes whose policy stopped thinking."""
    lines, limits = recall.lines, recall.lines.limits.under_order
    starved = starved_lines(lines, answers, recall.previous["starved_reviews"])
    docket.fall_back("C14", starved, answers.base_stock)
    count, share = lines.count(starved.tripped & docket.open), lines.per_node * limits.lines
    many = (lines.per_node >= limits.few) & (count > share)
    detail = "starved lines of the node: base-stock answers for all of it"
    _fall_back_nodes(docket, lines, answers, Finding(
        tripped=many, value=count, threshold=share, detail=detail
    ))  # fmt: skip
    constant = _constant_share(lines, answers, docket.open)
    same = np.broadcast_to(np.float64(limits.constant), constant.shape)
    detail = "share of lines with one and the same policy answer: base-stock answers instead"
    _fall_back_nodes(docket, lines, answers, Finding(
        tripped=constant > same, value=constant, threshold=same, detail=detail
    ))  # fmt: skip


def starved_lines(lines: Lines, answers: Answers, reviews_before: Column) -> Finding:
    """Return lines that run short while the policy, not base-stock, orders nothing, again."""
    reviews = np.where(asks_nothing(lines, answers.policy) & lines.short, reviews_before + 1, 0.0)
    base_stock_orders = ~asks_nothing(lines, answers.base_stock)
    enough = reviews >= lines.limits.under_order.reviews
    return Finding(
        tripped=enough & base_stock_orders & ~answers.from_base_stock,
        value=lines.position,
        threshold=lines.demand * lines.lead_time,
        detail="short, and no order for several reviews",
    )


def asks_nothing(lines: Lines, quantity: Column) -> Mask:
    """Return where a raw quantity comes to no lot at all."""
    return lines.lots.up(quantity, lines.limits.lots.discard) <= 0


def _fall_back_nodes(docket: Docket, lines: Lines, answers: Answers, node: Finding) -> None:
    docket.nodes("C14", Action.FALLBACK, node)
    own = node.tripped[lines.node] & ~answers.from_base_stock & ~docket.fell_back
    docket.answer_instead(own, answers.base_stock)


def _constant_share(lines: Lines, answers: Answers, judged: Mask) -> Column:
    """Return per node the largest share of lines that got one answer, in units or in days.

    Only lines with demand count; a level is an answer even when it is 0, no order is not.
    """
    counts = judged & (lines.demand > 0) & ~answers.from_base_stock
    total = lines.count(counts)
    rate = np.where(lines.demand > 0, lines.demand, 1.0)
    share = np.zeros(len(lines.nodes))
    for answer, said in (
        (answers.order_up_to, counts),
        (answers.order_up_to / rate, counts),
        (answers.policy, counts & (answers.policy > 0)),
        (answers.policy / rate, counts & (answers.policy > 0)),
    ):
        most = _most_common(lines, _without_noise(answer), said)
        share = np.maximum(share, np.divide(most, total, out=0 * share, where=total > 0))
    return np.where(total >= lines.limits.under_order.few, share, 0.0)


def _without_noise(answer: Column) -> Column:
    mantissa, exponent = np.frexp(answer)
    rounded: Column = np.ldexp(np.round(mantissa * 2.0**_SAME_BITS), exponent - _SAME_BITS)
    return rounded


def _most_common(lines: Lines, answer: Column, said: Mask) -> Column:
    frame = pl.DataFrame({"node": lines.node[said], "answer": answer[said]})
    times = frame.group_by("node", "answer").len().group_by("node").agg(pl.col("len").max())
    most = np.zeros(len(lines.nodes))
    most[times["node"].to_numpy()] = times["len"].to_numpy()
    return most


def judge_lots(docket: Docket, lines: Lines) -> Column:
    """C10: make whole lots of what is asked; return them, as the holds will look at them."""
    lots, limits = lines.lots, lines.limits.lots
    asked = docket.quantity
    whole = lots.up(asked, limits.discard)
    least = limits.discard * np.maximum(lots.minimum, lots.multiple)
    docket.cut("C10", Finding(
        tripped=(asked > 0) & (whole <= 0),
        value=asked,
        threshold=least,
        allowed=np.zeros(len(lines)),
        detail="too little for a lot",
    ))  # fmt: skip
    docket.ask(whole)
    beyond = lines.position + whole - lines.limits.position_cap.hold * lines.cap
    docket.hold("C10", Finding(
        tripped=(whole > 2 * asked) & (beyond > 0),
        value=whole,
        threshold=2 * asked,
        detail="one lot more than doubles the order and exceeds the position cap",
    ))  # fmt: skip
    docket.cut("C10", Finding(
        tripped=whole > lots.maximum,
        value=whole,
        threshold=lots.maximum,
        allowed=lots.maximum,
        detail="largest lot",
    ))  # fmt: skip
    return np.where(docket.open, whole, 0.0)


def judge_cut_lots(docket: Docket, lines: Lines, asked: Column) -> None:
    """C10 after the cuts: an item that runs short is not silently left without its smallest lot."""
    left_out = (asked > 0) & (docket.quantity <= 0) & lines.short
    docket.hold("C10", Finding(
        tripped=left_out,
        value=docket.quantity,
        threshold=lines.lots.smallest,
        detail="a cut leaves less than the smallest lot, and the item runs short",
    ))  # fmt: skip
    offered = np.where(
        left_out & docket.open, np.minimum(lines.lots.smallest, asked), docket.quantity
    )
    docket.quantity = offered
