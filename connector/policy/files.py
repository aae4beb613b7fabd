"""Reads a bundle's directory once, into memory, refusing everything but three plain files."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from connector.errors import PolicyUnusable
from connector.policy.manifest import MANIFEST, MODEL, SIGNATURES
from connector.policy.trust import refusal

_MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class BundleLimits:
    """How big a bundle may be; the fail-safe catalogue's E3."""

    model_bytes: int = 64 * _MIB
    manifest_bytes: int = 16 * _MIB
    signature_bytes: int = 16 * 1024
    nodes: int = 10_000
    golden_vectors: int = 256
    sizes: Mapping[str, int] = field(init=False)

    def __post_init__(self) -> None:
        """Name each file's limit once."""
        sizes = {
            MANIFEST: self.manifest_bytes,
            SIGNATURES: self.signature_bytes,
            MODEL: self.model_bytes,
        }
        object.__setattr__(self, "sizes", sizes)


def read_files(
    directory: Path, limits: BundleLimits, *, hard_links: bool = False
) -> dict[str, bytes]:
    """Return the bytes of a bundle's files by name, or raise PolicyUnusable naming the check.

    `hard_links` admits files with several names: package installers link from their caches.
    """
    with _opened_directory(directory) as handle:
        found = sorted(os.listdir(handle))  # noqa: PTH208 - a path has no descriptor
        if found != sorted(limits.sizes):
            raise refusal("files", sorted(limits.sizes), found, "a bundle holds nothing else")
        return {name: _read(handle, name, size, hard_links) for name, size in limits.sizes.items()}


@contextmanager
def _opened_directory(directory: Path) -> Iterator[int]:
    try:
        handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise _unreadable("directory", str(directory), error) from error
    try:
        yield handle
    finally:
        os.close(handle)


def _read(directory: int, name: str, limit: int, hard_links: bool) -> bytes:
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        handle = os.open(name, flags, dir_fd=directory)
    except OSError as error:
        raise _unreadable("file", name, error) from error
    try:
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            raise refusal("file type", f"{name} is a plain file", stat.filemode(facts.st_mode))
        if facts.st_nlink != 1 and not hard_links:
            raise refusal("hard links", f"{name} has one name", f"{facts.st_nlink} names")
        octets = _at_most(handle, limit + 1)
    except OSError as error:
        raise _unreadable("file", name, error) from error
    finally:
        os.close(handle)
    if len(octets) > limit:
        raise refusal("size", f"{name} of at most {limit} bytes", f"{facts.st_size} bytes")
    return octets


def _at_most(handle: int, size: int) -> bytes:
    octets = bytearray()
    while part := os.read(handle, min(size - len(octets), _MIB)):
        octets += part
    return bytes(octets)


def _unreadable(check: str, name: str, error: OSError) -> PolicyUnusable:
    link = error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)
    found = "a symbolic link or none of this kind" if link else error.strerror
    return refusal(check, f"{name} can be opened and is no symbolic link", found)
