"""Runs a command that ends when its parent does, however that ends: kill -9 included.

    python -m connector.demo.tether PARENT_PID COMMAND ARGUMENT...

Linux only (PR_SET_PDEATHSIG, which survives exec); elsewhere the command just runs.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PARENT_GONE = 1


def main(arguments: list[str]) -> int:
    """Become the command; return only when the parent was gone already."""
    parent, *command = arguments
    set_option = getattr(ctypes.CDLL(None), "prctl", None)
    if set_option is not None:
        set_option(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    # The parent may have ended before the signal was asked for
    if os.getppid() == int(parent):
        os.execvp(command[0], command)  # noqa: S606 - the demo's own command, no shell
    return _PARENT_GONE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
