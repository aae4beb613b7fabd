"""The documents say what the code is: nothing missing, nothing stale, nothing leads nowhere."""

from __future__ import annotations

import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
from typer.main import get_command

from connector import __version__, errors
from connector.cli.app import app
from connector.cli.reference import pages
from connector.failsafes.catalogue import CATALOGUE, catalogue_rows
from connector.ledger.lines import State
from connector.settings import load, shape
from connector.settings.example import example
from connector.settings.root import Settings
from connector.settings.schema import json_schema
from connector.settings.site import LEFT_OUT
from connector.telemetry.metrics import Meter

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
WRITTEN = sorted(
    [ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY", "CHANGELOG")]
    + [each for each in DOCS.rglob("*.md") if each.parent != REFERENCE]
)
COMMANDS = get_command(app).commands
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
# In a code span, or on an indented line: as a command, or after a prompt, a path or a user.
QUOTED = re.compile(r"(?:^|[ /=`])replenishd (?!replenishd)([a-z][^`#\n]*)")
SPAN = re.compile(r"`([^`\n]+)`")


def read(path):
    return path.read_text(encoding="utf-8")


def name_of(path):
    return str(path.relative_to(ROOT))


def code_of(text):
    """Return the code spans and the indented or fenced lines of a page."""
    lines = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    return [*SPAN.findall(text), *lines]


def quoted_commands():
    """Return (page, words) of every command that a page tells a person to type."""
    return [
        (name_of(page), found)
        for page in WRITTEN
        for code in code_of(read(page))
        for found in QUOTED.findall(code)
    ]


def settings_of(kind, prefix=""):
    """Return the names of every setting below a group."""
    for field in shape.fields_of(kind).values():
        name = f"{prefix}.{field.name}".removeprefix(".")
        if name in LEFT_OUT:
            continue
        groups, entries = shape.groups_of(field)
        if not groups and not entries:
            yield name
        for each in (*groups, *entries):
            yield from settings_of(each, name)


def told(page):
    """Return the first cells of a reference page's tables, as they are in code."""
    return set(re.findall(r"^\| `([^`]+)`", read(REFERENCE / page), re.MULTILINE))


@pytest.mark.parametrize("name", sorted(pages()))
def test_a_generated_page_is_what_the_code_says_today(name):
    assert read(REFERENCE / name) == pages()[name], "run `make docs`"


def test_no_other_page_is_among_the_generated_ones():
    assert {each.name for each in REFERENCE.iterdir()} == set(pages())


def test_every_command_is_in_the_reference():
    page = read(REFERENCE / "commands.md")
    visible = {name for name, each in COMMANDS.items() if not each.hidden}
    assert set(re.findall(r"^## (\S+)$", page, re.MULTILINE)) == visible


def test_every_option_of_a_command_is_in_the_reference():
    page = read(REFERENCE / "commands.md")
    sections = {
        name: body for name, _, body in (s.partition("\n") for s in page.split("\n## ")[1:])
    }
    for name, command in COMMANDS.items():
        options = {opt for each in command.params for opt in each.opts if opt.startswith("--")}
        for option in options - {"--help", "--config", "--site"}:
            assert command.hidden or option in sections[name], f"{name} {option}"


def test_every_setting_is_in_the_reference():
    known = {re.sub(r"\[\]|\([a-z0-9_]+\)", "", each) for each in told("configuration.md")}
    assert known == set(settings_of(Settings))


def test_every_fail_safe_and_each_of_its_numbers_is_in_the_reference():
    page = read(REFERENCE / "failsafes.md")
    assert set(re.findall(r"^\| ([A-E]\d+) \|", page, re.MULTILINE)) == set(CATALOGUE)
    assert all(f"`{row.setting}`" in page for row in catalogue_rows() if row.setting)


def test_every_error_is_in_the_reference_with_its_exit_code():
    page = read(REFERENCE / "errors.md")
    kinds = [each for each in vars(errors).values() if isinstance(each, type)]
    assert len(kinds) > 10
    for kind in kinds:
        if issubclass(kind, errors.ReplenishError):
            assert f"| `{kind.__name__}` | {kind.exit_code} |" in page


def test_every_metric_is_in_the_reference():
    documented = Meter(version=__version__, process=False).documented
    assert told("metrics.md") == {each.name for each in documented}


def test_the_exit_codes_are_in_the_operators_page():
    codes = [value for name, value in vars(errors).items() if name.startswith("EXIT_")]
    page = read(DOCS / "operate.md")
    assert set(map(int, re.findall(r"^\| (\d+) \|", page, re.MULTILINE))) == set(codes)


def test_example_and_schema_are_what_the_code_says_today():
    assert read(ROOT / "config" / "replenishd.example.yaml") == example(), "run `make docs`"
    assert json.loads(read(ROOT / "config" / "replenishd.schema.json")) == json_schema()


def test_the_example_configuration_loads_in_shadow():
    (site,) = load(ROOT / "config" / "replenishd.example.yaml", {}).settings.sites
    assert site.mode == "shadow"


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_every_link_leads_somewhere(page):
    for target in LINK.findall(read(page)):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert there.is_relative_to(ROOT), target
        if anchor:
            titles = re.findall(r"^#+ (.+)$", read(there), re.MULTILINE)
            anchors = [
                re.sub(r"[^a-z0-9 -]", "", each.lower()).replace(" ", "-") for each in titles
            ]
            assert anchor in anchors, target


def test_the_pages_quote_commands_at_all():
    assert len(quoted_commands()) > 40


@pytest.mark.parametrize(("page", "words"), quoted_commands())
def test_every_quoted_command_exists_with_its_options(page, words):
    name, *rest = shlex.split(words.replace("...", ""))
    assert name in COMMANDS, f"{page}: replenishd {words}"
    known = {opt for each in COMMANDS[name].params for opt in each.opts}
    used = {each.partition("=")[0] for each in rest if each.startswith("-")}
    assert used <= known | {"--help", "-h"} or name == "sandbox", f"{page}: replenishd {words}"


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_every_quoted_make_target_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", read(ROOT / "Makefile"), re.MULTILINE))
    used = [found for code in code_of(read(page)) for found in re.findall(r"^make ([a-z-]+)", code)]
    assert set(used) <= targets


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_every_quoted_file_of_this_repository_exists(page):
    rooms = "connector|policies|config|deploy|benchmarks|tests|requirements"
    for span in SPAN.findall(read(page)):
        if re.fullmatch(rf"(?:{rooms})/[\w./-]+", span):
            assert (ROOT / span).exists(), span


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_every_quoted_setting_exists(page):
    names = set(settings_of(Settings))
    groups = {name.rpartition(".")[0] for name in names}
    short = {re.sub(r"^sites\.", "", name) for name in names | groups}
    heads = {name.partition(".")[0] for name in short} - {""}
    for span in SPAN.findall(read(page)):
        named = re.fullmatch(r"([a-z_]+)\.[a-z_.0-9]+", span)
        if named and named[1] in heads and not span.endswith((".py", ".onnx")):
            assert span in short, span


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_every_quoted_metric_exists(page):
    known = told("metrics.md")
    for name in re.findall(r"\breplenishd_[a-z_]+", read(page)):
        assert name in known, name


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_every_fail_safe_that_is_named_exists(page):
    named = set(re.findall(r"\b([A-E][1-9]\d?)\b", read(page)))
    assert named <= set(CATALOGUE), named - set(CATALOGUE)


def test_every_state_of_a_line_is_drawn():
    drawn = read(DOCS / "life-of-a-requisition.md").partition("## The rules")[0]
    assert all(re.search(rf"\b{state.value}\b", drawn) for state in State)


def test_every_room_is_in_the_architecture_in_its_order():
    contract = tomllib.loads(read(ROOT / "pyproject.toml"))["tool"]["importlinter"]["contracts"][0]
    rooms = [room for level in contract["layers"] for room in re.findall(r"[a-z]+", level)]
    drawn = read(DOCS / "architecture.md").partition("| room |")[0]
    found = re.findall(r"^ +(?:[│ ]*[└├] )?([a-z]+)\b", drawn, re.MULTILINE)
    assert found == [room for room in rooms if room != "main"]


def test_every_dependency_has_its_reason():
    project = tomllib.loads(read(ROOT / "pyproject.toml"))["project"]
    reasons = read(DOCS / "decisions" / "README.md").lower()
    train = project["optional-dependencies"]["train"] + project["optional-dependencies"]["report"]
    for each in project["dependencies"] + train:
        name = re.match(r"[a-z0-9-]+", each.lower())[0]
        assert re.search(rf"\b{name}\b", reasons), name
