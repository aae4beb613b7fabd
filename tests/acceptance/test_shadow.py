"""One review in shadow, everything that can be asked of it, and what an altered file does."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing, contextmanager

import polars as pl
import pytest
from acceptance_erp import sandbox
from acceptance_stage import Site


@pytest.fixture(scope="module")
def reviewed(tmp_path_factory, clerk):
    """A site after one review in shadow."""
    directory = tmp_path_factory.mktemp("shadow")
    with sandbox(directory) as erp:
        site = Site(directory, erp, clerk).configure(mode="shadow")
        told = site.ask_apart("once")
        assert told.code == 0, told
        yield site, told.json


@pytest.fixture(scope="module")
def answers(reviewed):
    """What the commands that only ask say."""
    site, report = reviewed
    key, node, item = site.rows("SELECT key, node, item FROM line ORDER BY node DESC, item")[0]
    asked = {
        "status": ("status",),
        "explain place": ("explain", f"{node}/{item}"),
        "explain key": ("explain", key),
        "replay": ("replay", report["review"]),
        "verify": ("verify",),
        "held": ("held",),
        "unknown key": ("explain", "AAAAAAAAAA"),
        "unknown review": ("replay", "20990101T000000Z-AAAAAA"),
    }
    return {name: site.ask(*words) for name, words in asked.items()}


def copied(site, directory):
    """Return the site with a copy of its state, free to be altered."""
    shutil.copytree(site.directory / "state", directory / "state")
    return Site(directory, site.erp, site.clerk).configure(mode="shadow")


@contextmanager
def unguarded(site):
    """Open the ledger as somebody who may do anything to the file, its own triggers removed."""
    with closing(sqlite3.connect(site.state / "ledger.sqlite")) as books, books:
        for (name,) in books.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
            books.execute(f"DROP TRIGGER {name}")
        yield books


def test_a_review_records_what_it_would_order_and_sends_nothing(reviewed):
    site, report = reviewed
    assert report["outcome"] == "done"
    assert report["items"] == 60
    assert report["ordered"] == report["drained"]["recorded"] > 10
    assert site.states() == {"recorded": report["ordered"]}
    assert site.erp.filed() == []


def test_status_tells_the_review_and_how_its_lines_stand(reviewed, answers):
    _, report = reviewed
    told = answers["status"]
    assert told.code == 0
    site = told.json["acc"]
    assert site["mode"] == "shadow"
    assert site["last_review"]["review_id"] == report["review"]
    assert site["lines"] == {"recorded": report["ordered"]}
    assert (site["leader"], site["halted"], site["in_doubt"]) == ("", "", [])


def test_explain_leads_from_demand_to_the_quantity_of_the_line(answers):
    told = answers["explain place"]
    assert told.code == 0
    explained, life = told.json["explanation"], told.json["life"]
    steps = {each["label"]: each["quantity"] for each in explained["steps"]}
    parts = [each for each in explained["steps"] if not each["label"].startswith("order ")]
    assert steps["order before lots"] > 0
    assert sum(each["quantity"] for each in parts) == pytest.approx(steps["order before lots"])
    assert steps["order in whole lots"] >= steps["order before lots"]
    assert explained["quantity"] == float(life["line"]["quantity"]) > 0
    assert [each["state"] for each in life["steps"]] == ["owed", "intent", "recorded"]


def test_explain_by_key_and_by_place_are_the_same_line(answers):
    by_key, by_place = answers["explain key"], answers["explain place"]
    assert by_key.code == 0
    assert by_key.json == by_place.json


def test_a_replay_gives_the_same_verdicts(answers):
    told = answers["replay"]
    assert told.code == 0
    assert (told.json["matches"], told.json["lines"], told.json["differences"]) == (True, 60, [])


def test_the_ledger_verifies(answers):
    told = answers["verify"]
    assert told.code == 0
    assert (told.json["intact"], told.json["reviews"], told.json["faults"]) == (True, 1, [])


def test_nothing_is_held(answers):
    assert (answers["held"].code, answers["held"].json) == (0, [])


def test_what_there_is_not_is_refused_by_name(answers):
    for name, word in (("unknown key", "AAAAAAAAAA"), ("unknown review", "20990101T000000Z")):
        error = answers[name].error
        assert (answers[name].code, error["kind"]) == (1, "CommandRefused")
        assert word in error["message"]
        assert "there is no" in error["message"]


def test_a_quantity_edited_in_the_ledger_is_found(reviewed, tmp_path):
    site = copied(reviewed[0], tmp_path)
    with unguarded(site) as books:
        key = books.execute("SELECT key FROM line ORDER BY key").fetchone()[0]
        books.execute("UPDATE line SET quantity = '9999.000' WHERE key = ?", (key,))
    told = site.ask("verify")
    assert (told.code, told.json["intact"]) == (1, False)
    assert any(key in each["detail"] for each in told.json["faults"])


def test_a_ledger_cut_short_is_found(reviewed, tmp_path):
    site = copied(reviewed[0], tmp_path)
    with unguarded(site) as books:
        books.execute("DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)")
    told = site.ask("verify")
    assert (told.code, told.json["intact"]) == (1, False)


def test_a_row_that_refers_to_nothing_is_found(reviewed, tmp_path):
    site = copied(reviewed[0], tmp_path)
    with unguarded(site) as books:
        books.execute("UPDATE attempt_line SET attempt_id = 4711 WHERE attempt_id = 1")
    told = site.ask("verify")
    assert (told.code, told.json["intact"]) == (1, False)
    assert any("attempt_line" in each for each in told.json["integrity"])


def test_an_altered_snapshot_is_found_by_verify_and_by_replay(reviewed, tmp_path):
    """Somebody rewrites the stock that a review saw, and even the digest beside it."""
    site, review = copied(reviewed[0], tmp_path), reviewed[1]["review"]
    evidence = site.state / "evidence" / "acc" / review
    seen = pl.read_parquet(evidence / "stock.parquet")
    more = seen.with_columns(pl.col("quantity") + 1000.0)
    more.write_parquet(evidence / "stock.parquet")
    verified, replayed = site.ask_apart("verify"), site.ask("replay", review)
    assert (verified.code, verified.json["intact"]) == (1, False)
    assert any("stock.parquet" in each["detail"] for each in verified.json["faults"])
    assert (replayed.code, replayed.json["matches"]) == (1, False)
    told = " ".join(replayed.json["differences"])
    assert "stock.parquet" in told  # the file is not the one that was stored
    assert "lines.quantity" in told  # and what comes out of it is another order


def test_a_broken_evidence_file_is_said_in_one_line(reviewed, tmp_path):
    site, review = copied(reviewed[0], tmp_path), reviewed[1]["review"]
    path = site.state / "evidence" / "acc" / review / "stock.parquet"
    path.write_bytes(path.read_bytes()[:40])
    told = site.ask("replay", review)
    assert told.code == 1
    assert told.error["kind"] == "LedgerUnavailable"
    assert "stock.parquet" in told.error["message"]


def test_a_rule_rewritten_in_the_evidence_is_found(reviewed, tmp_path):
    site, review = copied(reviewed[0], tmp_path), reviewed[1]["review"]
    path = site.state / "evidence" / "acc" / review / "context.json"
    context = json.loads(path.read_text())
    context["limits"]["fat_finger"]["days"] = 1.0
    path.write_text(json.dumps(context))
    told = site.ask("replay", review)
    assert (told.code, told.json["matches"]) == (1, False)
    assert any("context.json" in each for each in told.json["differences"])
