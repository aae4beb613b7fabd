"""From a trained torch network to one ONNX file that answers the same."""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-subclassing-any=False, disallow-untyped-decorators=False
# mypy: disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import io
import warnings

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

from connector.errors import PolicyUnusable
from connector.policy.bundle import TOLERANCE
from connector.policy.features import FEATURES
from connector.policy.session import INPUT, OUTPUTS, Session

Features = NDArray[np.float32]

OPSET = 18


def to_onnx(network: torch.nn.Module, sample: Features) -> bytes:
    """Return the network as one ONNX file with a dynamic number of rows."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The tracing exporter needs no further package; torch is pinned, so it will not go away.
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            network,
            (torch.from_numpy(sample[:4]),),
            buffer,  # type: ignore[arg-type, unused-ignore]
            dynamo=False,
            opset_version=OPSET,
            input_names=[INPUT],
            output_names=list(OUTPUTS),
            dynamic_axes={name: {0: "lines"} for name in (INPUT, *OUTPUTS)},
        )
    model = onnx.load_model_from_string(buffer.getvalue())
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def require_parity(network: torch.nn.Module, model: bytes, features: Features) -> float:
    """Return the largest difference between torch and ONNX; raise PolicyUnusable above 1e-5."""
    with torch.no_grad():
        expected = [each.numpy() for each in network(torch.from_numpy(features))]
    given = Session(model, len(FEATURES)).answer(features).columns()
    worst = max(
        float((np.abs(a - b) / np.maximum(np.abs(b), 1.0)).max())
        for a, b in zip(given, expected, strict=True)
    )
    if not worst <= TOLERANCE:
        raise PolicyUnusable(f"ONNX differs from torch by {worst:.3g}, at most {TOLERANCE} may be")
    return worst
