"""What the policy says, beside what base-stock says, for every line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Recommendation:
    """Raw answers [N] in base units, before lots and fail-safes; hostile until screened.

    `order_up_to` is the level the policy aims at; `quantity` what it would order now.
    """

    source: str  # "policy_id@version" or "base_stock"
    digest: str  # sha256 of the policy bytes, "" for base-stock
    order_up_to: NDArray[np.float64]
    quantity: NDArray[np.float64]
    base_stock_level: NDArray[np.float64]
    base_stock_quantity: NDArray[np.float64]
    fell_back: NDArray[np.bool_]  # lines where `quantity` is base-stock's, not the policy's
    refused: str = ""  # why the policy was not used at all, "" = it was
