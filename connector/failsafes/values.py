"""B4 and C13: lines about which something was said that nobody can order by.

Every test is written as `not (low <= x <= high)`: nan fails it, while it passes `x > high`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from connector.errors import PolicyUnusable
from connector.failsafes.columns import Column, Lines, Mask
from connector.failsafes.data_limits import UnusableValue
from connector.failsafes.docket import Docket
from connector.failsafes.verdicts import Action, Finding
from connector.inventory.recommendation import Recommendation
from connector.inventory.state import BUCKETS

_SIGNED = ("on_hand", "inventory_position", "echelon_position")
_QUANTITIES = (
    "in_transit",
    "inspection",
    "stock_blocked",
    *BUCKETS,
    "pipeline",
    "own_pending",
    "own_confirmed",
    "own_missing",
    "foreign_requisitions",
    "demand_mean",
    "demand_sd",
    "echelon_demand_mean",
    "echelon_demand_sd",
    "lot_minimum",
    "lot_fixed",
    "lot_multiple",
    "safety_stock",
    "reorder_point",
)
_DAYS = (
    "demand_days",
    "lead_time_days",
    "lead_time_mean",
    "lead_time_sd",
    "lead_time_p50",
    "lead_time_p90",
    "lead_time_observations",
)
_UNLIMITED = ("lot_maximum", "maximum_stock")
_SHARES = ("demand_zero_share", "critical_ratio")
_MINUTE = 1 / 1440  # in days: no review period is shorter
_HIGHEST_LEVEL = 100.0

Bounds = tuple[float, float]


def bounds_of(limits: UnusableValue) -> dict[str, Bounds]:
    """Return what each column of the state may hold; an unknown unit cost is also allowed."""
    return {
        **dict.fromkeys(_SIGNED, (-limits.quantity, limits.quantity)),
        **dict.fromkeys(_QUANTITIES, (0.0, limits.quantity)),
        **dict.fromkeys(_DAYS, (0.0, limits.days)),
        **dict.fromkeys(_UNLIMITED, (0.0, np.inf)),
        **dict.fromkeys(_SHARES, (0.0, 1.0)),
        "review_days": (_MINUTE, limits.days),
        "unit_cost": (0.0, limits.cost),
        "level": (0.0, _HIGHEST_LEVEL),
        "weekday": (0.0, 6.0),
        "day_of_year": (1.0, 366.0),
    }


def judge_values(docket: Docket, lines: Lines, answers: dict[str, Column]) -> None:
    """Suppress lines with a fault or an unusable value; halt nodes that have too many of these."""
    faults = lines.state.frame["fault"].fill_null("the state does not say whether it is usable")
    faulty = (faults != "").to_numpy()
    ones = np.ones(len(lines))
    fault = Finding(tripped=faulty, value=ones, threshold=0 * ones)
    docket.suppress("B4", fault, faults.filter(faults != "").to_list())
    limits = lines.limits.unusable_value
    columns = {
        name: (lines.state.column(name), bounds) for name, bounds in bounds_of(limits).items()
    }
    columns["unit_cost"] = (
        np.nan_to_num(columns["unit_cost"][0], nan=0.0, posinf=np.inf, neginf=-np.inf),
        columns["unit_cost"][1],
    )
    columns |= {name: (column, (0.0, limits.quantity)) for name, column in answers.items()}
    broken, value, threshold, names = _first_broken(columns, len(lines))
    unusable = Finding(tripped=broken & ~faulty, value=value, threshold=threshold)
    docket.suppress("B4", unusable, names[broken & ~faulty].tolist())
    # Master data that the ERP never fills is a fault of an item, for weeks; it halts no node.
    halt_crowds(docket, lines, broken & ~faulty, limits)


def judge_status(docket: Docket, lines: Lines) -> None:
    """Suppress lines that the ERP's own status forbids to procure."""
    blocked = lines.state.frame["blocked"].fill_null(value=True).to_numpy()
    ones = np.ones(len(lines))
    docket.suppress("C13", Finding(tripped=blocked, value=ones, threshold=0 * ones))


def halt_crowds(docket: Docket, lines: Lines, broken: Mask, limits: UnusableValue) -> None:
    """Halt the nodes where more lines are broken than single mistakes explain."""
    count = lines.count(broken)
    most = np.maximum(limits.lines * lines.per_node, limits.few)
    crowd = Finding(
        tripped=count > most, value=count, threshold=most, detail="lines with unusable values"
    )
    docket.nodes("B4", Action.NODE_HALT, crowd)


def answers_as_numbers(recommendation: Recommendation, size: int) -> dict[str, Column]:
    """Return the answers as float columns, whatever they hold; base-stock's level where it spoke.

    Raises PolicyUnusable when they cannot be laid beside the lines.
    """
    names = ("order_up_to", "quantity", "base_stock_level", "base_stock_quantity")
    answers = {name: _numbers(getattr(recommendation, name), name, size) for name in names}
    fell_back = _numbers(recommendation.fell_back, "fell_back", size) > 0
    return answers | {
        "order_up_to": np.where(fell_back, answers["base_stock_level"], answers["order_up_to"]),
        "fell_back": fell_back.astype(np.float64),
    }


def _numbers(column: object, name: str, size: int) -> Column:
    try:
        numbers = np.asarray(column, dtype=np.float64)
    except (TypeError, ValueError) as error:
        msg = f"the policy's {name} are no numbers"
        raise PolicyUnusable(msg, hint="base-stock takes over until it is mended") from error
    if numbers.shape != (size,):
        msg = f"the policy's {name} have shape {numbers.shape} for {size} lines"
        raise PolicyUnusable(msg, hint="base-stock takes over until it is mended")
    return numbers


def _first_broken(
    columns: dict[str, tuple[Column, Bounds]], size: int
) -> tuple[Mask, Column, Column, NDArray[np.object_]]:
    """Return where any column breaks its bounds, with the first one's value, bound and name."""
    broken = np.zeros(size, dtype=bool)
    value, threshold = np.zeros(size), np.zeros(size)
    names = np.full(size, "", dtype=object)
    for name, (column, (low, high)) in columns.items():
        fresh = ~((column >= low) & (column <= high)) & ~broken
        if fresh.any():
            value[fresh] = column[fresh]
            threshold[fresh] = np.where(column[fresh] < low, low, high)
            names[fresh] = name
            broken |= fresh
    return broken, value, threshold, names
