"""Evidence: whole or not at all, bit for bit, kept as long as it is needed."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from ledger_decisions import a_history, seen
from ledger_fakes import START
from ledger_worlds import SITE, slot_on

from connector.errors import CommandRefused, LedgerUnavailable
from connector.inventory.memory import PREVIOUS, Memory
from connector.inventory.snapshot import History
from connector.ledger.evidence import EvidenceStore
from connector.ledger.retention import prune_policies
from connector.ledger.reviews import review_id_of
from connector.ledger.verdicts import verdict_lines

REVIEW = review_id_of(slot_on(0))


@pytest.fixture
def store(tmp_path):
    return EvidenceStore(tmp_path / "evidence")


def same_bits(one: pl.DataFrame, other: pl.DataFrame) -> None:
    assert one.schema == other.schema
    for name in one.columns:
        a, b = one[name], other[name]
        if a.dtype == pl.Float64:
            assert a.to_numpy().tobytes() == b.to_numpy().tobytes(), name
        else:
            assert a.to_list() == b.to_list(), name


def test_a_review_is_read_back_bit_for_bit(store):
    what = seen(40)
    memory = Memory(previous_on=START.date() - timedelta(days=1), posted_since=START.date())
    what = type(what)(**{**vars(what), "memory": memory})
    written = store.write(SITE, REVIEW, what)
    snapshot = store.read_snapshot(SITE, REVIEW)
    for name in ("items", "stock", "pipeline", "faults"):
        same_bits(getattr(snapshot, name), getattr(what.snapshot, name))
    for name in ("consumption", "receipts", "orders"):
        same_bits(getattr(snapshot.history, name), getattr(what.snapshot.history, name))
    assert (snapshot.history.since, snapshot.history.watermark) == (
        what.snapshot.history.since,
        what.snapshot.history.watermark,
    )
    assert (snapshot.site, snapshot.taken_at, snapshot.erp_date, snapshot.feeds) == (
        what.snapshot.site,
        what.snapshot.taken_at,
        what.snapshot.erp_date,
        what.snapshot.feeds,
    )
    back = store.read_memory(SITE, REVIEW)
    assert (back.previous_on, back.posted_since) == (memory.previous_on, memory.posted_since)
    same_bits(back.own, memory.own)
    lines = verdict_lines(what.state, what.recommendation, what.screened)
    same_bits(store.read_lines(SITE, REVIEW), lines)
    assert store.read_findings(SITE, REVIEW).schema == what.screened.findings.schema
    assert store.read_context(SITE, REVIEW)["limits"] == {"C2": 1.2}
    assert store.digest(SITE, REVIEW) == written.digest
    assert store.faults(SITE, REVIEW) == ()
    assert written.octets > 0


def test_what_the_next_review_compares_with_is_kept_bit_for_bit_and_guarded(store):
    what = seen(40)
    lines = verdict_lines(what.state, what.recommendation, what.screened)
    believed = what.previous.with_columns(pl.col("on_hand") + 0.1)
    store.write(SITE, REVIEW, replace(what, previous=believed))
    same_bits(store.read_previous(SITE, REVIEW), believed)
    same_bits(store.read_lines(SITE, REVIEW), lines)  # what was read stays what was read
    assert store.faults(SITE, REVIEW) == ()
    kept = store.directory(SITE, REVIEW) / "previous.parquet"
    believed.with_columns(on_hand=pl.lit(0.0)).write_parquet(kept)
    assert store.faults(SITE, REVIEW) == (f"{REVIEW}/previous.parquet was altered",)


def test_a_review_that_believed_all_is_compared_with_as_it_was_read(store):
    what = seen(40)
    store.write(SITE, REVIEW, what)
    previous = store.read_previous(SITE, REVIEW)
    assert previous.schema == PREVIOUS
    same_bits(previous.select("on_hand"), what.state.frame.select("on_hand"))


def test_the_same_picture_has_the_same_digests_in_another_store(store, tmp_path):
    one = store.write(SITE, REVIEW, seen(40))
    other = EvidenceStore(tmp_path / "other").write(SITE, REVIEW, seen(40))
    assert (one.digest, one.snapshot_digest) == (other.digest, other.snapshot_digest)
    third = EvidenceStore(tmp_path / "third").write(SITE, REVIEW, seen(40, seed=2))
    assert third.snapshot_digest != one.snapshot_digest


def test_another_picture_alone_changes_the_snapshot_digest(store, tmp_path):
    one = store.write(SITE, REVIEW, seen(40))
    moved = seen(40)
    history = a_history(40, np.random.default_rng(9), today=START.date(), days=4)
    moved = type(moved)(
        **{
            **vars(moved),
            "snapshot": type(moved.snapshot)(**{**vars(moved.snapshot), "history": history}),
        }
    )
    assert EvidenceStore(tmp_path / "o").write(SITE, REVIEW, moved).snapshot_digest != (
        one.snapshot_digest
    )


def test_every_altered_file_is_found(store):
    written = store.write(SITE, REVIEW, seen(40))
    files = [*written.path.glob("*.parquet"), written.path / "context.json"]
    files += list((written.path.parent / "history").glob("*.parquet"))
    assert len(files) > 12
    for file in files:
        whole = file.read_bytes()
        file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        assert store.faults(SITE, REVIEW) != (), file.name
        file.write_bytes(whole)
    assert store.faults(SITE, REVIEW) == ()


def test_an_altered_manifest_does_not_match_the_ledgers_digest(store):
    written = store.write(SITE, REVIEW, seen(40))
    manifest = written.path / "manifest.json"
    manifest.write_bytes(manifest.read_bytes() + b" ")
    assert store.digest(SITE, REVIEW) != written.digest
    manifest.write_bytes(b"{}")
    with pytest.raises(LedgerUnavailable, match="manifest cannot be read"):
        store.faults(SITE, REVIEW)


def test_an_opening_taken_over_replaces_what_its_dead_process_left(store):
    store.write(SITE, REVIEW, seen(40, seed=1))
    beside = store.directory(SITE, REVIEW).with_name(f".{REVIEW}.new")
    beside.mkdir()
    (beside / "half").write_bytes(b"half a file")
    written = store.write(SITE, REVIEW, seen(40, seed=2))
    assert store.digest(SITE, REVIEW) == written.digest
    assert not beside.exists()


def test_evidence_that_cannot_be_written_is_ledger_unavailable(store):
    store.root.mkdir()
    (store.root / SITE).write_text("in the way")
    with pytest.raises(LedgerUnavailable, match="cannot be written"):
        store.write(SITE, REVIEW, seen(4))


def test_evidence_that_is_gone_is_named(store):
    with pytest.raises(LedgerUnavailable, match="cannot be read"):
        store.read_lines(SITE, REVIEW)
    with pytest.raises(LedgerUnavailable, match="cannot be read"):
        store.read_context(SITE, REVIEW)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "a\0b"])
def test_names_stay_inside_their_directory(store, name):
    with pytest.raises(CommandRefused, match="cannot name a file"):
        store.directory(name, REVIEW)
    with pytest.raises(CommandRefused, match="cannot name a file"):
        store.directory(SITE, name)


def history_of(days, day=0):
    today = START.date() + timedelta(days=day)
    return a_history(20, np.random.default_rng(1), today=today, days=days)


def test_the_newest_history_is_kept_between_reviews(store):
    history = store.history(SITE)
    empty = history.newest()
    assert (empty.since, empty.consumption.height) == (None, 0)
    for days in (30, 40):
        history.save(history_of(days))
        back = history.newest()
        same_bits(back.consumption, history_of(days).consumption)
        assert back.watermark == START.date()


def test_weeks_that_did_not_change_are_written_once(store):
    history = store.history(SITE)
    first = history.save(history_of(60))
    grown = history_of(60)
    added = history_of(1, day=1)
    grown = History(
        since=grown.since,
        watermark=added.watermark,
        consumption=pl.concat([grown.consumption, added.consumption]),
        receipts=grown.receipts,
        orders=grown.orders,
    )
    second = history.save(grown)
    new = {part.name for part in second} - {part.name for part in first}
    assert len(second) > 8
    assert len(new) == 1
    same_bits(history.newest().consumption, grown.consumption)
    same_bits(history.load(first, None, None).consumption, history_of(60).consumption)


def test_rows_that_are_not_in_order_keep_theirs(store):
    mixed = history_of(20)
    mixed = History(since=mixed.since, consumption=mixed.consumption.reverse())
    store.history(SITE).save(mixed)
    same_bits(store.history(SITE).newest().consumption, mixed.consumption)


def test_the_same_rows_have_the_same_name_in_another_process(store, tmp_path):
    script = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\n"
        "from test_ledger_evidence import EvidenceStore, SITE, history_of\n"
        "parts = EvidenceStore(Path(sys.argv[2])).history(SITE).save(history_of(20))\n"
        "print(*(part.name for part in parts))\n"
    )
    here = str(Path(__file__).parent)
    done = subprocess.run(
        [sys.executable, "-c", script, here, str(tmp_path / "other")],
        capture_output=True,
        text=True,
        check=True,
    )
    parts = store.history(SITE).save(history_of(20))
    assert done.stdout.split() == [part.name for part in parts]


def test_a_damaged_history_says_how_to_go_on(store):
    store.history(SITE).save(history_of(3))
    (store.root / SITE / "history" / "history.json").write_text("{")
    with pytest.raises(LedgerUnavailable, match="the next pull reads the whole window again"):
        store.history(SITE).newest()


def test_a_policy_is_kept_once_by_its_digest(store):
    files = {"policy.onnx": b"weights", "manifest.json": b"{}"}
    kept = store.keep_policy("d" * 64, files)
    assert store.keep_policy("d" * 64, {"policy.onnx": b"other"}) == kept
    assert store.read_policy("d" * 64) == files
    with pytest.raises(LedgerUnavailable, match="is not kept here"):
        store.read_policy("e" * 64)
    store.keep_policy("e" * 64, files)
    assert prune_policies(store, {"d" * 64}) == ("e" * 64,)
    assert store.read_policy("d" * 64) == files


def test_a_policy_that_cannot_be_kept_is_ledger_unavailable(store):
    store.root.mkdir()
    (store.root / "policies").write_text("in the way")
    with pytest.raises(LedgerUnavailable, match="cannot be kept"):
        store.keep_policy("d" * 64, {"policy.onnx": b"weights"})
    assert prune_policies(EvidenceStore(store.root / "none"), set()) == ()


def test_a_part_that_stands_without_its_index_is_taken_up_again(store):
    history = store.history(SITE)
    parts = history.save(history_of(10))
    (store.root / SITE / "history" / "history.json").unlink()
    assert history.save(history_of(10)) == parts
