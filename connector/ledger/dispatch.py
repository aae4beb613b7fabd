"""The posting protocol: the only code that asks a poster to send, one document at a time.

    resolve what is in doubt -> group what is owed -> check -> commit the intent -> send -> settle

Only a definite answer settles a line. Everything else leaves it in doubt, and a line in doubt is
looked up, never sent again blindly (`resolve.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import polars as pl

from connector.errors import ErpUnavailable
from connector.failsafes.control import Bucket
from connector.failsafes.control_limits import Throttle
from connector.ledger import approvals, attempts
from connector.ledger.attempts import Attempt, NoAttempt, Sender
from connector.ledger.conduct import Outside, Tally
from connector.ledger.documents import Keys, group, halves
from connector.ledger.doubts import lapse_other_modes
from connector.ledger.lines import State, in_states
from connector.ledger.moments import instant
from connector.ledger.readback import confirm
from connector.ledger.resolve import Resolver
from connector.ports import (
    Drained,
    ErpMessage,
    Filed,
    InDoubt,
    NotSent,
    PostOutcome,
    Recorded,
    Rejected,
    Validated,
)

Queue = deque[tuple[Keys, int]]  # what to send, and how often it was refused in this pass
Work = Callable[[str, Tally], None]


class Dispatcher:
    """Drains the outbox of a site. One pass at a time; a second one waits for nobody and ends."""

    def __init__(self, outside: Outside, resolver: Resolver | None = None) -> None:
        """Send through these edges; another resolver is for harnesses that plant defects."""
        self.outside = outside
        self.resolver = resolver or Resolver(outside)
        conduct = outside.conduct
        self._throttle = Throttle(per_second=conduct.sends_per_second, burst=conduct.sends_at_once)
        self._bucket = Bucket.full(self._throttle, outside.clock.monotonic())
        self._doubts_in_a_row = 0
        self._refusals_in_a_row = 0
        self._waited = 0.0

    def drain(self, site: str) -> Drained:
        """Resolve what is in doubt, then send what is owed; raise LedgerUnavailable or NotLeader.

        ErpDenied and ErpContractBroken of a look-up pass through: they stop the site.
        """
        return self._pass(site, self._resolve_and_send)

    def settle(self, site: str, visible: pl.DataFrame | None = None) -> Drained:
        """Resolve what is in doubt and read back what was filed; send nothing."""

        def work(name: str, tally: Tally) -> None:
            self.resolver.recover(name, tally)
            self.resolver.resolve(name, tally)
            confirm(self.outside, name, visible, tally)

        return self._pass(site, work)

    def confirm(self, site: str, visible: pl.DataFrame | None = None) -> Drained:
        """Read back what was filed: `visible` is the pipeline of the newest pull."""
        return self._pass(site, lambda name, tally: confirm(self.outside, name, visible, tally))

    def next_look_seconds(self, site: str) -> float | None:
        """Return when another pass can settle something in doubt, None when nothing is."""
        return self.resolver.next_look_seconds(site)

    def send(self, keys: Sequence[str], sender: Sender) -> tuple[Attempt, PostOutcome] | NoAttempt:
        """Commit the intent, then send. The order of these two lines is the promise."""
        attempt = attempts.begin(self.outside.store, keys, sender, self.outside.secret)
        if isinstance(attempt, NoAttempt):
            return attempt
        return attempt, self.outside.poster.post(attempt.document)

    def doubt(self, attempt: Attempt, reason: str) -> None:
        """Leave an attempt with an indefinite answer in doubt."""
        attempts.settle_in_doubt(self.outside.store, attempt, reason, instant(self.outside.clock))

    def _pass(self, site: str, work: Work) -> Drained:
        tally = Tally()
        busy = self.outside.store.pass_lock(site)
        if not busy.acquire(blocking=False):
            tally.stopped = "another pass over this outbox is under way"
            return tally.drained()
        try:
            work(site, tally)
        except ErpUnavailable as error:
            tally.stopped = f"the ERP could not be asked: {error}"
        finally:
            busy.release()
        return tally.drained()

    def _resolve_and_send(self, site: str, tally: Tally) -> None:
        store, now = self.outside.store, self.outside.clock.now()
        self.resolver.recover(site, tally)
        tally.count("expired", approvals.expire(store, site, now))
        mode = self.outside.poster.mode
        tally.count("lapsed", lapse_other_modes(store, site, mode, now))
        self.resolver.resolve(site, tally)
        self._doubts_in_a_row = self._refusals_in_a_row = 0
        self._waited = 0.0
        self._send_all(site, tally)

    def _send_all(self, site: str, tally: Tally) -> None:
        queue = self._owed(site, tally)
        while queue and not tally.stopped:
            if why := self._wait_for_token() or self.why_not(site):
                tally.stopped = why
                return
            keys, round_ = queue.popleft()
            sent = self.send(keys, self._sender(site))
            if isinstance(sent, NoAttempt):
                self._not_begun(site, sent, tally)
            else:
                self._settle(*sent, round_, queue, tally)

    def _owed(self, site: str, tally: Tally) -> Queue:
        """Return the documents to send; tripped nodes and items in doubt keep theirs."""
        owed = in_states(self.outside.store, site, (State.OWED,))
        doubtful = attempts.suppressed_items(self.outside.store, site)
        tripped = self.outside.brake.tripped(site)
        free = [line for line in owed if (line.node, line.item) not in doubtful]
        armed = [line for line in free if line.node not in tripped]
        tally.count("suppressed", len(owed) - len(free))
        tally.count("in_shadow", len(free) - len(armed))
        documents = group(armed, self.outside.conduct.document_lines)
        return deque((keys, 0) for keys in documents)

    def why_not(self, site: str) -> str:
        """Return why nothing may be sent at this moment, "" when something may."""
        if self.outside.stopping():
            return "the daemon is stopping"
        if why := self.outside.brake.reason(site):
            return why
        return "" if self.outside.leads() else "the leader lock was lost"

    def _wait_for_token(self) -> str:
        clock = self.outside.clock
        while (wait := self._take()) > 0:
            if not self._may_wait(wait):
                return f"throttled: the next send is due in {wait:.1f} s"
            clock.sleep(wait)
            if self.outside.stopping():
                return "the daemon is stopping"
        return ""

    def _take(self) -> float:
        """Take a permit to send and return 0.0, or return the seconds until there is one (A7)."""
        self._bucket, wait = self._bucket.take(self.outside.clock.monotonic(), self._throttle)
        return wait

    def _may_wait(self, seconds: float) -> bool:
        """Count a wait against the patience of this pass."""
        self._waited += seconds
        return self._waited <= self.outside.conduct.patience_seconds

    def _sender(self, site: str) -> Sender:
        outside = self.outside
        at = instant(outside.clock)
        return Sender(site=site, mode=outside.poster.mode, epoch=outside.epoch, at=at)

    def _not_begun(self, site: str, refused: NoAttempt, tally: Tally) -> None:
        if refused.halt:
            attempts.halt_for(self.outside.store, site, refused.why, self.outside.clock.now())
        if refused.stop:
            tally.stopped = refused.why

    def _settle(
        self, attempt: Attempt, outcome: PostOutcome, round_: int, queue: Queue, tally: Tally
    ) -> None:
        store, now, lines = self.outside.store, self.outside.clock.now(), len(attempt.lines)
        if isinstance(outcome, InDoubt):
            self._in_doubt(attempt, outcome, tally)
        elif isinstance(outcome, NotSent):
            self._not_sent(attempt, outcome, round_, queue, tally)
        elif isinstance(outcome, Rejected):
            self._rejected(attempt, outcome, round_, queue, tally)
        elif isinstance(outcome, Filed):
            self._filed(attempt, outcome, tally)
        elif isinstance(outcome, Recorded):
            attempts.settle_as(store, attempt, State.RECORDED, now)
            tally.recorded += lines
        else:
            self._validated(attempt, outcome, tally)
        if not isinstance(outcome, InDoubt | NotSent):
            self._doubts_in_a_row = 0
        if not isinstance(outcome, Rejected):
            self._refusals_in_a_row = 0

    def _filed(self, attempt: Attempt, outcome: Filed, tally: Tally) -> None:
        at = instant(self.outside.clock)
        filed, doubtful = attempts.settle_filed(self.outside.store, attempt, outcome, at)
        tally.filed += filed
        tally.in_doubt += doubtful

    def _validated(self, attempt: Attempt, outcome: Validated, tally: Tally) -> None:
        now = self.outside.clock.now()
        attempts.settle_as(
            self.outside.store, attempt, State.VALIDATED, now, messages=outcome.messages
        )
        tally.validated += len(attempt.lines)

    def _in_doubt(self, attempt: Attempt, outcome: InDoubt, tally: Tally) -> None:
        self.doubt(attempt, outcome.reason)
        tally.in_doubt += len(attempt.lines)
        tally.notes.append(f"document {attempt.document.key} is in doubt: {outcome.reason}")
        self._doubts_in_a_row += 1
        if self._doubts_in_a_row >= self.outside.conduct.in_doubts_in_a_row:
            tally.stopped = f"{self._doubts_in_a_row} documents in a row are in doubt (A8)"

    def _not_sent(
        self, attempt: Attempt, outcome: NotSent, round_: int, queue: Queue, tally: Tally
    ) -> None:
        now = self.outside.clock.now()
        attempts.settle_as(
            self.outside.store, attempt, State.OWED, now, reason=f"not sent: {outcome.reason}"
        )
        wait = outcome.retry_after_seconds
        if wait > 0 and self._may_wait(wait) and round_ < self.outside.conduct.rounds:
            self.outside.clock.sleep(wait)
            queue.appendleft((attempt.keys, round_ + 1))
            return
        tally.not_sent += len(attempt.lines)
        tally.stopped = f"not sent: {outcome.reason}"

    def _rejected(
        self, attempt: Attempt, outcome: Rejected, round_: int, queue: Queue, tally: Tally
    ) -> None:
        """Park what the ERP refused; what is left goes out again as new documents."""
        parked = refused_lines(attempt.keys, outcome.messages)
        attempts.settle_rejected(self.outside.store, attempt, parked, self.outside.clock.now())
        tally.rejected += len(parked)
        left = tuple(key for key in attempt.keys if key not in parked)
        again = [left] if parked else halves(left)
        if round_ < self.outside.conduct.rounds:
            queue.extendleft((keys, round_ + 1) for keys in reversed(again) if keys)
        elif left:
            tally.notes.append(f"{len(left)} lines wait: refused {round_} times in this pass")
        self._refusals_in_a_row += 1
        if self._refusals_in_a_row >= self.outside.conduct.refusals_in_a_row:
            tally.stopped = f"{self._refusals_in_a_row} documents in a row were refused"


def refused_lines(keys: Keys, messages: Sequence[ErpMessage]) -> dict[str, tuple[ErpMessage, ...]]:
    """Return which lines an ERP refused and its words; empty = it did not say, split and ask.

    A refused document of one line needs no name.
    """
    if len(keys) == 1:
        return {keys[0]: tuple(messages)}
    errors = [each for each in messages if each.severity == "error" and each.line_key in keys]
    named = dict.fromkeys(each.line_key for each in errors)
    return {key: tuple(each for each in errors if each.line_key == key) for key in named}
