"""What planners want, from one file that they own: what costs how much, and what is never done.

    rewards:                       # config/rewards.yaml
      holding_per_year: 0.25
      shortage: 0.30
      excess_per_year: 2.5
    limits:                        # the fail-safes, as in a site's settings
      position_cap: {clamp: 1.2}

Training follows these weights, `evaluate` counts by them; the limits are the connector's own
fail-safes, with the same names, bounds and defaults.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, ValidationError

from connector.failsafes.limits import Limits
from connector.settings.complaints import from_validation, refusal
from connector.settings.declared import Declared
from connector.settings.parts import Part
from connector.settings.written import read_file

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SHIPPED = Path(__file__).parent.parent / "config" / "rewards.yaml"
_DAYS = 365.0


class Weights(Part):
    """What each of these costs, as a share of the goods' value."""

    holding_per_year: Annotated[float, Field(gt=0, le=10)] = 0.25
    """Holding a unit in stock for a year."""
    shortage: Annotated[float, Field(gt=0, le=100)] = 0.30
    """A unit that is asked for and not there."""
    excess_per_year: Annotated[float, Field(ge=0, le=1000)] = 7.5
    """Holding a unit of excess for a year, on top."""

    @property
    def shortage_days(self) -> float:
        """Return how many days of holding a unit cost as much as a shortage of it."""
        return self.shortage / self.holding_per_year * _DAYS

    @property
    def excess_times(self) -> float:
        """Return what a day of excess costs on top, in days of holding."""
        return self.excess_per_year / self.holding_per_year

    def cost(
        self,
        *,
        stock: NDArray[np.float64],
        excess: NDArray[np.float64],
        lost: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Return the cost of sums over days: value on hand, value in excess, value not served."""
        per_day = (self.holding_per_year * stock + self.excess_per_year * excess) / _DAYS
        cost: NDArray[np.float64] = per_day + self.shortage * lost
        return cost


class Rewards(Part):
    """The whole file."""

    rewards: Weights = Field(default_factory=Weights)
    """What costs how much."""
    limits: Annotated[Limits, Declared()] = Field(default_factory=Limits)
    """What is never done: the connector's fail-safes."""


def read_rewards(path: Path = SHIPPED) -> Rewards:
    """Return what planners want; raise ConfigError that lists everything that is wrong."""
    written = read_file(path)
    tree = written.plain()
    try:
        return Rewards.model_validate_json(json.dumps(tree))
    except ValidationError as error:
        found = from_validation(error, Rewards, tree)
        raise refusal(found, written.origins(), path.name) from None
