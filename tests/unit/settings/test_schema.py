"""What is generated from the settings: example, schema, reference. `make docs` writes them anew."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from connector.settings import load
from connector.settings.effective import effective
from connector.settings.example import example
from connector.settings.schema import json_schema, reference

ROOT = Path(__file__).parents[3]
ANEW = "run `make docs`"


def test_the_shipped_example_is_the_generated_one():
    assert (ROOT / "config/replenishd.example.yaml").read_text("utf-8") == example(), ANEW


def test_the_shipped_schema_is_the_generated_one():
    shipped = json.loads((ROOT / "config/replenishd.schema.json").read_text("utf-8"))
    assert shipped == json_schema(), ANEW


def test_the_example_loads_and_is_shadow(write):
    settings = load(write(example()), {}).settings
    assert [each.mode for each in settings.sites] == ["shadow"]


def test_every_default_in_the_example_is_the_default(write):
    """Take every # away: nothing changes but where the values are written."""
    said = load(write(example()), {})
    text = re.sub(r"^( *)#(?=[a-z_0-9]+:)", r"\1", example(), flags=re.MULTILINE)
    spelled_out = load(write(text, "all.yaml"), {})
    assert spelled_out.digest == said.digest
    defaults = [each.name for each in effective(spelled_out) if each.source == "default"]
    assert all(name.startswith("sites[0].network.nodes[1].") for name in defaults), defaults


@pytest.mark.parametrize(
    "row",
    [
        "| `state_dir` | required | Ledger",
        "| `sites[].mode` | `shadow` |",
        "| `sites[].erp.auth(oauth2).client_secret` | required |",
        "| `sites[].network.nodes[].plant` | required |",
        "| `sites[].limits.fat_finger.days` | `60.0` | The most that one line may buy",
        "| `sites[].planning.service_targets[].critical_ratio` | required |",
        "| `sites[].posting.quarantine` | `15m` |",
    ],
)
def test_the_reference_tells_every_setting_once(row):
    assert row in reference()
    names = re.findall(r"^\| `([^`]+)`", reference(), flags=re.MULTILINE)
    assert len(names) == len(set(names)) > 100


def test_the_schema_accepts_what_the_example_says():
    definitions = json_schema()["$defs"]
    assert definitions["Site"]["required"] == ["name", "erp", "network"]
    assert definitions["Site"]["properties"]["mode"]["enum"] == ["shadow", "validate", "live"]
    assert definitions["Site"]["additionalProperties"] is False
    password = definitions["BasicAuth"]["properties"]["password"]
    assert re.fullmatch(password["pattern"], "${credential:sap_password}")
    assert not re.fullmatch(password["pattern"], "hunter2")
