"""B5, B7, B8 and half of B9: readings that the movements since last time do not explain.

Base-stock would read the same wrong stock, so what trips here waits for a person.
"""

from __future__ import annotations

import numpy as np

from connector.failsafes.columns import Column, Lines
from connector.failsafes.data_limits import PipelineVanish, StockDrop
from connector.failsafes.docket import Docket
from connector.failsafes.fitness import no_history
from connector.failsafes.recall import Recall
from connector.failsafes.verdicts import Action, Finding


def judge_negative_stock(docket: Docket, lines: Lines) -> None:
    """B5: warn of negative stock, hold where no late posting explains how deep it is."""
    on_hand = lines["on_hand"]
    deepest = np.maximum(lines.limits.negative_stock.days * lines.demand, lines.lots.smallest)
    deep = -on_hand > deepest
    docket.warn("B5", Finding(tripped=(on_hand < 0) & ~deep, value=on_hand, threshold=0 * on_hand))
    docket.hold("B5", Finding(tripped=deep, value=on_hand, threshold=-deepest))


def stock_drop(recall: Recall) -> Finding:
    """B7: stock fell further than demand, its noise and what left for other nodes explain."""
    lines, previous = recall.lines, recall.previous
    # Goods under inspection or blocked are received or set aside, not gone.
    aside = np.maximum(lines["inspection"], 0.0) + np.maximum(lines["stock_blocked"], 0.0)
    received = recall.received(on_the_day=False)
    fallen = previous["on_hand"] + received - lines["on_hand"] - aside
    explained = _explained_fall(recall, previous.days)
    return Finding(
        tripped=previous.known & (fallen > explained),
        value=fallen,
        threshold=explained,
        detail="stock fell, base units; is a storage location missing?",
    )


def _explained_fall(recall: Recall, days: float) -> Column:
    lines, root = recall.lines, recall.lines.limits.stock_drop.sigmas * np.sqrt(days)
    own = np.maximum(lines["demand_mean"], 0.0) * days
    own += root * np.maximum(lines["demand_sd"], 0.0)
    if not lines.above.any():
        return own + lines.lots.multiple
    # What left for the nodes below is on its way there or was received there.
    sent = lines.echelon.into_upstream(lines["in_transit"] + recall.received(on_the_day=True))
    # Where the ERP shows neither, the echelon's demand is the best there is.
    echelon = lines.demand * days + root * lines.demand_sd
    return np.where(lines.above, np.maximum(own + sent, echelon), own) + lines.lots.multiple


def pipeline_vanish(recall: Recall) -> Finding:
    """B8: what was on order is neither on order any more nor received."""
    lines, previous = recall.lines, recall.previous
    was = previous["pipeline"]
    arrived = recall.received(on_the_day=True)
    vanished = was + recall.filed - arrived - lines["pipeline"]
    most = np.maximum(lines.lots.multiple, lines.limits.pipeline_vanish.share * was)
    gone = previous.known & (vanished > most)
    missing = lines["own_missing"]
    return Finding(
        tripped=gone | (missing > 0),
        value=np.where(gone, vanished, missing),
        threshold=np.where(gone, most, 0.0),
        detail="on order before, base units; neither open nor received",
    )


def unit_or_pack_changed(recall: Recall) -> Finding:
    """B9: the unit of the item, or the pack it comes in, is not what it was."""
    lines, previous = recall.lines, recall.previous
    pack, before = lines["lot_multiple"], previous["lot_multiple"]
    changed = previous.unit_changed | (pack != before)
    return Finding(
        tripped=previous.known & changed,
        value=pack,
        threshold=before,
        detail="unit? the base unit or the pack changed since the last review",
    )


def judge_movements(docket: Docket, recall: Recall) -> tuple[Finding, Finding]:
    """Hold the nodes where B7 or B8 trip for many lines; return both for their lines."""
    limits = recall.lines.limits
    drop, vanish = stock_drop(recall), pipeline_vanish(recall)
    _hold_crowds(docket, recall.lines, "B7", drop, limits.stock_drop)
    _hold_crowds(docket, recall.lines, "B8", vanish, limits.pipeline_vanish)
    known = recall.lines.count(recall.previous.known)
    for guard in ("B7", "B8", "B9"):
        no_history(docket, guard, known == 0)
    return drop, vanish


def _hold_crowds(
    docket: Docket, lines: Lines, guard: str, finding: Finding, limits: StockDrop | PipelineVanish
) -> None:
    count = lines.count(finding.tripped)
    most = limits.lines * lines.per_node
    crowd = (count >= most) & (count > limits.few)
    docket.nodes(
        guard,
        Action.NODE_HOLD,
        Finding(tripped=crowd, value=count, threshold=most, detail="lines of the node"),
    )
