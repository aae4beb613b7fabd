"""What cannot be lived through is refused by name, before the first period."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from twin_networks import ONE, PAIR, row, rules, shelf

from connector.errors import ConfigError
from connector.twin.network import Topology
from connector.twin.rollout import rollout


def attempt(**changed):
    topology = changed.pop("topology", ONE)
    given = {
        "stock": shelf(topology, *([0.0] * topology.nodes)),
        "demand": [np.zeros((1, topology.nodes))] * 3,
        "lead_time": 1,
        "policy": lambda stock, _: 0.0 * stock.on_hand,
    } | changed
    return rollout(topology, rules(), given.pop("stock"), **given)


EMPTY = shelf(ONE, 0.0)
REFUSED = {
    "demand that is no number": ({"demand": [row(1.0), row(np.nan)]}, "demand is negative or not"),
    "endless demand": ({"demand": np.full((2, 1, 1), np.inf)}, "demand is negative or not finite"),
    "negative demand": ({"demand": [row(1.0), row(-1.0)]}, "demand is negative"),
    "no demand": ({"demand": []}, "0 periods of demand"),
    "nothing but warm-up": ({"demand": [row(1.0)] * 3, "skip": 3}, "3 periods of demand and 3 to"),
    "demand of another network": ({"demand": [row(1, 2)]}, r"demand has shape \(1, 2\)"),
    "no replication": ({"demand": [np.zeros((0, 1))]}, r"demand has shape \(0, 1\)"),
    "a foreign library": ({"demand": [[[1.0]]]}, "demand is builtins.list"),
    "goods that would vanish": ({"lead_time": 4}, "lead time is 4, the horizon is 3"),
    "goods from the past": ({"lead_time": -1}, "lead time is -1"),
    "drawn beyond the horizon": ({"lead_time": [row(4.0)] * 3}, "whole number from 0 to 3"),
    "half a period": ({"lead_time": [row(1.5)] * 3}, "whole number from 0 to 3"),
    "too few lead times": ({"lead_time": [row(1.0)] * 2}, "do not span the 3 periods"),
    "a lead time of no kind": ({"lead_time": 1.5}, "do not span the 3 periods"),
    "stock that is no number": (
        {"stock": replace(EMPTY, on_hand=row(np.nan))},
        "stock.on_hand is negative or not finite",
    ),
    "a pipeline too short": (
        {"stock": replace(EMPTY, pipeline=EMPTY.pipeline[:2])},
        "2 periods of pipeline, the topology's horizon is 3",
    ),
    "goods out of nowhere": (
        {"topology": PAIR, "stock": replace(shelf(PAIR, 0, 0), owed=None)},
        "stock.owed is missing",
    ),
}


@pytest.mark.parametrize(("changed", "says"), REFUSED.values(), ids=REFUSED)
def test_it_is_refused_by_name(changed, says):
    with pytest.raises(ConfigError, match=says):
        attempt(**changed)


def test_the_same_without_a_fault_is_lived_through():
    assert attempt().periods == 3


@pytest.mark.parametrize("suppliers", [(0,), (-1, 1), (-1, 2, -1), (-2,)])
def test_goods_cannot_go_in_a_circle(suppliers):
    with pytest.raises(ConfigError, match="is supplied by node"):
        Topology(suppliers=suppliers, horizon=1)


def test_a_network_needs_a_horizon():
    with pytest.raises(ConfigError, match="horizon is 0"):
        Topology(suppliers=(-1,), horizon=0)
