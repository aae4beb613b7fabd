"""The same world with nobody but the ERP's own rule: what a policy is compared with."""

from __future__ import annotations

from connector.sandbox.chronicle import PlantDay
from connector.sandbox.world import World
from connector.twin.scenario import WorldOptions


def under_the_erp_rule(options: WorldOptions, days: int) -> tuple[PlantDay, ...]:
    """Live `days` days after the history under the reorder-point rule alone.

    Pure: equal options give equal days. Demand, lead times and mishaps are those that a sandbox of
    the same options meets, whatever is filed there; the history's days are not returned.
    """
    world = World(options)
    before = len(world.chronicle.days)
    for _ in range(days):
        world.advance()
    return tuple(world.chronicle.days[before:])
