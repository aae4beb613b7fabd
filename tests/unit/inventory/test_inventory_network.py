"""A forest of nodes, checked when it is said."""

from __future__ import annotations

import pytest
from inventory_frames import DC, NETWORK, OTHER, REGION

from connector.errors import ConfigError
from connector.inventory.network import Network, Node


def test_levels_and_echelons():
    deep = Network(
        (Node(name="A"), Node(name="B", supplied_by="A"), Node(name="C", supplied_by="B"))
    )
    assert [deep.level(name) for name in deep.names] == [2, 1, 0]
    assert deep.downstream("A") == ("B", "C")
    assert deep.upstream("C") == ("B", "A")
    assert NETWORK.downstream(DC) == (REGION, OTHER)
    assert NETWORK.supplier(DC) == ""


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ((Node(name="A"), Node(name="A")), "named twice"),
        ((Node(name="A", supplied_by="Z"),), "A is supplied by unknown node Z"),
        ((Node(name="A", supplied_by="A"),), "supplies itself"),
        ((Node(name="A", supplied_by="B"), Node(name="B", supplied_by="A")), "supplies itself"),
    ],
)
def test_a_network_that_cannot_be_is_refused(nodes, message):
    with pytest.raises(ConfigError, match=message):
        Network(nodes)
