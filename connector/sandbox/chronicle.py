"""What happened each day at each plant: the account that reports and comparisons read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

from connector.sandbox.documents import day_text
from connector.sandbox.filing import MADE_BY_PLANNING
from connector.twin.scenario import Flags, Floats, Ints, Scenario

if TYPE_CHECKING:
    from connector.sandbox.world import World


@dataclass(frozen=True, kw_only=True)
class PlantDay:
    """One plant on one day. Units are base units, values the site's currency."""

    day: str  # YYYY-MM-DD
    plant: str
    planned_by_erp: bool
    demand_units: float
    served_units: float
    lost_units: float
    demand_lines: int  # items somebody asked for
    short_lines: int  # items that could not be served in full
    stock_units: float  # at the end of the day
    stock_value: float
    transit_units: float
    transit_value: float
    received_units: float
    erp_lines: int  # requisitions of the ERP's own rule made this day
    erp_units: float
    erp_value: float
    filed_lines: int  # requisitions that came through the API this day
    filed_units: float
    filed_value: float

    def record(self) -> dict[str, object]:
        """Return the fields by name, for JSON."""
        return asdict(self)


class Chronicle:
    """Grows by one `PlantDay` per plant and day."""

    def __init__(self, facts: Scenario) -> None:
        self._facts = facts
        self._next_row = 0
        self.days: list[PlantDay] = []

    def close_day(self, world: World, *, wanted: Floats, served: Floats, received: Floats) -> None:
        """Write the day down."""
        facts = self._facts
        rows = np.arange(self._next_row, len(world.documents.requisitions))
        self._next_row = len(world.documents.requisitions)
        price = facts.price[facts.item]
        columns: dict[str, Floats | Ints] = {
            "demand_units": self._per_node(wanted),
            "served_units": self._per_node(served),
            "lost_units": self._per_node(wanted - served),
            "demand_lines": self._per_node(wanted > 0).astype(np.int64),
            "short_lines": self._per_node(wanted > served).astype(np.int64),
            "stock_units": self._per_node(world.on_hand),
            "stock_value": self._per_node(world.on_hand * price),
            "transit_units": self._per_node(world.in_transit),
            "transit_value": self._per_node(world.in_transit * price),
            "received_units": self._per_node(received),
            **self._requested(world, rows),
        }
        today = day_text(world.today)
        for node, plant in enumerate(facts.plants):
            figures = {name: column[node].item() for name, column in columns.items()}
            self.days.append(
                PlantDay(
                    day=today, plant=plant, planned_by_erp=bool(world.planned[node]), **figures
                )
            )

    def _per_node(self, per_cell: Floats | Flags) -> Floats:
        total: Floats = per_cell.reshape(-1, self._facts.nodes).sum(axis=0, dtype=np.float64)
        return total

    def _requested(self, world: World, rows: Ints) -> dict[str, Floats | Ints]:
        """Sum the day's requisitions by who made them: the ERP's rule, or the API."""
        facts, table = self._facts, world.documents.requisitions
        by_erp = table["origin"][rows] == world.documents.words.find(MADE_BY_PLANNING)
        sums: dict[str, Floats | Ints] = {}
        for who, chosen in (("erp", by_erp), ("filed", table["filed"][rows])):
            kept = rows[chosen & ~table["deleted"][rows]]
            cells, units = table["cell"][kept], table["quantity"][kept]
            node, value = facts.node[cells], units * facts.price[facts.item[cells]]
            sums[f"{who}_lines"] = np.bincount(node, minlength=facts.nodes)
            sums[f"{who}_units"] = np.bincount(node, units, facts.nodes)
            sums[f"{who}_value"] = np.bincount(node, value, facts.nodes)
        return sums
