"""Made-up states: one line with plain numbers, and a small network with everything in it."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl

from connector.inventory.state import BUCKETS, STATE, State

DAY = date(2026, 11, 24)

LINE = {
    "node": "1010",
    "item": "4711",
    "unit": "PC",
    "supplying_node": "1000",
    "level": 0.0,
    "on_hand": 60.0,
    "arriving_3": 20.0,
    "pipeline": 20.0,
    "inventory_position": 80.0,
    "echelon_position": 80.0,
    "demand_mean": 10.0,
    "demand_sd": 5.0,
    "demand_zero_share": 0.1,
    "demand_days": 90.0,
    "echelon_demand_mean": 10.0,
    "echelon_demand_sd": 5.0,
    "lead_time_days": 6.0,
    "lead_time_mean": 6.0,
    "lead_time_sd": 1.5,
    "lead_time_p50": 6.0,
    "lead_time_p90": 8.0,
    "lead_time_observations": 7.0,
    "review_days": 2.0,
    "lot_minimum": 40.0,
    "lot_maximum": float("inf"),
    "maximum_stock": float("inf"),
    "critical_ratio": 0.95,
    "weekday": 1.0,
    "day_of_year": 328.0,
}
QUANTITIES = (
    "on_hand", "in_transit", "inspection", "stock_blocked", *BUCKETS, "pipeline", "own_pending",
    "own_confirmed", "own_missing", "foreign_requisitions", "inventory_position",
    "echelon_position", "demand_mean", "demand_sd", "echelon_demand_mean", "echelon_demand_sd",
    "lot_minimum", "lot_maximum", "lot_fixed", "lot_multiple", "safety_stock", "reorder_point",
    "maximum_stock",
)  # fmt: skip


def state_of(*lines: dict[str, object], day: date = DAY) -> State:
    """Return a state of lines given by what differs from LINE."""
    empty: dict[str, object] = {
        name: "" if kind == pl.String else False if kind == pl.Boolean else 0.0
        for name, kind in STATE.items()
    }
    rows = [empty | LINE | line for line in lines]
    return State("north", day, pl.DataFrame(rows, schema=STATE))


def reordered(state: State, rows: np.ndarray) -> State:
    """Return the same lines in another order."""
    return State(state.site, state.erp_date, state.frame[rows])


def network_state(
    items: int = 200, regions: int = 6, seed: int = 7, review_days: float = 1.0
) -> State:
    """Return a central node over regional ones: items x (regions + 1) lines, sorted."""
    rng = np.random.default_rng(seed)
    names = [str(1010 + 10 * k) for k in range(regions)]
    daily = np.exp(rng.uniform(np.log(0.3), np.log(60.0), items))
    shares = rng.dirichlet(np.full(regions, 6.0), items)
    cv = rng.uniform(0.4, 1.6, items)
    inbound = rng.choice([5.0, 8.0, 14.0, 21.0], items)
    lines: list[dict[str, object]] = []
    for i in range(items):
        common = {"item": f"{i:05d}", "critical_ratio": 0.98, "review_days": review_days}
        mean = daily[i] * shares[i]
        sd = mean * cv[i]
        for k, name in enumerate(names):
            lines.append(common | _regional(rng, name, mean[k], sd[k]))
        lines.append(common | _central(rng, mean, sd, inbound[i]))
    frame = state_of(*lines).frame.sort("node", "item")
    return State("demo", DAY, frame)


def _regional(rng: np.random.Generator, node: str, mean: float, sd: float) -> dict[str, object]:
    held = mean * rng.uniform(0.0, 6.0)
    empty = min(0.8 * sd**2 / (sd**2 + mean**2), float(np.exp(-mean)))
    return {
        "node": node, "supplying_node": "1000", "level": 0.0, "demand_mean": mean,
        "demand_sd": sd, "echelon_demand_mean": mean, "echelon_demand_sd": sd,
        "demand_zero_share": empty, "on_hand": held, "arriving_3": 0.0,
        "pipeline": 0.0, "inventory_position": held, "echelon_position": held,
        "lead_time_days": 2.0, "lead_time_mean": 2.0, "lead_time_sd": 0.5, "lead_time_p50": 2.0,
        "lead_time_p90": 2.64, "lot_minimum": 0.0,
    }  # fmt: skip


def _central(
    rng: np.random.Generator, mean: np.ndarray, sd: np.ndarray, inbound: float
) -> dict[str, object]:
    whole, spread = float(mean.sum()), float(np.sqrt((sd**2).sum()))
    held = whole * rng.uniform(0.0, inbound * 1.5)
    return {
        "node": "1000", "supplying_node": "", "level": 1.0, "demand_mean": 0.0, "demand_sd": 0.0,
        "echelon_demand_mean": whole, "echelon_demand_sd": spread, "demand_zero_share": 1.0,
        "on_hand": held, "arriving_3": 0.0, "pipeline": 0.0, "inventory_position": held,
        "echelon_position": held + whole * 3.0, "lead_time_days": inbound,
        "lead_time_mean": inbound, "lead_time_sd": inbound * 0.25, "lead_time_p50": inbound,
        "lead_time_p90": inbound * 1.32, "lot_minimum": 0.0,
    }  # fmt: skip
