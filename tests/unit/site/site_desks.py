"""A small site at a desk: two nodes, four items, an ERP in memory, and a clock the test moves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from connector.erp.memory import InMemoryErp
from connector.erp.shadow import ShadowPoster
from connector.errors import ErpUnavailable, ReplenishError
from connector.failsafes.limits import Limits
from connector.inventory.network import Network, Node
from connector.inventory.planning import Planning
from connector.inventory.snapshot import (
    CONSUMPTION,
    FAULTS,
    ITEMS,
    PIPELINE,
    STOCK,
    Feed,
    History,
    Snapshot,
)
from connector.ledger.conduct import Conduct
from connector.ledger.lines import Line, select
from connector.ledger.retention import Retention
from connector.ledger.reviews import ReviewRow, select_reviews
from connector.policy.fallback import FallbackPolicy
from connector.policy.shipped import shipped_keys
from connector.policy.trust import Trust
from connector.schedule import Schedule
from connector.site.desk import Desk
from connector.site.office import Office
from connector.site.wiring import Erp, Pilot, Wiring
from connector.telemetry.metrics import Meter

SITE = "north"
NODES = ("1010", "1020")
ITEM_NAMES = ("CUPS", "MILK", "SALT", "TEA")
START = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
DAILY = 4.0  # units a day of every item-node
ENOUGH = 60.0  # base-stock wants about 35
LOW = 2.0
TEA = ("1010", "TEA")
AWAY = ErpUnavailable("the ERP does not answer", hint="wait")
QUICK = Conduct(quarantine_seconds=300.0, visibility_lag_seconds=10.0, second_look_seconds=30.0)
DAY, HOUR = 86_400.0, 3_600.0

Place = tuple[str, str]


class Killed(BaseException):
    """The process died here."""


class DeskClock:
    """Wall and monotonic time go together, when told to; `at_call` may end the process."""

    def __init__(self) -> None:
        self.wall, self.elapsed, self.boot = START, 1_000.0, "boot-1"
        self.at_call: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        self.at_call()
        return self.wall

    def monotonic(self) -> float:
        self.at_call()
        return self.elapsed

    def boot_id(self) -> str:
        return self.boot

    def sleep(self, seconds: float) -> None:
        self.wall += timedelta(seconds=seconds)
        self.elapsed += seconds


class Reader:
    """Shows the site as it stands; `refuses` is used up from the front, one error per pull."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.refuses: list[ReplenishError] = []
        self.pulls: list[datetime] = []

    def pull(self, now: datetime, history: History) -> Snapshot:
        self.pulls.append(now)
        if self.refuses:
            raise self.refuses.pop(0)
        self._house.erp.snapshot = self._house.picture()
        return self._house.erp.pull(now, history)

    def server_time(self) -> datetime:
        return self._house.erp.server_time() + self._house.erp_ahead


