"""What a desk tells of its work: to the log, to the metrics, and to whoever asks for its health."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import structlog

from connector.cycle import ReviewReport
from connector.errors import ErpDenied, ErpUnavailable, ReplenishError, ReviewSlotTaken
from connector.ledger.moments import moment
from connector.ledger.queries import standing
from connector.ledger.reviews import latest_recorded
from connector.ledger.store import Store
from connector.ports import Clock, Drained
from connector.site.wiring import Wiring
from connector.telemetry.metrics import Meter

log = structlog.get_logger("replenishd.site")

_WAITING = frozenset({"owed", "intent", "in_doubt", "filed", "held", "missing", "conflict"})


class Notes:
    """One desk's own account of itself. Times are monotonic seconds unless they say otherwise."""

    def __init__(self, site: str, clock: Clock, meter: Meter) -> None:
        self.heartbeat_at = clock.monotonic()
        self.erp_answered_at: float | None = None
        self.data_taken_at: datetime | None = None  # wall time
        self.proved_at = float("-inf")  # when a commit was last tried
        self.writable = True
        self.last_error = ""
        self.erp_trouble = ""  # how the ERP failed the last review
        self.seconds: dict[str, float] = {}
        self.report: ReviewReport | None = None
        self._site, self._clock, self._meter = site, clock, meter

    def wired(self, wiring: Wiring) -> None:
        """Tell which mode and policy are in force."""
        bundles = wiring.policy.bundles
        digest = bundles[0].digest if bundles else ""
        self._meter.mode(self._site, wiring.erp.poster.mode)
        self._meter.policy(self._site, source=wiring.policy.name, digest=digest)

    def recall(self, store: Store) -> None:
        """Take up what an earlier process left: a restart alone is no reason to be unready."""
        latest = latest_recorded(store, self._site)
        if latest is None or latest.recorded_at is None:
            return
        self.data_taken_at = moment(latest.recorded_at)
        ago = (self._clock.now() - self.data_taken_at).total_seconds()
        self.erp_answered_at = self._clock.monotonic() - ago

    @contextmanager
    def step(self, step: str) -> Iterator[None]:
        """Time one step of a review."""
        begun = self._clock.monotonic()
        try:
            yield
        finally:
            self.seconds[step] = self._clock.monotonic() - begun
            self._meter.took(self._site, step, self.seconds[step])

    def reviewed(self, report: ReviewReport, store: Store) -> None:
        """Tell how a review went."""
        self.report, self.last_error, self.erp_trouble = report, "", ""
        self.erp_answered_at = self._clock.monotonic()
        self.data_taken_at = report.taken_at
        self._meter.review(
            self._site, outcome=report.outcome, finished_at=report.finished_at, good=True
        )
        self._meter.screened(self._site, report.screened)
        self.drained(report.drained, store)
        log.info(
            "review_done",
            outcome=report.outcome,
            items=report.items,
            ordered=report.ordered,
            value=round(report.ordered_value, 2),
            held=report.held,
            source=report.source,
            filed=report.drained.filed,
            recorded=report.drained.recorded,
            rejected=report.drained.rejected,
            in_doubt=report.drained.in_doubt,
            detail=report.detail,  # why whole nodes order nothing, and why sending stopped
            seconds={step: round(each, 3) for step, each in self.seconds.items()},
        )

    def failed(self, error: ReplenishError, *, aloud: bool = True) -> None:
        """Tell why a review ended without a decision; `aloud` = in the log, too."""
        if isinstance(error, ReviewSlotTaken):
            return
        self.last_error = str(error)
        if isinstance(error, ErpUnavailable):
            self.erp_trouble = "the ERP did not answer the last review"
        elif isinstance(error, ErpDenied):
            self.erp_trouble = "the ERP denied the last review what it needs"
        kind, at = error.kind, self._clock.now()
        self._meter.review(self._site, outcome=kind, finished_at=at, good=False)
        if aloud:
            log.error("review_failed", kind=kind, error=error.args[0], hint=error.hint)

    def drained(self, drained: Drained, store: Store) -> None:
        """Tell what a pass over the outbox did and what is left in it."""
        self._meter.drained(self._site, drained)
        states = standing(store, self._site).states
        self._meter.outbox(self._site, {s: n for s, n in states.items() if s in _WAITING})
        for note in drained.notes:
            log.warning("outbox_note", site=self._site, note=note)
