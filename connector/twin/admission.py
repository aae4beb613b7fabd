"""What a rollout refuses before its first period, by name: figures from outside are never trusted.

Goods sent with a lead time that no pipeline place stands for would vanish without a trace, and one
demand that is not a number would spread to every sum.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from array_api_compat import array_namespace, is_array_api_obj, size

from connector.errors import ConfigError
from connector.twin.dynamics import Stock
from connector.twin.network import Array, Topology


def admit(
    topology: Topology,
    stock: Stock,
    demand: Sequence[Array] | Array,
    lead_time: int | Sequence[Array] | Array,
    skip: int,
) -> None:
    """Raise ConfigError for what cannot be lived through; return nothing."""
    if not 0 <= skip < len(demand):
        raise ConfigError(
            f"{len(demand)} periods of demand and {skip} to skip",
            hint="draw more periods than are skipped, at least one",
        )
    _admit_stock(topology, stock)
    _admit_amounts(topology, "demand", stock.on_hand, demand)
    _admit_lead_time(topology, stock, lead_time, len(demand))


def _admit_stock(topology: Topology, stock: Stock) -> None:
    if len(stock.pipeline) != topology.horizon:
        raise ConfigError(
            f"stock has {len(stock.pipeline)} periods of pipeline, the topology's horizon is "
            f"{topology.horizon}",
            hint="give one array per period up to the longest lead time",
        )
    if stock.owed is None and not topology.is_single_echelon:
        raise ConfigError(
            "stock.owed is missing, and a node is supplied by another",
            hint="start with zeros: without it orders would be filled from nowhere",
        )
    _admit_amounts(topology, "stock.on_hand", stock.on_hand, [stock.on_hand])
    for ahead, coming in enumerate(stock.pipeline):
        if coming is not None:
            _admit_amounts(topology, f"stock.pipeline[{ahead}]", stock.on_hand, [coming])
    if stock.waiting is not None:
        _admit_amounts(topology, "stock.waiting", stock.on_hand, [stock.waiting])
    if stock.owed is not None:
        _admit_amounts(topology, "stock.owed", stock.on_hand, [stock.owed])


def _admit_lead_time(
    topology: Topology, stock: Stock, lead_time: int | Sequence[Array] | Array, periods: int
) -> None:
    most = topology.horizon
    if isinstance(lead_time, int):
        if not 0 <= lead_time <= most:
            raise ConfigError(
                f"lead time is {lead_time}, the horizon is {most} periods",
                hint="give the topology a longer horizon",
            )
        return
    if not hasattr(lead_time, "__len__") or len(lead_time) < periods:
        raise ConfigError(
            f"lead times do not span the {periods} periods of demand",
            hint="give one int for all orders, or an array for each period",
        )
    _admit_amounts(topology, "lead_time", stock.on_hand, lead_time)
    for whole in _blocks(lead_time):
        xp = array_namespace(whole)
        if float(xp.max(whole)) > most or bool(xp.any(whole % 1 != 0)):
            raise ConfigError(
                f"a lead time is not a whole number from 0 to {most}",
                hint="round drawn lead times, and give the topology a horizon that holds them",
            )


def _admit_amounts(
    topology: Topology, name: str, like: Array, amounts: Sequence[Array] | Array
) -> None:
    for block in _blocks(amounts):
        try:
            xp = array_namespace(like, block)
        except TypeError as error:
            raise ConfigError(
                f"{name} is {_kind(block)}, stock.on_hand is {_kind(like)}",
                hint="make all arrays with one library",
            ) from error
        if block.ndim == 0 or block.shape[-1] != topology.nodes or not size(block):
            raise ConfigError(
                f"{name} has shape {tuple(block.shape)}, the topology has {topology.nodes} nodes",
                hint="the last axis counts nodes",
            )
        if not (float(xp.min(block)) >= 0.0 and float(xp.max(block)) < math.inf):
            raise ConfigError(f"{name} is negative or not finite somewhere")


def _blocks(amounts: Sequence[Array] | Array) -> Iterator[Array]:
    """Yield one array for all periods, or each that differs from the one before."""
    if is_array_api_obj(amounts):
        yield amounts
        return
    before = None
    for each in amounts:
        if each is not before:
            yield each
        before = each


def _kind(value: object) -> str:
    return f"{type(value).__module__}.{type(value).__qualname__}"