class House:
    """One site, its ERP and whoever sits at its desk."""

    def __init__(self, directory: Path, *, mode: str = "live", **changes: object) -> None:
        self.directory, self.clock = directory / SITE, DeskClock()
        self.stock: dict[Place, float] = {
            (node, item): ENOUGH for node in NODES for item in ITEM_NAMES
        }
        self.erp_ahead = timedelta()
        self.erp = InMemoryErp(self.picture(), self.clock)
        self.reader = Reader(self)
        self.meter = Meter(version="1", process=False)
        poster = ShadowPoster() if mode == "shadow" else self.erp
        self.wiring = self._wiring(poster, **changes)
        self.desk = self.open()

    def _wiring(self, poster: object, **changes: object) -> Wiring:
        wiring = Wiring(
            name=SITE,
            currency="EUR",
            schedule=Schedule("0 6 * * *", "UTC", timedelta(hours=2)),
            tick_seconds=1.0,
            network=Network(tuple(Node(name=name) for name in NODES)),
            planning=lambda days: Planning(review_days=days),
            limits=Limits(),
            pilot=Pilot(),
            erp=Erp(
                reader=self.reader,
                poster=poster,  # type: ignore[arg-type]
                finder=self.erp,
                checks=(),
                api_plan=tuple,
                other_planners=lambda snapshot: snapshot.items.clear(),
                close=lambda: None,
            ),
            policy=FallbackPolicy(bundles=()),
            places=(),
            trust=Trust.read(shipped_keys()),
            conduct=QUICK,
            hold_expiry=timedelta(hours=20),
            retention=Retention(),
        )
        return replace(wiring, **changes)

    def open(self) -> Desk:
        return Desk(self.wiring, self.directory, self.clock, self.meter)

    def die(self) -> None:
        """End the process as a kill does: nothing is written, its locks are gone."""
        self.clock.at_call = lambda: None
        self.desk.ledger.store.close()
        self.desk._lock.release()

    def office(self) -> Office:
        return Office(
            wiring=self.wiring, directory=self.directory, clock=self.clock, meter=self.meter
        )

    # What the ERP shows

    def picture(self) -> Snapshot:
        today, now = self.clock.wall.date(), self.clock.wall
        stock = [(*place, "PC", "available", units) for place, units in self.stock.items()]
        sold = [
            (*place, day, day, DAILY)
            for back in range(1, 57)
            for day in (today - timedelta(days=back),)
            for place in self.stock
        ]
        read = {"pages": 1, "octets": 100, "duplicates": 0, "seconds": 0.1}
        rows = len(self.stock)
        feeds = tuple(
            Feed(name=name, rows=rows, expected=rows, started_at=now, finished_at=now, **read)
            for name in ("stock", "items")
        )
        return Snapshot(
            site=SITE,
            taken_at=now,
            erp_date=today,
            items=items(list(self.stock)),
            stock=pl.DataFrame(stock, schema=STOCK, orient="row"),
            pipeline=self._pipeline(),
            faults=FAULTS.to_frame(),
            history=History(
                since=today - timedelta(days=90),
                watermark=today,
                consumption=pl.DataFrame(sold, schema=CONSUMPTION, orient="row"),
            ),
            feeds=feeds,
        )

    def _pipeline(self) -> pl.DataFrame:
        """Return what was filed as the ERP shows it: an open requisition with our key."""
        filed = self.erp.filed if hasattr(self, "erp") else []
        rows = [
            {
                "node": line.node,
                "item": line.item,
                "kind": "requisition",
                "document": line.number,
                "line": line.line,
                "quantity": float(line.quantity),
                "due": self.clock.wall.date() + timedelta(days=5),
                "supplying_node": "",
                "requisition": line.number,
                "requisition_line": line.line,
                "tracking": line.key,
                "firm": True,
            }
            for line in filed
        ]
        return pl.DataFrame(rows, schema=PIPELINE)

    def sells(self) -> None:
        """Let a day go by: everything sells, nothing below zero."""
        self.stock = {place: max(units - DAILY, 0.0) for place, units in self.stock.items()}
        self.clock.sleep(DAY)

    # What became of it

    def reviews(self) -> list[ReviewRow]:
        """Return the reviews, oldest first."""
        return select_reviews(self.desk.ledger.store, "site = ?", (SITE,))[::-1]

    def outcomes(self) -> list[str]:
        return [review.outcome for review in self.reviews()]

    def lines(self) -> list[Line]:
        return select(self.desk.ledger.store, "site = ?", (SITE,))

    def states(self) -> dict[Place, str]:
        """Return where the lines of the newest review are."""
        newest = self.reviews()[-1].review_id
        return {
            (line.node, line.item): str(line.state)
            for line in self.lines()
            if line.review_id == newest
        }

    def said(self, guard: str) -> set[Place]:
        """Return the lines of the newest review that a guard stopped."""
        report = self.desk.notes.report
        assert report is not None
        found = report.screened.findings.filter(
            pl.col("guard") == guard, pl.col("action") >= 3, pl.col("item") != ""
        )
        return set(found.select("node", "item").rows())


def items(places: list[Place]) -> pl.DataFrame:
    common = {
        "unit": "PC",
        "mrp_type": "ND",
        "purchasing_group": "001",
        "lead_time_days": 5.0,
        "lot_minimum": 0.0,
        "lot_maximum": float("inf"),
        "lot_fixed": 0.0,
        "lot_multiple": 0.0,
        "safety_stock": 0.0,
        "reorder_point": 0.0,
        "maximum_stock": float("inf"),
        "unit_cost": 2.5,
        "blocked": False,
    }
    rows = [{"node": node, "item": item} | common for node, item in sorted(places)]
    return pl.DataFrame(rows, schema=ITEMS)


def at(house: House, seconds: float) -> None:
    """Tick once a second of `seconds` has gone by, as the daemon does."""
    house.clock.sleep(seconds)
    house.desk.tick()
