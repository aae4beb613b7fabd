from __future__ import annotations

from urllib.parse import parse_qs, quote, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import tried
from sap_world import PLANTS, connection
from strict_sap import Habits

from connector.erp.odata.connection import Connection
from connector.erp.odata.fetch import Fetcher
from connector.erp.odata.paging import Query, reanchored
from connector.erp.odata.query import (
    TERMS_MAX,
    URL_OCTETS_MAX,
    any_of,
    chunks,
    text_literal,
    with_parameters,
)
from connector.erp.odata.transport import Transport
from connector.erp.sap.fields import STOCK_SERVICE
from connector.erp.sap.item_reads import STOCK
from connector.errors import ErpContractBroken, ErpDenied, ErpUnavailable

HOME = Connection(base_url="https://erp.example:44300", client="100")
ASKED = Query(service="API_X_SRV", entity_set="A_Y", select=("A",), filter="")
FROM = ASKED.address(HOME, 0)
ROOT = "https://erp.example:44300/sap/opu/odata/sap/API_X_SRV"
FIXED = "sap-client=100&sap-language=EN"


@pytest.mark.parametrize(
    "link",
    [
        "A_Y?$skiptoken=5",
        "?$skiptoken=5",
        "/sap/opu/odata/sap/API_X_SRV/A_Y?$skiptoken=5",
        "https://erp.example:44300/sap/opu/odata/sap/API_X_SRV/A_Y?$skiptoken=5",
        "http://sapapp01:8000/sap/opu/odata/sap/API_X_SRV/A_Y?$skiptoken=5",
        "https://erp.example:443/sap/opu/odata/sap/API_X_SRV;v=0001/A_Y?$skiptoken=5",
        "https://gateway.example/prefix/API_X_SRV/A_Y?$skiptoken=5",
        "  A_Y?$skiptoken=5 ",
    ],
)
def test_the_next_page_is_asked_for_at_home(link):
    assert reanchored(link, FROM, HOME, ASKED) == f"{ROOT}/A_Y?$skiptoken=5&{FIXED}"


def test_the_servers_own_query_stays_as_it_is():
    link = "A_Y?%24skiptoken=1000&$skiptoken=2000&sap-client=100&sap-language=EN&x=%27a%20b%27"
    assert reanchored(link, FROM, HOME, ASKED) == f"{ROOT}/{link}"


@pytest.mark.parametrize(
    "link",
    [
        "https://evil.example/collect?$skiptoken=5",
        "../API_Z_SRV/A_Y?$skiptoken=5",
        "A_Z?$skiptoken=5",
        "A_Y",
        "A_Y?",
        "/sap/opu/odata/sap/API_X_SRV/A_Y/../../OTHER/A_Z?t=1",
        "javascript:alert(1)",
        "//evil.example?x",
    ],
)
def test_a_link_that_leads_elsewhere_is_refused(link):
    with pytest.raises(ErpContractBroken, match="leads to"):
        reanchored(link, FROM, HOME, ASKED)


@tried
@given(st.text(max_size=60))
def test_no_link_leads_away_from_home(link):
    try:
        address = reanchored(link, FROM, HOME, ASKED)
    except ErpContractBroken:
        return
    assert address.startswith(f"{ROOT}/A_Y?")


@pytest.fixture
def fetch(sap, clock):
    def run(**changes):
        return Fetcher(Transport(connection(sap, **changes), clock)).fetch(
            STOCK, {"plants": PLANTS}
        )

    return run


@pytest.mark.parametrize("following", ["elsewhere", "loop"])
def test_paging_that_goes_astray_is_an_error(following, fetch, sap):
    sap.habits = Habits(cap=4, following=following)
    with pytest.raises(ErpContractBroken):
        fetch()
    assert len(sap.asked) < 10


def test_pages_have_a_limit(fetch, sap):
    sap.habits = Habits(cap=1)
    with pytest.raises(ErpContractBroken, match="more than 5 pages"):
        fetch(pages_per_read=5)


