"""What the simulated business is: items, plants, demand, lead times and lots, made from a seed.

Item-nodes are *cells*, numbered item-major (cell = item * nodes + node), so that tables of them are
in the order of their keys. Quantities are base units, lead times calendar days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from connector.errors import ConfigError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]
Columns = dict[str, NDArray[Any]]

CENTRAL = 0
SERVICE_Z = 1.645  # 95 % of cycles without a stockout, the textbook's figure
CLASSES = ("smooth", "erratic", "intermittent", "lumpy", "seasonal")
UNITS = ("KG", "PC")
GROUPS = ("001", "002", "003")
VENDORS = 12
NODES_MOST = 900
_CLASS_SHARES = (0.35, 0.2, 0.2, 0.1, 0.15)
_BY_WEIGHT, _BOXED = 0.1, 0.15  # shares of items kept in kilograms, bought in boxes
_OCCURS = (1.0, 1.0, 0.2, 0.12, 1.0)  # share of days with any demand
_SHAPE = (1e6, 1.8, 6.0, 0.9, 1e6)  # of the gamma noise on the rate; huge = pure Poisson


@dataclass(frozen=True, kw_only=True)
class WorldOptions:
    """What decides a world. Two worlds of equal options live through equal days."""

    items: int = 200
    regions: int = 6
    seed: int = 7
    history_days: int = 90  # lived through under the ERP's own rule before the clock opens
    first_day: date = date(2026, 11, 2)  # where the clock stands when it opens

    def __post_init__(self) -> None:
        """Refuse a world that cannot be."""
        if self.items < 1 or not 0 <= self.regions < NODES_MOST or self.history_days < 0:
            msg = (
                f"cannot make {self.items} items, {self.regions} regions, {self.history_days} days"
            )
            raise ConfigError(msg, hint="items from 1, regions 0 to 899, days from 0")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """The fixed facts of a world, in columns: per item (I), per node (N), per cell (I * N)."""

    options: WorldOptions
    plants: tuple[str, ...]
    materials: tuple[str, ...]  # ascending
    # per item
    unit: Ints  # index into UNITS
    grain: Floats  # smallest quantity that moves
    price: Floats
    vendor: Ints
    group: Ints  # index into GROUPS
    box: Floats  # base units in a BOX, 0 = bought in the base unit
    kind: Ints  # index into CLASSES
    discontinued: Flags
    # per cell
    item: Ints
    node: Ints
    rate: Floats  # external demand per day, on average over the year
    occurs: Floats
    shape: Floats
    amplitude: Floats
    phase: Floats
    opens: Ints  # ordinal of the first day with demand
    delivery_days: Floats  # planned delivery, without goods receipt processing
    receipt_days: Floats
    lead_spread: Floats  # coefficient of variation of the true lead time
    lot_minimum: Floats
    lot_maximum: Floats  # 0 = none
    lot_fixed: Floats  # 0 = none
    lot_multiple: Floats
    safety_stock: Floats
    reorder_point: Floats
    maximum: Floats

    @property
    def nodes(self) -> int:
        """Return how many plants there are."""
        return len(self.plants)

    @property
    def items(self) -> int:
        """Return how many materials there are."""
        return len(self.materials)

    @property
    def lead_days(self) -> Floats:
        """Return the planned lead time per cell: delivery and goods receipt."""
        return self.delivery_days + self.receipt_days


def scenario(options: WorldOptions) -> Scenario:
    """Make the world's fixed facts from its options."""
    chance = np.random.default_rng((options.seed, 1))
    items, nodes = options.items, options.regions + 1
    kind = chance.choice(len(CLASSES), size=items, p=_CLASS_SHARES)
    unit = np.where(chance.random(items) < _BY_WEIGHT, 0, 1)
    grain = np.where(unit == 0, 0.25, 1.0)
    box = np.where((unit == 1) & (chance.random(items) < _BOXED), 12.0, 0.0)
    discontinued = np.arange(items) % 97 == 96  # noqa: PLR2004 - which items, not how many
    demand = _demand(options, chance, kind, discontinued)
    lead = _lead_times(chance, items, nodes)
    return Scenario(
        options=options,
        plants=tuple(str(1000 + 10 * node) for node in range(nodes)),
        materials=_materials(items),
        unit=unit,
        grain=grain,
        price=np.round(np.exp(chance.normal(3.0, 1.0, items)) + 0.5, 2),
        vendor=chance.integers(0, VENDORS, items),
        group=chance.integers(0, len(GROUPS), items),
        box=box,
        kind=kind,
        discontinued=discontinued,
        item=np.repeat(np.arange(items), nodes),
        node=np.tile(np.arange(nodes), items),
        **demand,
        **lead,
        **_lots(demand, lead, grain, box, nodes),
    )


def _materials(items: int) -> tuple[str, ...]:
    """Return material numbers as real systems hold them: digits, letters, a slash and a space."""
    names = [f"{100000 + n}" if n % 5 in {0, 1, 2} else f"FG-{n:06d}" for n in range(items)]
    if items > 7:  # noqa: PLR2004
        names[7] = "SP/7 A"
    return tuple(sorted(names))


