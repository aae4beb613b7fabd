"""The outbox against a model of forty lines: whatever happens in whatever order, they agree."""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from ledger_fakes import Killed
from ledger_worlds import QUICK, SITE, World

from connector.errors import CommandRefused
from connector.ledger.lines import State

ITEMS = ("A", "B", "C")
FAULTS = ("file", "lose", "vanish", "unsent", "refuse", "late:200", "mute")
DEAD = {"lapsed", "rejected", "withdrawn"}


class Outbox(RuleBasedStateMachine):
    """`truth` is the model: key -> how often the ERP may have it at most, and must at least."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.day = 0
        self.fault = "file"
        self.world.erp.faults = lambda _: self.fault
        self.sent: dict[str, str] = {}  # key -> the last thing that happened to its send
        self.world.erp.at_call = self.burn
        self.fuse = 0

    def burn(self) -> None:
        self.fuse -= 1
        if self.fuse == 0:
            raise Killed

    @rule(
        owed=st.sets(st.sampled_from(ITEMS)),
        held=st.sets(st.sampled_from(ITEMS)),
    )
    def review(self, owed, held):
        self.world.review(
            self.day,
            [("1010", item, str(self.day + 1)) for item in sorted(owed)],
            [("1010", item, "9") for item in sorted(held - owed)],
        )
        self.day += 1

    @rule(fault=st.sampled_from(FAULTS))
    def drain(self, fault):
        self.fault = fault
        self.world.drain()

    @rule(fault=st.sampled_from(FAULTS), fuse=st.integers(1, 4))
    def die_while_draining(self, fault, fuse):
        self.fault, self.fuse = fault, fuse
        try:
            self.world.drain()
        except Killed:
            self.world.restart()
        self.fuse = 0

    @rule(seconds=st.sampled_from((1.0, 31.0, 120.0, 311.0)))
    def wait(self, seconds):
        self.world.clock.advance(seconds)
        self.world.erp.arrive()

    @rule()
    def reboot(self):
        self.world.clock.reboot()
        self.world.restart()

    @rule(jump=st.sampled_from((-7_200.0, 7_200.0)))
    def jump(self, jump):
        self.world.clock.set_wall(jump)

    @rule()
    def read_back(self):
        self.world.outbox.confirm(SITE)

    @precondition(lambda self: self.world.ledger.held(SITE))
    @rule()
    def approve(self):
        line = self.world.ledger.held(SITE)[0]
        try:
            self.world.ledger.approve(line.key, who="ada", now=self.world.now())
        except CommandRefused:
            assert line.expires_at <= f"{self.world.now():%Y-%m-%dT%H:%M:%S.%fZ}"

    @precondition(lambda self: self.world.erp.stored)
    @rule(data=st.data())
    def cancel_in_the_erp(self, data):
        stored = data.draw(st.sampled_from(range(len(self.world.erp.stored))))
        self.world.erp.stored[stored].deleted = True

    @invariant()
    def nothing_is_there_twice(self):
        assert set(self.world.erp.times_filed().values()) <= {1}

    @invariant()
    def the_ledger_knows_all_that_is_there_and_nothing_more(self):
        there = self.world.erp.times_filed()
        coming = {line.key for _, each in self.world.erp.under_way for line in each.lines}
        for line in self.world.all_lines():
            if line.state in {State.FILED, State.CONFIRMED}:
                assert there.pop(line.key) == 1, line
            elif line.state in DEAD | {"held", "owed"}:
                assert line.key not in coming, line
                if line.state == "withdrawn":
                    there.pop(line.key, 0)
                assert line.key not in there, line
            else:
                assert line.state in {State.IN_DOUBT, State.INTENT}, line
                there.pop(line.key, 0)
        assert there == {}

    @invariant()
    def at_most_one_line_of_an_item_is_unresolved(self):
        unresolved = [line.item for line in self.world.all_lines() if line.state == State.IN_DOUBT]
        assert len(unresolved) == len(set(unresolved))

    @invariant()
    def only_the_newest_review_owes(self):
        owing = {
            line.review_id
            for line in self.world.all_lines()
            if line.state in {State.OWED, State.HELD}
        }
        assert len(owing) <= 1

    def teardown(self):
        self.fuse, self.fault = 0, "file"
        for _ in range(8):
            self.world.drain()
            self.world.clock.advance(QUICK.quarantine_seconds + QUICK.second_look_seconds)
            self.world.erp.arrive()
        self.world.drain()
        open_states = {State.IN_DOUBT, State.INTENT, State.OWED}
        assert not open_states.intersection(self.world.states_of_all())
        self.nothing_is_there_twice()
        self.the_ledger_knows_all_that_is_there_and_nothing_more()
        self.world.sound()


TestOutbox = Outbox.TestCase
TestOutbox.settings = settings(
    settings.get_profile("ledger"), max_examples=60, stateful_step_count=30
)
