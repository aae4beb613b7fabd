"""From a snapshot and what the ledger remembers to the state: the one place that fills STATE.

Nothing in the state is null, and nothing is nan but a unit cost that nobody knows. What the ERP
left empty gets a value that orders nothing by mistake, and where a value cannot be used the line
carries a fault and is never ordered:

- no lead time, lots, safety stock, reorder point: 0; no largest lot or maximum stock: inf
- unknown whether blocked: blocked; texts: ""
- quantities that are no numbers: left out, with a fault
"""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from connector.errors import SnapshotUnfit
from connector.inventory.demand import completed, echelon_demand, observed_demand
from connector.inventory.faults import with_faults
from connector.inventory.lead_time import lead_times
from connector.inventory.memory import Memory
from connector.inventory.network import Network
from connector.inventory.planning import Planning
from connector.inventory.position import positions, stock_by_standing
from connector.inventory.quantity import Column
from connector.inventory.snapshot import ITEMS, Snapshot
from connector.inventory.state import STATE, State
from connector.inventory.universe import Universe

_UNLIMITED = ("lot_maximum", "maximum_stock")
_AS_READ = (
    "unit",
    "purchasing_group",
    "lead_time_days",
    "lot_minimum",
    "lot_maximum",
    "lot_fixed",
    "lot_multiple",
    "safety_stock",
    "reorder_point",
    "maximum_stock",
    "unit_cost",
    "blocked",
)


def build_state(
    snapshot: Snapshot, memory: Memory, network: Network, planning: Planning
) -> State:
    """Return the state of every item-node in the snapshot, sorted by (node, item).

    Raises SnapshotUnfit when an item-node appears twice or at a node outside the network.
    """
    items = _usable(snapshot.items.sort("node", "item"))
    _require_known(items, network)
    universe = Universe(items.select("node", "item"))
    nodes = items["node"]
    supplier = {node.name: node.supplied_by for node in network.nodes}
    upstream = universe.upstream(supplier)
    levels = {name: float(network.level(name)) for name in network.names}
    level = nodes.replace_strict(levels, return_dtype=pl.Float64).to_numpy()
    supplying_node = nodes.replace_strict(supplier, return_dtype=pl.String)
    stock = stock_by_standing(universe, snapshot.stock)
    planned = items["lead_time_days"].to_numpy()
    position = positions(
        universe,
        snapshot,
        memory,
        network,
        stock=stock,
        lead_time_days=planned,
        upstream=upstream,
    )
    seen = observed_demand(
        universe,
        snapshot.history,
        on_hand=stock["available"],
        level=level,
        erp_date=snapshot.erp_date,
        planning=planning,
    )
    demand = completed(seen, items, level, planning)
    echelon_mean, echelon_sd = echelon_demand(demand, upstream)
    lead_time = lead_times(
        universe,
        snapshot.history,
        planned_days=planned,
        supplying_node=supplying_node,
        erp_date=snapshot.erp_date,
        planning=planning,
    )
    columns = {
        "on_hand": stock["available"],
    }
    raise NotImplementedError
