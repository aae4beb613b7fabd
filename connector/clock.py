"""The one place that reads a clock. Everywhere else time is an argument."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from datetime import UTC, datetime
from pathlib import Path

from connector.errors import ErpUnavailable

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class SystemClock:
    """The machine's clocks; `sleep` wakes early once `stop` was called."""

    def __init__(self) -> None:
        self._stopped = threading.Event()

    def now(self) -> datetime:
        """Return the aware UTC wall time."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since boot; CLOCK_BOOTTIME counts suspend and ignores wall-clock jumps."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def boot_id(self) -> str:
        """Return the kernel's id of this boot."""
        return _BOOT_ID.read_text(encoding="ascii").strip()

    def sleep(self, seconds: float) -> None:
        """Wait, or return at once when the daemon is stopping."""
        self._stopped.wait(seconds)

    def stop(self) -> None:
        """Wake every sleeper."""
        self._stopped.set()


class FollowedClock(SystemClock):
    """Wall time read from the sandbox's simulated clock; monotonic time stays the machine's.

    Only for rehearsals: settings allow it for loopback addresses alone.
    """

    def __init__(self, address: str) -> None:
        super().__init__()
        self._url = f"{address.rstrip('/')}/clock"

    def now(self) -> datetime:
        """Return the simulated UTC time; raise ErpUnavailable when the sandbox is gone."""
        try:
            with urllib.request.urlopen(self._url, timeout=10) as answer:  # noqa: S310 loopback
                return datetime.fromisoformat(json.load(answer)["now"])
        except (OSError, ValueError, KeyError) as error:
            raise ErpUnavailable(
                f"the simulated clock at {self._url} does not answer: {error}",
                hint="start the sandbox, or take clock.follow out of the configuration",
            ) from error
