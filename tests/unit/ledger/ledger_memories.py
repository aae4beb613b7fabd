"""Reviews with real evidence behind them, and what the next one is told of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import polars as pl
from ledger_decisions import as_read, seen
from ledger_fakes import START
from ledger_worlds import SITE, a_record, planned, slot_on

from connector.failsafes.aftermath import vitals_after
from connector.failsafes.limits import Limits

TODAY = START.date()


def told(world, day=1, **how):
    return world.ledger.remember(SITE, TODAY + timedelta(days=day), **how)


def recorded(world, day, lines, *, held=(), items=4, believed=None, pilot=()):
    """Record a day with real evidence behind it.

    `believed` = the items whose stock was believed, None = all. `pilot` = its nodes, () = all.
    """
    slot = slot_on(day)
    if world.clock.wall < slot.starts_at:
        world.clock.advance((slot.starts_at - world.clock.wall).total_seconds())
    what = seen(items, seed=day, day=day)
    if believed is not None:
        what = replace(what, previous=as_believed(what, believed))
    review_id = world.ledger.open_review(slot, mode=world.erp.mode, now=world.now())
    evidence = world.ledger.evidence.write(SITE, review_id, what)
    plan = planned(lines, held)
    record = replace(
        a_record(slot, plan),
        evidence_digest=evidence.digest,
        snapshot_digest=evidence.snapshot_digest,
        vitals=vitals_after(
            slot=slot.name,
            state=what.state,
            snapshot=what.snapshot,
            limits=Limits(),
            screened=what.screened,
        ),
        piloted=plan["node"].is_in(pilot) if pilot else None,
    )
    world.ledger.record(review_id, record, now=world.now())
    world.ledger.close_review(review_id, outcome="done", detail="", now=world.now())
    return what


def whole_of(what):
    """Return PREVIOUS with every reading as it was."""
    return as_read(what.state)


def as_believed(what, items):
    """Return PREVIOUS with a stock of 77 wherever the reading was not believed."""
    doubted = ~pl.col("item").is_in(items)
    return whole_of(what).with_columns(
        on_hand=pl.when(doubted).then(77.0).otherwise("on_hand"),
        starved_reviews=pl.lit(3, dtype=pl.Int64),
    )
