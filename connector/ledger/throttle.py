"""A7: how often anything may be sent, whatever the reason."""

from __future__ import annotations


class TokenBucket:
    """`rate` tokens per second up to `burst`, on a monotonic clock that is passed in."""

    def __init__(self, *, rate: float, burst: float) -> None:
        """Start full."""
        self._rate = rate
        self._burst = burst
        self._tokens = burst
        self._at: float | None = None

    def take(self, monotonic: float) -> float:
        """Take a token and return 0.0, or take none and return the seconds until there is one."""
        if self._at is not None and monotonic > self._at:
            grown = self._tokens + (monotonic - self._at) * self._rate
            self._tokens = min(self._burst, grown)
        self._at = monotonic
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate
