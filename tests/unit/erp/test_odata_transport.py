from __future__ import annotations

import gzip
import socket
import time
import tracemalloc
import zlib

import pytest
from raw_octets import RawServer, drips, hangs_up, resets, says, stays_silent

from connector.clock import SystemClock
from connector.erp.odata.body import AnswerTooLarge
from connector.erp.odata.connection import ApiKey, Basic, ClientCertificate, Connection
from connector.erp.odata.transport import AnswerLost, NothingSent, Transport
from connector.erp.odata.wire import ErpSession, Exchange
from connector.errors import (
    ErpContractBroken,
    ErpUnavailable,
    SnapshotUnfit,
)

JSON = {"Accept": "application/json"}


@pytest.fixture
def serve():
    made = []

    def start(*script):
        made.append(RawServer(*script))
        return made[-1]

    yield start
    for server in made:
        server.close()


def transport(url, clock, **changes):
    known = {"base_url": url, "attempts": 1}
    return Transport(Connection(**{**known, **changes}), clock, jitter=lambda: 1.0)


@pytest.mark.parametrize("part", ["body", "headers"])
def test_a_drip_fed_answer_ends_at_the_deadline(part, serve):
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 400\r\n\r\n"
    server = serve(drips(head + b" " * 400 if part == "headers" else b"", 0.05))
    if part == "body":
        server.script = [lambda c, r: (c.sendall(head), drips(b" " * 400, 0.05)(c, r))[1]]
    started = time.monotonic()
    with pytest.raises(AnswerLost):
        transport(server.url, SystemClock(), deadline_seconds=0.4).send("GET", server.url, JSON)
    assert time.monotonic() - started < 2.0


def test_silence_ends_sooner_than_the_deadline(serve):
    server = serve(stays_silent)
    started = time.monotonic()
    with pytest.raises(AnswerLost):
        transport(server.url, SystemClock(), silence_seconds=0.2).send("GET", server.url, JSON)
    assert time.monotonic() - started < 2.0


@pytest.mark.parametrize(
    "trouble",
    [resets, hangs_up, says(200, b'{"d":', length=5000, keep=False)],
    ids=["reset", "hung up", "cut off"],
)
def test_a_get_is_sent_again_after_a_broken_answer(trouble, serve, clock):
    server = serve(trouble, says(200, b'{"d":{}}'))
    answer = transport(server.url, clock, attempts=2).get(server.url, JSON)
    assert answer.body == b'{"d":{}}'
    assert len(server.requests) == 2
    assert len(clock.waits) == 1


def test_a_write_is_never_sent_again(serve, clock):
    server = serve(resets, says(201))
    with pytest.raises(AnswerLost):
        transport(server.url, clock, attempts=5).send("POST", server.url, JSON, b"{}")
    assert len(server.requests) == 1


def test_a_refused_connection_is_certain(clock):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(NothingSent):
        transport(url, clock).send("POST", url, JSON, b"{}")


def test_a_handshake_that_fails_is_certain(serve, clock):
    server = serve(says())  # speaks no TLS
    url = server.url.replace("http://127.0.0.1", "https://localhost")
    with pytest.raises(NothingSent):
        transport(url, clock, connect_timeout_seconds=0.3).send("POST", url, JSON, b"{}")
    assert server.requests == []


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_retries_stop_and_say_what_was_answered(status, serve, clock):
    server = serve(says(status, b'{"error":{"code":"X/1","message":{"value":"busy"}}}'))
    with pytest.raises(ErpUnavailable, match=f"{status}: busy"):
        transport(server.url, clock, attempts=3).get(server.url, JSON)
    assert len(server.requests) == 3
    assert clock.waits == [0.5, 1.0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 500])
def test_other_answers_are_not_asked_for_again(status, serve, clock):
    server = serve(says(status))
    assert transport(server.url, clock, attempts=3).get(server.url, JSON).status == status
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("header", "waited"),
    [
        ("7", 7.0),
        ("0", 0.0),
        ("99999999999999999999", 60.0),
        ("Tue, 24 Nov 2026 06:00:11 GMT", 11.0),
        ("Tue, 24 Nov 2026 05:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60.0),
        ("soon", 0.5),
        ("-5", 0.5),
        ("", 0.5),
    ],
)
def test_retry_after_is_obeyed_within_reason(header, waited, serve, clock):
    server = serve(says(503, Retry_After=header, Date="Tue, 24 Nov 2026 06:00:00 GMT"), says(200))
    transport(server.url, clock, attempts=2).get(server.url, JSON)
    assert clock.waits == [waited]


