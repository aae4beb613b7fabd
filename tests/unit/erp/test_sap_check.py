from __future__ import annotations

import traceback
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import tried
from raw_octets import RawServer, hangs_up, says
from sap_world import SITE, connection
from strict_sap import NOW, Habits

from connector.erp.odata.connection import ApiKey, Basic, Connection, OAuth2
from connector.erp.sap.check import check_connection, check_metadata
from connector.erp.sap.plan import api_plan, reads
from connector.erp.sap.post import SapPoster
from connector.erp.sap.read import SapReader
from connector.erp.sap.site import SapSite
from connector.errors import ConfigError, ReplenishError
from connector.failsafes.control_limits import ClockJump
from connector.inventory.snapshot import History

LIMITS = ClockJump(erp_seconds=120.0)


def test_a_sound_system_has_nothing_to_be_told(sap, clock):
    (reached,) = check_connection(connection(sap), SITE, clock, LIMITS)
    assert (reached.severity, reached.message) == ("info", "reachable; its clock is 0 s from ours")
    assert check_metadata(connection(sap), SITE, clock) == []


@pytest.mark.parametrize(
    ("sent_at", "severity", "apart"),
    [("06:02:00", "info", "120 s"), ("06:02:01", "error", "121 s"), ("04:00:00", "error", "7200")],
)
def test_a_clock_is_sound_up_to_the_limit_of_the_guard(sent_at, severity, apart, sap, clock):
    sap.habits = Habits(header_date=f"Tue, 24 Nov 2026 {sent_at} GMT")
    (found,) = check_connection(connection(sap), SITE, clock, LIMITS)
    assert found.severity == severity
    assert f"its clock is {apart}" in found.message
    assert ("A6" in found.message) == bool(found.hint) == (severity == "error")


def test_every_layer_that_fails_is_a_finding_not_a_crash(sap, clock):
    sap.hidden_properties = {"MRPType", "OrderQuantity"}
    sap.hidden_sets = {"A_ProductValuation", "A_PurchaseRequisitionHeader"}
    found = {(f.severity, f.message) for f in check_metadata(connection(sap), SITE, clock)}
    assert ("error", "OrderQuantity is missing") in found
    assert ("warning", "MRPType is missing") in found
    assert ("error", "the entity set is missing: nothing can be filed") in found
    assert any(s == "warning" and "price per base unit" in m for s, m in found)
    away = Connection(base_url="http://127.0.0.1:9", attempts=1)
    assert check_connection(away, SITE, clock, LIMITS)[0].severity == "error"
    assert {f.severity for f in check_metadata(away, SITE, clock)} == {"error"}


def test_the_plan_is_closed_and_printable(sap):
    rows = api_plan(SITE, connection(sap))
    assert all(row.purpose and row.when and row.calls_max > 0 for row in rows)
    assert [row.feed for row in rows if row.method == "POST"] == ["post"]
    read = {row.feed: row for row in rows}
    assert read["stock"].filter == "Plant in <plants>"
    assert "to_ScheduleLine/ScheduleLineDeliveryDate" in read["purchase_orders"].fields
    assert all(
        isinstance(value, str | int | tuple) for row in rows for value in asdict(row).values()
    )
    by_mrp = {row.feed for row in api_plan(replace(SITE, pipeline_source="mrp"), connection(sap))}
    assert "mrp_elements" in by_mrp
    assert not by_mrp & {"purchase_orders", "requisitions"}


def test_no_filter_asks_for_what_an_unset_field_would_hide():
    for source in ("documents", "mrp"):
        for each in reads(replace(SITE, pipeline_source=source)):
            text = " ".join(map(str, each.terms))
            assert " eq ''" not in text
            assert " eq false" not in text


@pytest.mark.parametrize(
    "changes",
    [
        {"plants": ()},
        {"plants": ("1000", "1000")},
        {"plants": ("10000",)},
        {"time_zone": "Mars/Olympus"},
        {"requisitioner": "A NAME TOO LONG"},
        {"history_days": 0},
    ],
)
def test_a_site_that_cannot_be_meant_is_refused(changes):
    with pytest.raises(ConfigError):
        SapSite(**{"name": "s", "plants": ("1000",), **changes})


SECRETS = st.text("QXZ0123456789", min_size=12, max_size=24).map("zq9-{}".format)
ECHO = b'{"error":{"code":"X","message":{"value":"no"}}}'


@tried
@given(
    SECRETS,
    st.sampled_from(["basic", "key", "oauth"]),
    st.sampled_from(
        [
            says(401),
            says(403, ECHO),
            says(500, ECHO),
            says(302, Location="https://x/"),
            hangs_up,
            says(200, b"<html>", "text/html"),
            says(200, b"{"),
        ]
    ),
)
def test_no_secret_is_in_any_error(clock, secret, way, answer):
    server = RawServer(answer)
    token_url = f"{server.url}/token"
    credentials = {
        "basic": Basic(user="BOT", password=secret),
        "key": ApiKey(key=secret),
        "oauth": OAuth2(token_url=token_url, client_id="bot", client_secret=secret),
    }[way]
    there = Connection(base_url=server.url, credentials=credentials, attempts=1)
    told = []
    reader = SapReader(there, SITE, clock, trace=told.append)
    poster = SapPoster(there, SITE, clock, mode="live", trace=told.append)
    shown = [repr(there), repr(reader.__dict__)]
    for action in (lambda: reader.pull(NOW, History()), lambda: poster.find(["K"])):
        try:
            action()
        except ReplenishError as error:
            shown += [
                str(error),
                repr(error),
                repr(error.facts),
                *traceback.format_exception(error),
            ]
    shown.append(repr(told))
    reader.close()
    poster.close()
    server.close()
    assert secret not in "\n".join(shown)
