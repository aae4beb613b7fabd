"""What a fail-safe is, and the fixed order of the whole catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_type_hints

from connector.failsafes.limits import Limits
from connector.failsafes.parameters import Parameter, Parameters, declared
from connector.failsafes.verdicts import Action

# The whole catalogue, built or not: adding one never moves the bits of stored evidence.
ORDER = tuple(
    f"{layer}{number}"
    for layer, count in (("A", 14), ("B", 15), ("C", 16), ("D", 8), ("E", 8))
    for number in range(1, count + 1)
)
LAYERS = {
    "A": "process and control",
    "B": "data and state",
    "C": "one line",
    "D": "sums over lines",
    "E": "change of policy",
}


@dataclass(frozen=True, kw_only=True)
class Guard:
    """One fail-safe. `setting` is its group of parameters in `Limits`, "" = nothing can be set."""

    id: str
    name: str
    formula: str  # in words: when it trips
    action: Action  # the strongest it can say
    setting: str = ""
    milder: tuple[Action, ...] = ()  # what else it can say
    version: int = 1

    @property
    def bit(self) -> int:
        """Return the position of its bit in SCREENED.guards."""
        return ORDER.index(self.id)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Return its parameters with units, defaults and bounds."""
        if not self.setting:
            return ()
        kind: type[Parameters] = get_type_hints(Limits)[self.setting]
        return tuple(declared(kind))
