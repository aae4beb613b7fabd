"""What a policy bundle declares about itself: strict, signed, and checked against the bytes."""

from __future__ import annotations

import base64
import binascii
import math
import re
from datetime import date
from typing import Annotated, Literal

import msgspec
import numpy as np
from msgspec import Meta, Struct
from numpy.typing import NDArray

MANIFEST = "manifest.json"
SIGNATURES = "manifest.sig"
MODEL = "policy.onnx"

Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9.-]{0,63}$")]
Version = Annotated[str, Meta(pattern=r"^[0-9]{1,5}(\.[0-9]{1,5}){0,3}$")]
Count = Annotated[int, Meta(ge=0)]
_ENTRIES_MAX = 4_000_000


class Strict(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A part of the manifest: immutable, and nothing in it is ignored."""


class Table(Strict, frozen=True, kw_only=True):
    """float32 numbers [rows, columns], little-endian, row by row, as base64: exact and compact."""

    rows: Count
    columns: Count
    float32: str

    @classmethod
    def of(cls, numbers: NDArray[np.float32]) -> Table:
        """Return the table of a one- or two-dimensional array."""
        square = numbers.reshape(len(numbers), -1)
        octets = np.ascontiguousarray(square, dtype="<f4").tobytes()
        rows, columns = square.shape
        return cls(rows=rows, columns=columns, float32=base64.b64encode(octets).decode("ascii"))

    def numbers(self) -> NDArray[np.float32]:
        """Return the array [rows, columns]; raise ValueError where the text does not hold it."""
        if self.rows * self.columns > _ENTRIES_MAX:
            raise ValueError(f"{self.rows} x {self.columns} numbers, at most {_ENTRIES_MAX}")
        try:
            octets = base64.b64decode(self.float32, validate=True)
        except binascii.Error as error:
            raise ValueError(f"not base64: {error}") from error
        if len(octets) != self.rows * self.columns * 4:
            raise ValueError(f"{len(octets)} bytes for {self.rows} x {self.columns} numbers")
        numbers = np.frombuffer(octets, dtype="<f4").reshape(self.rows, self.columns)
        if not np.isfinite(numbers).all():
            raise ValueError("a number that is not finite")
        return numbers.astype(np.float32)


class FileDigest(Strict, frozen=True, kw_only=True):
    """The size and digest of a file of the bundle."""

    sha256: Sha256
    size: Count


class FeatureContract(Strict, frozen=True, kw_only=True):
    """The encoder that the policy was made for, and which of its features it really reads."""

    digest: Sha256
    names: tuple[str, ...]
    reads: tuple[str, ...]
    trained: Table | None = None  # [F, 2] least and most seen in training; None = never limited


class ActionContract(Strict, frozen=True, kw_only=True):
    """What `action` means. `mean` and `log_std` describe ln(action) as a normal distribution.

    order_up_to: the level of the node by itself; the connector adds the levels of nodes below.
    echelon_order_up_to: the level that the line's position is raised to, with all that is below;
    the policy has seen that position and may raise it by part of what is missing.
    """

    semantics: Literal["order_up_to", "echelon_order_up_to"]
    unit: Literal["mean demand per review"]
    minimum: float
    maximum: float
    distribution: Literal["lognormal"] = "lognormal"


class GraphContract(Strict, frozen=True, kw_only=True):
    """What the model runs."""

    opset: Count
    ops: tuple[str, ...]
    nodes: Count


class Scope(Strict, frozen=True, kw_only=True):
    """Where the policy may be used; empty = everywhere."""

    nodes: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


class Training(Strict, frozen=True, kw_only=True):
    """Where the policy comes from: the twin it was made in, and the window of data behind it."""

    twin: str
    digest: Sha256  # of the twin's source and parameters
    seed: int
    window_from: date | None = None  # None = no site's data went in
    window_to: date | None = None
    notes: str = ""


class Divergence(Strict, frozen=True, kw_only=True):
    """KL(this version || the previous one) over the reference states."""

    policy_id: Name
    version: Version
    digest: Sha256
    mean: float
    maximum: float


class Golden(Strict, frozen=True, kw_only=True):
    """Inputs with the answers they must give again at every load."""

    features: Table
    action: Table
    mean: Table
    log_std: Table


class Reference(Strict, frozen=True, kw_only=True):
    """States of training: rows for KL, and per feature the inner bin edges and shares for PSI."""

    states: Table
    edges: Table  # [F, bins - 1]
    shares: Table  # [F, bins]


class Calibration(Strict, frozen=True, kw_only=True):
    """The out-of-distribution test: conformal p-values of a Mahalanobis score.

    score = sum(((features - centre) @ whitening) ** 2); p = (1 + scores above) / (1 + scores).
    """

    kind: Literal["mahalanobis"]
    centre: Table  # [F, 1]
    whitening: Table  # [F, F]
    scores: Table  # [n, 1], ascending, of states held out from centre and whitening


class Manifest(Strict, frozen=True, kw_only=True):
    """Everything a reader must know before it lets the policy answer."""

    format: Literal[1]
    policy_id: Name
    version: Version
    created_on: date
    expires_on: date  # last day of use
    connector_minimum: Version
    files: dict[str, FileDigest]
    features: FeatureContract
    action: ActionContract
    graph: GraphContract
    scope: Scope
    training: Training
    golden: Golden
    reference: Reference
    calibration: Calibration
    kl_against_previous: Divergence | None = None  # None = there is no previous version
    evaluation: dict[str, float] = {}

    @property
    def name(self) -> str:
        """Return how a policy is named wherever its answers are stored."""
        return f"{self.policy_id}@{self.version}"


class Signature(Strict, frozen=True, kw_only=True):
    """One ed25519 signature over the domain prefix and the manifest's bytes."""

    key_id: Annotated[str, Meta(pattern="^[0-9a-f]{16}$")]
    ed25519: Annotated[str, Meta(pattern="^[0-9a-f]{128}$")]


class SignatureFile(Strict, frozen=True, kw_only=True):
    """The signatures of a manifest, one per key."""

    signatures: Annotated[tuple[Signature, ...], Meta(min_length=1, max_length=16)]


def canonical(part: Struct) -> bytes:
    """Return the one byte form of a manifest or signature file."""
    return msgspec.json.format(msgspec.json.encode(part), indent=1) + b"\n"


def read_manifest(octets: bytes) -> Manifest:
    """Return the manifest; raise msgspec.ValidationError or ValueError where it is not one."""
    manifest = msgspec.json.decode(octets, type=Manifest)
    numbers = (manifest.action.minimum, manifest.action.maximum, *manifest.evaluation.values())
    if not all(map(math.isfinite, numbers)):
        raise ValueError("a number that is not finite")
    return manifest


def version_key(version: str) -> tuple[int, ...]:
    """Return a version's numbers, to compare; trailing zeros and pre-release tags do not count."""
    numbers = re.match(r"\d*(?:\.\d+)*", version)
    parts = [int(part) for part in numbers.group().split(".") if part] if numbers else []
    while parts and parts[-1] == 0:
        parts.pop()
    return tuple(parts)
