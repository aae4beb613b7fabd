from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sandbox_worlds import expect_the_laws, file, world

from connector.errors import ConfigError
from connector.sandbox import purchasing
from connector.sandbox.baseline import under_the_erp_rule
from connector.sandbox.chance import Mishaps, demand_of, lead_time_of
from connector.sandbox.documents import ISSUE, RECEIPT, RECEIPT_REVERSED, TRANSFER_ISSUE
from connector.twin.scenario import CLASSES, WorldOptions, daily_variance, scenario


def account(some_world):
    return [day.record() for day in some_world.chronicle.days]


def test_equal_options_live_equal_days():
    assert account(world()) == account(world())
    assert account(world()) != account(world(seed=8))


def test_the_clock_opens_where_it_was_told_to():
    here = world(first_day=date(2027, 2, 28), history_days=3)
    assert here.now.isoformat() == "2027-02-28T06:00:00+00:00"
    here.advance()
    assert here.now.isoformat() == "2027-03-01T06:00:00+00:00"


@pytest.mark.parametrize(
    "wrong", [{"items": 0}, {"regions": -1}, {"regions": 900}, {"history_days": -1}]
)
def test_a_world_that_cannot_be_is_refused(wrong):
    with pytest.raises(ConfigError, match="cannot make"):
        WorldOptions(**wrong)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(
    seed=st.integers(0, 10_000),
    regions=st.integers(0, 3),
    days=st.lists(
        st.lists(
            st.tuples(st.integers(0, 39), st.decimals("0.001", "500", places=3), st.booleans()),
            max_size=3,
        ),
        max_size=12,
    ),
)
def test_nothing_appears_and_nothing_vanishes(seed, regions, days):
    here = world(items=10, regions=regions, seed=seed, history_days=0)
    opening = here.on_hand.copy()
    here.switch_planning("1000", on=seed % 2 == 0)
    for asked in days:
        for cell, quantity, outside in asked:
            where = cell % len(here.on_hand)
            supplying = {"supplying": -1} if outside else {}
            file(here, where, float(quantity), **supplying)
        here.advance()
        expect_the_laws(here, opening)


def test_a_long_life_keeps_the_laws():
    here = world(items=60, regions=4, history_days=0)
    opening = here.on_hand.copy()
    for _ in range(150):
        here.advance()
    expect_the_laws(here, opening)
    kinds = set(here.documents.movement_lines["kind"].tolist())
    assert {RECEIPT, RECEIPT_REVERSED, ISSUE, TRANSFER_ISSUE} <= kinds
    lines = here.documents.order_lines
    done = lines["complete"] & (lines["deleted"] == 0)
    short = lines["received"] < lines["quantity"] * lines["factor"]
    assert (done & short).any(), "some orders are closed short of their quantity"


def test_what_is_decided_changes_neither_customers_nor_carriers():
    calm, busy = world(), world()
    for plant in busy.scenario.plants:
        busy.switch_planning(plant, on=False)
    for _ in range(15):
        file(busy, 4, 200.0)
        busy.advance()
        calm.advance()
    asked = [[day.demand_units for day in each.chronicle.days] for each in (calm, busy)]
    assert asked[0] == asked[1]
    assert account(calm) != account(busy)


def test_the_rule_alone_is_what_a_world_without_guests_lives():
    here = world()
    before = len(here.chronicle.days)
    for _ in range(9):
        here.advance()
    options = here.scenario.options
    assert list(under_the_erp_rule(options, 9)) == here.chronicle.days[before:]
    assert under_the_erp_rule(options, 0) == ()


def test_demand_has_the_mean_and_variance_the_reorder_points_are_made_from():
    facts = scenario(WorldOptions(items=60, regions=1, seed=3))
    first = date(2026, 1, 5).toordinal()
    days = np.stack([demand_of(facts, first + n) for n in range(52 * 7)])
    steady = (facts.amplitude == 0) & (facts.opens == 0) & (facts.rate > 0.5)
    mean = facts.rate * facts.grain[facts.item]
    assert np.allclose(days.mean(axis=0)[steady].sum(), mean[steady].sum(), rtol=0.03)
    variance = daily_variance(facts.rate, facts.occurs, facts.shape)
    variance = variance * facts.grain[facts.item] ** 2
    measured = days.var(axis=0)[steady].sum()
    # The week's pattern adds a little that the textbook does not know of
    assert variance[steady].sum() * 0.85 < measured < variance[steady].sum() * 1.35


