"""Laws that no recommendation, however hostile, gets around: many lines at once, drawn wildly."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
from builders import (
    DAY,
    TODAY,
    Scene,
    memory_of,
    previous_of,
    recommendation_of,
    snapshot_of,
    spent_of,
    state_of,
    vitals_of,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from connector.failsafes.columns import Lines
from connector.failsafes.data_limits import PipelineVanish, StockDrop, UnusableValue
from connector.failsafes.limits import Limits
from connector.failsafes.line_limits import UnderOrder
from connector.failsafes.total_limits import Budget
from connector.failsafes.verdicts import Action
from connector.inventory.memory import ORDERED
from connector.inventory.state import State

NODES = ("1000", "1010", "1020")
ITEMS = 40
HOSTILE = (np.nan, np.inf, -np.inf, -1.0, -1e-9, 1e300, 1e11, 1e9, 5e-324, 0.0)
TOLERANCE = 1e-6

# Node-wide stops would hide most lines from the laws about single ones.
LENIENT = Limits(
    unusable_value=UnusableValue(few=1000),
    stock_drop=StockDrop(few=1000),
    pipeline_vanish=PipelineVanish(few=1000),
    under_order=UnderOrder(constant=1.0),
)
PURSES = Budget(
    line=4_000.0,
    node_day=12_000.0,
    node_review=9_000.0,
    node_28_days=40_000.0,
    site_review=20_000.0,
)

seeds = st.integers(0, 2**32 - 1)
few = settings(max_examples=20)


def wild(seed: int, *, limits: Limits = LENIENT, starved: bool = False) -> Scene:
    """Draw a site: a central node and two below it, with odd items, answers and memories."""
    rng = np.random.default_rng(seed)
    state = state_of(*_lines(rng))
    memory = memory_of(
        state,
        previous=previous_of(
            state,
            on_hand=state.column("on_hand")
            + rng.choice([0.0, 5.0, 500.0], len(state), p=[0.8, 0.15, 0.05]),
            starved_reviews=rng.integers(0, 3, len(state)) if starved else 0,
        ),
        ordered=_orders(rng, state),
        vitals=vitals_of(state, value=float(rng.choice([1e3, 1e9], p=[0.15, 0.85])), lines=ITEMS),
        spent=spent_of(*((node, age, 1500.0) for node in NODES for age in (0, 3, 20))),
    )
    return Scene(
        state=state,
        recommendation=_answer(rng, state),
        snapshot=snapshot_of(state),
        memory=memory,
        limits=limits,
    )


def _lines(rng):
    for node in NODES:
        for number in range(ITEMS):
            demand = float(rng.choice([0.0, 0.02, 1.0, 10.0, 300.0]) * rng.uniform(0.5, 2.0))
            central = node == "1000"
            position = float(np.round(demand * rng.uniform(0.0, 9.0), 3))
            yield {
                "node": node,
                "item": f"M{number:03}",
                "unit": str(rng.choice(["EA", "KG"])),
                "level": float(central),
                "supplying_node": "" if central else "1000",
                "on_hand": float(
                    rng.choice([position, 0.0, -1.0, -50.0], p=[0.9, 0.06, 0.02, 0.02])
                ),
                "inventory_position": position,
                "echelon_position": position * 4,
                "demand_mean": demand,
                "demand_sd": demand * float(rng.uniform(0.0, 2.0)),
                "echelon_demand_mean": demand * 3,
                "echelon_demand_sd": demand * 2,
                "lead_time_p90": float(rng.choice([1.0, 5.0, 40.0])),
                "review_days": float(rng.choice([0.5, 1.0, 7.0])),
                "lot_minimum": float(rng.choice([0.0, 0.0, 10.0, 37.5])),
                "lot_multiple": float(rng.choice([0.0, 0.0, 1.0, 12.0, 2.5])),
                "lot_fixed": float(rng.choice([0.0, 25.0], p=[0.95, 0.05])),
                "lot_maximum": float(rng.choice([np.inf, 500.0, 30.0], p=[0.8, 0.1, 0.1])),
                "unit_cost": float(rng.choice([np.nan, 0.0, 0.5, 12.0, 900.0])),
                "blocked": bool(rng.random() < 0.02),
                "fault": "odd" if rng.random() < 0.02 else "",
                "own_missing": float(rng.choice([0.0, 4.0], p=[0.97, 0.03])),
            }


def _orders(rng, state):
    size = 6 * len(state)
    chosen = state.frame.select("node", "item")[rng.integers(0, len(state), size)]
    ages = rng.integers(0, 40, size)
    return chosen.with_columns(
        ordered_on=pl.Series([TODAY - int(age) * DAY for age in ages]),
        quantity=pl.Series(rng.choice([0.0, 1.0, 10.0, 100.0], size)),
        value=pl.lit(0.0),
    ).match_to_schema(ORDERED)


def _answer(rng, state):
    lines = Lines(state, Limits())
    size = len(state)
    need = np.maximum(lines.demand * 6 - lines.position, 0.0)
    asked = need * rng.choice([0.0, 0.5, 1.0, 3.0, 50.0], size)
    hostile = rng.random(size) < 0.15
    asked = np.where(hostile, rng.choice(HOSTILE, size), asked)
    return recommendation_of(state, asked, need * rng.choice([0.7, 1.0, 1.4, 20.0], size))


def lines_of(scene: Scene) -> Lines:
    return Lines(scene.state, scene.limits)


@given(seed=seeds)
@few
def test_nothing_but_amounts_is_ordered(seed):
    scene = wild(seed, starved=True)
    lines = scene.screened().lines
    asked = scene.recommendation.quantity
    for name in ("quantity", "held", "rounded"):
        assert np.isfinite(lines[name].to_numpy()).all()
        assert (lines[name].to_numpy() >= 0).all()
    unusable = ~(np.isfinite(asked) & (asked >= 0) & (asked <= 1e10))
    assert (lines["quantity"].to_numpy()[unusable] == 0).all()
    assert (lines["held"].to_numpy()[unusable] == 0).all()


@given(seed=seeds)
@few
def test_a_line_is_ordered_or_held_or_neither_never_both(seed):
    lines = wild(seed, limits=replace(LENIENT, budget=PURSES), starved=True).screened().lines
    ordered, held = lines["quantity"] > 0, lines["held"] > 0
    assert not (ordered & held).any()
    assert set(lines.filter(held)["action"]) <= {Action.HOLD, Action.NODE_HOLD}
    may = {Action.PASS, Action.WARN, Action.CLAMP, Action.FALLBACK}
    assert set(lines.filter(ordered)["action"]) <= may


@given(seed=seeds)
@few
def test_screening_what_was_screened_changes_nothing(seed):
    scene = wild(seed, limits=replace(LENIENT, budget=PURSES))
    once = scene.screened().lines["quantity"].to_numpy()
    again = replace(scene.recommendation, quantity=once.copy())
    twice = scene.but(recommendation=again).screened().lines["quantity"].to_numpy()
    assert (once == twice).all()


@given(seed=seeds)
@few
def test_nothing_is_raised_but_to_whole_lots_and_by_base_stock(seed):
    scene = wild(seed, starved=True)
    verdicts = scene.screened().lines
    lots = lines_of(scene).lots
    asked = np.nan_to_num(scene.recommendation.quantity, posinf=0.0, neginf=0.0)
    base_stock = scene.recommendation.base_stock_quantity
    ours = (verdicts["source"] == "base_stock").to_numpy()
    most = lots.up(np.where(ours, base_stock, np.clip(asked, 0.0, 1e10)), 0.5)
    for name in ("quantity", "held"):
        assert (verdicts[name].to_numpy() <= most + TOLERANCE).all()


@given(seed=seeds)
@few
def test_only_whole_lots_are_ordered(seed):
    scene = wild(seed, starved=True)
    ordered = scene.screened().lines["quantity"].to_numpy()
    lots = lines_of(scene).lots
    times = ordered / lots.multiple
    assert (np.abs(times - np.round(times)) < TOLERANCE).all()
    assert ((ordered == 0) | (ordered >= lots.smallest)).all()
    assert (ordered <= lots.maximum + TOLERANCE).all()


@given(seed=seeds)
@few
def test_no_order_gets_past_the_limits_of_its_line(seed):
    scene = wild(seed, starved=True)
    lines = lines_of(scene)
    ordered = scene.screened().lines["quantity"].to_numpy()
    orders = ordered > 0
    slack = TOLERANCE * (1 + lines.cap)
    assert (lines.position + ordered <= 1.2 * lines.cap + slack)[orders].all()
    usual = np.maximum(scene.recommendation.base_stock_quantity, lines.demand * lines.review)
    assert (ordered <= 2 * usual + lines.lots.smallest + slack).all()
    assert (ordered <= np.maximum(60 * lines.demand, 1.5 * lines.cap) + slack).all()
    assert _cumulative(scene, lines, ordered).all()


def _cumulative(scene, lines, ordered):
    """Work out C7 again, the slow way: order by order."""
    keys = dict(
        zip(scene.state.frame.select("node", "item").rows(), range(len(lines)), strict=True)
    )
    good = np.ones(len(lines), dtype=bool)
    root = 3.5 * lines.demand_sd
    for days in (lines.review, 7.0, 28.0, lines.lead_time + lines.review):
        horizon = np.broadcast_to(days, good.shape)
        before = np.zeros(len(lines))
        for node, item, day, quantity, _ in scene.memory.ordered.iter_rows():
            row = keys[node, item]
            before[row] += quantity * ((TODAY - day).days < horizon[row])
        plan = np.maximum(lines.demand * horizon + root * np.sqrt(horizon), lines.floor)
        most = 1.3 * (plan + lines.lots.smallest)
        good &= (ordered == 0) | (before + ordered <= most + TOLERANCE * (1 + most))
    return good


@given(seed=seeds)
@few
def test_no_sum_gets_past_the_budgets(seed):
    scene = wild(seed, limits=replace(LENIENT, budget=PURSES), starved=True)
    ordered = scene.screened().ordered()
    assert not ordered["value"].is_nan().any()
    assert ordered["value"].max() is None or ordered["value"].max() <= PURSES.line
    by_node = ordered.group_by("node").agg(pl.col("value").sum())
    for value in by_node["value"]:
        assert value <= PURSES.node_review + TOLERANCE
        assert value + 1500.0 <= PURSES.node_day + TOLERANCE
        assert value + 4500.0 <= PURSES.node_28_days + TOLERANCE
    assert ordered["value"].sum() <= PURSES.site_review + TOLERANCE


@given(
    seed=seeds,
    name=st.sampled_from(["node_day", "node_review", "node_28_days", "site_review"]),
    factor=st.floats(0.0, 1.0),
)
@few
def test_a_smaller_budget_orders_no_line_more(seed, name, factor):
    rich = wild(seed, limits=replace(LENIENT, budget=PURSES))
    less = replace(PURSES, **{name: getattr(PURSES, name) * factor})
    poor = rich.but(limits=replace(LENIENT, budget=less))
    most, least = (scene.screened().lines["quantity"].to_numpy() for scene in (rich, poor))
    assert (least <= most).all()


@given(seed=seeds, order=st.randoms(use_true_random=False))
@few
def test_the_order_of_rows_decides_nothing(seed, order):
    scene = wild(seed, limits=replace(LENIENT, budget=PURSES), starved=True)
    rows = list(range(len(scene.state)))
    order.shuffle(rows)
    answer = scene.recommendation
    said = ("order_up_to", "quantity", "base_stock_level", "base_stock_quantity", "fell_back")
    turned = scene.but(
        state=State(scene.state.site, TODAY, scene.state.frame[rows]),
        recommendation=replace(answer, **{name: getattr(answer, name)[rows] for name in said}),
    )
    names = ("quantity", "held", "action", "guards", "source")
    here, there = scene.screened().lines.select(names), turned.screened().lines.select(names)
    assert there.equals(here[rows])


@given(seed=seeds, node=st.sampled_from(NODES))
@few
def test_a_held_node_orders_nothing_and_no_other_node_notices(seed, node):
    scene = wild(seed, starved=True)
    free = scene.screened().lines
    held = scene.but(blocked_nodes={node: "halted"}).screened().lines
    there = pl.col("node") == node
    assert held.filter(there)["quantity"].sum() == 0
    assert held.filter(there)["held"].sum() == 0
    assert held.filter(~there).equals(free.filter(~there))


anything = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from(HOSTILE)


@given(
    wanted=st.lists(anything, min_size=1, max_size=60),
    levels=anything,
    base_stock=st.floats(0.0, 1e6),
)
@settings(max_examples=30)
def test_no_recommendation_whatsoever_gets_past_the_limits(wanted, levels, base_stock):
    lines = [{"item": f"M{k:03}", "lot_multiple": 1.0 + k % 7} for k in range(len(wanted))]
    state = state_of(*lines)
    answer = recommendation_of(
        state, np.array(wanted), base_stock, order_up_to=np.full(len(wanted), levels)
    )
    limits = replace(Limits(), budget=PURSES)
    scene = Scene(
        state=state,
        recommendation=answer,
        snapshot=snapshot_of(state),
        memory=memory_of(state),
        limits=limits,
    )
    verdicts = scene.screened()
    ordered, known = verdicts.lines["quantity"].to_numpy(), lines_of(scene)
    assert np.isfinite(ordered).all()
    assert (ordered >= 0).all()
    assert ((ordered == 0) | (known.position + ordered <= 1.2 * known.cap + TOLERANCE)).all()
    assert (np.abs(ordered / known.lots.multiple % 1) < TOLERANCE).all()
    assert verdicts.ordered()["value"].sum() <= PURSES.node_review
