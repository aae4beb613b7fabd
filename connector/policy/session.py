"""Runs a policy's bytes in onnxruntime: on the CPU, in one thread, the same bits every time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from connector.policy.trust import refusal

INPUT = "features"
OUTPUTS = ("action", "mean", "log_std")
_BATCH = 8_192  # rows: keeps the activations in the cache, whatever the size of the site


@dataclass(frozen=True)
class Answers:
    """What the network says for N lines: the action, and the distribution it was taken from."""

    action: NDArray[np.float32]
    mean: NDArray[np.float32]
    log_std: NDArray[np.float32]

    def columns(self) -> tuple[NDArray[np.float32], ...]:
        """Return the outputs in the order of OUTPUTS."""
        return self.action, self.mean, self.log_std


class Session:
    """A loaded network. Not told a path, ever: it sees only bytes that were checked."""

    def __init__(self, model: bytes, width: int) -> None:
        """Load the model; raise PolicyUnusable where it is not features [N, width] -> OUTPUTS."""
        self._width = width
        try:
            self._run = ort.InferenceSession(
                model, sess_options=_options(), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises a dozen unrelated classes
            raise refusal("model", "one that onnxruntime loads", _first_line(error)) from error
        inputs = [(each.name, each.type, each.shape[1:]) for each in self._run.get_inputs()]
        if inputs != [(INPUT, "tensor(float)", [width])]:
            raise refusal("model input", f"{INPUT} float32 [N, {width}]", inputs)
        outputs = tuple(each.name for each in self._run.get_outputs())
        if outputs != OUTPUTS:
            raise refusal("model outputs", OUTPUTS, outputs)

    def answer(self, features: NDArray[np.float32]) -> Answers:
        """Return the answers for features [N, width], in order; raise PolicyUnusable."""
        parts = [self._batch(part) for part in _batches(features)]
        return Answers(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))

    def _batch(self, features: NDArray[np.float32]) -> list[NDArray[np.float32]]:
        try:
            found: list[Any] = self._run.run(list(OUTPUTS), {INPUT: features})
        except Exception as error:  # onnxruntime raises a dozen unrelated classes
            raise refusal("run", "answers", _first_line(error)) from error
        shapes = [(array.dtype.name, array.shape) for array in found]
        expected = [("float32", (len(features),))] * len(OUTPUTS)
        if shapes != expected:
            raise refusal("output shapes", expected, shapes)
        return found


def _batches(features: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    starts = range(0, max(len(features), 1), _BATCH)
    return [np.ascontiguousarray(features[start : start + _BATCH]) for start in starts]


def _options() -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.use_deterministic_compute = True
    options.log_severity_level = 4  # its warnings would bypass our log
    options.add_session_config_entry("session.load_model_format", "ONNX")
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
