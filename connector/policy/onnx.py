"""A learned policy as a port: features in, order-up-to levels out, base-stock beside every line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connector.errors import PolicyUnusable
from connector.inventory.base_stock import base_stock
from connector.inventory.recommendation import Recommendation
from connector.inventory.state import State
from connector.policy.base_stock import Baseline
from connector.policy.bundle import Bundle, require_current
from connector.policy.features import demand_per_review, encode, in_range

# More broken answers than this, and the network is broken, not the line.
_BROKEN_SHARE_MAX = 0.001


@dataclass(frozen=True, kw_only=True)
class OnnxPolicy:
    """Answers with an admitted bundle; the same state gives the same bits."""

    bundle: Bundle
    baseline: Baseline = base_stock

    def recommend(self, state: State) -> Recommendation:
        """Return order-up-to levels in base units; raise PolicyUnusable rather than answer wrongly.

        A line outside the policy's scope or feature ranges, without demand, or with an answer
        outside the declared action range carries base-stock's answer and is marked `fell_back`.
        """
        require_current(self.bundle.manifest, state.erp_date)
        base_level, base_quantity = self.baseline(state)
        features = encode(state)
        asked = in_range(features) & self._in_scope(state)
        level = np.full(len(state), np.nan)
        if asked.any():
            level[asked] = self._actions(features[asked]) * demand_per_review(state)[asked]
        answered = np.isfinite(level)
        quantity = np.maximum(level - position(state), 0.0)
        answered &= np.isfinite(quantity)
        return Recommendation(
            source=self.bundle.name,
            digest=self.bundle.digest,
            order_up_to=np.where(answered, level, base_level),
            quantity=np.where(answered, quantity, base_quantity),
            base_stock_level=base_level,
            base_stock_quantity=base_quantity,
            fell_back=~answered,
        )

    def _actions(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """Return the actions, nan where one is outside the declared range."""
        action = self.bundle.session.answer(features).action.astype(np.float64)
        contract = self.bundle.manifest.action
        sound = (action >= contract.minimum) & (action <= contract.maximum)  # nan is not
        broken = int(np.count_nonzero(~np.isfinite(action)))
        if broken > _BROKEN_SHARE_MAX * len(action):
            raise PolicyUnusable(
                f"{self.bundle.name} answered {broken} of {len(action)} lines with no finite "
                f"number; at most {_BROKEN_SHARE_MAX:.1%} may be",
                hint="base-stock took over; keep the review's evidence for whoever trains it",
                check="non-finite answers",
                expected=f"at most {_BROKEN_SHARE_MAX:.1%}",
                found=f"{broken} of {len(action)}",
            )
        return np.where(sound, action, np.nan)

    def _in_scope(self, state: State) -> NDArray[np.bool_]:
        scope = self.bundle.manifest.scope
        inside = np.full(len(state), fill_value=True)
        for column, allowed in (("node", scope.nodes), ("item", scope.items)):
            if allowed:
                inside &= state.frame[column].is_in(allowed).to_numpy()
        return inside


def position(state: State) -> NDArray[np.float64]:
    """Return what a level is held against: the echelon position above the last echelon."""
    own, echelon = state.column("inventory_position"), state.column("echelon_position")
    return np.where(state.column("level") > 0, echelon, own)
