"""Scenes for the fail-safes: a quiet review in which nothing trips, and ways to disturb it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl

from connector.failsafes.limits import Limits
from connector.failsafes.screen import screen
from connector.failsafes.verdicts import Action, Screened
from connector.inventory.memory import OWN, PREVIOUS, SPENT, VITALS, Memory
from connector.inventory.recommendation import Recommendation
from connector.inventory.snapshot import (
    FAULTS,
    ITEMS,
    PIPELINE,
    RECEIPTS,
    STOCK,
    Feed,
    History,
    Snapshot,
)
from connector.inventory.state import STATE, State

TODAY = date(2026, 11, 24)  # a Tuesday
NOW = datetime(2026, 11, 24, 6, 5, tzinfo=UTC)
DAY = timedelta(days=1)
SITE = "site"

# One line that plans on 10 a day: position 60, cap 60 + 3.5 * 3 * sqrt(6) + 1 = 86.7.
LINE: dict[str, Any] = {
    "node": "1010",
    "item": "M0",
    "unit": "EA",
    "purchasing_group": "001",
    "supplying_node": "",
    "level": 0.0,
    "on_hand": 40.0,
    "pipeline": 20.0,
    "arriving_3": 20.0,
    "inventory_position": 60.0,
    "echelon_position": 60.0,
    "demand_mean": 10.0,
    "demand_sd": 3.0,
    "demand_days": 56.0,
    "echelon_demand_mean": 10.0,
    "echelon_demand_sd": 3.0,
    "lead_time_days": 4.0,
    "lead_time_mean": 4.0,
    "lead_time_sd": 1.0,
    "lead_time_p50": 4.0,
    "lead_time_p90": 5.0,
    "lead_time_observations": 9.0,
    "review_days": 1.0,
    "lot_maximum": np.inf,
    "maximum_stock": np.inf,
    "unit_cost": 2.0,
    "critical_ratio": 0.98,
    "blocked": False,
    "fault": "",
    "weekday": 1.0,
    "day_of_year": 328.0,
}


def state_of(*lines: Mapping[str, Any]) -> State:
    """Build a state from lines that say only what differs from LINE."""
    rows = []
    for number, line in enumerate(lines):
        zero = {name: 0.0 for name, kind in STATE.items() if kind == pl.Float64}
        rows.append({**zero, **LINE, "item": f"M{number}", **line})
    frame = pl.DataFrame(rows, schema=STATE) if rows else STATE.to_frame()
    return State(SITE, TODAY, frame.sort("node", "item"))


def snapshot_of(state: State, **parts: Any) -> Snapshot:
    """Build the picture that the state was read from."""
    frame = state.frame
    shared = [name for name in ITEMS if name in STATE]
    items = frame.select(shared).with_columns(mrp_type=pl.lit("ND")).select(*ITEMS)
    stock = frame.select(
        "node", "item", "unit", standing=pl.lit("available"), quantity="on_hand"
    ).match_to_schema(STOCK)
    whole = {
        "site": SITE,
        "taken_at": NOW - timedelta(minutes=5),
        "erp_date": TODAY,
        "items": items,
        "stock": stock,
        "pipeline": pipeline_rows(
            [
                {"node": node, "item": item, "quantity": quantity, "document": f"45{number}"}
                for number, (node, item, quantity) in enumerate(
                    frame.filter(pl.col("pipeline") > 0)
                    .select("node", "item", "pipeline")
                    .iter_rows()
                )
            ]
        ),
        "faults": FAULTS.to_frame(),
        "history": History(),
        "feeds": (feed_of(rows=max(1, stock.height)),),
    }
    return Snapshot(**{**whole, **parts})


def pipeline_rows(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Build PIPELINE from rows that say only what matters."""
    plain = {
        "kind": "purchase_order",
        "line": "10",
        "due": TODAY + 3 * DAY,
        "supplying_node": "",
        "requisition": "",
        "requisition_line": "",
        "tracking": "",
        "firm": True,
    }
    return pl.DataFrame([{**plain, **row} for row in rows], schema=PIPELINE)


