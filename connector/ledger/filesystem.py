"""Which kind of file system a path lies on: SQLite's WAL and flock are not safe on all of them."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

from connector.errors import LedgerUnavailable

# Numbers from the kernel's magic.h; statfs reports them as f_type.
_NAMES = {
    0x6969: "nfs",
    0x517B: "smb",
    0xFF534D42: "cifs",
    0xFE534D42: "smb2",
    0x00C36400: "ceph",
    0x5346414F: "afs",
    0x73757245: "coda",
    0x01021997: "9p",
    0x0BD00BD0: "lustre",
    0x47504653: "gpfs",
    0x19830326: "beegfs",
    0x7461636F: "ocfs2",
    0x01161970: "gfs2",
    0x65735546: "fuse",
    0x794C7630: "overlay",
    0x01021994: "tmpfs",
    0x858458F6: "ramfs",
    0xEF53: "ext4",
    0x58465342: "xfs",
    0x9123683E: "btrfs",
    0x2FC12FC1: "zfs",
    0xF2F52010: "f2fs",
}
# Locks and shared memory there are not, or not surely, shared between all that open the file.
_NETWORK = frozenset(
    {"nfs", "smb", "cifs", "smb2", "ceph", "afs", "coda", "9p", "lustre", "gpfs", "beegfs"}
    | {"ocfs2", "gfs2"}
)
# Gone with the container or the power, or implemented by who knows what.
_VOLATILE = frozenset({"tmpfs", "ramfs", "overlay", "fuse"})


def filesystem_of(path: Path) -> str:
    """Return the kind of file system an existing path lies on, its hexadecimal number if unknown.

    Raises LedgerUnavailable when the kernel does not say.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    answer = ctypes.create_string_buffer(256)
    if libc.statfs(os.fsencode(path), answer) != 0:
        why = os.strerror(ctypes.get_errno())
        msg = f"cannot tell which file system {path} lies on: {why}"
        raise LedgerUnavailable(msg, hint="create the state directory on a local disk")
    magic = ctypes.c_long.from_buffer(answer).value & 0xFFFFFFFF
    return _NAMES.get(magic, hex(magic))


def require_local(path: Path, filesystem: str, *, durable: bool) -> None:
    """Refuse a network file system always, and one that forgets when `durable` is asked."""
    if filesystem in _NETWORK:
        msg = f"{path} lies on {filesystem}, a network file system; the ledger needs a local disk"
        raise LedgerUnavailable(msg, hint="move state_dir to a local disk", filesystem=filesystem)
    if durable and filesystem in _VOLATILE:
        msg = f"{path} lies on {filesystem}, which does not outlive this machine or container"
        hint = "mount a volume of a local disk at state_dir before going live"
        raise LedgerUnavailable(msg, hint=hint, filesystem=filesystem)


def free_octets(path: Path) -> int:
    """Return what is left on the file system of `path`."""
    return shutil.disk_usage(path).free
