"""The proving ground: books that agree with the twin, measures that are right, a fair fight."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest

torch = pytest.importorskip("torch")

from connector.inventory.planning import Planning  # noqa: E402
from connector.policy.base_stock import BaseStockPolicy  # noqa: E402
from connector.twin.demand import Moves  # noqa: E402
from connector.twin.dynamics import Stock, on_the_way  # noqa: E402
from connector.twin.network import Rules, Topology  # noqa: E402
from connector.twin.rollout import rollout  # noqa: E402
from connector.twin.scenario import WorldOptions, scenario  # noqa: E402
from policies.proving import words  # noqa: E402
from policies.proving.contenders import NewsvendorPolicy, ReorderPointPolicy  # noqa: E402
from policies.proving.evaluation import Proving, baselines, by_ratio, fill_rate  # noqa: E402
from policies.proving.measures import Sums, changes, figures  # noqa: E402
from policies.proving.page import write_evaluation  # noqa: E402
from policies.proving.site import MONDAY, TwinSite  # noqa: E402
from policies.proving.trial import Days, Lived, Trial  # noqa: E402
from policies.proving.years import Year, drawn  # noqa: E402
from policies.rewards import Rewards, Weights  # noqa: E402

FACTS = scenario(WorldOptions(items=12, regions=2, seed=3))
PLANNING = Planning()


@pytest.fixture(scope="module")
def year() -> Year:
    return drawn(FACTS, years=2, seed=5)


class Books:
    """Runs the twin beside the site's books, ordering at random."""

    def __init__(self, year: Year, days: int) -> None:
        self.year = year.first(days)
        self.site = TwinSite(FACTS, self.year, history_days=90)
        self.chance = np.random.default_rng(2)
        self.seen: list[tuple[Stock, pl.DataFrame, pl.DataFrame]] = []
        nothing = np.zeros_like(year.start)
        topology = Topology(suppliers=(-1, 0, 0), horizon=int(self.year.takes.max()))
        rollout(
            topology,
            Rules(holding=1.0, shortage=1.0, lost_share=1.0),
            Stock(on_hand=year.start, pipeline=(nothing,) * topology.horizon, owed=nothing),
            demand=list(self.year.demand),
            lead_time=list(self.year.takes.astype(np.float64)),
            policy=self.order,
            watch=self.note,
        )

    def order(self, stock: Stock, day: int) -> np.ndarray:
        picture = self.site.snapshot(day, stock.on_hand)
        self.seen.append((stock, picture.stock, picture.pipeline))
        self.last = picture
        return self.chance.poisson(2.0, self.year.start.shape).astype(np.float64)

    def note(self, day: int, _stock: Stock, flows: object, _cost: object) -> None:
        self.site.close_day(
            day,
            ordered=flows.ordered,
            shipped=flows.shipped,
            takes=self.year.takes[day],
            sold=flows.demand - flows.unmet,
        )


def summed(frame: pl.DataFrame, year: Year) -> np.ndarray:
    """Return a frame's quantities as [B, N]."""
    cells = np.zeros((len(year.names), FACTS.nodes))
    items = {name: k for k, name in enumerate(year.names)}
    nodes = {name: k for k, name in enumerate(FACTS.plants)}
    for node, item, quantity in frame.select("node", "item", "quantity").iter_rows():
        cells[items[item], nodes[node]] += quantity
    return cells


def test_the_books_show_what_the_twin_holds_every_morning(year: Year) -> None:
    books = Books(year, 40)
    waits = 0
    for stock, on_hand, pipeline in books.seen:
        np.testing.assert_allclose(summed(on_hand, year), stock.on_hand, atol=1e-6)
        coming = np.asarray(on_the_way(stock)) + stock.owed
        np.testing.assert_allclose(summed(pipeline, year), coming, atol=1e-4)
        waits += int((stock.owed > 0).sum())
    assert waits > 0, "the central warehouse never ran short: nothing was tested"


def test_goods_are_promised_as_planned_not_as_they_come(year: Year) -> None:
    books = Books(year, 30)
    planned = dict(books.site.items.select(pl.concat_str("node", "item"), "lead_time_days").rows())
    sent = books.last.pipeline.filter(~pl.col("document").str.ends_with("w"))
    assert sent.height > 0
    for node, item, document, due in sent.select("node", "item", "document", "due").iter_rows():
        left = MONDAY + timedelta(days=int(document.partition("-")[0]))
        assert due == left + timedelta(days=planned[node + item])
    assert sent.filter(pl.col("due") < books.last.erp_date).height > 0, "nobody was ever late"


def test_history_holds_sales_and_the_lead_times_that_were_seen(year: Year) -> None:
    books = Books(year, 30)
    history = books.last.history
    assert history.consumption["posted_on"].max() == books.last.erp_date - timedelta(days=1)
    assert history.receipts["posted_on"].max() <= books.last.erp_date
    known = history.receipts.join(history.orders, on="order", how="left")
    assert known["ordered_on"].null_count() == 0
    took = (known["posted_on"] - known["ordered_on"]).dt.total_days()
    assert took.min() >= 1


