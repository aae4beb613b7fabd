"""From a model's bytes to a signed bundle that the connector admits. Needs neither torch nor onnx.

What is written is read back through the connector's own loader before anyone else sees it.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Literal

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from numpy.typing import NDArray

from connector.policy.bundle import Bundle, load_bundle
from connector.policy.features import FEATURES, NAMES, schema_digest
from connector.policy.graph import read_graph
from connector.policy.manifest import (
    MANIFEST,
    MODEL,
    SIGNATURES,
    ActionContract,
    Calibration,
    Divergence,
    FeatureContract,
    FileDigest,
    Golden,
    GraphContract,
    Manifest,
    Reference,
    Scope,
    Signature,
    SignatureFile,
    Table,
    Training,
    canonical,
)
from connector.policy.session import Session
from connector.policy.trust import DOMAIN, Trust, key_id

Features = NDArray[np.float32]
Semantics = Literal["order_up_to", "echelon_order_up_to"]

BINS = 10  # of a feature's reference distribution


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a bundle is called, and how long it may be used."""

    policy_id: str
    version: str
    created_on: date
    expires_on: date
    connector_minimum: str
    scope: Scope = field(default_factory=Scope)


@dataclass(frozen=True, kw_only=True)
class States:
    """Feature rows of training [n, F], drawn apart for each use."""

    golden: Features
    reference: Features
    fit: Features  # centre and spread of the out-of-distribution score
    calibration: Features  # held out from `fit`


def manifest_of(
    identity: Identity,
    model: bytes,
    states: States,
    *,
    reads: tuple[str, ...],
    action_range: tuple[float, float],
    training: Training,
    evaluation: dict[str, float],
    semantics: Semantics = "order_up_to",
    trained: Features | None = None,
    previous: Bundle | None = None,
) -> Manifest:
    """Return the manifest of a model; `trained` [F, 2] limits where it may answer."""
    graph = read_graph(model)
    session = Session(model, len(FEATURES))
    digest = FileDigest(sha256=hashlib.sha256(model).hexdigest(), size=len(model))
    return Manifest(
        format=1,
        policy_id=identity.policy_id,
        version=identity.version,
        created_on=identity.created_on,
        expires_on=identity.expires_on,
        connector_minimum=identity.connector_minimum,
        files={MODEL: digest},
        features=_feature_contract(reads, trained),
        action=_action_contract(semantics, action_range),
        graph=GraphContract(opset=graph.opset, ops=graph.ops, nodes=graph.nodes),
        scope=identity.scope,
        training=training,
        golden=_golden(session, states.golden),
        reference=_reference(states.reference, states.fit),
        calibration=_calibration(states.fit, states.calibration),
        kl_against_previous=_divergence(session, previous, states.reference) if previous else None,
        evaluation=evaluation,
    )


def _feature_contract(reads: tuple[str, ...], trained: Features | None) -> FeatureContract:
    ranges = None if trained is None else Table.of(trained)
    return FeatureContract(digest=schema_digest(), names=NAMES, reads=reads, trained=ranges)


def _action_contract(semantics: Semantics, allowed: tuple[float, float]) -> ActionContract:
    low, high = allowed
    return ActionContract(
        semantics=semantics, unit="mean demand per review", minimum=low, maximum=high
    )


def _golden(session: Session, features: Features) -> Golden:
    answers = session.answer(features)
    action, mean, log_std = map(Table.of, answers.columns())
    return Golden(features=Table.of(features), action=action, mean=mean, log_std=log_std)


def _reference(rows: Features, many: Features) -> Reference:
    """Cut each feature of `many` states into bins of equal weight; keep `rows` of them whole."""
    inner = np.arange(1, BINS) / BINS
    edges = np.quantile(many, inner, axis=0).T.astype(np.float32)
    shares = np.stack(
        [
            np.bincount(np.searchsorted(edges[k], many[:, k], side="right"), minlength=BINS)
            for k in range(many.shape[1])
        ]
    ) / len(many)
    return Reference(
        states=Table.of(rows), edges=Table.of(edges), shares=Table.of(shares.astype(np.float32))
    )


def _calibration(fit: Features, held_out: Features) -> Calibration:
    centre = fit.mean(axis=0, dtype=np.float64)
    covariance = np.cov(fit.astype(np.float64), rowvar=False)
    ridge = 1e-3 * np.maximum(np.diag(covariance), 1e-3)
    whitening = np.linalg.cholesky(np.linalg.inv(covariance + np.diag(ridge)))
    whitening32 = whitening.astype(np.float32)
    centre32 = centre.astype(np.float32)
    scores = (((held_out - centre32) @ whitening32) ** 2).sum(axis=1)
    return Calibration(
        kind="mahalanobis",
        centre=Table.of(centre32),
        whitening=Table.of(whitening32),
        scores=Table.of(np.sort(scores)),
    )


def _divergence(session: Session, previous: Bundle, features: Features) -> Divergence:
    """KL(new || previous) of the normal distributions of ln(action), over reference states."""
    new, old = session.answer(features), previous.session.answer(features)
    spread, was = np.exp(new.log_std.astype(np.float64)), np.exp(old.log_std.astype(np.float64))
    apart = (new.mean.astype(np.float64) - old.mean) ** 2
    kl = np.log(was / spread) + (spread**2 + apart) / (2.0 * was**2) - 0.5
    return Divergence(
        policy_id=previous.manifest.policy_id,
        version=previous.manifest.version,
        digest=previous.digest,
        mean=float(kl.mean()),
        maximum=float(kl.max()),
    )


def sign(manifest: bytes, keys: list[Ed25519PrivateKey]) -> bytes:
    """Return the signature file of a manifest's bytes."""
    signatures = tuple(
        Signature(key_id=key_id(key.public_key()), ed25519=key.sign(DOMAIN + manifest).hex())
        for key in keys
    )
    return canonical(SignatureFile(signatures=signatures))


def write_bundle(
    directory: Path, manifest: Manifest, model: bytes, keys: list[Ed25519PrivateKey]
) -> Bundle:
    """Write the bundle beside its final place, admit it as a site would, then put it there."""
    octets = canonical(manifest)
    files = {MODEL: model, MANIFEST: octets, SIGNATURES: sign(octets, keys)}
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=".export-") as beside:
        draft = Path(beside) / "bundle"
        draft.mkdir(mode=0o755)
        for name, content in files.items():
            (draft / name).write_bytes(content)
        bundle = load_bundle(
            draft,
            Trust(tuple(key.public_key() for key in keys)),
            today=manifest.created_on,
            connector_version=manifest.connector_minimum,
        )
        if directory.exists():
            os.replace(directory, Path(beside) / "replaced")  # noqa: PTH105 - a directory
        os.replace(draft, directory)  # noqa: PTH105 - a directory
    return bundle
