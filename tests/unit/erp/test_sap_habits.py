from __future__ import annotations

import pytest
from polars.testing import assert_frame_equal
from sap_pulls import pull
from sap_world import fill
from still_clock import StillClock
from strict_sap import Habits, StrictSap

HABITS = {
    "padded numbers": Habits(padded=True),
    "unset is null": Habits(unset="null"),
    "unset is left out": Habits(unset="absent"),
    "unset is the epoch": Habits(unset="epoch"),
    "padded decimals": Habits(decimals="padded"),
    "decimals as numbers": Habits(decimals="number"),
    "dates with an offset": Habits(dates="offset"),
    "dates in words": Habits(dates="iso"),
    "flags are X": Habits(yes="X"),
    "flags are texts": Habits(yes="true"),
    "small pages, relative links": Habits(cap=4),
    "small pages, absolute links": Habits(cap=4, following="absolute"),
    "small pages, links to an inner host": Habits(cap=4, following="inner_host"),
    "small pages, two skip tokens": Habits(cap=4, following="double"),
    "small pages, no links": Habits(cap=4, following="none"),
    "small pages, no links, no count": Habits(cap=4, following="none", count="none"),
    "everything at once": Habits(ignores_top=True, ignores_skip=True, following="none"),
    "everything at once, no count": Habits(
        ignores_top=True, ignores_skip=True, following="none", count="none"
    ),
    "an empty last page": Habits(cap=4, empty_last_page=True),
    "rows come twice": Habits(cap=4, repeats=2),
    "the count is a number": Habits(count="number"),
    "rows are a plain list": Habits(rows="list", cap=4),
    "rows inside are a plain list": Habits(inner="list"),
    "rows inside are cut": Habits(inner="cut"),
    "rows inside are only linked": Habits(inner="deferred"),
    "rows inside are refused": Habits(inner="refused"),
    "rows inside are left out": Habits(inner="absent"),
    "not true is taken for true": Habits(turns_ne_around=True),
    "no order": Habits(refuses_order=True),
    "no data is an error": Habits(no_data_is_400=True),
    "every answer closes": Habits(close=True),
}


@pytest.fixture(scope="module")
def usual():
    server = StrictSap()
    fill(server)
    yield pull(server, StillClock())
    server.close()


@pytest.mark.parametrize("habit", HABITS)
def test_whatever_a_server_is_used_to_the_picture_is_the_same(habit, usual, sap, clock):
    sap.habits = HABITS[habit]
    snapshot = pull(sap, clock)
    for name in ("items", "stock", "pipeline", "faults"):
        assert_frame_equal(getattr(snapshot, name), getattr(usual, name))
    for name in ("consumption", "receipts", "orders"):
        assert_frame_equal(getattr(snapshot.history, name), getattr(usual.history, name))


@pytest.mark.parametrize("page_size", [0, 3, 5000])
@pytest.mark.parametrize("following", ["relative", "none"])
def test_no_page_size_loses_rows(page_size, following, usual, sap, clock):
    sap.habits = Habits(cap=5, following=following)
    snapshot = pull(sap, clock, page_size=page_size)
    assert_frame_equal(snapshot.stock, usual.stock)
    assert_frame_equal(snapshot.items, usual.items)


def test_rows_that_came_twice_are_counted_in_the_evidence(sap, clock):
    sap.habits = Habits(cap=4, repeats=2)
    feeds = {feed.name: feed for feed in pull(sap, clock).feeds}
    assert feeds["stock"].duplicates > 0
    assert feeds["stock"].rows == feeds["stock"].expected == 24


def test_without_an_expansion_movements_are_asked_for_by_range(sap, clock):
    sap.habits = Habits(inner="refused")
    pull(sap, clock)
    ranged = [
        u for u in sap.asked if "A_MaterialDocumentItem?" in u and "MaterialDocument%20ge" in u
    ]
    assert len(ranged) == 1
    lines = [u for u in sap.asked if "A_PurchaseOrderScheduleLine?" in u]
    assert len(lines) == 1
