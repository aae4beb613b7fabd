"""A thousand lives of the outbox, and proof that the same simulation sees planted defects."""

from __future__ import annotations

import pytest
from ledger_simulation import Schedule, WallClock

from connector.ledger import attempts
from connector.ledger.attempts import NoAttempt
from connector.ledger.dispatch import Dispatcher
from connector.ledger.lines import Move, State, by_keys, in_states, move
from connector.ledger.resolve import Resolver
from connector.ports import RequisitionDocument

SCHEDULES = 1_000
TRIES = 150


def test_a_thousand_schedules_file_everything_once():
    kills = doubts = reposts = 0
    for seed in range(SCHEDULES):
        verdict = Schedule(seed).run()
        assert verdict.wrong == [], verdict
        kills, doubts = kills + verdict.kills, doubts + verdict.doubts
        reposts += verdict.reposts
    # The schedules are worth something only if they hurt.
    assert kills > 1_000
    assert doubts > 1_000
    assert reposts > 300


class NoQuarantine(Resolver):
    def quarantine_over(self, doubt, monotonic, conduct):
        return True


class HalfTheQuarantine(Resolver):
    def quarantine_over(self, doubt, monotonic, conduct):
        return monotonic - doubt.since > conduct.quarantine_seconds / 2


class SendsBeforeItIntends(Dispatcher):
    def send(self, keys, sender):
        lines = by_keys(self.outside.store, keys)
        document = RequisitionDocument(
            key="ABCDEFGHIJ",
            node=lines[0].node,
            purchasing_group=lines[0].purchasing_group,
            lines=tuple(line.requisition_line() for line in lines),
        )
        outcome = self.outside.poster.post(document)
        attempt = attempts.begin(self.outside.store, keys, sender, self.outside.secret)
        return attempt if isinstance(attempt, NoAttempt) else (attempt, outcome)


class SendsAgainWhenInDoubt(Dispatcher):
    def doubt(self, attempt, reason):
        now = self.outside.clock.now()
        attempts.settle_as(self.outside.store, attempt, State.OWED, now, reason=reason)


class TakesSilenceForRefusal(Resolver):
    """Treats what an interrupted process left as never sent."""

    def recover(self, site, tally):
        left = in_states(self.outside.store, site, (State.INTENT,))
        again = [Move(line=line, to=State.OWED) for line in left]
        with self.outside.store.write() as write:
            write.run("UPDATE attempt_line SET outcome = 'not_sent' WHERE outcome = ''")
            move(write, "owed", again, self.outside.clock.now())


@pytest.mark.parametrize(
    "defect",
    [
        {"resolver": NoQuarantine},
        {"resolver": HalfTheQuarantine},
        {"resolver": TakesSilenceForRefusal},
        {"clock": WallClock},
        {"dispatcher": SendsBeforeItIntends},
        {"dispatcher": SendsAgainWhenInDoubt},
    ],
    ids=lambda defect: next(iter(defect.values())).__name__,
)
def test_a_planted_defect_is_caught(defect):
    for seed in range(TRIES):
        if any("filed" in wrong for wrong in Schedule(seed, **defect).run().wrong):
            return
    pytest.fail(f"{TRIES} schedules did not notice")
