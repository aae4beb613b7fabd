"""From a snapshot and what the ledger remembers to the state: the one place that fills STATE.

Nothing in a state is null, and nothing is nan but the unit cost of an item whose cost nobody knows
(0 would slip under every budget). What the ERP left empty is filled as `master.py` says.
"""

from __future__ import annotations

from dataclasses import asdict

import polars as pl

from connector.errors import SnapshotUnfit
from connector.inventory import master
from connector.inventory.demand import completed, echelon_demand, observed_demand
from connector.inventory.lead_time import lead_times
from connector.inventory.memory import Memory
from connector.inventory.network import Network
from connector.inventory.planning import Planning
from connector.inventory.position import positions, stock_by_standing
from connector.inventory.quantity import Column, Rows
from connector.inventory.snapshot import Snapshot
from connector.inventory.state import STATE, State
from connector.inventory.universe import Universe

_KEY = ("node", "item")


def build_state(snapshot: Snapshot, memory: Memory, network: Network, planning: Planning) -> State:
    """Return the state of every item-node in the snapshot, sorted by (node, item).

    Raises SnapshotUnfit when an item-node appears twice or at a node outside the network.
    """
    _require_known(snapshot, network)
    items = _placed(master.usable(snapshot.items), network)
    universe = Universe(items.select(_KEY))
    upstream = universe.upstream({node.name: node.supplied_by for node in network.nodes})
    stock = stock_by_standing(universe, snapshot.stock)
    position = positions(
        universe,
        snapshot,
        memory,
        network,
        stock=stock,
        lead_time_days=items["lead_time_days"].to_numpy(),
        upstream=upstream,
    )
    agreed = pl.col("safety_stock") if planning.keep_safety_stock else pl.lit(0.0)
    frame = items.with_columns(
        safety_stock=agreed,
        on_hand=stock["available"],
        inspection=stock["inspection"],
        stock_blocked=stock["blocked"],
        **position.columns(),
        **_demand(
            universe, items, snapshot, planning, upstream=upstream, on_hand=stock["available"]
        ),
        **_lead_time(universe, items, snapshot, planning),
        critical_ratio=planning.critical_ratios(items),
        review_days=pl.lit(planning.review_days),
        weekday=pl.lit(float(snapshot.erp_date.weekday())),
        day_of_year=pl.lit(float(snapshot.erp_date.timetuple().tm_yday)),
    )
    faults = master.faults(snapshot, network).rename({"detail": "fault"})
    named = universe.keys.join(faults, on=_KEY, how="left", maintain_order="left")
    frame = frame.with_columns(named["fault"].fill_null(""))  # a join of the whole would copy it
    return State(snapshot.site, snapshot.erp_date, frame.select(*STATE).cast(STATE))


def _require_known(snapshot: Snapshot, network: Network) -> None:
    keys = snapshot.items.select(_KEY)
    twice = keys.filter(keys.is_duplicated())
    if twice.height:
        node, item = twice.sort(_KEY).row(0)
        raise SnapshotUnfit(
            f"item {item} at node {node} appears more than once in the snapshot",
            hint="two reads overlap, or two names of one item became the same",
        )
    strange = sorted(set(keys["node"].unique()) - set(network.names), key=str)
    if strange:
        raise SnapshotUnfit(
            f"the snapshot has nodes {strange}; the network knows {list(network.names)}",
            hint="add them to network.nodes or leave them out of the pull",
        )


def _placed(items: pl.DataFrame, network: Network) -> pl.DataFrame:
    """Add each item-node's place in the network."""
    supplier = {node.name: node.supplied_by for node in network.nodes}
    levels = {name: float(network.level(name)) for name in network.names}
    node = pl.col("node")
    return items.with_columns(
        supplying_node=node.replace_strict(supplier, return_dtype=pl.String),
        level=node.replace_strict(levels, return_dtype=pl.Float64),
    )


def _demand(
    universe: Universe,
    items: pl.DataFrame,
    snapshot: Snapshot,
    planning: Planning,
    *,
    upstream: tuple[Rows, ...],
    on_hand: Column,
) -> dict[str, Column]:
    level = items["level"].to_numpy()
    seen = observed_demand(
        universe,
        snapshot.history,
        on_hand=on_hand,
        level=level,
        erp_date=snapshot.erp_date,
        planning=planning,
    )
    demand = completed(seen, items, level, planning)
    mean, sd = echelon_demand(demand, upstream)
    own = {f"demand_{name}": column for name, column in asdict(demand).items()}
    return {**own, "echelon_demand_mean": mean, "echelon_demand_sd": sd}


def _lead_time(
    universe: Universe, items: pl.DataFrame, snapshot: Snapshot, planning: Planning
) -> dict[str, Column]:
    lead_time = lead_times(
        universe,
        snapshot.history,
        planned_days=items["lead_time_days"].to_numpy(),
        supplying_node=items["supplying_node"],
        erp_date=snapshot.erp_date,
        planning=planning,
    )
    return {f"lead_time_{name}": column for name, column in asdict(lead_time).items()}
