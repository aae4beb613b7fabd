"""One policy living through one year of a site: every morning the product decides, as deployed.

    stock -> picture -> state -> policy -> fail-safes -> planner -> orders -> the twin's day

`decide` is the connector's own, fail-safes, lots and memory included. Orders that wait for a person
are let go the same morning: in the twin every reading is true, so that is what a person would find.
A picture that was not believed is accepted for the next morning, as `replenishd accept` does.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from connector.cycle import Decision, Rules, decide
from connector.failsafes.aftermath import refused_nodes
from connector.failsafes.limits import Limits
from connector.failsafes.verdicts import WAITING, Action
from connector.inventory.memory import ORDERED, PREVIOUS, SPENT, VITALS, Memory
from connector.inventory.planning import Planning
from connector.twin.dynamics import Flows, Stock
from connector.twin.network import Rules as Costs
from connector.twin.rollout import rollout
from policies.distribution import tree
from policies.proving.site import MONDAY, TwinSite, network_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from connector.inventory.state import State
    from connector.ports import Policy
    from policies.proving.years import Year

SETTLE = 84  # days that nothing counts of
_REMEMBERED = 91  # days
_REVIEWS = 56  # whose vitals are remembered


@dataclass(frozen=True, kw_only=True)
class Days:
    """What happened, by counted day, item and node [T, B, N], in base units."""

    demand: NDArray[np.float64]
    served: NDArray[np.float64]
    on_hand: NDArray[np.float64]  # at the end of the day
    ordered: NDArray[np.float64]
    received: NDArray[np.bool_]  # something came this morning


@dataclass(frozen=True, kw_only=True)
class Lived:
    """A year of a policy, with what the fail-safes did to it."""

    name: str
    year: Year
    days: Days
    asked: int  # lines that waited for a person, who let them go
    accepted: int  # mornings on which a node's whole picture had to be accepted
    findings: dict[str, int]  # by fail-safe, where it did more than warn


@dataclass(kw_only=True)
class Trial:
    """The office of one site for one year."""

    name: str
    policy: Policy
    year: Year
    planning: Planning
    limits: Limits = field(default_factory=Limits)
    settle: int = SETTLE

    def live(self) -> Lived:
        """Live through the year."""
        facts = self.year.facts
        self._site = TwinSite(facts, self.year, history_days=self.planning.history_days)
        self._memory = Memory()
        self._asked, self._accepted = 0, 0
        self._findings: dict[str, int] = {}
        self._columns: dict[str, list[NDArray[Any]]] = {
            name: [] for name in ("demand", "served", "on_hand", "ordered", "received")
        }
        self._rules = Rules(
            site="twin",
            network=network_of(facts),
            planning=self.planning,
            limits=self.limits,
        )
        self._roll_out()
        return Lived(
            name=self.name,
            year=self.year,
            days=Days(**{name: np.stack(column) for name, column in self._columns.items()}),
            asked=self._asked,
            accepted=self._accepted,
            findings=self._findings,
        )

    def _roll_out(self) -> None:
        facts = self.year.facts
        topology = tree(facts.nodes - 1)
        nothing = np.zeros_like(self.year.start)
        self._came: Any = nothing  # what is due tomorrow
        rollout(
            topology,
            Costs(holding=1.0, shortage=1.0, lost_share=1.0),
            Stock(
                on_hand=self.year.start,
                pipeline=(nothing,) * topology.horizon,
                waiting=None,
                owed=nothing,
            ),
            demand=list(self.year.demand),
            lead_time=list(self.year.takes.astype(np.float64)),
            policy=self._orders,
            watch=self._note,
        )

    def _orders(self, stock: Stock, day: int) -> NDArray[np.float64]:
        """Decide this morning's orders [B, N]."""
        snapshot = self._site.snapshot(day, stock.on_hand)
        decision = decide(self._rules, self.policy, snapshot, self._memory, snapshot.taken_at)
        lines = decision.screened.lines
        waiting = is_waiting(lines)
        quantity = lines["quantity"].to_numpy() + np.where(waiting, lines["held"].to_numpy(), 0.0)
        if day >= self.settle:
            self._count(decision, waiting)
        self._remember(decision, quantity, waiting, day)
        return np.ascontiguousarray(quantity.reshape(self.year.start.T.shape).T)

    def _note(self, day: int, stock: Stock, flows: Flows, _: object) -> None:
        """Enter the day in the books, and keep what counts."""
        served = flows.demand - flows.unmet
        self._site.close_day(
            day,
            ordered=flows.ordered,
            shipped=flows.shipped,
            takes=self.year.takes[day],
            sold=served,
        )
        came, self._came = self._came, stock.pipeline[0]
        if day < self.settle:
            return
        kept = {
            "demand": flows.demand,
            "served": served,
            "on_hand": flows.on_hand,
            "ordered": flows.ordered,
            "received": np.asarray(came) > 0,
        }
        for name, column in kept.items():
            self._columns[name].append(column)

    def _count(self, decision: Decision, waiting: NDArray[np.bool_]) -> None:
        self._asked += int(waiting.sum())
        self._accepted += bool(refused_nodes(decision.screened))
        acted = decision.screened.findings.filter(pl.col("action") > Action.WARN)
        for guard, count in acted.group_by("guard").len().iter_rows():
            self._findings[guard] = self._findings.get(guard, 0) + count

    def _remember(
        self,
        decision: Decision,
        quantity: NDArray[np.float64],
        waiting: NDArray[np.bool_],
        day: int,
    ) -> None:
        """Leave for tomorrow what a ledger would."""
        today = MONDAY + timedelta(days=day)
        orders = self._ordered_until(decision, quantity, today)
        vitals = decision.vitals(today.isoformat())
        if refused_nodes(decision.screened):
            waiting, before = np.ones_like(waiting), VITALS.to_frame()
        else:
            before = self._memory.vitals
        self._memory = replace(
            self._memory,
            ordered=orders,
            previous=_taught(decision.believed(), decision.state, waiting),
            previous_on=today,
            vitals=pl.concat([before, vitals]).tail(_REVIEWS * self.year.facts.nodes),
            spent=orders.group_by("node", day="ordered_on")
            .agg(pl.col("value").sum())
            .sort("node", "day")
            .cast(SPENT),
        )

    def _ordered_until(
        self, decision: Decision, quantity: NDArray[np.float64], today: date
    ) -> pl.DataFrame:
        """Return the orders that are still remembered, today's last."""
        worth = quantity * decision.state.column("unit_cost")
        ordered = (
            decision.screened.lines.select("node", "item")
            .with_columns(ordered_on=pl.lit(today), quantity=quantity, value=worth)
            .filter(pl.col("quantity") > 0)
            .cast(ORDERED)
        )
        oldest = today - timedelta(days=_REMEMBERED)
        return pl.concat([self._memory.ordered, ordered]).filter(pl.col("ordered_on") > oldest)


def is_waiting(lines: pl.DataFrame) -> NDArray[np.bool_]:
    """Return which lines [N] a person may let go."""
    held = (pl.col("held") > 0) & pl.col("action").is_in(WAITING)
    return lines.select(held).to_series().to_numpy()


def _taught(believed: pl.DataFrame, state: State, waiting: NDArray[np.bool_]) -> pl.DataFrame:
    """Return what is known, with what a person believed by letting an order go."""
    readings = [name for name in PREVIOUS if name in state.frame.columns]
    keys = ("node", "item")
    taken = state.frame.filter(pl.Series(waiting)).select(readings)
    taken = taken.join(believed.select(*keys, "starved_reviews"), on=keys, how="left")
    taken = taken.with_columns(pl.col("starved_reviews").fill_null(0))
    kept = believed.join(taken, on=keys, how="anti")
    return pl.concat(
        [kept, taken.select(pl.col(name).cast(kind) for name, kind in PREVIOUS.items())]
    )
