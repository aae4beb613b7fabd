"""Replay: the stored review, decided again, bit for bit; and every difference told."""

from __future__ import annotations

import shutil
from dataclasses import replace

import orjson
import polars as pl
import pytest
from site_desks import LOW, SITE, House

from connector.errors import CommandRefused, LedgerUnavailable
from connector.ledger.control import Command
from connector.site.replay import replay
from connector.site.wiring import Pilot

TEA, SALT = ("1010", "TEA"), ("1020", "SALT")


@pytest.fixture(scope="module")
def lived(tmp_path_factory):
    """Four days: orders, a stock read as 0 and held twice, an accepted picture, a pilot."""
    house = House(tmp_path_factory.mktemp("lived"))
    house.stock[SALT] = LOW
    house.desk.tick()
    for day in range(4):
        house.sells()
        house.stock[TEA] = 0.0
        if day == 2:
            house.desk.execute(command_to_accept(house))
        if day == 3:
            house.desk.rewire(replace(house.wiring, pilot=Pilot(nodes=("1020",))))
        house.desk.tick()
    house.desk.close()
    return house


def command_to_accept(house):
    return Command(verb="accept", site=SITE, who="ada", why="gone", at=house.clock.now())


@pytest.fixture
def office(lived, tmp_path):
    """The four days, to be damaged freely."""
    office = lived.office()
    return replace(office, directory=shutil.copytree(lived.directory, tmp_path / SITE))


def reviews(office):
    with office._reading() as ledger:
        return [row[0] for row in ledger.store.rows("SELECT review_id FROM review ORDER BY slot")]


def held_in(office, review):
    with office._reading() as ledger:
        return ledger.evidence.read_lines(SITE, review).filter(pl.col("held") > 0).height


def altered(office, review, name, change):
    path = office.directory / "evidence" / SITE / review / name
    change(path)


def test_every_review_matches_bit_for_bit_with_holds_and_accepted_pictures(office):
    assert len(reviews(office)) == 5
    assert [held_in(office, review) for review in reviews(office)] == [0, 1, 1, 0, 0]
    for review in reviews(office):
        told = office.replay(review)
        assert told.matches, told.differences
        assert (told.review, told.lines, told.differences) == (review, 8, ())


def test_another_verdict_than_the_stored_one_is_told_by_column(office):
    review = reviews(office)[1]

    def change(path):
        frame = pl.read_parquet(path)
        more = pl.when(pl.col("held") > 0).then(pl.col("held") + 1.0).otherwise("held")
        frame.with_columns(more.alias("held")).write_parquet(path)

    altered(office, review, "lines.parquet", change)
    told = office.replay(review)
    assert not told.matches
    assert f"{review}/lines.parquet was altered" in told.differences
    assert "lines.held: 1 of 8 rows differ" in told.differences
    assert len(told.differences) == 2


def test_a_last_bit_is_a_difference(office):
    review = reviews(office)[0]

    def change(path):
        frame = pl.read_parquet(path)
        frame.with_columns(pl.col("requested") * (1 + 2**-52)).write_parquet(path)

    altered(office, review, "lines.parquet", change)
    assert any(each.startswith("lines.requested: ") for each in office.replay(review).differences)


def test_other_limits_than_it_was_decided_by_are_told(office):
    review = reviews(office)[1]

    def change(path):
        context = orjson.loads(path.read_bytes())
        context["limits"]["stock_drop"]["sigmas"] = 100.0
        context["limits"]["unusable_value"]["days"] = 1.0
        path.write_bytes(orjson.dumps(context))

    altered(office, review, "context.json", change)
    told = office.replay(review)
    assert not told.matches
    assert any(each.startswith(("lines.", "findings")) for each in told.differences)


def test_another_number_of_findings_is_told(office):
    review = reviews(office)[1]

    def change(path):
        pl.read_parquet(path).head(2).write_parquet(path)

    altered(office, review, "findings.parquet", change)
    told = office.replay(review)
    assert any(each.startswith("findings: 2 rows were stored, ") for each in told.differences), (
        told.differences
    )


def test_a_review_that_decided_nothing_cannot_be_replayed(office, tmp_path):
    with pytest.raises(CommandRefused, match="there is no review"):
        office.replay("20200101T000000Z-AAAAAA")
    review = reviews(office)[0]
    shutil.rmtree(office.directory / "evidence" / SITE / review)
    with pytest.raises(LedgerUnavailable, match="cannot be read"):
        office.replay(review)


def test_a_replay_needs_nothing_of_today(lived):
    """The ERP may be gone, the configuration changed: the evidence holds all it needs."""
    evidence, trust = lived.office(), lived.wiring.trust
    with evidence._reading() as ledger:
        for review in [row[0] for row in ledger.store.rows("SELECT review_id FROM review")]:
            assert replay(ledger.evidence, SITE, review, trust).matches
