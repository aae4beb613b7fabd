"""The simulated network: stock per cell, its documents, and one day after another.

A day: the ERP plans on what a 06:00 review saw, buyers convert requisitions, goods arrive,
customers buy, and the clock steps to 06:00 of the next day.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import numpy as np

from connector.sandbox import foreign, movements, planning, purchasing
from connector.sandbox.chance import Mishaps, demand_of, lead_time_of
from connector.sandbox.chronicle import Chronicle
from connector.sandbox.documents import Documents
from connector.sandbox.filing import NewLine, append_requisition
from connector.twin.scenario import Floats, Ints, Scenario, WorldOptions, scenario

MORNING = time(6, 0, tzinfo=UTC)


class World:
    """One business, living through its days. Not thread-safe."""

    def __init__(self, options: WorldOptions) -> None:
        """Make the business and live through its history under the ERP's own rule."""
        self.scenario: Scenario = scenario(options)
        facts = self.scenario
        self.today = options.first_day.toordinal() - options.history_days
        self.documents = Documents()
        self.planned = np.ones(facts.nodes, dtype=np.bool_)  # which plants the ERP plans itself
        self.on_hand: Floats = self._opening_stock()
        self.in_transit: Floats = np.zeros(len(facts.item))
        self.on_order: Floats = np.zeros(len(facts.item))  # from outside, not yet received
        self.chronicle = Chronicle(facts)
        self.changes = 0  # counts what happened; a reader's cache key
        for _ in range(options.history_days):
            self.advance()
        foreign.place(self)

    def _opening_stock(self) -> Floats:
        facts = self.scenario
        chance = np.random.default_rng((facts.options.seed, 2))
        share = chance.random(len(facts.item))
        stock: Floats = np.floor(
            facts.reorder_point + share * (facts.maximum - facts.reorder_point)
        )
        stock[facts.discontinued[facts.item]] = 0.0
        return stock

    @property
    def now(self) -> datetime:
        """Return the simulated moment: always 06:00 UTC of some day."""
        return datetime.combine(datetime.fromordinal(self.today), MORNING)

    def position(self) -> Floats:
        """Return each cell's inventory position: stock, in transit, on order, requested."""
        requested = purchasing.open_quantity(self)
        total: Floats = self.on_hand + self.in_transit + self.on_order + requested
        return total

    def advance(self) -> None:
        """Live through one day."""
        facts = self.scenario
        lead: Ints = lead_time_of(facts, self.today)
        mishaps = Mishaps(facts, self.today)
        planning.plan(self)
        purchasing.convert(self, lead, mishaps)
        received = movements.receive(self, mishaps)
        wanted = demand_of(facts, self.today)
        served = movements.issue(self, wanted, mishaps)
        self.chronicle.close_day(self, wanted=wanted, served=served, received=received)
        self.today += 1
        self.changes += 1

    def switch_planning(self, plant: str, *, on: bool) -> bool:
        """Let the ERP plan a plant itself, or not. Returns False for an unknown plant."""
        if plant not in self.scenario.plants:
            return False
        self.planned[self.scenario.plants.index(plant)] = on
        self.changes += 1
        return True

    def file(self, lines: list[NewLine], *, document_type: str, description: str, by: str) -> int:
        """Store a requisition that came through the API and return its number."""
        number = self.documents.take_number()
        append_requisition(
            self, number, lines, document_type=document_type, description=description, by=by
        )
        self.changes += 1
        return number

    def requisition_rows(self, number: int) -> Ints:
        """Return the rows of one requisition, in line order."""
        numbers = self.documents.requisitions["number"]
        first, last = np.searchsorted(numbers, [number, number + 1])
        return np.arange(first, last)

    def delete_line(self, number: int, line: int) -> bool:
        """Mark a requisition line as deleted. Returns False when there is none."""
        rows = self.requisition_rows(number)
        lines = self.documents.requisitions["line"]
        rows = rows[lines[rows] == line]
        self.documents.requisitions["deleted"][rows] = True
        self.changes += 1
        return len(rows) > 0


def live(world: World, days: int, each: Callable[[World], None] | None = None) -> World:
    """Advance a world some days, calling `each` after every one."""
    for _ in range(days):
        world.advance()
        if each is not None:
            each(world)
    return world


def midnight(day: int) -> datetime:
    """Return 00:00 UTC of an ordinal day."""
    return datetime(1, 1, 1, tzinfo=UTC) + timedelta(days=day - 1)
