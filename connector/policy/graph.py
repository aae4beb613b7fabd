"""What an ONNX file would run, read from its bytes without running or trusting it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from connector.policy.wire import MalformedProtobuf, Shape, body, message, number, text

# Element-wise arithmetic and linear algebra: no control flow, no files, no randomness, no
# operator that grows its output beyond what its inputs span.
_ARITHMETIC = {
    "Abs", "Add", "Clip", "Div", "Erf", "Exp", "Log", "Max", "Min", "Mul", "Neg", "Pow",
    "Reciprocal", "Sign", "Sqrt", "Sub", "Sum",
}  # fmt: skip
_LOGIC = {"And", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Not", "Or", "Where"}
_ACTIVATIONS = {
    "Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "LogSoftmax", "Mish", "Relu", "Selu",
    "Sigmoid", "Softmax", "Softplus", "Softsign", "Tanh",
}  # fmt: skip
_LINEAR = {
    "Gemm", "LayerNormalization", "MatMul", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum",
}  # fmt: skip
_LAYOUT = {
    "Cast", "Concat", "Constant", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split",
    "Squeeze", "Transpose", "Unsqueeze",
}  # fmt: skip
ALLOWED_OPS = frozenset(_ARITHMETIC | _LOGIC | _ACTIVATIONS | _LINEAR | _LAYOUT)
ALLOWED_DOMAINS = frozenset({"", "ai.onnx"})
OPSETS = range(13, 24)  # what the onnxruntime floor of this project runs and we have tried

_MODEL = Shape(
    "ModelProto",
    {
        1: "ir_version", 2: "producer_name", 3: "producer_version", 4: "domain",
        5: "model_version", 6: "doc_string", 7: "graph", 8: "opset_import",
        14: "metadata_props", 20: "training_info", 25: "functions",
    },
    frozenset({"opset_import", "metadata_props", "training_info", "functions"}),
)  # fmt: skip
_OPSET = Shape("OperatorSetIdProto", {1: "domain", 2: "version"}, frozenset())
_GRAPH = Shape(
    "GraphProto",
    {
        1: "node", 2: "name", 5: "initializer", 10: "doc_string", 11: "input", 12: "output",
        13: "value_info", 14: "quantization_annotation", 15: "sparse_initializer",
        16: "metadata_props",
    },
    frozenset(
        {
            "node", "initializer", "input", "output", "value_info", "quantization_annotation",
            "sparse_initializer", "metadata_props",
        }
    ),
)  # fmt: skip
_NODE = Shape(
    "NodeProto",
    {
        1: "input", 2: "output", 3: "name", 4: "op_type", 5: "attribute", 6: "doc_string",
        7: "domain", 8: "overload", 9: "metadata_props",
    },
    frozenset({"input", "output", "attribute", "metadata_props"}),
)  # fmt: skip
_ATTRIBUTE = Shape(
    "AttributeProto",
    {
        1: "name", 2: "f", 3: "i", 4: "s", 5: "t", 6: "g", 7: "floats", 8: "ints", 9: "strings",
        10: "tensors", 11: "graphs", 13: "doc_string", 14: "tp", 15: "type_protos", 20: "type",
        21: "ref_attr_name", 22: "sparse_tensor", 23: "sparse_tensors",
    },
    frozenset(
        {"floats", "ints", "strings", "tensors", "graphs", "type_protos", "sparse_tensors"}
    ),
)  # fmt: skip
_TENSOR = Shape(
    "TensorProto",
    {
        1: "dims", 2: "data_type", 3: "segment", 4: "float_data", 5: "int32_data",
        6: "string_data", 7: "int64_data", 8: "name", 9: "raw_data", 10: "double_data",
        11: "uint64_data", 12: "doc_string", 13: "external_data", 14: "data_location",
        16: "metadata_props",
    },
    frozenset(
        {
            "dims", "float_data", "int32_data", "string_data", "int64_data", "double_data",
            "uint64_data", "external_data", "metadata_props",
        }
    ),
)  # fmt: skip
_VALUE = Shape("ValueInfoProto", {1: "name", 2: "type", 3: "doc_string", 4: "metadata_props"},
               frozenset({"metadata_props"}))  # fmt: skip
# What a policy never needs and an attacker would like.
_FORBIDDEN = {
    "training_info": "a training graph",
    "functions": "functions of its own",
    "sparse_initializer": "sparse tensors",
    "quantization_annotation": "quantization annotations",
    "overload": "an overloaded operator",
    "g": "a nested graph",
    "graphs": "nested graphs",
    "tp": "type attributes",
    "type_protos": "type attributes",
    "ref_attr_name": "a reference to a function's attribute",
    "sparse_tensor": "sparse tensors",
    "sparse_tensors": "sparse tensors",
    "segment": "a segmented tensor",
    "external_data": "data in another file",
}


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The parts of an ONNX model that decide whether it may run."""

    opset: int
    ops: tuple[str, ...]  # sorted, unique; operators of foreign domains as "domain::Op"
    nodes: int
    inputs: tuple[str, ...]  # without initializers
    outputs: tuple[str, ...]
    tensors: int
    forbidden: tuple[str, ...]  # found, in words; () = nothing

    @property
    def disallowed(self) -> tuple[str, ...]:
        """Return the operators that are not on the allow-list."""
        return tuple(op for op in self.ops if op not in ALLOWED_OPS)


