"""The crash matrix, a test a row: what died when, what the next process finds, one filing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from ledger_fakes import Killed
from ledger_worlds import QUICK, SITE, World, slot_on

from connector.errors import LedgerUnavailable, NotLeader, ReviewSlotTaken
from connector.ledger import queries
from connector.ledger.lines import State

S = State
QUARANTINE = QUICK.quarantine_seconds + QUICK.visibility_lag_seconds


@pytest.fixture
def owing(world):
    world.review(0, [("1010", "A", "5")])
    return world


def die(*_):
    raise Killed


def dies_at_commit(world, number: int) -> None:
    """Let the process die inside its n-th commit from now on, before it is durable."""
    left = [number]

    def count() -> bool:
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return False

    world.ledger.store.connection.set_commit_hook(count)


def killed(world, work: Callable[[], object]) -> None:
    with pytest.raises(Killed):
        work()
    world.ledger.store.connection.set_commit_hook(None)
    world.erp.at_call = lambda: None
    world.restart()


def comes_to_rest(world, *, seconds: float = 3_000) -> None:
    for _ in range(int(seconds // 20)):
        world.drain()
        world.clock.advance(20)
        world.erp.arrive()


def filed_once(world) -> None:
    assert world.states() == {"A": S.FILED}
    assert world.erp.times_filed() == {world.lines()["A"].key: 1}
    world.sound()


def test_row_1_death_before_the_intent_is_committed(owing):
    dies_at_commit(owing, 1)
    killed(owing, owing.drain)
    assert (owing.states(), owing.erp.posts) == ({"A": S.OWED}, [])
    owing.drain()
    filed_once(owing)


def test_row_2_death_after_the_intent_before_the_send(owing):
    owing.erp.at_call = die
    killed(owing, owing.drain)
    assert owing.states() == {"A": S.INTENT}
    owing.drain()
    assert owing.states() == {"A": S.IN_DOUBT}
    owing.clock.advance(QUARANTINE - 1)
    owing.drain()
    assert owing.erp.posts == []
    comes_to_rest(owing)
    filed_once(owing)


@pytest.mark.parametrize("late", [1.0, 100.0, QUICK.quarantine_seconds - 1])
def test_row_3_death_during_the_send_and_the_erp_stores_it_later(owing, late):
    owing.erp.faults = lambda _: f"late:{late}"
    calls = iter([None, Killed()])
    owing.erp.at_call = lambda: next_or_die(calls)
    killed(owing, owing.drain)
    owing.erp.faults = lambda _: "file"
    comes_to_rest(owing)
    filed_once(owing)
    assert len(owing.erp.posts) == 1


def next_or_die(calls) -> None:
    death = next(calls)
    if death is not None:
        raise death


def test_row_4_death_after_the_erp_stored_it_before_the_answer(owing):
    calls = iter([None, Killed()])
    owing.erp.at_call = lambda: next_or_die(calls)
    killed(owing, owing.drain)
    assert owing.states() == {"A": S.INTENT}
    assert owing.drain().filed == 1
    filed_once(owing)


def test_row_5_death_after_the_answer_before_its_commit(owing):
    dies_at_commit(owing, 2)
    killed(owing, owing.drain)
    assert owing.states() == {"A": S.INTENT}
    assert owing.drain().filed == 1
    filed_once(owing)


def test_row_6_a_timeout_while_the_erp_works_on(owing):
    owing.erp.faults = lambda _: f"late:{QUICK.quarantine_seconds - 1}"
    owing.drain()
    owing.erp.faults = lambda _: "file"
    comes_to_rest(owing)
    filed_once(owing)
    assert len(owing.erp.posts) == 1


@pytest.mark.parametrize(("fault", "posts"), [("lose", 1), ("vanish", 2)])
def test_row_7_an_error_that_says_nothing(owing, fault, posts):
    owing.erp.faults = lambda _: fault
    owing.drain()
    owing.erp.faults = lambda _: "file"
    comes_to_rest(owing)
    filed_once(owing)
    assert len(owing.erp.posts) == posts


def test_row_8_created_without_a_number(owing):
    owing.erp.faults = lambda _: "nonumber"
    assert owing.drain().in_doubt == 1
    comes_to_rest(owing)
    filed_once(owing)


def test_row_9_filed_and_then_not_there_raises_the_alarm_and_is_planned_afresh(owing):
    owing.drain()
    owing.erp.stored.clear()
    owing.clock.advance(QUICK.missing_after_seconds + 1)
    confirmed = owing.outbox.confirm(SITE)
    assert confirmed.facts == {"missing": 1}
    assert "no longer in the ERP" in confirmed.notes[0]
    comes_to_rest(owing)
    assert len(owing.erp.posts) == 1  # never sent again by itself
    owing.review(1, [("1010", "A", "5")])
    owing.drain()
    assert len(owing.erp.stored) == 1


def test_row_10_a_slot_that_fires_twice(owing):
    with pytest.raises(ReviewSlotTaken):
        owing.review(0, [("1010", "A", "5")])
    owing.drain()
    filed_once(owing)


def test_row_11_a_second_daemon_fences_the_first(state_dir):
    first = World(directory=state_dir)
    first.review(0, [("1010", "A", "5")])
    second = World(directory=state_dir)
    second.erp = first.erp
    second.outbox = second._dispatcher()
    with pytest.raises(NotLeader):
        first.drain()
    second.drain()
    filed_once(second)


def test_row_12_a_paused_leader_wakes_after_its_replacement(state_dir):
    first = World(directory=state_dir)
    first.review(0, [("1010", "A", "5")])
    second: list[World] = []

    def freeze(_):
        """The first daemon stands still inside its send, long enough to be replaced."""
        if not second:
            second.append(World(directory=state_dir))
            second[0].clock, second[0].erp = first.clock, first.erp
            second[0].outbox = second[0]._dispatcher()
            assert second[0].drain().in_doubt == 1
        return "file"

    first.erp.faults = freeze
    with pytest.raises(LedgerUnavailable, match="is no longer intent"):
        first.drain()  # its answer comes too late to be written
    comes_to_rest(second[0])
    filed_once(second[0])


@pytest.mark.parametrize("jump", [-86_400.0, -3_600.0, 3_600.0, 86_400.0])
def test_row_13_the_wall_clock_jumps(owing, jump):
    owing.erp.faults = lambda _: f"late:{QUICK.quarantine_seconds - 1}"
    owing.drain()
    owing.erp.faults = lambda _: "file"
    owing.clock.set_wall(jump)
    for _ in range(4):
        owing.drain()
        owing.clock.advance(QUICK.second_look_seconds)
    assert owing.states() == {"A": S.IN_DOUBT}
    comes_to_rest(owing)
    filed_once(owing)


def test_row_14_a_reboot_inside_the_quarantine_starts_it_over(owing):
    owing.erp.faults = lambda _: "vanish"
    owing.drain()
    owing.erp.faults = lambda _: "file"
    owing.clock.advance(QUARANTINE + 1)
    owing.drain()  # the first look found nothing
    owing.clock.reboot(seconds=1)
    owing.restart()
    owing.clock.advance(QUICK.second_look_seconds)
    owing.drain()
    owing.clock.advance(QUARANTINE - 1)
    owing.drain()
    assert len(owing.erp.posts) == 1
    comes_to_rest(owing)
    filed_once(owing)


def test_row_19_an_erp_restored_to_an_earlier_day_alarms_for_every_line(world):
    world.review(0, [("1010", "A", "5"), ("1010", "B", "1")])
    world.drain()
    world.outbox.confirm(SITE)
    world.erp.stored.clear()
    assert world.outbox.confirm(SITE).facts == {"missing": 2}
    assert len(queries.standing(world.ledger.store, SITE).alarms) == 2
    comes_to_rest(world)
    assert len(world.erp.posts) == 1


def test_row_20_an_index_that_lags_behind(owing):
    owing.erp.visibility_lag = QUICK.visibility_lag_seconds - 1
    owing.erp.faults = lambda _: f"late:{QUICK.quarantine_seconds - 1}"
    owing.drain()
    owing.erp.faults = lambda _: "file"
    comes_to_rest(owing)
    filed_once(owing)


def test_row_21_what_a_person_cancelled_is_never_created_again(owing):
    owing.drain()
    owing.outbox.confirm(SITE)
    owing.erp.stored[0].deleted = True
    owing.outbox.confirm(SITE)
    comes_to_rest(owing)
    assert owing.states() == {"A": S.WITHDRAWN}
    assert len(owing.erp.posts) == 1


def test_a_line_cancelled_while_in_doubt_is_found_and_stays_cancelled(owing):
    owing.erp.faults = lambda _: "lose"
    owing.drain()
    owing.erp.faults = lambda _: "file"
    owing.erp.stored[0].deleted = True
    comes_to_rest(owing)
    owing.outbox.confirm(SITE)
    assert owing.states() == {"A": S.WITHDRAWN}
    assert len(owing.erp.posts) == 1


def test_a_shadow_send_that_was_interrupted_is_simply_recorded_again():
    world = World(mode="shadow")
    world.review(0, [("1010", "A", "5")])
    world.erp.at_call = die
    killed(world, world.drain)
    assert world.drain().recorded == 1
    assert world.states() == {"A": S.RECORDED}
    world.sound()


def test_a_second_death_keeps_the_first_ones_quarantine(owing):
    owing.erp.at_call = die
    killed(owing, owing.drain)
    owing.drain()
    owing.clock.advance(QUARANTINE - 10)
    owing.restart()
    assert owing.outbox.next_look_seconds(SITE) == 10


def test_the_day_after_starts_clean(owing):
    owing.drain()
    owing.review(1, [("1010", "A", "2")])
    owing.drain()
    assert sorted(owing.erp.times_filed().values()) == [1, 1]
    assert slot_on(1).name == queries.standing(owing.ledger.store, SITE).latest.slot
