"""Layer A and C16: what stops a run or a send. Pure: whoever asks has read the clocks and files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from connector.failsafes.catalogue import CATALOGUE
from connector.failsafes.control_limits import ClockJump, RepeatedRun, Throttle
from connector.failsafes.verdicts import Action

# A run that ended in one of these never came to posting, so its slot may be tried again.
NEVER_POSTED = frozenset({"unavailable"})


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


def kill_switch(*, exists: bool, readable: bool) -> Ruling:
    """A1: stop everything when the kill file exists, or when nobody could put one there."""
    if not readable:
        return _trips("A1", 1.0, 0.0, "the control directory cannot be read")
    return _trips("A1", 1.0, 0.0, "the kill file exists") if exists else _passes("A1")


def repeated_run(earlier_states: Iterable[str], limits: RepeatedRun) -> Ruling:
    """A4: refuse to run a slot that came to posting, or of which nobody knows that it did not.

    `earlier_states` holds how each earlier run of the slot stands or ended.
    """
    runs = sum(state not in NEVER_POSTED for state in earlier_states)
    if runs < limits.runs_per_slot:
        return _passes("A4", runs, limits.runs_per_slot)
    detail = "earlier runs of this slot may have posted"
    return _trips("A4", runs, limits.runs_per_slot, detail)


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


def parent_child(*, posted: Decimal, quantity: Decimal, decided: Decimal) -> Ruling:
    """C16: refuse a send that takes what was posted for a decision above what was decided.

    Checked at the socket, on exact decimals: to trip is a bug of ours, so everything stops.
    """
    exact = all(each.is_finite() and each >= 0 for each in (posted, quantity, decided))
    if exact and posted + quantity <= decided:
        return _passes("C16", float(posted + quantity), float(decided))
    if not exact:
        detail = f"posted {posted}, now {quantity}, decided {decided}: no amounts"
        return _trips("C16", 0.0, 0.0, detail)
    detail = f"posted {posted} and now {quantity}, decided {decided}"
    return _trips("C16", float(posted + quantity), float(decided), detail)


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
