"""What needs no configuration: help, schema, version, and how fast they come."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from connector import __version__
from connector.cli import main
from connector.cli.app import app as commands

HEAVY = ("polars", "onnxruntime", "apsw", "pydantic", "apscheduler", "requests", "lxml", "uvicorn")


def run(capsys, *words):
    with pytest.raises(SystemExit) as left:
        main(words)
    told = capsys.readouterr()
    return left.value.code, told.out, told.err


def names():
    return [each.name for each in commands.registered_commands if not each.hidden]


@pytest.mark.parametrize("name", names())
def test_every_command_explains_itself_and_takes_json(capsys, name):
    code, out, _ = run(capsys, name, "--help")
    assert code == 0
    assert (
        "usage: python -m connector.sandbox" if name == "sandbox" else "Usage: replenishd"
    ) in out
    assert ("--json" in out) == (name not in ("run", "sandbox"))


def test_the_commands_are_those_the_documents_name():
    assert set(names()) == {
        *("run", "once", "demo", "sandbox", "check", "print-config", "schema", "api-plan"),
        *(
            "version",
            "status",
            "held",
            "approve",
            "reject",
            "halt",
            "resume",
            "accept",
            "rearm",
            "write-off",
            "adopt",
            "restored",
        ),
        *("reviews", "lines", "explain", "replay", "report", "verify"),
    }


def test_help_tells_every_exit_code(capsys):
    code, out, _ = run(capsys, "--help")
    assert code == 0
    assert all(f"{code}: " in out for code in (0, 1, 2, 75, 78))


@pytest.mark.parametrize("words", [("frobnicate",), ("once", "--frobnicate"), ("approve",)])
def test_a_wrong_command_leaves_2(capsys, words):
    code, _, err = run(capsys, *words)
    assert code == 2
    assert "Traceback" not in err


def test_version(capsys):
    assert run(capsys, "version") == (0, f"replenishd {__version__}\n", "")
    assert json.loads(run(capsys, "version", "--json")[1]) == {"version": __version__}


def test_schema_in_three_forms(capsys):
    assert json.loads(run(capsys, "schema")[1])["title"] == "replenishd"
    assert run(capsys, "schema", "--format", "markdown")[1].startswith("| setting |")
    assert "\nversion: 1\n" in run(capsys, "schema", "--format", "example")[1]


def test_the_reference_pages_are_written_from_the_code(capsys, tmp_path):
    code, out, _ = run(capsys, "docs", "--write", str(tmp_path))
    assert (code, len(out.splitlines())) == (0, 5)
    pages = {each.stem: each.read_text("utf-8") for each in tmp_path.iterdir()}
    assert all(f"## {name}\n" in pages["commands"] for name in names())
    assert "| `ErpUnavailable` | 75 |" in pages["errors"]
    assert "`limits.position_cap.clamp`" in pages["failsafes"]
    assert "| `replenishd_in_doubt` | gauge | `site` |" in pages["metrics"]
    assert "| `sites[].mode` | `shadow` |" in pages["configuration"]


def test_help_loads_nothing_heavy():
    program = (
        "import sys\nfrom connector.cli import main\n"
        "try:\n    main(['--help'])\n"
        "except SystemExit:\n"
        f"    print('LOADED', [n for n in {HEAVY!r} if n in sys.modules])\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert told.splitlines()[-1] == "LOADED []"


def test_python_dash_m_is_the_same_program():
    told = subprocess.run(
        [sys.executable, "-m", "connector", "version"], capture_output=True, text=True, check=True
    ).stdout
    assert told == f"replenishd {__version__}\n"
