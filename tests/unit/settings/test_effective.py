from __future__ import annotations

import yaml

from connector.settings import load
from connector.settings.effective import as_yaml, effective

CANARY = "tr0ub4dor-and-3-canaries"


def by_name(configuration):
    return {each.name: each for each in effective(configuration)}


def test_every_value_tells_where_it_came_from(write, whole):
    path = write(whole.replace("buyer", '"${env:WHO}"'))
    write("sites: [{name: berlin, review_days: 3}]\n", "site.yaml.d/9.yaml")
    found = by_name(load(path, {"WHO": "buyer-7", "ERP_PASSWORD": CANARY}))
    assert found["state_dir"].source == "site.yaml:2"
    assert found["sites[0].mode"].source == "default"
    assert found["sites[0].review_days"].source == "9.yaml:1"
    assert found["sites[0].erp.auth.username"].value == "buyer-7"
    assert found["sites[0].erp.auth.username"].source == "site.yaml:7 ${env:WHO}"
    assert found["sites[0].network.nodes[1].supplied_by"].source == "site.yaml:11"
    assert found["sites[0].limits.fat_finger.days"].value == 60.0


def test_no_secret_is_printed(loaded, whole):
    configuration = loaded(whole, {"ERP_PASSWORD": CANARY})
    assert CANARY not in as_yaml(configuration)
    assert by_name(configuration)["sites[0].erp.auth.password"].value == "${env:ERP_PASSWORD}"


def test_a_written_secret_is_masked(loaded, whole):
    text = whole.replace("https://erp.example.com", "http://127.0.0.1:1")
    configuration = loaded(text.replace("${env:ERP_PASSWORD}", CANARY))
    assert CANARY not in as_yaml(configuration)
    assert by_name(configuration)["sites[0].erp.auth.password"].value == "********"


def test_what_is_printed_loads_again_and_means_the_same(loaded, whole):
    text = f"{whole}    planning: {{service_targets: [{{critical_ratio: 0.9, node: '1010'}}]}}\n"
    configuration = loaded(text)
    printed = as_yaml(configuration)
    assert loaded(printed).digest == configuration.digest
    assert yaml.safe_load(printed)["sites"][0]["planning"]["service_targets"][0]["node"] == "1010"
    assert all("# " in line for line in printed.splitlines() if not line.endswith(":"))
