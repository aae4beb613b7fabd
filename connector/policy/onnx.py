"""A learned policy as a port: features in, order-up-to levels out, base-stock beside every line.

The network answers for each node by itself: its demand (of the whole echelon, where it supplies
others) over its own lead time and review. What planners agreed is kept, as base-stock keeps it: a
safety stock is the least buffer, a maximum stock the most a level reaches. The level of a node that
supplies others is then its own plus the levels of all nodes below, and is held against the echelon
position (Axsaeter and Rosling 1993), so policy and base-stock compare line by line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from connector.errors import PolicyUnusable
from connector.inventory.base_stock import Levels, base_stock_levels, position
from connector.inventory.recommendation import Recommendation
from connector.inventory.state import State
from connector.inventory.universe import below
from connector.policy.bundle import Bundle, require_current
from connector.policy.echelon import upstream_rows
from connector.policy.features import demand_per_review, encoded, in_range

# More broken answers than this, and the network is broken, not the line.
_BROKEN_SHARE_MAX = 0.001
_AT_ONCE = 8_192  # rows


@dataclass(frozen=True, kw_only=True)
class OnnxPolicy:
    """Answers with an admitted bundle; the same state gives the same bits."""

    bundle: Bundle

    def recommend(self, state: State) -> Recommendation:
        """Return order-up-to levels in base units; raise PolicyUnusable rather than answer wrongly.

        A line outside the policy's scope, feature ranges or training, without demand, or with an
        answer outside the declared action range carries base-stock's answer: `fell_back`.
        """
        require_current(self.bundle.manifest, state.erp_date)
        classical = base_stock_levels(state)
        own = _as_agreed(state, classical, self._by_itself(state, classical))
        answered = np.isfinite(own)
        own = np.where(answered, own, classical.level - classical.downstream)
        level = own + self._beneath(state, classical, own)
        held = position(state)
        level = np.where(answered & np.isfinite(level), level, classical.level)
        return Recommendation(
            source=self.bundle.name,
            digest=self.bundle.digest,
            order_up_to=level,
            quantity=np.maximum(level - held, 0.0),
            base_stock_level=classical.level,
            base_stock_quantity=np.maximum(classical.level - held, 0.0),
            fell_back=~answered,
        )

    @property
    def _is_echelon(self) -> bool:
        return self.bundle.manifest.action.semantics == "echelon_order_up_to"

    def _by_itself(self, state: State, classical: Levels) -> NDArray[np.float64]:
        """Return the part of each answer that stands for the node alone; nan = no answer."""
        levels = self.answered_levels(state)
        return levels - classical.downstream if self._is_echelon else levels

    def _beneath(
        self, state: State, classical: Levels, own: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return what is added for the nodes below: their own levels, or what was taken off."""
        return classical.downstream if self._is_echelon else below(own, upstream_rows(state))

    def answered_levels(self, state: State) -> NDArray[np.float64]:
        """Return the levels as the network answered them, base units; nan = no answer."""
        asked = self._in_scope(state)
        actions = np.full(len(state), np.nan)
        low, high = self._trained()
        for part, features in encoded(state, _AT_ONCE):
            seen = np.all((features >= low) & (features <= high), axis=1)
            asked[part] &= in_range(features) & seen
            rows = part.start + np.flatnonzero(asked[part])
            if len(rows):
                actions[rows] = self.bundle.session.answer(features[asked[part]]).action
        self._require_sound(actions[asked])
        contract = self.bundle.manifest.action
        sound = (actions >= contract.minimum) & (actions <= contract.maximum)  # nan is not
        return np.where(sound, actions, np.nan) * demand_per_review(state)

    def _require_sound(self, action: NDArray[np.float64]) -> None:
        """Raise PolicyUnusable where more answers are no numbers than a sound network gives."""
        broken = int(np.count_nonzero(~np.isfinite(action)))
        if broken > _BROKEN_SHARE_MAX * len(action):
            raise PolicyUnusable(
                f"{self.bundle.name} answered {broken} of {len(action)} lines with no finite "
                f"number; at most {_BROKEN_SHARE_MAX:.1%} may be",
                hint="base-stock took over; keep the review's evidence for whoever trains it",
                check="finite answers",
                expected=f"at most {_BROKEN_SHARE_MAX:.1%} without",
                found=f"{broken} of {len(action)}",
            )

    def _trained(self) -> NDArray[np.float64]:
        """Return the least and most [2, F] that the network was trained on; inf = not limited."""
        trained = self.bundle.manifest.features.trained
        if trained is None:
            return np.array([[-np.inf], [np.inf]])
        return trained.numbers().astype(np.float64).T

    def _in_scope(self, state: State) -> NDArray[np.bool_]:
        scope = self.bundle.manifest.scope
        inside = np.full(len(state), fill_value=True)
        for column, allowed in (("node", scope.nodes), ("item", scope.items)):
            if allowed:
                inside &= state.frame[column].is_in(allowed).to_numpy()
        return inside


def _as_agreed(state: State, classical: Levels, levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Keep what planners decided, as base-stock does; nan stays nan."""
    safety, most = state.column("safety_stock"), state.column("maximum_stock")
    mean = classical.over_lead_time + classical.over_review
    least = np.where(safety > 0, mean + safety, -np.inf)
    return np.minimum(np.maximum(levels, least), np.where(most > 0, most, np.inf))