class _Inventory:
    """Collects while the model is read once, top to bottom."""

    def __init__(self) -> None:
        self.ops: Counter[str] = Counter()
        self.forbidden: set[str] = set()
        self.tensors = 0

    def read(self, octets: memoryview, shape: Shape) -> dict[str, list[int | memoryview]]:
        found = message(octets, shape)
        self.forbidden.update(_FORBIDDEN[name] for name in found if name in _FORBIDDEN)
        return found

    def node(self, octets: memoryview) -> None:
        found = self.read(octets, _NODE)
        domain = "".join(map(text, found.get("domain", [])))
        op = "".join(map(text, found.get("op_type", [])))
        self.ops[op if domain in ALLOWED_DOMAINS else f"{domain}::{op}"] += 1
        for octets_of in found.get("attribute", []):
            attribute = self.read(body(octets_of), _ATTRIBUTE)
            for tensor in (*attribute.get("t", []), *attribute.get("tensors", [])):
                self.tensor(body(tensor))

    def tensor(self, octets: memoryview) -> str:
        found = self.read(octets, _TENSOR)
        self.tensors += 1
        if any(number(place) for place in found.get("data_location", [])):
            self.forbidden.add(_FORBIDDEN["external_data"])
        return "".join(map(text, found.get("name", [])))


def _opset(entries: list[int | memoryview]) -> int:
    versions = {}
    for entry in entries:
        found = message(body(entry), _OPSET)
        domain = "".join(map(text, found.get("domain", [])))
        if domain in versions:
            raise MalformedProtobuf(f"opset of domain {domain!r} is given twice")
        versions[domain] = number(found["version"][0]) if "version" in found else 0
    if set(versions) - ALLOWED_DOMAINS or len(versions) != 1:
        raise MalformedProtobuf(f"opset domains {sorted(versions)}, only the standard one may be")
    return next(iter(versions.values()))


def _value_name(octets: int | memoryview) -> str:
    return "".join(map(text, message(body(octets), _VALUE).get("name", [])))


def read_graph(octets: bytes) -> Graph:
    """Return what the model holds; raise MalformedProtobuf where it is not a plain ONNX model."""
    inventory = _Inventory()
    model = inventory.read(memoryview(octets), _MODEL)
    if "graph" not in model:
        raise MalformedProtobuf("ModelProto has no graph")
    graph = inventory.read(body(model["graph"][0]), _GRAPH)
    constants = {inventory.tensor(body(each)) for each in graph.get("initializer", [])}
    for node in graph.get("node", []):
        inventory.node(body(node))
    return Graph(
        opset=_opset(model.get("opset_import", [])),
        ops=tuple(sorted(inventory.ops)),
        nodes=inventory.ops.total(),
        inputs=tuple(n for n in map(_value_name, graph.get("input", [])) if n not in constants),
        outputs=tuple(map(_value_name, graph.get("output", []))),
        tensors=inventory.tensors,
        forbidden=tuple(sorted(inventory.forbidden)),
    )
