"""Deterministic simulation: one seed is one schedule of faults, deaths, reboots and clock jumps.

The real outbox runs against the strict ERP on a fake clock. A process dies at any call it makes to
a clock, the ERP, or at a commit; the next one starts from what was committed.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import timedelta

from ledger_fakes import START, FakeClock, Killed
from ledger_worlds import QUICK, SITE, World, a_record, planned

from connector.errors import NotLeader, ReviewSlotTaken
from connector.ledger.dispatch import Dispatcher
from connector.ledger.lines import State
from connector.ledger.resolve import Resolver
from connector.ports import RequisitionDocument, Slot

IN_FLIGHT_BOUND = QUICK.quarantine_seconds - 5.0  # the ERP of the simulation keeps to it
_REVIEW_EVERY = timedelta(minutes=4)
_UNSETTLED = {State.OWED, State.INTENT, State.IN_DOUBT}
_NODES, _ITEMS = ("1010", "1020"), ("A", "B", "C")


@dataclass
class Verdict:
    """What a schedule ended with; an empty `wrong` is a good one."""

    seed: int
    kills: int = 0
    doubts: int = 0
    reposts: int = 0
    wrong: list[str] = field(default_factory=list)


class WallClock(FakeClock):
    """The planted defect: quarantines measured on the clock that people set."""

    def monotonic(self) -> float:
        self.at_call()
        return self.wall.timestamp()


class Schedule:
    """One life of one outbox, from the first review until nothing moves any more."""

    def __init__(
        self,
        seed: int,
        *,
        dispatcher: type[Dispatcher] = Dispatcher,
        resolver: type[Resolver] = Resolver,
        clock: type[FakeClock] = FakeClock,
    ) -> None:
        self.random = random.Random(seed)  # noqa: S311
        self.verdict = Verdict(seed=seed)
        self.world = World(dispatcher=dispatcher, resolver=resolver)
        self.world.clock.__class__ = clock
        self.world.clock.at_call = self._burn
        self.world.erp.at_call = self._burn
        self.world.erp.faults = self._fault
        self.world.erp.visibility_lag = self.random.choice((0.0, QUICK.visibility_lag_seconds - 1))
        self.world.ledger.store.connection.set_commit_hook(self._commit)
        self.fuse: int | None = None
        self.reviews = self.random.randint(1, 3)
        self.risk = self.random.choice((0.1, 0.3, 0.6))

    def _burn(self) -> None:
        if self.fuse is None:
            return
        self.fuse -= 1
        if self.fuse <= 0:
            self.fuse = None
            raise Killed

    def _commit(self) -> bool:
        self._burn()
        return False  # let it commit

    def _fault(self, document: RequisitionDocument) -> str:
        if self.random.random() > self.risk:
            return "file"
        late = self.random.uniform(1.0, IN_FLIGHT_BOUND)
        kinds = ("lose", "vanish", "unsent", "busy:3", "mute", "nonumber", f"late:{late}")
        return self.random.choice((*kinds, f"late:{IN_FLIGHT_BOUND}"))

    def run(self) -> Verdict:
        for number in range(self.reviews):
            self._until_reviewed(number)
            for _ in range(self.random.randint(1, 5)):
                self._live(self.world.drain)
                self._pass_time()
        self._come_to_rest()
        self._judge()
        return self.verdict

    def _until_reviewed(self, number: int) -> None:
        slot = Slot(site=SITE, starts_at=START + number * _REVIEW_EVERY)
        items = self.random.sample([(n, i) for n in _NODES for i in _ITEMS], k=3)
        owed = [(node, item, str(number + 1)) for node, item in items]

        def review() -> None:
            ledger, now = self.world.ledger, self.world.clock.wall
            review_id = ledger.open_review(slot, mode="live", now=now)
            ledger.record(review_id, a_record(slot, planned(owed)), now=now)

        for _ in range(20):
            try:
                if self._live(review):
                    return
            except ReviewSlotTaken:
                return  # it was recorded just before the process died
        self.verdict.wrong.append("the review never got through")

    def _live(self, work: object) -> bool:
        """Work until done or dead; a death starts a new process. Returns whether it was done."""
        self.fuse = self.random.randint(1, 40) if self.random.random() < 0.5 else None
        try:
            work()
        except Killed:
            self.verdict.kills += 1
            self.fuse = None
            if self.random.random() < 0.15:
                self.world.clock.reboot(self.random.uniform(5, 90))
            self.world.restart()
            return False
        except NotLeader as error:
            self.verdict.wrong.append(str(error))
        finally:
            self.fuse = None
        return True

    def _pass_time(self) -> None:
        self.world.clock.advance(self.random.choice((0.1, 3.0, 20.0, 60.0)))
        if self.random.random() < 0.1:
            self.world.clock.set_wall(self.random.choice((-3600.0, 3600.0)))
        self.world.erp.arrive()

    def _come_to_rest(self) -> None:
        self.risk = 0.0
        for _ in range(60):
            self.world.drain()
            if not _UNSETTLED.intersection(self.world.states_of_all()):
                break
            if self.random.random() < 0.3:
                self.world.clock.set_wall(self.random.choice((-3600.0, 3600.0)))
            self.world.clock.advance(1.0 + (self.world.outbox.next_look_seconds(SITE) or 0.0))
            self.world.erp.arrive()
        self.world.clock.advance(10_000.0)
        self.world.erp.arrive()

    def _judge(self) -> None:
        filed, store = self.world.erp.times_filed(), self.world.ledger.store
        for line in self.world.all_lines():
            times, state = filed.pop(line.key, 0), line.state
            self.verdict.reposts += len(
                store.rows(
                    "SELECT 1 FROM attempt_line WHERE key = ? AND outcome = 'absent'", (line.key,)
                )
            )
            expected = {State.FILED: 1, State.CONFIRMED: 1, State.LAPSED: 0}.get(state, -1)
            if times != expected:
                self.verdict.wrong.append(f"{line.key} is {state} and was filed {times} times")
        if filed:
            self.verdict.wrong.append(f"the ERP has lines nobody knows: {filed}")
        self.verdict.doubts = store.rows("SELECT count(*) FROM journal WHERE kind = 'in_doubt'")[0][
            0
        ]
        self.verdict.wrong += [fault.detail for fault in self.world.ledger.verify()]
        if halts := self.world.ledger.brake.halts(SITE):
            self.verdict.wrong.append(f"halted: {halts[0].why}")
