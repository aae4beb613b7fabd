"""Deterministic keys: the same decision has the same key in a replay, a second daemon, a backup.

The ERP gives ten upper-case characters to carry a key: 50 bits. Two of a million lines share one
with probability 4e-4, so a key found in the ERP is matched with node, item and unit as well.
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import orjson

from connector.errors import ConfigError

KEY_LENGTH = 10
_SECRET_OCTETS = (16, 64)  # BLAKE2b takes a key of up to 64


def line_key(secret: bytes, *, node: str, item: str, slot: str, line_no: int) -> str:
    """Return the key of one line of one slot: 10 characters of A-Z and 2-7."""
    return _keyed(secret, b"line", [node, item, slot, line_no])


def document_key(secret: bytes, line_keys: Iterable[str]) -> str:
    """Return the key of a document: the same lines give the same one, in any order."""
    return _keyed(secret, b"document", sorted(line_keys))


def _keyed(secret: bytes, purpose: bytes, parts: Sequence[str | int]) -> str:
    # JSON, so that ("10", "1X") and ("101", "X") cannot meet.
    message = orjson.dumps(parts)
    digest = hashlib.blake2b(message, key=secret, person=purpose, digest_size=10).digest()
    return base64.b32encode(digest).decode("ascii")[:KEY_LENGTH]


def require_secret(secret: bytes) -> bytes:
    """Return a usable site secret, or say which lengths are."""
    low, high = _SECRET_OCTETS
    if not low <= len(secret) <= high:
        msg = f"the site secret has {len(secret)} octets; {low} to {high} are allowed"
        raise ConfigError(msg, hint="delete nothing: restore the secret from the backup")
    return secret


def site_secret(path: Path) -> bytes:
    """Return the site's secret, made once with mode 0600; it belongs into every backup.

    Raises ConfigError when it cannot be read, made, or is of the wrong length.
    """
    try:
        return require_secret(path.read_bytes())
    except FileNotFoundError:
        return _make(path)
    except OSError as error:
        msg = f"{path}: the site secret cannot be read: {error}"
        raise ConfigError(msg, hint="check owner and mode of state_dir") from error


def _make(path: Path) -> bytes:
    secret = secrets.token_bytes(32)
    beside = path.with_suffix(".new")
    try:
        beside.unlink(missing_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secret)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        msg = f"{path}: the site secret cannot be made: {error}"
        raise ConfigError(msg, hint="check owner and mode of state_dir") from error
    return secret
