"""A site with rows of every kind, drawn from a seed."""

from __future__ import annotations

import random
from typing import Any

import polars as pl
from inventory_frames import (
    CUPS,
    DC,
    OTHER,
    REGION,
    TEA,
    ago,
    document,
    frame,
    history,
    item,
    items,
    ordered,
    own,
    pipeline,
    received,
    snapshot,
    taken,
)

from connector.inventory.memory import Memory
from connector.inventory.snapshot import CONSUMPTION, PIPELINE_KINDS, STOCK, Snapshot

_NODES, _ITEMS = (DC, REGION, OTHER), (TEA, CUPS)
_STANDINGS = ("available", "in_transit", "inspection", "blocked")
_STATES = ("owed", "in_doubt", "filed", "confirmed")


def chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311


def busy(seed: int) -> tuple[Snapshot, Memory]:
    rng = chance(seed)
    orders = ordered(*((f"4{k}", ago(rng.randint(1, 90)), rng.choice(("", DC))) for k in range(6)))
    used = [
        taken([_amount(rng) for _ in range(rng.randint(0, 9))], *_somewhere(rng)) for _ in range(4)
    ]
    arrived = [
        {
            **_place(rng),
            "order": f"4{k}",
            "posted_on": ago(rng.randint(1, 60)),
            "quantity": _amount(rng),
        }
        for k in range(6)
    ]
    shelves = [
        {**_place(rng), "unit": "PC", "standing": standing, "quantity": _amount(rng)}
        for standing in rng.choices(_STANDINGS, k=16)
    ]
    seen = snapshot(
        items=items(*(_item(rng, node, name) for node in _NODES for name in _ITEMS)),
        stock=frame(STOCK, shelves),
        pipeline=pipeline(*(_document(rng, k) for k in range(rng.randint(0, 12)))),
        history=history(pl.concat([CONSUMPTION.to_frame(), *used]), received(*arrived), orders),
    )
    return seen, own(*(_own(rng, k) for k in range(rng.randint(0, 5))))


def _somewhere(rng: random.Random) -> tuple[str, str]:
    return rng.choice(_NODES), rng.choice(_ITEMS)


def _place(rng: random.Random) -> dict[str, Any]:
    node, name = _somewhere(rng)
    return {"node": node, "item": name}


def _amount(rng: random.Random) -> float:
    """Decimals of three places, some large, some negative."""
    return rng.randint(-20, 9_999) * rng.choice((1, 10, 1000)) / 1000


def _item(rng: random.Random, node: str, name: str) -> dict[str, Any]:
    lot = rng.choice((0.0, 0.1, 6.0))
    return item(node, name, lead_time_days=float(rng.randint(0, 9)), lot_multiple=lot)


def _document(rng: random.Random, k: int) -> dict[str, Any]:
    return document(
        _amount(rng),
        *_somewhere(rng),
        kind=rng.choice(PIPELINE_KINDS),
        document=str(k),
        supplying_node=rng.choice(("", DC, OTHER, "V1")),
        due=rng.choice((None, ago(rng.randint(-40, 9)))),
        tracking=rng.choice(("", f"KEY{k % 4}")),
        requisition=rng.choice(("", "77", "0078")),
        requisition_line="00010",
    )


def _own(rng: random.Random, k: int) -> dict[str, Any]:
    return document(
        abs(_amount(rng)),
        *_somewhere(rng),
        key=f"KEY{k}",
        number=rng.choice(("", "77", "78")),
        number_line="10",
        state=rng.choice(_STATES),
    )
