"""Whole decisions of a site, as columns: small ones to read, large ones to time."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
from ledger_fakes import START

from connector.failsafes.verdicts import FINDINGS, SCREENED, Action, Screened
from connector.inventory.memory import PREVIOUS, Memory
from connector.inventory.recommendation import Recommendation
from connector.inventory.snapshot import (
    CONSUMPTION,
    FAULTS,
    ITEMS,
    ORDERS,
    PIPELINE,
    RECEIPTS,
    STOCK,
    Feed,
    History,
    Snapshot,
)
from connector.inventory.state import STATE, State
from connector.ledger.evidence import Seen


def filled(schema: pl.Schema, rows: int, rng: np.random.Generator, **given: object) -> pl.DataFrame:
    """Return a frame of a schema: what is not given is random, and hostile now and then."""
    columns = {}
    for name, kind in schema.items():
        if name in given:
            columns[name] = pl.Series(given[name], dtype=kind)
        elif kind == pl.Float64:
            values = rng.gamma(1.2, 30.0, rows)
            if rows > 3:
                values[:3] = (np.nan, np.inf, -0.0)
            columns[name] = values
        elif kind == pl.Boolean:
            columns[name] = rng.random(rows) < 0.1
        elif kind == pl.Date:
            columns[name] = [START.date()] * rows
        elif kind == pl.String:
            columns[name] = rng.choice(["", "EA", "0001"], rows).tolist()
        else:
            columns[name] = pl.Series(rng.integers(0, 5, rows), dtype=kind)
    return pl.DataFrame(columns, schema=schema)


def keys(rows: int) -> dict[str, list[str]]:
    nodes = [f"{1000 + 10 * (row * 7 // max(rows, 1))}" for row in range(rows)]
    return {"node": nodes, "item": [f"M{row:07}" for row in range(rows)]}


def a_snapshot(rows: int, rng: np.random.Generator, *, days: int = 3, day: int = 0) -> Snapshot:
    named = keys(rows)
    today = START.date() + timedelta(days=day)
    feed = Feed(
        name="stock",
        rows=rows,
        expected=None,
        pages=2,
        octets=1_000,
        duplicates=0,
        started_at=START,
        finished_at=START + timedelta(seconds=1.5),
        seconds=1.5,
    )
    return Snapshot(
        site="north",
        taken_at=START + timedelta(days=day),
        erp_date=today,
        items=filled(ITEMS, rows, rng, **named),
        stock=filled(STOCK, rows, rng, **named),
        pipeline=filled(PIPELINE, rows, rng, **named),
        faults=filled(FAULTS, 2, rng),
        history=a_history(rows, rng, today=today, days=days),
        feeds=(feed,),
    )


def a_history(rows: int, rng: np.random.Generator, *, today: date, days: int) -> History:
    named = keys(rows)
    created = [today - timedelta(days=back) for back in reversed(range(days)) for _ in range(rows)]
    moved = filled(
        CONSUMPTION,
        rows * days,
        np.random.default_rng(7),
        node=named["node"] * days,
        item=named["item"] * days,
        created_on=created,
        posted_on=created,
    )
    return History(
        since=today - timedelta(days=days),
        watermark=today,
        consumption=moved,
        receipts=filled(RECEIPTS, 4, rng),
        orders=filled(ORDERS, 4, rng),
    )


def a_state(rows: int, rng: np.random.Generator, **given: object) -> State:
    frame = filled(STATE, rows, rng, **(keys(rows) | {"lead_time_days": [4.2] * rows} | given))
    return State(site="north", erp_date=START.date(), frame=frame)


def a_recommendation(rows: int, rng: np.random.Generator) -> Recommendation:
    return Recommendation(
        source="tiny@1",
        digest="d" * 64,
        order_up_to=rng.random(rows) * 100,
        quantity=rng.random(rows) * 10,
        base_stock_level=rng.random(rows) * 100,
        base_stock_quantity=rng.random(rows) * 10,
        fell_back=rng.random(rows) < 0.1,
    )


def screened(
    state: State, quantity: list[float], held: list[float], action: list[Action], **given: object
) -> Screened:
    rows = len(state)
    most = [max(q, h) for q, h in zip(quantity, held, strict=True)]
    lines = filled(
        SCREENED,
        rows,
        np.random.default_rng(5),
        node=state.frame["node"].to_list(),
        item=state.frame["item"].to_list(),
        quantity=quantity,
        held=held,
        rounded=given.pop("rounded", most),
        value=given.pop("value", [2.0 * each for each in most]),
        action=[int(each) for each in action],
        **given,
    )
    findings = given.get("findings", FINDINGS.to_frame())
    return Screened(lines=lines, findings=findings)


def all_passed(state: State, rng: np.random.Generator, share: float = 0.05) -> Screened:
    rows = len(state)
    ordered = np.where(rng.random(rows) < share, rng.integers(1, 500, rows) / 4, 0.0)
    return screened(state, ordered.tolist(), [0.0] * rows, [Action.PASS] * rows)


def as_read(state: State) -> pl.DataFrame:
    """Return PREVIOUS with every reading as it was."""
    counted = state.frame.with_columns(starved_reviews=pl.lit(0))
    return counted.select(pl.col(name).cast(kind) for name, kind in PREVIOUS.items())


def seen(
    rows: int, seed: int = 1, *, days: int = 3, day: int = 0, memory: Memory | None = None
) -> Seen:
    rng = np.random.default_rng(seed)
    state = a_state(rows, rng)
    return Seen(
        snapshot=a_snapshot(rows, rng, days=days, day=day),
        memory=memory or Memory(),
        state=state,
        recommendation=a_recommendation(rows, rng),
        screened=all_passed(state, rng),
        previous=as_read(state),
        context={"now": START + timedelta(seconds=5), "limits": {"C2": 1.2}, "version": "0.1"},
    )