def test_no_redirect_is_followed_and_nothing_reaches_the_other_host(serve, clock):
    other = serve(says(200))
    server = serve(says(307, Location=f"{other.url}/collect"))
    keyed = transport(server.url, clock, credentials=ApiKey(key="topsecret"))
    for method, body in (("GET", None), ("POST", b"{}")):
        assert keyed.send(method, server.url, JSON, body).status == 307
    assert other.requests == []


def test_a_session_cannot_be_talked_into_unverified_tls(clock):
    session = ErpSession(Connection(base_url="https://erp.example"), Exchange(clock, 1.0))
    assert session.verify is True
    assert session.trust_env is False
    with pytest.raises(ErpContractBroken):
        session.get("https://erp.example", verify=False)


def test_certificates_are_used_where_named(clock):
    files = ClientCertificate(certificate_file="/run/c.pem", key_file="/run/k.pem")
    mutual = Connection(base_url="https://erp.example", certificate=files, ca_file="/run/ca.pem")
    session = ErpSession(mutual, Exchange(clock, 1.0))
    assert session.cert == ("/run/c.pem", "/run/k.pem")
    assert session.verify == "/run/ca.pem"


def test_the_environment_is_not_listened_to(serve, clock, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    server = serve(says(200))
    assert transport(server.url, clock).send("GET", server.url, JSON).status == 200


def test_an_answer_past_the_limit_is_dropped(serve, clock):
    server = serve(says(200, b"x" * 5000))
    with pytest.raises(AnswerTooLarge, match="4000"):
        transport(server.url, clock, answer_octets=4000).send("GET", server.url, JSON)


@pytest.mark.parametrize("packing", ["gzip", "deflate"])
def test_packed_answers_are_unpacked(packing, serve, clock):
    packed = gzip.compress(b"[1]" * 999) if packing == "gzip" else zlib.compress(b"[1]" * 999)
    server = serve(says(200, packed, Content_Encoding=packing))
    assert transport(server.url, clock).send("GET", server.url, JSON).body == b"[1]" * 999


def test_a_packed_bomb_does_not_unfold(serve, clock):
    server = serve(says(200, gzip.compress(b"\0" * 80_000_000, 9), Content_Encoding="gzip"))
    tracemalloc.start()
    with pytest.raises(AnswerTooLarge):
        transport(server.url, clock, answer_octets=1_000_000).send("GET", server.url, JSON)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000


def test_a_packed_answer_that_ends_early_is_lost(serve, clock):
    server = serve(says(200, gzip.compress(b"[1]" * 9999)[:-9], Content_Encoding="gzip"))
    with pytest.raises(AnswerLost):
        transport(server.url, clock).send("GET", server.url, JSON)


def test_a_packing_nobody_asked_for_is_named(serve, clock):
    server = serve(says(200, b"??", Content_Encoding="br"))
    with pytest.raises(ErpContractBroken, match="br"):
        transport(server.url, clock).send("GET", server.url, JSON)


def test_every_call_is_told_without_a_secret(serve, clock):
    told = []
    server = serve(says(503), says(200, b"[1]"))
    login = Basic(user="BOT", password="hunter2")
    connection = Connection(base_url=server.url, credentials=login, attempts=2)
    Transport(connection, clock, trace=told.append, jitter=lambda: 1.0).get(
        f"{server.url}/x?y=1", JSON
    )
    assert [(c.status, c.octets, c.waited) for c in told] == [(503, 2, 0.0), (200, 3, 0.5)]
    assert told[0].url == f"{server.url}/x?y=1"
    assert "hunter2" not in repr(told)
    assert b"Authorization: Basic Qk9UOmh1bnRlcjI=" in server.requests[0]


def test_a_deadline_of_the_whole_pull_shortens_every_call(serve, clock):
    server = serve(says(200))
    limited = transport(server.url, clock, pull_seconds=10.0)
    limited.send("GET", server.url, JSON)
    clock.elapsed = 11.0
    with pytest.raises(SnapshotUnfit, match="longer than 10 s"):
        limited.send("GET", server.url, JSON)