def _demand(
    options: WorldOptions, chance: np.random.Generator, kind: Ints, discontinued: Flags
) -> Columns:
    """Return the columns that say how much is asked for, per cell."""
    items, nodes = options.items, options.regions + 1
    base = np.exp(chance.normal(1.1, 0.7, items)) * np.asarray((1.0, 1.0, 0.25, 0.4, 1.2))[kind]
    weight = chance.uniform(0.5, 1.5, (items, nodes))
    # The central warehouse sells a little itself, of every third item
    weight[:, CENTRAL] *= np.where(np.arange(items) % 3 == 0, 0.3, float(nodes == 1))
    rate = (base[:, None] * weight).ravel()
    rate[np.repeat(discontinued, nodes)] = 0.0
    seasonal = kind == CLASSES.index("seasonal")
    first = options.first_day.toordinal()
    young = np.arange(items) % 50 == 49  # noqa: PLR2004 - launched days before the clock opens
    return {
        "rate": rate,
        "occurs": np.repeat(np.asarray(_OCCURS)[kind], nodes),
        "shape": np.repeat(np.asarray(_SHAPE)[kind], nodes),
        "amplitude": np.repeat(np.where(seasonal, chance.uniform(0.3, 0.6, items), 0.0), nodes),
        "phase": np.repeat(chance.uniform(0, 365, items), nodes),
        "opens": np.repeat(np.where(young, first - 5, 0), nodes),
    }


def _lead_times(chance: np.random.Generator, items: int, nodes: int) -> Columns:
    """Return planned and true lead times; the central plant buys, the others are supplied by it."""
    bought = chance.integers(5, 20, items).astype(np.float64)
    moved = chance.integers(2, 5, nodes).astype(np.float64)
    delivery = np.tile(moved, (items, 1))
    delivery[:, CENTRAL] = bought
    receipt = np.zeros((items, nodes))
    receipt[:, CENTRAL] = 1.0
    spread = np.full((items, nodes), 0.2)
    spread[:, CENTRAL] = chance.uniform(0.1, 0.4, items)
    return {
        "delivery_days": delivery.ravel(),
        "receipt_days": receipt.ravel(),
        "lead_spread": spread.ravel(),
    }


def _lots(
    demand: Columns,
    lead: Columns,
    grain: Floats,
    box: Floats,
    nodes: int,
) -> Columns:
    """Return lot sizes and the textbook's reorder point: demand over the lead time + z * sd."""
    rate = np.asarray(demand["rate"], dtype=np.float64)
    mean = rate.reshape(-1, nodes).copy()
    variance = daily_variance(rate, demand["occurs"], demand["shape"]).reshape(-1, nodes)
    mean[:, CENTRAL] = mean.sum(axis=1)  # what the central plant ships is everybody's demand
    variance[:, CENTRAL] = variance.sum(axis=1)
    mean *= grain[:, None]
    deviation = np.sqrt(variance) * grain[:, None]
    days = (lead["delivery_days"] + lead["receipt_days"]).reshape(-1, nodes) + 1.0
    multiple = np.tile(np.where(grain < 1.0, 1.0, 5.0)[:, None], (1, nodes))
    multiple = np.where((mean < 1.0) & (multiple > 1.0), 1.0, multiple)
    multiple[:, CENTRAL] = np.where(box > 0, box, np.maximum(multiple[:, CENTRAL], 1.0))
    safety = np.ceil(SERVICE_Z * deviation * np.sqrt(days))
    point = np.ceil(mean * days) + safety
    cover = np.full(nodes, 5.0)
    cover[CENTRAL] = 10.0
    maximum = point + np.maximum(np.ceil(mean * cover), multiple)
    fixed, minimum, most = _lot_limits(mean, multiple, maximum - point)
    return {
        "lot_minimum": minimum.ravel(),
        "lot_maximum": most.ravel(),
        "lot_fixed": fixed.ravel(),
        "lot_multiple": multiple.ravel(),
        "safety_stock": safety.ravel(),
        "reorder_point": point.ravel(),
        "maximum": maximum.ravel(),
    }


def _lot_limits(mean: Floats, multiple: Floats, usual: Floats) -> tuple[Floats, Floats, Floats]:
    """Return fixed, minimum and maximum lots; only some items have any. Per item and node."""
    fixed = np.zeros_like(mean)
    by_fixed_lot = np.arange(len(mean)) % 8 == 5  # noqa: PLR2004
    fixed[by_fixed_lot, CENTRAL] = usual[by_fixed_lot, CENTRAL]
    fixed = np.ceil(fixed / multiple) * multiple
    minimum = np.zeros_like(mean)
    minimum[:, CENTRAL] = (
        np.ceil(mean[:, CENTRAL] * 3 / multiple[:, CENTRAL]) * multiple[:, CENTRAL]
    )
    limited = np.arange(len(mean)) % 11 == 3  # noqa: PLR2004
    most = np.where(limited[:, None], np.ceil(mean * 60 / multiple) * multiple, 0.0)
    return fixed, minimum, most


def daily_variance(rate: Floats, occurs: NDArray[Any], shape: NDArray[Any]) -> Floats:
    """Return the variance of one day's demand, in grains squared.

    A day has demand with probability p; then it is Poisson of a gamma-distributed rate, so
    Var = p (l + l² (1 + 1/k)) - (p l)², with l = rate / p and k the gamma's shape.
    """
    p = np.asarray(occurs, dtype=np.float64)
    busy = rate / p
    second = busy + busy**2 * (1.0 + 1.0 / np.asarray(shape, dtype=np.float64))
    variance: Floats = p * second - rate**2
    return variance
