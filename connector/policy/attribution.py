"""Why this level: exact Shapley values of a policy's answer over groups of features.

Features that only move together (mean, median and p90 of a lead time) form one player, so there are
few enough players to ask the network about every coalition: nothing is sampled, and the parts sum
to the answer to rounding. A feature absent from a coalition stands at the mean of the training
states. Each part reads: at this line's own rate of demand, its lead time instead of the usual one
moves the level by so many units.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray

from connector.policy.bundle import Bundle
from connector.policy.features import FEATURES, GROUPS, NAMES


@dataclass(frozen=True, kw_only=True)
class Attribution:
    """One group's part in the level, base units, with the values that made it."""

    group: str
    contribution: float
    features: dict[str, tuple[float, float]]  # name -> (here, mean of the training states)


@dataclass(frozen=True, kw_only=True)
class WhyThisLevel:
    """level = usual_level + sum of contributions, base units, of the node by itself.

    What planners agreed and the levels of nodes below come on top of it.
    """

    level: float
    usual_level: float  # with every feature at the mean of training, at this line's demand rate
    parts: tuple[
        Attribution, ...
    ]  # largest first; groups that the policy does not read are left out


def why_this_level(bundle: Bundle, features: NDArray[np.float32], rate: float) -> WhyThisLevel:
    """Return the exact attribution for one line: its features [F] and demand per review."""
    usual = bundle.manifest.reference.states.numbers().mean(axis=0, dtype=np.float64)
    players = _players(bundle.manifest.features.reads)
    member = np.array([[f.group == group for f in FEATURES] for group in players])
    coalitions = (np.arange(1 << len(players))[:, None] >> np.arange(len(players))) & 1
    present = (coalitions @ member.astype(np.int64)) > 0
    rows = np.where(present, features, usual.astype(np.float32)).astype(np.float32)
    levels = bundle.session.answer(rows).action.astype(np.float64) * rate
    values = _shapley(levels, coalitions)
    order = np.argsort(-np.abs(values), kind="stable")
    return WhyThisLevel(
        level=float(levels[-1]),
        usual_level=float(levels[0]),
        parts=tuple(
            Attribution(
                group=players[k],
                contribution=float(values[k]),
                features=_members(players[k], bundle.manifest.features.reads, features, usual),
            )
            for k in order
        ),
    )


def _players(reads: tuple[str, ...]) -> list[str]:
    groups = {feature.group for feature in FEATURES if feature.name in reads}
    return [group for group in GROUPS if group in groups]


def _shapley(levels: NDArray[np.float64], coalitions: NDArray[np.int64]) -> NDArray[np.float64]:
    count = coalitions.shape[1]
    size = coalitions.sum(axis=1)
    weight = np.array(
        [factorial(s) * factorial(count - s - 1) for s in range(count)] + [0], dtype=np.float64
    ) / factorial(count)
    values = np.empty(count)
    index = np.arange(len(coalitions))
    for k in range(count):
        without = index[coalitions[:, k] == 0]
        gain = levels[without | (1 << k)] - levels[without]
        values[k] = np.sum(weight[size[without]] * gain)
    return values


def _members(
    group: str,
    reads: tuple[str, ...],
    features: NDArray[np.float32],
    usual: NDArray[np.float64],
) -> dict[str, tuple[float, float]]:
    return {
        feature.name: (float(features[k]), float(usual[k]))
        for k, feature in enumerate(FEATURES)
        if feature.group == group and NAMES[k] in reads
    }
