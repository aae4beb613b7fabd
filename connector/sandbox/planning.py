"""The ERP's own planning: a classical reorder-point rule (MRP type VB).

It is the rule a learned policy is compared with, so it is the textbook's, neither weakened nor
tuned: below the reorder point, order up to the maximum, in whole lots.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from connector.sandbox.filing import append_planned
from connector.twin.scenario import CENTRAL, GROUPS, Floats, Ints, Scenario

if TYPE_CHECKING:
    from connector.sandbox.world import World


def plan(world: World) -> None:
    """Propose a requisition for every planned cell whose position is below its reorder point."""
    facts = world.scenario
    position = world.position()
    due = world.planned[facts.node] & ~facts.discontinued[facts.item]
    cells = np.flatnonzero(due & (position < facts.reorder_point))
    if len(cells) == 0:
        return
    say = world.documents.words.number
    groups = np.asarray([say(group) for group in GROUPS])
    append_planned(
        world,
        cells,
        lot_sizes(facts, cells, position[cells]),
        due=world.today + facts.lead_days[cells].astype(np.int64),
        supplying=supplying_node(facts, cells),
        group=groups[facts.group[facts.item[cells]]],
    )


def supplying_node(facts: Scenario, cells: Ints) -> Ints:
    """Return the node that supplies each cell, -1 for suppliers outside."""
    return np.where(facts.node[cells] == CENTRAL, -1, CENTRAL)


def lot_sizes(facts: Scenario, cells: Ints, position: Floats) -> Floats:
    """Return how much to order: fixed lots where set, else up to the maximum in whole lots."""
    fixed = facts.lot_fixed[cells]
    whole = np.where(fixed > 0, fixed, 1.0)
    in_fixed_lots = np.ceil((facts.reorder_point[cells] - position) / whole) * fixed
    multiple = facts.lot_multiple[cells]
    up_to = np.maximum(facts.maximum[cells] - position, facts.lot_minimum[cells])
    in_lots = np.ceil(up_to / multiple) * multiple
    most = np.where(facts.lot_maximum[cells] > 0, facts.lot_maximum[cells], np.inf)
    sizes: Floats = np.where(fixed > 0, in_fixed_lots, np.minimum(in_lots, most))
    return sizes
