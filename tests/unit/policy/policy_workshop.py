"""Makes policy bundles signed by a key of the tests, each wrong in one way."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from connector.policy.bundle import Bundle, load_bundle
from connector.policy.graph import read_graph
from connector.policy.manifest import (
    MANIFEST,
    MODEL,
    SIGNATURES,
    FileDigest,
    GraphContract,
    Manifest,
    canonical,
)
from connector.policy.trust import Trust
from connector.policy.wire import MalformedProtobuf
from policies.bundling import sign

TODAY = date(2026, 11, 24)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))


@dataclass(frozen=True)
class Workshop:
    """Makes bundles signed by a key of the tests, each wrong in one way."""

    directory: Path
    manifest: Manifest
    model: bytes
    trust: Trust

    def write(
        self,
        *,
        model: bytes | None = None,
        manifest: Manifest | None = None,
        keys: tuple[Ed25519PrivateKey, ...] = (KEY,),
        name: str = "bundle",
    ) -> Path:
        """Write a bundle whose manifest is signed and speaks of the model it comes with."""
        model = self.model if model is None else model
        manifest = self.speaking_of(model, manifest or self.manifest)
        octets = canonical(manifest)
        place = self.directory / name
        place.mkdir()
        (place / MODEL).write_bytes(model)
        (place / MANIFEST).write_bytes(octets)
        (place / SIGNATURES).write_bytes(sign(octets, list(keys)))
        return place

    def speaking_of(self, model: bytes, manifest: Manifest) -> Manifest:
        digest = FileDigest(sha256=hashlib.sha256(model).hexdigest(), size=len(model))
        try:
            graph = read_graph(model)
        except MalformedProtobuf:
            contract = manifest.graph
        else:
            contract = GraphContract(opset=graph.opset, ops=graph.ops, nodes=graph.nodes)
        return msgspec.structs.replace(manifest, files={MODEL: digest}, graph=contract)

    def load(self, place: Path, **arguments: object) -> Bundle:
        return load_bundle(
            place, self.trust, **{"today": TODAY, "connector_version": "0.1.0"} | arguments
        )

    def changed(self, **fields: object) -> Manifest:
        return msgspec.structs.replace(self.manifest, **fields)
