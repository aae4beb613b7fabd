"""What a twin network is made of: who supplies whom, what things cost, how orders are kept.

Arrays are [B, N] or broadcast to it: B independent replications (or items), N nodes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from connector.errors import ConfigError

Array: TypeAlias = Any  # numpy or torch: the dynamics only call what both have

OUTSIDE = -1


@dataclass(frozen=True, kw_only=True)
class Topology:
    """A forest of nodes; `suppliers[n]` is the node that supplies n, or OUTSIDE.

    `horizon` is the longest lead time in periods, which is how many periods a pipeline spans.
    """

    suppliers: tuple[int, ...]
    horizon: int

    def __post_init__(self) -> None:
        """Refuse a network in which goods could go in a circle."""
        for node, supplier in enumerate(self.suppliers):
            # Suppliers stand before the nodes they supply, so no circle can be written down
            if not OUTSIDE <= supplier < node:
                raise ConfigError(
                    f"node {node} is supplied by node {supplier}",
                    hint="list every supplier before the nodes it supplies; -1 = from outside",
                )
        if self.horizon < 1:
            raise ConfigError(f"horizon is {self.horizon}, at least 1 period is needed")

    @property
    def nodes(self) -> int:
        """Return the number of nodes."""
        return len(self.suppliers)

    @property
    def is_single_echelon(self) -> bool:
        """Tell whether every node is supplied from outside."""
        return all(supplier == OUTSIDE for supplier in self.suppliers)

    def children(self, node: int) -> tuple[int, ...]:
        """Return the nodes that a node supplies."""
        return tuple(n for n, supplier in enumerate(self.suppliers) if supplier == node)

    def downstream(self, node: int) -> tuple[int, ...]:
        """Return a node and everything below it."""
        below = [node]
        for n in range(node + 1, self.nodes):
            if self.suppliers[n] in below:
                below.append(n)
        return tuple(below)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Costs per period and unit, and what becomes of demand that is not served [B, N].

    `shortage` is charged on demand lost in the period and on customers waiting at its end;
    `in_transit` on everything on its way to the node. An unserved order of another node always
    waits at its supplier. `capacity` is the most that can leave for a node in one period; the rest
    is owed where the stock keeps what is owed, and else was never ordered.
    """

    holding: Array
    shortage: Array
    lost_share: Array  # 1 = unserved customers go away, 0 = they wait
    in_transit: Array | None = None
    fixed: Array | None = None  # per order placed
    per_unit: Array | None = None  # transport, per unit shipped
    capacity: Array | None = None

    @property
    def prices(self) -> tuple[Array, ...]:
        """Return the prices that there are, in the order of what `charged` says."""
        prices = (self.holding, self.shortage, self.in_transit, self.per_unit, self.fixed)
        return tuple(price for price in prices if price is not None)
