"""The journal's head, kept outside the ledger's file: how a restored backup is recognised.

A ledger that is older than its anchor lost rows that the ERP may have. The deterministic keys would
then file them a second time, so such a ledger is refused until a person says it was restored.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from connector.errors import LedgerUnavailable
from connector.ledger.journal import Head
from connector.ledger.store import Store


class _Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    seq: int
    hash: str


def read_anchor(path: Path) -> Head | None:
    """Return the anchored head, None when there is none yet; raise for an unreadable one."""
    try:
        octets = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(path, str(error)) from error
    try:
        anchor = msgspec.json.decode(octets, type=_Anchor)
    except msgspec.MsgspecError as error:
        raise _unreadable(path, str(error)) from error
    return Head(seq=anchor.seq, hash=anchor.hash)


def write_anchor(path: Path, head: Head) -> None:
    """Replace the anchor, atomically and durably."""
    octets = msgspec.json.encode(_Anchor(seq=head.seq, hash=head.hash))
    beside = path.with_suffix(".new")
    try:
        with beside.open("wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        msg = f"{path}: the anchor cannot be written: {error}"
        raise LedgerUnavailable(
            msg, hint="free space, check owner and mode of state_dir"
        ) from error


def is_behind(store: Store, anchor: Head) -> bool:
    """Tell whether the ledger lacks, or contradicts, what was anchored."""
    if anchor.seq == 0:
        return False
    found = store.rows("SELECT hash FROM journal WHERE seq = ?", (anchor.seq,))
    return not found or found[0][0] != anchor.hash


def _unreadable(path: Path, why: str) -> LedgerUnavailable:
    msg = f"{path}: the anchor cannot be read: {why}"
    return LedgerUnavailable(msg, hint="restore it, or open the ledger as restored")
