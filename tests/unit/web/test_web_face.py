"""What the daemon's face says, to whom, over a real socket."""

from __future__ import annotations

import http.client
import json
import re
import socket
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from connector.errors import ConfigError
from connector.web.app import ago, host_name, make_app
from connector.web.health import Health, LastReview, SiteHealth
from connector.web.server import WebServer

NOW = datetime(2026, 3, 2, 6, 10, tzinfo=UTC)
REVIEW = LastReview(
    review="r-1",
    slot="north/replenishment/20260302T060000Z",
    outcome="done",
    finished_at=NOW - timedelta(minutes=5),
    lines=1400,
    ordered=61,
    held=2,
    posted=61,
    seconds={"pull": 1.25, "decide": 0.0501},
)
NORTH = SiteHealth(
    site="north",
    mode="live",
    leader=True,
    ledger_writable=True,
    erp_answered_seconds=300.0,
    data_age_seconds=600.0,
    next_review=NOW + timedelta(hours=1),
    last_review=REVIEW,
    outbox=3,
    policy="ctx@7",
)
WELL = Health(
    version="1.2.3",
    started_at=NOW - timedelta(days=1),
    now=NOW,
    heartbeat_seconds=1.0,
    sites=(NORTH,),
)


class Face:
    """A served application whose health a test may change."""

    def __init__(self):
        self.health = WELL
        self.broken = False

    def read(self):
        if self.broken:
            raise RuntimeError("database password is wrong")
        return self.health


@pytest.fixture(scope="module")
def face():
    return Face()


@pytest.fixture(scope="module")
def server(face):
    app = make_app(face.read, lambda: b"replenishd_up 1\n", hosts=["Status.Example"])
    with WebServer(app) as running:
        yield running


@pytest.fixture(autouse=True)
def _well(face):
    face.health, face.broken = WELL, False


def ask(server, path, *, method="GET", host=None):
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request(method, path, headers={"Host": host} if host is not None else {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def test_a_well_daemon_is_alive_and_ready(server):
    assert ask(server, "/livez")[0] == 200
    status, headers, body = ask(server, "/readyz")
    assert (status, json.loads(body)) == (200, {"ready": True, "reasons": []})
    assert headers["content-type"] == "application/json"
    assert ask(server, "/metrics")[2] == "replenishd_up 1\n"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"erp_answered_seconds": None}, "north: the ERP never answered"),
        ({"erp_answered_seconds": 21_601.0}, "north: the ERP answered 21601 s ago; at most 21600"),
        ({"erp_answered_seconds": float("nan")}, "north: the ERP answered nan s ago"),
        ({"data_age_seconds": 30_000.0}, "north: the data came 30000 s ago"),
        ({"data_age_seconds": None}, "north: the data never came"),
        ({"ledger_writable": False}, "north: the ledger cannot be written"),
        ({"leader": False}, "north: another process holds this site"),
    ],
)
def test_not_ready_says_why_and_stays_alive(server, face, change, reason):
    face.health = replace(WELL, sites=(replace(NORTH, **change),))
    status, _, body = ask(server, "/readyz")
    assert status == 503
    assert json.loads(body)["reasons"][0].startswith(reason)
    assert ask(server, "/livez")[0] == 200


@pytest.mark.parametrize("change", [{"erp_answered_seconds": 21_600.0}, {"halted": True}])
def test_at_the_limit_or_halted_it_is_still_ready(server, face, change):
    face.health = replace(WELL, sites=(replace(NORTH, **change),))
    assert ask(server, "/readyz")[0] == 200


def test_without_heartbeat_it_is_dead_and_not_ready(server, face):
    face.health = replace(WELL, heartbeat_seconds=61.0)
    status, _, body = ask(server, "/livez")
    assert status == 503
    assert "61 s" in json.loads(body)["reason"]
    assert ask(server, "/readyz")[0] == 503


def test_without_a_site_it_is_not_ready(server, face):
    face.health = replace(WELL, sites=())
    assert json.loads(ask(server, "/readyz")[2])["reasons"] == ["no site is configured"]
    assert "No site is configured" in ask(server, "/")[2]


def test_the_status_document_has_the_shape_programs_rely_on(server):
    document = json.loads(ask(server, "/status.json")[2])
    site = document["sites"][0]
    assert document["version"] == "1.2.3"
    assert document["started_at"] == "2026-03-01T06:10:00Z"
    assert (site["site"], site["mode"], site["halted"], site["leader"]) == (
        "north",
        "live",
        False,
        True,
    )
    assert site["pilot"] == []
    assert (site["in_doubt"], site["outbox"], site["policy"]) == (0, 3, "ctx@7")
    assert site["next_review"] == "2026-03-02T07:10:00Z"
    assert site["last_review"] == {
        "review": "r-1",
        "slot": "north/replenishment/20260302T060000Z",
        "finished_at": "2026-03-02T06:05:00Z",
        "outcome": "done",
        "detail": "",
        "lines": 1400,
        "ordered": 61,
        "held": 2,
        "posted": 61,
        "seconds": {"pull": 1.25, "decide": 0.0501},
    }


