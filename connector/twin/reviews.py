"""Review calendars: who may order in which period."""

from __future__ import annotations

from array_api_compat import array_namespace

from connector.errors import ConfigError
from connector.twin.dynamics import Stock
from connector.twin.network import Array
from connector.twin.rollout import Policy


def reviewed(policy: Policy, calendar: Array) -> Policy:
    """Return the policy, asked in every period and followed where its node is reviewed.

    `calendar` [P, N] or [P, B, N] are flags that repeat every P periods; it is of the orders'
    library. ConfigError for a calendar without periods.
    """
    if not len(calendar):
        raise ConfigError("a review calendar has no period", hint="flags by period and node")

    def orders(stock: Stock, period: int) -> Array:
        wanted = policy(stock, period)
        here = calendar[period % len(calendar)]
        return array_namespace(wanted).where(here, wanted, 0.0 * wanted)

    return orders
