"""What one review may cost the ERP: so many calls, so many seconds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from connector.errors import SnapshotUnfit

if TYPE_CHECKING:
    from connector.erp.odata.connection import Connection
    from connector.ports import Clock


class Budget:
    """Counts calls across threads. `begin` opens it, `cancel` closes it for every thread."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """Start anew: a review, or one pass of posting."""
        with self._lock:
            self.calls = 0
            self._ends_at = self._clock.monotonic() + self._connection.pull_seconds
            self._cancelled = False

    def cancel(self) -> None:
        """Let no further call start: another thread's failure has decided."""
        self._cancelled = True

    def seconds_left(self) -> float:
        """Return the seconds until the review's own deadline."""
        return self._ends_at - self._clock.monotonic()

    def spend(self) -> None:
        """Take one call, or raise SnapshotUnfit when there is none left."""
        with self._lock:
            self.calls += 1
            allowed = self._connection.calls_per_review
            if self._cancelled:
                msg = "the pull was broken off; another read of it has failed"
                raise SnapshotUnfit(msg)
            if self.calls > allowed:
                msg = f"call {self.calls} of a review that may make {allowed}"
                hint = "raise calls_per_review or page_size; `replenishd api-plan` shows the reads"
                raise SnapshotUnfit(msg, hint=hint)
            if self.seconds_left() <= 0:
                msg = f"the pull takes longer than {self._connection.pull_seconds:g} s"
                raise SnapshotUnfit(msg, hint="look for a slow service, or raise pull_seconds")