def test_moves_reach_the_customers(year: Year) -> None:
    grown = drawn(FACTS, years=2, seed=5, moves=Moves(growth=3.0))
    last = slice(-56, None)
    times = grown.demand[last].sum() / year.demand[last].sum()
    assert 4.0 < times < 8.0  # after a year and a half
    calm = drawn(FACTS, years=2, seed=5, moves=Moves())
    np.testing.assert_array_equal(calm.demand, year.demand)


def test_two_trials_of_one_policy_are_equal_and_serve(year: Year) -> None:
    short = year.first(60)
    one, two = (
        Trial(name="b", policy=BaseStockPolicy(), year=short, planning=PLANNING, settle=30).live()
        for _ in range(2)
    )
    np.testing.assert_array_equal(one.days.ordered, two.days.ordered)
    assert fill_rate(one) > 0.8
    assert one.days.demand.shape == (30, len(year.names), FACTS.nodes)


def test_more_safety_serves_more(year: Year) -> None:
    short = year.first(90)

    def served(z: float) -> float:
        policy = ReorderPointPolicy(z=z, days=5.0, days_above=10.0)
        return fill_rate(
            Trial(name="z", policy=policy, year=short, planning=PLANNING, settle=30).live()
        )

    assert served(0.3) < served(3.0)


def test_a_newsvendor_holds_more_for_a_higher_ratio(year: Year) -> None:
    low, high = (
        Trial(
            name="n",
            policy=NewsvendorPolicy(ratio=ratio),
            year=year.first(60),
            planning=PLANNING,
            settle=30,
        ).live()
        for ratio in (0.8, 0.99)
    )
    assert low.days.on_hand.sum() < high.days.on_hand.sum()


def hand_made(year: Year) -> Lived:
    """One item at one node over 14 days; cycles end on days 5 and 9."""
    demand = np.full((14, 1, 1), 2.0)
    served = demand.copy()
    served[6] = 1.0  # in the second cycle
    received = np.zeros((14, 1, 1), dtype=bool)
    received[[5, 9]] = True
    days = Days(
        demand=demand,
        served=served,
        on_hand=np.full((14, 1, 1), 10.0),
        ordered=np.where(received, 10.0, 0.0),
        received=received,
    )
    own = replace(
        year,
        years=1,
        price=np.array([[3.0]]),
        excess_level=np.array([[7.0]]),
        kind=np.array([0]),
    )
    return Lived(name="x", year=own, days=days, asked=0, accepted=0, findings={})


def test_measures_of_a_fortnight_by_hand(year: Year) -> None:
    found = figures(Sums.of(hand_made(year), Weights(excess_per_year=2.5)))
    assert found["fill rate"].value == pytest.approx(100.0 * 27 / 28)
    assert found["service"].value == pytest.approx(100.0 * 13 / 14)
    assert found["cycle service"].value == pytest.approx(50.0)
    assert found["turns"].value == pytest.approx(365.0 * 27 / 140)
    assert found["days of supply"].value == pytest.approx(5.0)
    assert found["excess"].value == pytest.approx(9.0)
    assert found["order lines"].value == pytest.approx(365.0 * 2 / 14)
    assert found["bullwhip"].value == 0.0  # as much was bought each week
    cost = 14 * (0.25 * 30 + 2.5 * 9) / 365 + 0.3 * 3
    assert found["cost"].value == pytest.approx(100.0 * cost / (27 * 3))
    assert found["fill rate"].low == found["fill rate"].high  # of one item there is no spread


def test_a_policy_beside_itself_differs_in_nothing(year: Year) -> None:
    lived = Trial(
        name="b", policy=BaseStockPolicy(), year=year.first(50), planning=PLANNING, settle=20
    ).live()
    sums = Sums.of(lived, Weights())
    for each in changes(sums, sums).values():
        assert (each.value, each.low, each.high) == pytest.approx((0.0, 0.0, 0.0))
    spread = figures(sums)["turns"]
    assert spread.low < spread.value < spread.high


def test_an_evaluation_sets_all_to_one_service_and_shows_pictures(tmp_path: Path) -> None:
    ground = Proving(
        world=WorldOptions(items=8, regions=1, seed=3),
        years=1,
        seed=9,
        target=0.9,
        rewards=Rewards(),
        settle=20,
        days=28,
        choice_settle=20,
        choice_days=28,
    )
    ours = by_ratio("ours", lambda _: BaseStockPolicy())
    said: list[str] = []
    evaluation = ground.judge((ours, baselines()[0]), said.append)
    assert [each.served >= 0.9 for each in evaluation.settings] == [True, True]
    path = tmp_path / "page.html"
    assert write_evaluation(evaluation, path, policy="ours") == path.stat().st_size
    text = path.read_text()
    assert text.count("<svg ") == 3
    assert "reorder point" in text
    assert "<script" not in text
    printed = "\n".join(words.lines(words.results(evaluation)))
    assert "| fill rate, % |" in printed
