"""What is usual is told per day since the order before, in the past as well as now."""

from __future__ import annotations

import polars as pl
import pytest
from builders import DAY, TODAY, many, ordered_of, said, scene_of, vitals_of

from connector.failsafes.verdicts import Action


@pytest.mark.parametrize(("days", "says"), [(4, [Action.NODE_HOLD]), (5, []), (7, [])])
def test_a_node_that_orders_weekly_is_compared_by_the_day(days, says):
    # Tuesdays only, 560 for seven days of need: 80 a day, at most 120; 600 asked today
    scene = scene_of(*many(30))
    tuesdays = {age: 560.0 if age % 7 == 0 else 0.0 for age in range(1, 61)}
    lines = {age: 30 if age % 7 == 0 else 0 for age in range(1, 61)}
    placed = ordered_of(scene.state, 40).filter(pl.col("ordered_on") <= TODAY - days * DAY)
    scene = scene.remembering(
        vitals=vitals_of(scene.state, value=tuesdays, lines=lines), ordered=placed
    )
    assert said(scene.screened(), "D2") == says
