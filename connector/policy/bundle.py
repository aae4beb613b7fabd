"""Admits a policy bundle, or says which check refused it.

    files -> signature -> manifest -> versions -> digests -> graph -> session -> golden vectors

The order is the rule: nothing is parsed before it is signed for, nothing runs before it is checked.
The file is read once; what is hashed is what is loaded.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from connector.policy.features import FEATURES, NAMES, schema_digest
from connector.policy.files import BundleLimits, read_files
from connector.policy.graph import ALLOWED_OPS, OPSETS, Graph, read_graph
from connector.policy.manifest import (
    MANIFEST,
    MODEL,
    SIGNATURES,
    Manifest,
    Table,
    read_manifest,
    version_key,
)
from connector.policy.session import INPUT, OUTPUTS, Session
from connector.policy.trust import Trust, refusal
from connector.policy.wire import MalformedProtobuf

TOLERANCE = 1e-5  # of a golden answer, absolute below 1 and relative above


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """A policy that passed every check."""

    manifest: Manifest
    digest: str  # sha256 of the model's bytes
    session: Session
    signed_by: tuple[str, ...]
    golden_difference: float  # largest seen at this load

    @property
    def name(self) -> str:
        """Return policy_id@version."""
        return self.manifest.name


def load_bundle(
    directory: Path,
    trust: Trust,
    *,
    today: date,
    connector_version: str,
    limits: BundleLimits | None = None,
    hard_links: bool = False,
) -> Bundle:
    """Return the admitted bundle; raise PolicyUnusable naming the check, expected and found.

    `today` decides expiry. `hard_links`: see `read_files`.
    """
    limits = limits or BundleLimits()
    files = read_files(directory, limits, hard_links=hard_links)
    return admit(files, trust, today=today, connector_version=connector_version, limits=limits)


def admit(
    files: dict[str, bytes],
    trust: Trust,
    *,
    today: date,
    connector_version: str,
    limits: BundleLimits,
) -> Bundle:
    """Return the bundle held by these bytes; raise PolicyUnusable."""
    signed_by = trust.verify(files[MANIFEST], files[SIGNATURES])
    manifest = _manifest(files[MANIFEST])
    require_current(manifest, today)
    _require_versions(manifest, connector_version)
    digest = _require_digests(manifest, files[MODEL])
    _require_graph(manifest, files[MODEL], limits)
    _require_tables(manifest)
    session = Session(files[MODEL], len(FEATURES))
    return Bundle(
        manifest=manifest,
        digest=digest,
        session=session,
        signed_by=signed_by,
        golden_difference=_require_golden(manifest, session, limits),
    )


def require_current(manifest: Manifest, today: date) -> None:
    """Refuse a policy after its last day."""
    if today > manifest.expires_on:
        expected = f"a day up to {manifest.expires_on}"
        raise refusal("expiry", expected, today, f"export {manifest.policy_id} anew")


def _manifest(octets: bytes) -> Manifest:
    try:
        return read_manifest(octets)
    except (msgspec.DecodeError, ValueError) as error:
        raise refusal("manifest", "the fields of format 1", error) from error


def _require_versions(manifest: Manifest, connector_version: str) -> None:
    if version_key(connector_version) < version_key(manifest.connector_minimum):
        raise refusal(
            "connector version",
            f"{manifest.connector_minimum} or later",
            connector_version,
            "upgrade the connector, or install a policy made for it",
        )
    contract = manifest.features
    if contract.names != NAMES or contract.digest != schema_digest():
        raise refusal("feature schema", schema_digest(), contract.digest)
    if unknown := set(contract.reads) - set(NAMES):
        raise refusal("features read", "names of the schema", sorted(unknown))
    _require_ranges(contract.trained)
    if not 0 <= manifest.action.minimum < manifest.action.maximum:
        bounds = f"{manifest.action.minimum}..{manifest.action.maximum}"
        raise refusal("action range", "0 <= minimum < maximum", bounds)


def _require_ranges(trained: Table | None) -> None:
    if trained is None:
        return
    try:
        ranges = trained.numbers()
    except ValueError as error:
        raise refusal("trained ranges", "a table of numbers", error) from error
    if ranges.shape != (len(NAMES), 2):
        raise refusal("trained ranges", (len(NAMES), 2), ranges.shape)
    if len(wrong := np.flatnonzero(ranges[:, 0] > ranges[:, 1])):
        raise refusal("trained ranges", "least <= most", f"not for {NAMES[wrong[0]]}")


def _require_digests(manifest: Manifest, model: bytes) -> str:
    if set(manifest.files) != {MODEL}:
        raise refusal("files declared", [MODEL], sorted(manifest.files))
    declared, digest = manifest.files[MODEL], hashlib.sha256(model).hexdigest()
    if len(model) != declared.size:
        raise refusal("model size", declared.size, len(model))
    if digest != declared.sha256:
        raise refusal("model digest", declared.sha256, digest)
    return digest


def _require_graph(manifest: Manifest, model: bytes, limits: BundleLimits) -> None:
    try:
        graph = read_graph(model)
    except MalformedProtobuf as error:
        raise refusal("model format", "a plain ONNX model", error) from error
    require_plain(graph, limits)
    contract = manifest.graph
    declared = (contract.opset, contract.ops, contract.nodes)
    if declared != (graph.opset, graph.ops, graph.nodes):
        raise refusal("graph declared", declared, (graph.opset, graph.ops, graph.nodes))


def require_plain(graph: Graph, limits: BundleLimits) -> None:
    """Refuse a graph that could do more than compute an answer from its features."""
    if graph.forbidden:
        raise refusal("graph contents", "nodes and weights", "; ".join(graph.forbidden))
    if graph.opset not in OPSETS:
        raise refusal("opset", f"{OPSETS.start} to {OPSETS.stop - 1}", graph.opset)
    if graph.disallowed:
        expected = f"some of the {len(ALLOWED_OPS)} allowed operators"
        raise refusal("operators", expected, ", ".join(graph.disallowed))
    if graph.nodes > limits.nodes:
        raise refusal("graph size", f"at most {limits.nodes} nodes", graph.nodes)
    if (graph.inputs, graph.outputs) != ((INPUT,), OUTPUTS):
        raise refusal("graph inputs and outputs", (INPUT, OUTPUTS), (graph.inputs, graph.outputs))


def _require_tables(manifest: Manifest) -> None:
    width, reference, calibration = len(FEATURES), manifest.reference, manifest.calibration
    edges = numbers(reference.edges, width, reference.edges.columns, "reference edges")
    numbers(reference.shares, width, edges.shape[1] + 1, "reference shares")
    numbers(reference.states, 1, width, "reference states")
    numbers(calibration.centre, width, 1, "calibration centre")
    numbers(calibration.whitening, width, width, "calibration whitening")
    numbers(calibration.scores, 1, 1, "calibration scores")


def _require_golden(manifest: Manifest, session: Session, limits: BundleLimits) -> float:
    golden = manifest.golden
    inputs = numbers(golden.features, limits.golden_vectors, len(FEATURES), "golden features")
    answers = session.answer(inputs)
    worst = 0.0
    declared = (golden.action, golden.mean, golden.log_std)
    for name, table, given in zip(OUTPUTS, declared, answers.columns(), strict=True):
        expected = numbers(table, len(inputs), 1, f"golden {name}")[:, 0]
        difference = np.abs(given - expected) / np.maximum(np.abs(expected), 1.0)
        if not (difference <= TOLERANCE).all():  # nan is no match either
            k = int(np.nanargmax(np.where(np.isnan(difference), np.inf, difference)))
            raise refusal(f"golden vector {k}, {name}", f"{expected[k]:.7g}", f"{given[k]:.7g}")
        worst = max(worst, float(difference.max()))
    return worst


def numbers(table: Table, rows_least: int, columns: int, name: str) -> NDArray[np.float32]:
    """Return a table of the manifest of at least so many rows; raise PolicyUnusable."""
    try:
        found = table.numbers()
    except ValueError as error:
        raise refusal(name, "a table of finite numbers", error) from error
    if found.shape[0] < rows_least or found.shape[1] != columns:
        raise refusal(name, f"at least {rows_least} x {columns}", found.shape)
    return found
