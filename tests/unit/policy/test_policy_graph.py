"""What an ONNX file would run is known before it runs."""

from __future__ import annotations

import numpy as np
import pytest
from onnx_bytes import (
    DOMAIN,
    GRAPH,
    INITIALIZER,
    NODE,
    OPSET,
    appended,
    edited,
    message,
)

from connector.policy.graph import ALLOWED_OPS, read_graph
from connector.policy.manifest import MODEL
from connector.policy.wire import MalformedProtobuf


@pytest.fixture
def model(shipped_files):
    return shipped_files[MODEL]


def test_the_shipped_model_is_plain(model):
    graph = read_graph(model)
    assert graph.forbidden == ()
    assert set(graph.ops) <= ALLOWED_OPS
    assert (graph.inputs, graph.outputs) == (("features",), ("action", "mean", "log_std"))
    assert graph.nodes > 50


def test_editing_nothing_changes_nothing(model):
    assert edited(model, (GRAPH, NODE), lambda octets: octets) == model


def test_an_operator_of_a_foreign_domain_carries_its_domain(model):
    graph = read_graph(edited(model, (GRAPH, NODE), appended(DOMAIN, "com.evil")))
    assert any(op.startswith("com.evil::") for op in graph.disallowed)


@pytest.mark.parametrize(
    ("path", "number", "value", "said"),
    [
        ((GRAPH, INITIALIZER), 13, message((1, "location"), (2, "weights.bin")), "another file"),
        ((GRAPH, INITIALIZER), 14, 1, "another file"),
        ((GRAPH, INITIALIZER), 3, message((1, 0), (2, 1)), "segmented"),
        ((GRAPH, NODE, 5), 6, b"", "nested graph"),
        ((GRAPH, NODE, 5), 11, b"", "nested graphs"),
        ((GRAPH, NODE, 5), 14, b"", "type attributes"),
        ((GRAPH, NODE, 5), 21, "alpha", "function's attribute"),
        ((GRAPH, NODE, 5), 22, b"", "sparse"),
        ((GRAPH, NODE), 8, "v2", "overloaded"),
        ((GRAPH,), 14, b"", "quantization"),
        ((GRAPH,), 15, b"", "sparse"),
        ((), 20, b"", "training"),
        ((), 25, b"", "functions"),
    ],
)
def test_what_a_policy_never_needs_is_found(model, path, number, value, said):
    graph = read_graph(edited(model, path, appended(number, value)))
    assert any(said in each for each in graph.forbidden)


@pytest.mark.parametrize(
    ("path", "number", "value", "said"),
    [
        ((), GRAPH, b"", "ModelProto.graph is given twice"),
        ((), 26, b"", "unknown field 26"),
        ((GRAPH, NODE), 4, "Loop", "NodeProto.op_type is given twice"),
        ((GRAPH, NODE), 10, b"", "unknown field 10"),
        ((), OPSET, message((1, "com.evil"), (2, 1)), "opset domains"),
        ((), OPSET, message((1, ""), (2, 1)), "given twice"),
    ],
)
def test_what_readers_could_read_differently_is_refused(model, path, number, value, said):
    with pytest.raises(MalformedProtobuf, match=said):
        read_graph(edited(model, path, appended(number, value)))


def test_no_graph_is_no_model():
    with pytest.raises(MalformedProtobuf, match="no graph"):
        read_graph(message((1, 8)))


def test_no_opset_is_no_model():
    with pytest.raises(MalformedProtobuf, match="opset"):
        read_graph(message((1, 8), (GRAPH, b"")))


def test_mutated_models_are_read_or_refused_never_more(model):
    rng = np.random.default_rng(11)
    outcomes = {"read": 0, "refused": 0}
    for _ in range(300):
        octets = bytearray(model)
        for _ in range(rng.integers(1, 5)):
            octets[rng.integers(2_000)] ^= 1 << int(rng.integers(8))
        cut = len(octets) if rng.random() < 0.7 else rng.integers(len(octets))
        try:
            read_graph(bytes(octets[:cut]))
            outcomes["read"] += 1
        except MalformedProtobuf:
            outcomes["refused"] += 1
    assert min(outcomes.values()) > 10, outcomes
