"""How long evidence is kept."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from ledger_decisions import seen
from ledger_fakes import START
from ledger_worlds import SITE, slot_on

from connector.errors import LedgerUnavailable
from connector.ledger.evidence import EvidenceStore
from connector.ledger.retention import Retention, prune
from connector.ledger.reviews import review_id_of


@pytest.fixture
def store(tmp_path):
    return EvidenceStore(tmp_path / "evidence")


def written_days(store, days):
    ids = []
    for day in range(days):
        ids.append(review_id_of(slot_on(day)))
        store.write(SITE, ids[-1], seen(20, seed=day, days=2, day=day))
    return ids


def standing(store):
    return sorted(path.name for path in (store.root / SITE).iterdir() if path.name != "history")


def test_evidence_older_than_its_days_is_pruned_with_the_history_only_it_saw(store):
    ids = written_days(store, 20)
    now = START + timedelta(days=19)
    pruned = prune(store, SITE, Retention(days=3), now, keep={ids[0]})
    assert pruned.reviews == tuple(ids[1:16])
    assert standing(store) == [ids[0], *ids[16:]]
    assert pruned.octets > 0
    for review in standing(store):
        assert store.faults(SITE, review) == ()
        store.read_snapshot(SITE, review)


def test_the_oldest_go_first_when_space_is_short(store):
    ids = written_days(store, 6)
    size = sum(f.stat().st_size for f in store.directory(SITE, ids[-1]).iterdir())
    prune(store, SITE, Retention(octets=int(size * 3.5)), START, keep={ids[1]})
    assert standing(store) == [ids[1], ids[4], ids[5]]
    assert prune(store, SITE, Retention(octets=int(size * 3.5)), START, keep=()).reviews == ()


def test_what_a_dead_process_left_is_swept_and_other_files_are_not(store):
    ids = written_days(store, 1)
    half = store.root / SITE / f".{ids[0]}.new"
    half.mkdir()
    (store.root / SITE / "notes").mkdir()
    prune(store, SITE, Retention(days=0), START + timedelta(days=9), keep={ids[0]})
    assert standing(store) == [ids[0], "notes"]


def test_pruning_nothing_is_no_trouble(store):
    assert prune(store, SITE, Retention(), START, keep=()).reviews == ()


def test_trouble_while_pruning_is_named(store):
    ids = written_days(store, 2)
    shutil.rmtree(store.root / SITE / "history")
    (store.directory(SITE, ids[1]) / "manifest.json").unlink()
    with pytest.raises(LedgerUnavailable):
        prune(store, SITE, Retention(days=0), START, keep={ids[1]})


def test_a_directory_that_cannot_be_swept_is_named(store):
    ids = written_days(store, 1)
    (store.root / SITE / f".{ids[0]}.new").write_text("a file in the place of a directory")
    with pytest.raises(LedgerUnavailable, match="cannot be pruned"):
        prune(store, SITE, Retention(), START, keep=())