def test_there_is_every_class_of_demand():
    facts = scenario(WorldOptions(items=300, regions=1))
    assert set(facts.kind.tolist()) == set(range(len(CLASSES)))
    quiet = [
        (demand_of(facts, facts.options.first_day.toordinal() + n) == 0)[
            facts.kind[facts.item] == CLASSES.index("intermittent")
        ].mean()
        for n in range(10)
    ]
    assert np.mean(quiet) > 0.7


def test_lead_times_scatter_around_the_plan():
    facts = scenario(WorldOptions(items=400, regions=1))
    first = facts.options.first_day.toordinal()
    drawn = np.stack([lead_time_of(facts, first + n) for n in range(60)])
    ratio = drawn.mean() / facts.lead_days.mean()
    assert 0.95 < ratio < 1.15
    assert (drawn >= 1).all()
    assert (drawn.std(axis=0) > 0).mean() > 0.9


def test_the_rule_orders_below_the_reorder_point_in_whole_lots():
    here = world(items=80, regions=3, history_days=0)
    facts = here.scenario
    for _ in range(10):
        position = here.position()
        table = here.documents.requisitions
        before = len(table)
        open_before = purchasing.open_quantity(here)
        here.advance()
        made = np.arange(before, len(table))
        cells = table["cell"][made]
        due = (position < facts.reorder_point) & ~facts.discontinued[facts.item]
        assert sorted(cells.tolist()) == np.flatnonzero(due).tolist()
        quantity = table["quantity"][made]
        lots = quantity / facts.lot_multiple[cells]
        assert np.allclose(lots, np.rint(lots))
        after = position[cells] + quantity
        limited = facts.lot_maximum[cells] > 0
        assert (after[~limited] >= facts.reorder_point[cells][~limited]).all()
        assert (quantity[limited] <= facts.lot_maximum[cells][limited]).all()
        assert (open_before >= 0).all()
    assert made.size


def test_transfers_share_what_is_there_first_come_first_served():
    here = world(items=3, regions=3, history_days=0)
    for plant in here.scenario.plants:
        here.switch_planning(plant, on=False)
    here.on_hand[:] = 0.0
    here.on_hand[0] = 10.0
    for cell, quantity in ((1, 6.0), (2, 6.0), (3, 6.0)):
        file(here, cell, quantity)
    purchasing.convert(here, lead_time_of(here.scenario, here.today), _mishaps(here))
    assert here.documents.requisitions["ordered"][-3:].tolist() == [6.0, 4.0, 0.0]
    assert here.on_hand[0] == 0.0
    assert here.in_transit[:4].tolist() == [0.0, 6.0, 4.0, 0.0]


def test_an_order_in_boxes_counts_boxes_and_any_other_number_counts_pieces():
    here = world(items=60, regions=0, history_days=0)
    facts = here.scenario
    cell = int(np.flatnonzero(facts.box > 0)[0])
    here.switch_planning("1000", on=False)
    file(here, cell, 36.0)
    file(here, cell, 37.0)
    purchasing.convert(here, lead_time_of(facts, here.today), _mishaps(here))
    lines = here.documents.order_lines
    words = here.documents.words.texts
    told = [
        (float(lines["quantity"][row]), words[lines["unit"][row]], float(lines["factor"][row]))
        for row in range(len(lines) - 2, len(lines))
    ]
    assert told == [(3.0, "BOX", 12.0), (37.0, "PC", 1.0)]


def _mishaps(here):
    return Mishaps(here.scenario, here.today)


def test_lost_sales_are_lost_and_counted():
    here = world(history_days=0)
    here.on_hand[:] = 0.0
    for plant in here.scenario.plants:
        here.switch_planning(plant, on=False)
    here.advance()
    for day in here.chronicle.days[-3:]:
        assert day.served_units == 0
        assert day.lost_units == day.demand_units
        assert day.short_lines == day.demand_lines > 0
        assert day.planned_by_erp is False


def test_an_item_that_was_just_launched_has_no_past():
    here = world(items=200, regions=1, history_days=40)
    table = here.documents.movement_lines
    young = np.flatnonzero(here.scenario.opens > 0)
    days = here.documents.movements["created"][table["movement"]]
    mine = np.isin(table["cell"], young) & (table["kind"] == ISSUE)
    assert mine.any()
    assert days[mine].min() >= here.today - 5