def test_a_server_that_ignores_skip_but_not_top_cannot_be_read(fetch, sap):
    sap.habits = Habits(ignores_skip=True, following="none")
    with pytest.raises(ErpContractBroken, match="came again"):
        fetch(page_size=4)


def test_a_page_that_breaks_off_is_asked_for_once_more(fetch, sap):
    def half(handler):
        handler.raw(200, b'{"d":{"results":[{"Mater', "application/json")

    sap.get_faults.extend([None, half])
    assert fetch().feed.rows == 24
    sap.get_faults.extend([None, half, half])
    with pytest.raises(ErpContractBroken, match="not whole JSON"):
        fetch()


def test_a_broken_page_in_the_middle_loses_nothing(fetch, sap):
    sap.habits = Habits(cap=4)
    sap.get_faults.extend([None, None, 503, None, 429])
    assert fetch().feed.rows == 24
    sap.get_faults.extend([None, None, 503, 503])
    with pytest.raises(ErpUnavailable):
        fetch()


def test_html_where_data_was_asked_is_known_for_what_it_is(fetch, sap):

    def login(handler):
        page = b"<!DOCTYPE html><html><form><input name='sap-password'></form></html>"
        handler.raw(200, page, "text/html")

    def notice(handler):
        handler.raw(200, b"<html><body>back at 8</body></html>", "application/json")

    for page, kind in ((login, ErpDenied), (notice, ErpUnavailable)):
        sap.get_faults.extend([None, page])
        with pytest.raises(kind, match="web page"):
            fetch()


def test_client_and_language_are_on_every_call(fetch, sap):
    sap.habits = Habits(cap=4)
    fetch(client="100")
    assert all("sap-client=100" in url and "sap-language=EN" in url for url in sap.asked)


def test_the_narrowest_rows_are_asked_for(fetch, sap):
    fetch()
    options = parse_qs(urlsplit(sap.asked[-1]).query)
    assert options["$select"] == [",".join(field.name for field in STOCK.fields)]
    assert options["$filter"] == ["(Plant eq '1000' or Plant eq '1010' or Plant eq '1020')"]
    assert options["$orderby"] == [",".join(STOCK.identity)]


def test_many_plants_are_spread_over_several_queries(sap, clock):
    plants = tuple(f"{n:04d}" for n in range(100))
    for plant in plants:
        row = dict(sap.rows(STOCK_SERVICE, "A_MatlStkInAcctMod")[0], Plant=plant, Material="Z1")
        sap.rows(STOCK_SERVICE, "A_MatlStkInAcctMod").append(row)
    fetched = Fetcher(Transport(connection(sap), clock)).fetch(STOCK, {"plants": plants})
    assert fetched.feed.rows == fetched.feed.expected == 100
    assert len([url for url in sap.asked if "$filter" in url]) == 3


@tried
@given(st.lists(st.text(min_size=1, max_size=40), max_size=200))
def test_chunks_keep_everything_and_urls_short(values):
    spread = list(chunks(values))
    assert [value for chunk in spread for value in chunk] == values
    for chunk in spread:
        assert 0 < len(chunk) <= TERMS_MAX
        address = with_parameters(ROOT, [("$filter", any_of("RequirementTracking", chunk))])
        assert len(address) <= URL_OCTETS_MAX or len(chunk) == 1


@tried
@given(st.text(max_size=30))
def test_a_literal_cannot_break_out(value):
    literal = text_literal(value)
    assert literal[1:-1].replace("''", "") == literal[1:-1].replace("''", "").replace("'", "")
    address = with_parameters("https://erp.example/x", [("$filter", f"A eq {literal}"), ("b", "1")])
    query = urlsplit(address).query
    assert unquote(query.split("&")[0]) == f"$filter=A eq {literal}"
    assert quote("&") not in query or "&" in value