def feed_of(**facts: Any) -> Feed:
    """Build the record of a complete read."""
    plain = {
        "name": "stock",
        "rows": 1,
        "expected": facts.get("rows", 1),
        "pages": 1,
        "octets": 100,
        "duplicates": 0,
        "started_at": NOW - timedelta(minutes=6),
        "finished_at": NOW - timedelta(minutes=5),
        "seconds": 60.0,
    }
    return Feed(**{**plain, **facts})


def receipts_of(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """Build RECEIPTS; received today unless said otherwise."""
    plain = {
        "order": "45",
        "line": "10",
        "node": "1010",
        "item": "M0",
        "created_on": TODAY,
        "posted_on": TODAY,
    }
    return pl.DataFrame([{**plain, **row} for row in rows], schema=RECEIPTS)


def recommendation_of(
    state: State, quantity: Any = 10.0, base_stock: Any = 10.0, **parts: Any
) -> Recommendation:
    """Build an answer for every line, each with a level of its own."""
    size = len(state)
    asked = np.broadcast_to(np.asarray(quantity, dtype=np.float64), (size,)).copy()
    if np.ndim(quantity) == 0 and size >= 20:
        asked -= np.where(asked >= 1, np.arange(size) % 400 * 1e-3, 0.0)  # a policy that thinks
    baseline = np.broadcast_to(np.asarray(base_stock, dtype=np.float64), (size,)).copy()
    level = 70.0 + np.arange(size) / 7.0
    whole = {
        "source": "tiny@1",
        "digest": "d" * 64,
        "order_up_to": level,
        "quantity": asked,
        "base_stock_level": level,
        "base_stock_quantity": baseline,
        "fell_back": np.zeros(size, dtype=bool),
    }
    return Recommendation(**{**whole, **parts})


def previous_of(state: State, **columns: Any) -> pl.DataFrame:
    """Build what yesterday's review saw: a day's demand more on hand, all else the same."""
    frame = state.frame.select(
        "node",
        "item",
        "unit",
        pl.col("on_hand") + pl.col("demand_mean"),
        "pipeline",
        "demand_mean",
        "lead_time_days",
        "lot_minimum",
        "lot_multiple",
        "unit_cost",
        starved_reviews=pl.lit(0, dtype=pl.Int64),
    )
    changed = {name: pl.Series(np.broadcast_to(c, frame.height)) for name, c in columns.items()}
    return frame.with_columns(**changed).select(
        pl.col(name).cast(kind) for name, kind in PREVIOUS.items()
    )


def ordered_of(state: State, days: int = 12, quantity: float = 10.0) -> pl.DataFrame:
    """Build one order a day of every line, until yesterday."""
    dates = [TODAY - age * DAY for age in range(1, days + 1)]
    day = pl.DataFrame({"ordered_on": dates}, schema={"ordered_on": pl.Date})
    return day.join(state.frame.select("node", "item", "unit_cost"), how="cross").select(
        "node",
        "item",
        "ordered_on",
        quantity=pl.lit(quantity),
        value=pl.lit(quantity) * pl.col("unit_cost"),
    )


def vitals_of(
    state: State, days: int = 60, quantity: float = 1000.0, **columns: Any
) -> pl.DataFrame:
    """Build one accepted review a day until yesterday, in which every line was ordered, dearly."""
    per_node = state.frame.group_by("node").agg(
        items=pl.len().cast(pl.Int64),
        stock_rows=pl.len().cast(pl.Int64),
        pipeline_rows=(pl.col("pipeline") > 0).sum().cast(pl.Int64),
        zero_share=pl.lit(0.0),
        lines=pl.len().cast(pl.Int64),
        value=(pl.col("unit_cost").fill_nan(0.0) * quantity).sum(),
    )
    ages = range(days, 0, -1)
    dates = [TODAY - age * DAY for age in ages]
    reviews = {"slot": [f"{SITE}/replenishment/{day:%Y%m%d}T060000Z" for day in dates]}
    reviews |= {"weekday": [day.weekday() for day in dates]}
    for name, said in columns.items():
        reviews[name] = [said[age] if isinstance(said, Mapping) else said for age in ages]
    usual = per_node.select(name for name in per_node.columns if name not in columns)
    frame = pl.DataFrame(reviews, schema_overrides={"slot": pl.String}).join(usual, how="cross")
    return frame.select(pl.col(name).cast(kind) for name, kind in VITALS.items())


def memory_of(state: State, **parts: Any) -> Memory:
    """Build the memory of a site that has been reviewed quietly for two months."""
    whole = {
        "previous": previous_of(state),
        "previous_on": TODAY - DAY,
        "ordered": ordered_of(state),
        "vitals": vitals_of(state),
    }
    return Memory(**{**whole, **parts})


def spent_of(*rows: tuple[str, int, float]) -> pl.DataFrame:
    """Build SPENT from (node, days ago, value)."""
    dated = [(node, TODAY - age * DAY, value) for node, age, value in rows]
    return pl.DataFrame(dated, schema=SPENT, orient="row")


def own_of(*rows: Mapping[str, Any]) -> pl.DataFrame:
    """Build OWN: lines of ours that were confirmed yesterday unless said otherwise."""
    plain = {
        "key": "AAAAAAAAAA",
        "node": "1010",
        "item": "M0",
        "quantity": 10.0,
        "state": "confirmed",
        "number": "100001",
        "number_line": "10",
        "filed_on": TODAY - DAY,
        "due": TODAY + 3 * DAY,
    }
    return pl.DataFrame([{**plain, **row} for row in rows], schema=OWN)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that one screening reads."""

    state: State
    recommendation: Recommendation
    snapshot: Snapshot
    memory: Memory
    limits: Limits = field(default_factory=Limits)
    now: datetime = NOW
    blocked_nodes: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()

    def but(self, **parts: Any) -> Scene:
        """Return the same scene with other parts."""
        return replace(self, **parts)

    def limited(self, **groups: Any) -> Scene:
        """Return the same scene under other limits."""
        return replace(self, limits=replace(self.limits, **groups))

    def remembering(self, **parts: Any) -> Scene:
        """Return the same scene with other memories."""
        return replace(self, memory=replace(self.memory, **parts))

    def seeing(self, **parts: Any) -> Scene:
        """Return the same scene with another picture."""
        return replace(self, snapshot=replace(self.snapshot, **parts))

    def asking(self, quantity: Any, base_stock: Any = None, **parts: Any) -> Scene:
        """Return the same scene with another recommendation."""
        baseline = self.recommendation.base_stock_quantity if base_stock is None else base_stock
        return replace(
            self, recommendation=recommendation_of(self.state, quantity, baseline, **parts)
        )

    def screened(self) -> Screened:
        """Screen the scene."""
        return screen(
            state=self.state,
            recommendation=self.recommendation,
            snapshot=self.snapshot,
            memory=self.memory,
            limits=self.limits,
            now=self.now,
            blocked_nodes=self.blocked_nodes,
            nodes=self.nodes,
        )

    def quantities(self) -> list[float]:
        """Screen the scene and return what may be ordered."""
        return self.screened().lines["quantity"].to_list()


def scene_of(*lines: Mapping[str, Any], quantity: Any = 10.0, base_stock: Any = 10.0) -> Scene:
    """Build a quiet scene around lines."""
    state = state_of(*(lines or ({},)))
    return Scene(
        state=state,
        recommendation=recommendation_of(state, quantity, base_stock),
        snapshot=snapshot_of(state),
        memory=memory_of(state),
    )


def said(screened: Screened, guard: str) -> list[Action]:
    """Return what one fail-safe said, finding by finding."""
    found = screened.findings.filter(pl.col("guard") == guard)
    return [Action(action) for action in found["action"].to_list()]


def one(screened: Screened, guard: str) -> dict[str, Any]:
    """Return the one finding of a fail-safe."""
    (row,) = screened.findings.filter(pl.col("guard") == guard).iter_rows(named=True)
    return row


def many(number: int, **columns: Any) -> list[dict[str, Any]]:
    """Return lines of one node that differ in item only."""
    return [{"item": f"M{each:05}", **columns} for each in range(number)]