def test_the_page_escapes_everything_and_carries_no_script(server, face):
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}"
    face.health = replace(
        WELL,
        version=evil,
        notes=(evil,),
        sites=(
            replace(
                NORTH,
                site=evil,
                mode=evil,
                halted=True,
                halted_why=evil,
                leader=False,
                policy=evil,
                policy_refused=evil,
                last_review=replace(
                    REVIEW, outcome=evil, detail=evil, slot=evil, seconds={evil: 1}
                ),
            ),
        ),
    )
    status, headers, body = ask(server, "/")
    assert status == 200
    assert headers["content-type"].startswith("text/html")
    assert "<script" not in body
    assert "<img" not in body
    assert "49" not in body
    assert body.count("&lt;script&gt;") >= 10
    assert json.loads(ask(server, "/status.json")[2])["sites"][0]["site"] == evil


def test_the_page_shows_what_a_person_looks_for(server, face):
    face.health = replace(
        WELL, sites=(replace(NORTH, in_doubt=2, last_review=None, pilot=("1000", "1010")), NORTH)
    )
    body = ask(server, "/")[2]
    for text in (
        "live: 1000, 1010",
        "2 in doubt",
        "No review yet",
        "1400",
        "10 min",
        "ctx@7",
        "1.25 s",
    ):
        assert text in body


def test_every_answer_carries_the_security_headers_and_the_style_is_allowed_by_digest(server):
    for path in ("/", "/livez", "/nowhere", "/metrics"):
        _, headers, body = ask(server, path)
        policy = headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "server" not in headers
        if path == "/":
            style = re.search("<style>(.*?)</style>", body, re.DOTALL).group(1)
            assert b64encode(sha256(style.encode()).digest()).decode() in policy


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:9", "[::1]:80", "localhost:1", "10.0.0.7", "STATUS.example."]
)
def test_own_names_and_addresses_are_served(server, host):
    assert ask(server, "/livez", host=host)[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "", "127.0.0.1.evil.example", "[evil]", "*"]
)
def test_a_foreign_name_is_refused_before_anything_is_read(server, face, host):
    face.broken = True
    status, headers, _ = ask(server, "/status.json", host=host)
    assert status == 421
    assert "content-security-policy" in headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_nothing_can_be_changed(server, method):
    assert ask(server, "/", method=method)[0] == 405
    assert ask(server, "/readyz", method=method)[0] == 405


def test_head_answers_without_a_body(server):
    status, _, body = ask(server, "/readyz", method="HEAD")
    assert (status, body) == (200, "")


def test_a_failure_inside_is_not_told_to_visitors(server, face):
    face.broken = True
    for path in ("/", "/readyz", "/status.json", "/livez"):
        status, headers, body = ask(server, path)
        assert status == 503
        assert "password" not in body
        assert "content-security-policy" in headers


def test_a_taken_port_is_a_configuration_error(server):
    with pytest.raises(ConfigError, match=f"web.listen: port {server.port} of 127.0.0.1") as told:
        WebServer(make_app(lambda: WELL, lambda: b""), port=server.port).start()
    assert "another port in web.listen" in told.value.hint


def test_a_foreign_address_is_a_configuration_error():
    with pytest.raises(ConfigError, match=r"web\.listen: .*192"):
        WebServer(make_app(lambda: WELL, lambda: b""), host="192.0.2.1").start()


def test_the_default_is_the_loopback_and_stopping_frees_the_port():
    first = WebServer(make_app(lambda: WELL, lambda: b""))
    first.start()
    port = first.port
    assert port > 0
    assert first.url == f"http://127.0.0.1:{port}"
    first.stop()
    first.stop()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    with WebServer(make_app(lambda: WELL, lambda: b""), port=port) as again:
        assert ask(again, "/livez")[0] == 200


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(None, "never"), (89, "89 s"), (90, "2 min"), (5399, "90 min"), (5400, "1.5 h")],
)
def test_ages_are_said_like_people_say_them(seconds, said):
    assert ago(seconds) == said


@pytest.mark.parametrize(
    ("host", "name"),
    [("A.b:80", "a.b"), ("[::1]:80", "::1"), ("[::1", "::1"), ("a.b.", "a.b"), ("", "")],
)
def test_a_host_header_names_its_host(host, name):
    assert host_name(host) == name
