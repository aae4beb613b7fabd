"""What the outside world does each day: demand and lead times.

Every draw depends on the seed and the day only, never on what was decided, so two worlds that
order differently still meet the same customers and the same carriers.
"""

from __future__ import annotations

from datetime import date

import numpy as np

from connector.twin.demand import WEEK, drawn, season
from connector.twin.scenario import Flags, Floats, Ints, Scenario

_DEMAND, _LEAD, _MISHAPS = 11, 12, 13
_IN_TWO_PARTS, _FALLS_SHORT, _REVERSED = 0.15, 0.02, 0.004  # shares of order lines, movements


def demand_of(scenario: Scenario, day: int) -> Floats:
    """Return every cell's demand on an ordinal day, in base units."""
    chance = np.random.default_rng((scenario.options.seed, _DEMAND, day))
    today = date.fromordinal(day)
    factor = season(scenario.amplitude, scenario.phase, today.timetuple().tm_yday)
    busy = scenario.rate / scenario.occurs * factor * WEEK[today.weekday()]
    pieces = drawn(busy, occurs=scenario.occurs, shape=scenario.shape, chance=chance)
    pieces = np.where(day >= scenario.opens, pieces, 0)
    wanted: Floats = pieces * scenario.grain[scenario.item]
    return wanted


def lead_time_of(scenario: Scenario, day: int) -> Ints:
    """Return how many days an order placed on this day will really take, per cell."""
    chance = np.random.default_rng((scenario.options.seed, _LEAD, day))
    shape = 1.0 / scenario.lead_spread**2
    factor = chance.gamma(shape, 1.0 / shape) * 1.03
    return np.maximum(1, np.rint(scenario.lead_days * factor)).astype(np.int64)


class Mishaps:
    """What goes a little wrong with the orders placed on a day, per cell."""

    def __init__(self, scenario: Scenario, day: int) -> None:
        chance = np.random.default_rng((scenario.options.seed, _MISHAPS, day))
        cells = len(scenario.item)
        self.in_two_parts: Flags = chance.random(cells) < _IN_TWO_PARTS
        self.gap_days: Ints = chance.integers(1, 5, cells)
        self.falls_short: Flags = chance.random(cells) < _FALLS_SHORT
        self.is_reversed: Flags = chance.random(cells) < _REVERSED
