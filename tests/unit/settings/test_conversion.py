from __future__ import annotations

from datetime import timedelta

import pytest

from connector.erp.odata.connection import ApiKey, Basic, Connection, OAuth2
from connector.erp.sap.site import SapSite
from connector.errors import ConfigError
from connector.settings import connection_of, network_of, planning_of, sap_site_of, scope_of

CANARY = "tr0ub4dor-and-3-canaries"


@pytest.fixture
def site(loaded, whole, monkeypatch):
    monkeypatch.setenv("ERP_PASSWORD", CANARY)

    def made(auth="", nodes="", below=""):
        text = whole
        if auth:
            head, tail = text.split("      auth:")
            text = f"{head}      auth: {auth}\n{tail.split(chr(10), 1)[1]}"
        return loaded(f"{text}{nodes}{below}").settings.sites[0]

    return made


def test_an_erp_with_defaults_is_a_connection_with_defaults(site):
    plain = Connection(base_url="https://erp.example.com", credentials=None)
    found = connection_of(site().erp)
    assert found.credentials == Basic(user="buyer", password=CANARY)
    assert {
        name: (getattr(found, name), getattr(plain, name))
        for name in plain.__dataclass_fields__
        if name != "credentials" and getattr(found, name) != getattr(plain, name)
    } == {}
    assert CANARY not in repr(found)


def test_a_secret_that_is_missing_is_named_when_it_is_needed(site, monkeypatch):
    erp = site().erp
    monkeypatch.delenv("ERP_PASSWORD")
    with pytest.raises(ConfigError, match="ERP_PASSWORD"):
        connection_of(erp)


@pytest.mark.parametrize(
    ("auth", "credentials"),
    [
        ('{kind: api_key, key: "${env:ERP_PASSWORD}"}', ApiKey(key=CANARY)),
        (
            '{kind: api_key, key: "${env:ERP_PASSWORD}", header: X-Key}',
            ApiKey(key=CANARY, header="X-Key"),
        ),
        (
            "{kind: oauth2, token_url: 'https://t.example/token', client_id: c, scope: s}".replace(
                "}", ', client_secret: "${env:ERP_PASSWORD}"}'
            ),
            OAuth2(
                token_url="https://t.example/token", client_id="c", client_secret=CANARY, scope="s"
            ),
        ),
        ("{kind: mtls, certificate_file: /c, key_file: /k}", None),
    ],
)
def test_each_way_to_prove_who_we_are(site, auth, credentials):
    found = connection_of(site(auth).erp)
    assert found.credentials == credentials
    assert (found.certificate is not None) == (credentials is None)


def test_a_certificate_may_come_beside_a_password(site):
    auth = (
        '{kind: basic, username: u, password: "${env:ERP_PASSWORD}",'
        " certificate_file: /c, key_file: /k}"
    )
    found = connection_of(site(auth).erp)
    assert found.certificate is not None
    assert found.certificate.certificate_file == "/c"
    assert found.credentials == Basic(user="u", password=CANARY)


def test_a_plain_site_is_what_the_adapter_takes_for_one(site):
    expected = SapSite(name="berlin", plants=("1000", "1010"))
    assert sap_site_of(site()) == expected


def test_what_is_particular_about_a_plant_reaches_the_adapter(site):
    node = (
        '        - {plant: "0020", supplied_by: 1000, critical_ratio: 0.9, may_be_empty: true,'
        ' purchasing_organization: 1710, storage_location: "171A", valuation_area: 1000}\n'
    )
    found = sap_site_of(site(nodes=node, below="    posting: {lines_per_document: 7}\n"))
    assert found.plants == ("1000", "1010", "0020")
    assert found.plants_without_stock == {"0020"}
    assert found.purchasing_organizations == {"0020": "1710"}
    assert found.storage_locations == {"0020": "171A"}
    assert found.valuation_area("0020") == "1000"
    assert found.lines_per_requisition == 7


def test_items_lose_the_zeros_that_the_connector_never_sees(site):
    below = "    pilot: {items: ['000100', A-0, 7]}\n"
    items = "      items: {include: ['000000000000100001', FG-01], exclude: ['000']}\n"
    found = site(nodes=items, below=below)
    assert scope_of(found) == ({"100001", "FG-01"}, {"0"})
    assert found.pilot.items == ("100", "A-0", "7")


def test_a_service_target_of_a_node_yields_to_a_written_one(site):
    node = '        - {plant: "0020", critical_ratio: 0.9}\n'
    below = "    planning: {service_targets: [{critical_ratio: 0.95, items: [A]}]}\n"
    found = planning_of(site(nodes=node, below=below), 7.0)
    assert [(each.node, each.critical_ratio) for each in found.service_targets] == [
        ("0020", 0.9),
        ("", 0.95),
    ]
    assert found.review_days == 7.0


def test_a_written_review_period_wins_over_the_schedule(site):
    assert planning_of(site(below="    review_days: 3\n"), 1.0).review_days == 3.0


def test_the_network_is_the_nodes_and_who_supplies_them(site):
    network = network_of(site())
    assert network.names == ("1000", "1010")
    assert network.supplier("1010") == "1000"


def test_timeouts_and_loads_reach_the_connection(site):
    auth = (
        '{kind: basic, username: u, password: "${env:ERP_PASSWORD}"}\n'
        "      timeouts: {connect: 1s, silence: 2s, call: 3s, pull: 4s, retry_after: 5s}\n"
        "      load: {calls_per_review: 11, concurrency: 2, attempts: 3, page_size: 0,"
        " pages_per_read: 13, answer: 1m, order_by_key: false, inline_count: false,"
        " compression: false}\n"
        "      client: '100'\n      language: DE\n      saml2_disabled: true"
    )
    erp = site(auth).erp
    found = connection_of(erp)
    assert erp.timeouts.call == timedelta(seconds=3)
    assert (found.connect_timeout_seconds, found.silence_seconds) == (1.0, 2.0)
    assert (found.deadline_seconds, found.pull_seconds, found.retry_after_seconds) == (
        3.0,
        4.0,
        5.0,
    )
    assert (found.calls_per_review, found.concurrency, found.attempts) == (11, 2, 3)
    assert (found.page_size, found.pages_per_read, found.answer_octets) == (0, 13, 1024**2)
    assert (found.order_by_key, found.inline_count, found.compression) == (False, False, False)
    assert (found.client, found.language, found.saml2_disabled) == ("100", "DE", True)
