"""What planners want: one file, strictly read, with the fail-safes' own names and bounds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from connector.errors import ConfigError
from policies.rewards import SHIPPED, Rewards, Weights, read_rewards


def written(path: Path, text: str) -> Path:
    place = path / "rewards.yaml"
    place.write_text(text)
    return place


def test_the_shipped_file_says_what_holds_anyway_and_one_limit() -> None:
    shipped = read_rewards(SHIPPED)
    assert shipped.rewards == Weights()
    assert shipped.limits.position_cap != Rewards().limits.position_cap
    assert shipped.limits.collar == Rewards().limits.collar
    assert shipped.limits.cumulative == Rewards().limits.cumulative


def test_weights_are_told_in_days_of_holding() -> None:
    weights = Weights(holding_per_year=0.365, shortage=0.5, excess_per_year=3.65)
    assert weights.shortage_days == pytest.approx(500.0)
    assert weights.excess_times == pytest.approx(10.0)
    cost = weights.cost(stock=np.array([1_000.0]), excess=np.array([100.0]), lost=np.array([10.0]))
    assert cost == pytest.approx([1.0 + 1.0 + 5.0])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("rewards: {holding_per_yaer: 0.2}", "holding_per_year"),
        ("rewards: {holding_per_year: -1}", "rewards.holding_per_year"),
        ("rewards: {shortage: much}", "rewards.shortage"),
        ("limits: {position_cap: {clamp: 99}}", "limits.position_cap.clamp"),
        ("limits: {positon_cap: {clamp: 1}}", "position_cap"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as caught:
        read_rewards(written(tmp_path, text))
    assert "rewards.yaml:1" in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_rewards(tmp_path / "nowhere.yaml")
