"""A clock for tests that stands."""

from __future__ import annotations

from strict_sap import NOW


class StillClock:
    """Wall time stands; waits are written down, not waited."""

    def __init__(self):
        self.waits: list[float] = []
        self.wall = NOW
        self.elapsed = 0.0

    def now(self):
        return self.wall

    def monotonic(self):
        return self.elapsed

    def boot_id(self):
        return "boot"

    def sleep(self, seconds):
        self.waits.append(seconds)
