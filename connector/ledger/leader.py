"""One leader per site: a lock that the kernel gives back at any death, `kill -9` included."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Self

from connector.errors import LedgerUnavailable, NotLeader
from connector.ledger.filesystem import filesystem_of, require_local

LOCK_NAME = "leader.lock"


class LeaderLock:
    """Holds `<directory>/leader.lock` from construction to `release`."""

    def __init__(self, directory: Path) -> None:
        """Take the lock or raise NotLeader naming who has it; never waits."""
        self.path = directory / LOCK_NAME
        self._descriptor = -1
        require_local(directory, filesystem_of(directory), durable=False)
        try:
            self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._give_up()
        except OSError as error:
            msg = f"{self.path}: the leader lock cannot be opened: {error}"
            raise LedgerUnavailable(msg, hint="check owner and mode of state_dir") from error
        if not self.held():  # it was replaced between open and flock
            self._give_up()
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)

    def __enter__(self) -> Self:
        """Return the lock, which is held already."""
        return self

    def __exit__(self, *_: object) -> None:
        """Give the lock back."""
        self.release()

    def held(self) -> bool:
        """Tell whether the lock is still ours: a lock file that was removed no longer excludes."""
        if self._descriptor < 0:
            return False
        try:
            named, ours = self.path.stat(), os.fstat(self._descriptor)
        except OSError:
            return False
        return (named.st_dev, named.st_ino) == (ours.st_dev, ours.st_ino)

    def release(self) -> None:
        """Give the lock back; the file stays, removing it would open a race."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _give_up(self) -> None:
        holder = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip()
        self.release()
        msg = f"{self.path} is held by process {holder or 'unknown'}"
        hint = "one daemon per site; look for it with `replenishd status`"
        raise NotLeader(msg, hint=hint, holder=holder)


def holder_of(directory: Path) -> str:
    """Return the process id of whoever holds the lock now, "" when nobody does.

    Reads the kernel's list of locks: trying the lock would keep a starting daemon out.
    """
    path = directory / LOCK_NAME
    try:
        facts = path.stat()
        held = Path("/proc/locks").read_text(encoding="ascii")
    except OSError:
        return ""
    inode = f":{facts.st_ino}"
    for line in held.splitlines():
        words = line.split()
        if words[1:2] == ["FLOCK"] and any(word.endswith(inode) for word in words):
            return path.read_text(encoding="ascii").strip()
    return ""
