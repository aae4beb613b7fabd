"""The classical policy as a port: what takes over when the learned one may not answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from connector.inventory.base_stock import base_stock
from connector.inventory.recommendation import Recommendation
from connector.inventory.state import State


@dataclass(frozen=True, kw_only=True)
class BaseStockPolicy:
    """Base-stock for every line. `refused` says why no learned policy answers, "" = none is set."""

    refused: str = ""

    def recommend(self, state: State) -> Recommendation:
        """Return base-stock's own level and quantity, twice: as the answer and beside it."""
        level, quantity = base_stock(state)
        return Recommendation(
            source="base_stock",
            digest="",
            order_up_to=level,
            quantity=quantity,
            base_stock_level=level,
            base_stock_quantity=quantity,
            fell_back=np.full(len(state), bool(self.refused)),
            refused=self.refused,
        )
