"""A6 and A7: whether the time can be trusted, how fast may be sent. Pure: reads no clock itself.

A1, A4 and C16 have no numbers to set and stand where they act: in the ledger's own transactions.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from connector.failsafes.catalogue import CATALOGUE
from connector.failsafes.control_limits import ClockJump, Throttle
from connector.failsafes.verdicts import Action


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """One fail-safe's answer about a run, a reading or a send."""

    guard: str
    action: Action
    value: float = 0.0
    threshold: float = 0.0
    detail: str = ""

    @property
    def stops(self) -> bool:
        """Whether the run or send must not go on."""
        return self.action > Action.WARN

    def __str__(self) -> str:
        """Return the ruling as `screen` takes it for `blocked_nodes`: "A6: ..."."""
        return f"{self.guard}: {self.detail}" if self.detail else self.guard


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Both clocks at one moment; `monotonic` counts from the boot that `boot_id` names."""

    wall: datetime  # aware
    monotonic: float
    boot_id: str


def clock_jump(
    now: Reading,
    limits: ClockJump,
    *,
    before: Reading | None = None,
    erp_date: datetime | None = None,
    last_ledger_entry: datetime | None = None,
    built_at: datetime | None = None,
) -> tuple[Ruling, ...]:
    """A6: return every reason not to trust the time, empty when there is none.

    `before` is the previous reading; after a reboot the two monotonic clocks cannot be compared.
    `erp_date` is the ERP's Date header read at `now`: without one the clocks cannot be compared,
    which holds too. None for the ledger or the build = there is none yet.
    """
    rulings = []
    if before is not None and before.boot_id == now.boot_id:
        wall = (now.wall - before.wall).total_seconds()
        apart = abs(wall - (now.monotonic - before.monotonic))
        rulings.append(_within("A6", apart, limits.wall_seconds, "wall clock against monotonic, s"))
    if erp_date is None:
        rulings.append(_trips("A6", 0.0, limits.erp_seconds, "the ERP sent no Date header"))
    else:
        apart = abs((erp_date - now.wall).total_seconds())
        rulings.append(_within("A6", apart, limits.erp_seconds, "our clock against the ERP's, s"))
    for moment, detail in (
        (last_ledger_entry, "seconds before the last ledger entry"),
        (built_at, "seconds before this build was made"),
    ):
        if moment is not None:
            behind = (moment - now.wall).total_seconds()
            rulings.append(_within("A6", behind, 0.0, detail))
    return tuple(ruling for ruling in rulings if ruling.stops)


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A7: the permits to send that are left, and when that was counted."""

    permits: float
    at: float  # monotonic seconds

    @classmethod
    def full(cls, limits: Throttle, at: float) -> Bucket:
        """Return a bucket with a whole burst in it."""
        return cls(permits=limits.burst, at=at)

    def take(self, at: float, limits: Throttle) -> tuple[Bucket, float]:
        """Return the bucket after one send and 0.0, or as it is and the seconds until one may go.

        A monotonic clock that stands still or runs backwards brings no permit.
        """
        passed = at - self.at if at > self.at else 0.0
        permits = min(limits.burst, self.permits + passed * limits.per_second)
        if permits >= 1.0:
            return Bucket(permits=permits - 1.0, at=at), 0.0
        return Bucket(permits=permits, at=at), (1.0 - permits) / limits.per_second


def _within(guard: str, value: float, threshold: float, detail: str) -> Ruling:
    # Written so that nan trips.
    if value <= threshold:
        return _passes(guard, value, threshold)
    return _trips(guard, value, threshold, detail)


def _trips(guard: str, value: float, threshold: float, detail: str) -> Ruling:
    action = CATALOGUE[guard].action
    return Ruling(guard=guard, action=action, value=value, threshold=threshold, detail=detail)


def _passes(guard: str, value: float = 0.0, threshold: float = 0.0) -> Ruling:
    return Ruling(guard=guard, action=Action.PASS, value=value, threshold=threshold)
