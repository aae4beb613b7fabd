"""The commands against a stand-in site: what they print, and the exit code they leave."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from connector.cli import gateway, main
from connector.errors import (
    CommandRefused,
    ErpUnavailable,
    LedgerUnavailable,
    NotLeader,
    ReviewSlotTaken,
)

CONFIG = """\
version: 1
state_dir: state
sites:
  - name: berlin
    erp:
      url: http://127.0.0.1:9
      auth: {kind: basic, username: u, password: "${file:%s}"}
    network: {nodes: [{plant: 1000}]}
"""


@dataclass(frozen=True)
class Report:
    outcome: str
    ordered: int = 3
    ordered_value: Decimal = Decimal("12.50")
    share: float = float("nan")


@dataclass
class StandIn:
    """A site that remembers what it was asked and answers what it was told to."""

    answers: dict = field(default_factory=dict)
    asked: list = field(default_factory=list)
    closed: int = 0

    def open(self, settings, name):
        self.asked.append(("open", name))
        return self

    def close(self):
        self.closed += 1

    def __getattr__(self, name):
        def call(*arguments, **named):
            self.asked.append((name, *arguments, *named.values()))
            answer = self.answers[name]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


@pytest.fixture
def config(tmp_path) -> Path:
    secret = tmp_path / "pw"
    secret.write_text("tr0ub4dor-and-3-canaries\n")
    secret.chmod(0o400)
    path = tmp_path / "r.yaml"
    path.write_text(CONFIG % secret)
    path.chmod(0o600)
    return path


@pytest.fixture
def command(config, capsys):
    """Run a command on one site; return its exit code and what it printed."""
    stand_in = StandIn()
    token = gateway.OPENER.set(stand_in.open)

    def run(*words, **answers):
        stand_in.answers = answers
        with pytest.raises(SystemExit) as left:
            main([*words, "--config", str(config)])
        told = capsys.readouterr()
        return left.value.code, told.out, told.err

    run.site = stand_in
    yield run
    gateway.OPENER.reset(token)


@pytest.mark.parametrize(("outcome", "code"), [("done", 0), ("held", 1)])
def test_once_leaves_1_when_lines_wait_for_a_person(command, outcome, code):
    left, out, err = command("once", "--json", review_once=Report(outcome))
    assert left == code
    assert json.loads(out) == {
        "outcome": outcome,
        "ordered": 3,
        "ordered_value": "12.50",
        "share": None,
    }
    assert not err
    assert command.site.asked == [("open", "berlin"), ("review_once",)]
    assert command.site.closed == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ErpUnavailable("the ERP did not answer", hint="try later"), 75),
        (NotLeader("held by process 4711", hint="one daemon per site"), 75),
        (ReviewSlotTaken("already reviewed"), 0),
        (LedgerUnavailable("the disk is full", hint="free space"), 1),
        (CommandRefused("no such line", hint="see held"), 1),
    ],
)
def test_a_failure_is_one_line_a_next_step_and_a_code(command, error, code):
    left, out, err = command("once", review_once=error)
    assert left == code
    assert not out
    assert err.splitlines()[0] == f"replenishd: {error.args[0]}"
    assert (f"  next: {error.hint}" in err) == bool(error.hint)
    assert "Traceback" not in err
    assert command.site.closed == 1


def test_machines_get_a_failure_as_json(command):
    left, out, _ = command("held", "--json", held=NotLeader("held by 1", hint="wait"))
    assert left == 75
    assert json.loads(out)["error"] == {
        "kind": "NotLeader",
        "message": "held by 1",
        "hint": "wait",
        "exit_code": 75,
        "problems": [],
    }


def test_a_bad_configuration_lists_every_problem(command, config):
    config.write_text(config.read_text().replace("plant: 1000", "plnt: 1000") + "loging: {}\n")
    left, out, err = command("status", "--json")
    assert left == 78
    assert len(json.loads(out)["error"]["problems"]) == 3
    assert "did you mean plant?" in err
    assert command.site.asked == []


def test_a_missing_configuration_is_named(capsys, tmp_path):
    with pytest.raises(SystemExit) as left:
        main(["status", "--config", str(tmp_path / "absent.yaml")])
    assert left.value.code == 78
    assert "absent.yaml cannot be read" in capsys.readouterr().err


def test_with_two_sites_one_must_be_named(command, config):
    second = config.read_text().split("sites:\n")[1].replace("berlin", "bonn")
    config.write_text(config.read_text() + second.replace("127.0.0.1:9", "127.0.0.1:8"))
    left, _, err = command("held", held=[])
    assert (left, "--site berlin | bonn" in err) == (1, True)
    left, out, _ = command("held", "--site", "bonn", held=[])
    assert (left, out) == (0, "held lines: none\n")
    left, _, err = command("held", "--site", "ulm")
    assert (left, "there is no site ulm" in err) == (1, True)
    left, out, _ = command("status", "--json", status={"mode": "shadow"})
    assert json.loads(out) == {"berlin": {"mode": "shadow"}, "bonn": {"mode": "shadow"}}


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_decision_carries_a_name(command, verb):
    left, told, _ = command(verb, "abcdefghij", "--who", " Mia ", **{verb: "done by Mia"})
    assert (left, told) == (0, "done by Mia\n")
    assert command.site.asked[-1] == (verb, "ABCDEFGHIJ", "Mia")


def test_without_a_name_the_account_decides_and_not_the_environment(command, monkeypatch):
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    command("halt", "stock count", halt="halted")
    verb, who, why = command.site.asked[-1]
    assert (verb, why) == ("halt", "stock count")
    assert who not in ("", "somebody-else")
    _, told, _ = command("resume", "--who", "Mia", "--json", resume="resumed")
    assert json.loads(told) == {"done": "resumed"}
    assert command.site.asked[-1] == ("resume", "Mia")


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        (("accept", "new items"), ("accept", "Mia", "new items")),
        (("rearm", "1010"), ("rearm", "1010", "Mia")),
    ],
)
def test_what_was_stopped_is_let_go_in_a_name(command, words, asked):
    left, told, _ = command(*words, "--who", "Mia", **{words[0]: "done"})
    assert (left, told, command.site.asked[-1]) == (0, "done\n", asked)


@pytest.mark.parametrize(
    ("words", "name", "answer", "code"),
    [
        (("replay", "R1"), "replay", {"matches": True}, 0),
        (("replay", "R1"), "replay", {"matches": False}, 1),
        (("replay", "R1"), "replay", {}, 1),
        (("verify",), "verify", {"intact": True}, 0),
        (("verify",), "verify", {"intact": False}, 1),
    ],
)
def test_a_proof_that_fails_leaves_1(command, words, name, answer, code):
    assert command(*words, **{name: answer})[0] == code


def test_a_line_is_explained_with_its_life(command):
    life = {"review": "R1", "line": None, "steps": [], "sends": []}
    left, out, _ = command("explain", "1000/A", "--json", explain=({"quantity": 4.0}, life))
    assert (left, json.loads(out)) == (0, {"explanation": {"quantity": 4.0}, "life": life})
    assert command.site.asked[-1] == ("explain", "1000/A", "")


@pytest.mark.parametrize("words", [("reviews",), ("lines", "R1")])
def test_what_was_decided_is_listed(command, words):
    left, out, _ = command(*words, **{words[0]: [{"review_id": "R1"}]})
    assert left == 0
    assert "R1" in out


def test_a_report_tells_where_it_lies(command, tmp_path):
    out = tmp_path / "r.html"
    left, told, _ = command("report", "--out", str(out), "--json", report=out)
    assert (left, json.loads(told)) == (0, {"written": str(out)})


def test_check_walks_the_layers(command):
    finding = {"layer": "policy", "outcome": "ok", "detail": "order-up-to@1", "hint": ""}
    left, out, _ = command("check", "--json", "--offline", check=[finding])
    assert left == 0
    assert [each["layer"] for each in json.loads(out)] == [
        "syntax",
        "references",
        "credentials",
        "policy",
    ]
    assert command.site.asked[-1] == ("check", True)
    assert "canaries" not in out


def test_check_leaves_1_when_the_erp_is_not_as_expected(command):
    finding = {"layer": "$metadata", "outcome": "failed", "detail": "Plant is gone", "hint": "x"}
    left, out, _ = command("check", check=[finding])
    assert left == 1
    assert "Plant is gone" in out


def test_check_stops_at_a_secret_that_is_missing(command, tmp_path):
    (tmp_path / "pw").unlink()
    left, out, _ = command("check", "--json")
    assert left == 78
    failed = [each for each in json.loads(out) if each["outcome"] == "failed"]
    assert {each["layer"] for each in failed} == {"references", "credentials"}
    assert ("open", "berlin") not in command.site.asked


def test_print_config_shows_no_secret(command):
    left, out, _ = command("print-config")
    assert left == 0
    assert "canaries" not in out
    assert "mode: shadow  # default" in out
    left, out, _ = command("print-config", "--json")
    by_name = {each["name"]: each for each in json.loads(out)["settings"]}
    assert by_name["sites[0].network.nodes[0].plant"] == {
        "name": "sites[0].network.nodes[0].plant",
        "value": "1000",
        "source": "r.yaml:8",
    }


def test_what_comes_from_the_erp_is_never_obeyed_by_the_terminal(command):
    hostile = "[red]x[/red]\x1b]0;owned\x07\u202e"
    left, out, _ = command("held", held=[{"item": hostile, "value": 1234.5}])
    assert left == 0
    assert "\x1b]0" not in out
    assert "\u202e" not in out
    assert "[red]x[/red]" in out
    assert "1,234.5" in out


def test_what_was_planned_can_be_printed(command):
    call = {
        "method": "GET",
        "service": "S",
        "entity_set": "E",
        "purpose": "what is there",
        "when": "every review",
        "calls_max": 7,
        "filter": "Plant in <plants>",
        "fields": ("a", "b"),
    }
    left, out, _ = command("api-plan", "--json", api_plan=[call])
    assert (left, json.loads(out)) == (0, [{**call, "fields": ["a", "b"]}])
    left, out, _ = command("api-plan", api_plan=[call])
    assert out.splitlines() == [
        "GET S/E",
        "    what is there; every review, at most 7 calls",
        "    filter: Plant in <plants>",
        "    fields: a, b",
    ]


def test_status_shows_people_what_decides_something(command):
    review = {"review_id": "R1", "outcome": "held", "counts": {"items": 9, "held": 2}, "x": "y"}
    status = {"mode": "live", "halted": "", "last_review": review, "in_doubt": [{"key": "K1"}]}
    left, out, _ = command("status", status=status)
    assert left == 0
    assert "last items" in out
    assert "K1" in out
    assert "halted" not in out


def test_items_that_somebody_else_plans_are_listed_one_by_one(command):
    others = [
        {"layer": f"planner of 1000/{n}", "outcome": "warning", "detail": "by VB", "hint": ""}
        for n in range(300)
    ]
    left, out, _ = command("check", check=others)
    assert left == 0
    assert "300 item-nodes planned by others" in out
    assert all(f"1000/{n} " in out for n in range(300))
