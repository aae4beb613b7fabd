"""What training and evaluation refuse by name: figures from outside are never trusted.

One demand that is not a number would spread to every weight, and an empty history would be told to
the policy as if it were one.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from connector.errors import ConfigError

if TYPE_CHECKING:
    from policies.instances import Instances

_FINITE = ("mean", "lead_time", "holding", "shortage")
_LEAST_HISTORY = 2  # periods: fewer have no variance


def admit_instances(whose: str, instances: Instances) -> None:
    """Raise ConfigError for columns that are not torch's, or amounts no network has."""
    shape = None
    for each in fields(instances):
        column = getattr(instances, each.name)
        if column is None:
            continue
        require_torch(f"{whose}: {each.name}", column)
        shape = shape or column.shape
        if column.shape != shape:
            raise ConfigError(
                f"{whose}: {each.name} has shape {tuple(column.shape)}, others have {tuple(shape)}",
                hint="every column is [instances, nodes]",
            )
        if each.name in _FINITE:
            _admit_amounts(f"{whose}: {each.name}", column)


def admit_history(seen: Tensor) -> None:
    """Raise ConfigError for a history [T, B, N] that nothing can be estimated from."""
    require_torch("history of demand", seen)
    if len(seen) < _LEAST_HISTORY:
        raise ConfigError(
            f"history of demand has {len(seen)} periods",
            hint=f"at least {_LEAST_HISTORY} are needed; without any, say what demand is instead",
        )
    _admit_amounts("history of demand", seen)


def require_torch(name: str, column: Any) -> None:
    """Raise ConfigError for arrays of another library."""
    if not isinstance(column, Tensor):
        kind = f"{type(column).__module__}.{type(column).__qualname__}"
        raise ConfigError(
            f"{name} is {kind}, the network is torch's",
            hint="make all arrays with torch: torch.from_numpy(...)",
        )


def _admit_amounts(name: str, column: Tensor) -> None:
    wrong = ~(torch.isfinite(column) & (column >= 0))
    if bool(wrong.any()):
        where = tuple(torch.nonzero(wrong)[0].tolist())
        raise ConfigError(
            f"{name} is {float(column[where])} at {list(where)}",
            hint="finite and not negative is what is needed",
        )
