"""Whose signature makes a policy usable."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from connector.errors import ConfigError, PolicyUnusable
from connector.policy.manifest import Signature, SignatureFile, canonical

# Signed in front of the manifest, so that a signature made for anything else never fits.
DOMAIN = b"replenishd policy manifest 1\n"


def key_id(key: Ed25519PublicKey) -> str:
    """Return the 16 hex digits a key is known by."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


@dataclass(frozen=True)
class Trust:
    """The public keys a site believes, and how many of them must have signed."""

    keys: tuple[Ed25519PublicKey, ...]
    required: int = 1

    def __post_init__(self) -> None:
        """Refuse a trust that nothing or anything could satisfy."""
        distinct = len({key_id(key) for key in self.keys})
        if not 1 <= self.required <= distinct:
            raise ConfigError(
                f"policy trust: {self.required} signatures are required of {distinct} keys",
                hint="list as many trusted public keys as signatures are required, at least one",
            )

    @classmethod
    def read(cls, paths: Iterable[Path], required: int = 1) -> Trust:
        """Read public keys (PEM, ed25519); raise ConfigError naming the file that is none."""
        return cls(tuple(_public_key(path) for path in paths), required)

    def verify(self, manifest: bytes, signatures: bytes) -> tuple[str, ...]:
        """Return the ids of the trusted keys that signed; raise PolicyUnusable if too few did."""
        known = {key_id(key): key for key in self.keys}
        signed: list[str] = []
        for entry in _entries(signatures):
            if (key := known.get(entry.key_id)) and entry.key_id not in signed:
                try:
                    key.verify(bytes.fromhex(entry.ed25519), DOMAIN + manifest)
                except InvalidSignature as error:
                    raise refusal(
                        "signature", "made over these bytes", f"does not fit, key {entry.key_id}"
                    ) from error
                signed.append(entry.key_id)
        if len(signed) < self.required:
            expected = f"{self.required} of the trusted keys {', '.join(sorted(known))}"
            raise refusal("signature", expected, f"{len(signed)} of them signed")
        return tuple(signed)


def refusal(check: str, expected: object, found: object, hint: str = "") -> PolicyUnusable:
    """Return the error of a failed check, with both values."""
    return PolicyUnusable(
        f"policy refused, {check}: expected {expected}, found {found}",
        hint=hint or "install a bundle exported and signed for this connector",
        check=check,
        expected=str(expected),
        found=str(found),
    )


def _entries(octets: bytes) -> tuple[Signature, ...]:
    try:
        signatures = msgspec.json.decode(octets, type=SignatureFile)
    except (msgspec.DecodeError, ValueError) as error:
        raise refusal("signature file", "a list of signatures", error) from error
    if canonical(signatures) != octets:  # one form only: no flipped bit goes unnoticed
        raise refusal("signature file", "its canonical form", "the same content written otherwise")
    return signatures.signatures


def _public_key(path: Path) -> Ed25519PublicKey:
    hint = "give the PEM file of an ed25519 public key"
    try:
        key = load_pem_public_key(path.read_bytes())
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"policy trust: {path} cannot be read: {error}", hint=hint) from error
    if not isinstance(key, Ed25519PublicKey):
        raise ConfigError(f"policy trust: {path} holds a {type(key).__name__}", hint=hint)
    return key
