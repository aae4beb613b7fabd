from __future__ import annotations

import pytest
import responses

from connector.erp.odata.connection import ApiKey, Basic, Connection, OAuth2
from connector.erp.odata.transport import Transport
from connector.errors import (
    ConfigError,
    ErpDenied,
    ErpUnavailable,
)

JSON = {"Accept": "application/json"}


TOKEN = OAuth2(token_url="https://login.example/token", client_id="bot", client_secret="cs3cret")


@responses.activate
def test_a_token_is_kept_and_renewed_once_when_refused(clock):
    tokens = iter(["one", "two", "three"])
    responses.add_callback(
        "POST",
        "https://login.example/token",
        lambda request: (200, {}, f'{{"access_token":"{next(tokens)}","expires_in":3600}}'),
    )
    seen = []

    def erp(request):
        seen.append(request.headers["Authorization"])
        return (401 if seen[-1] == "Bearer one" and len(seen) > 2 else 200, {}, "{}")

    responses.add_callback("GET", "https://erp.example/x", erp)
    link = Transport(Connection(base_url="https://erp.example", credentials=TOKEN), clock)
    statuses = [link.send("GET", "https://erp.example/x", JSON).status for _ in range(4)]
    assert statuses == [200, 200, 200, 200]
    assert seen == ["Bearer one"] * 3 + ["Bearer two"] * 2
    form = responses.calls[0].request
    assert form.url == "https://login.example/token"
    assert "client_secret=cs3cret" in form.body.decode()


@responses.activate
def test_a_token_that_stays_refused_is_denied_not_tried_forever(clock):
    responses.add("POST", "https://login.example/token", json={"access_token": "a"})
    responses.add("GET", "https://erp.example/x", status=401)
    link = Transport(Connection(base_url="https://erp.example", credentials=TOKEN), clock)
    assert link.send("GET", "https://erp.example/x", JSON).status == 401
    assert len(responses.calls) == 4


@responses.activate
def test_a_token_expires_a_little_early(clock):
    responses.add(
        "POST", "https://login.example/token", json={"access_token": "a", "expires_in": 100}
    )
    responses.add("GET", "https://erp.example/x", json={})
    link = Transport(Connection(base_url="https://erp.example", credentials=TOKEN), clock)
    for elapsed, tokens in ((0, 1), (69, 1), (71, 2)):
        clock.elapsed = elapsed
        link.send("GET", "https://erp.example/x", JSON)
        assert sum("token" in call.request.url for call in responses.calls) == tokens


@responses.activate
@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, '{"error":"invalid_client","description":"cs3cret"}', ErpDenied),
        (401, "no", ErpDenied),
        (200, "<html>cs3cret", ErpDenied),
        (200, '{"access_token":""}', ErpDenied),
        (503, "busy", ErpUnavailable),
    ],
)
def test_a_token_server_that_says_no_does_not_leak(status, body, kind, clock):
    responses.add("POST", "https://login.example/token", status=status, body=body)
    link = Transport(Connection(base_url="https://erp.example", credentials=TOKEN), clock)
    with pytest.raises(kind) as caught:
        link.send("GET", "https://erp.example/x", JSON)
    assert "cs3cret" not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize(
    "address",
    [
        "http://erp.example",
        "ftp://erp.example",
        "erp.example",
        "https://bot:pw@erp.example",
        "https://erp.example/?sap-client=1",
        "http://127.0.0.1.evil.example",
    ],
)
def test_credentials_are_not_sent_just_anywhere(address):
    with pytest.raises(ConfigError) as caught:
        Connection(base_url=address)
    assert "pw" not in str(caught.value)
    with pytest.raises(ConfigError):
        Connection(
            base_url="https://erp.example",
            credentials=OAuth2(token_url=address, client_id="a", client_secret="b"),
        )


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8000", "http://localhost:1", "http://[::1]:1"]
)
def test_plain_http_is_for_loopback(address):
    assert Connection(base_url=address).root.startswith(address)


@pytest.mark.parametrize(
    "name", ["deadline_seconds", "calls_per_review", "concurrency", "attempts"]
)
def test_limits_are_limits(name):
    with pytest.raises(ConfigError, match=name):
        Connection(base_url="https://erp.example", **{name: 0})


def test_no_secret_shows_in_a_repr():
    for credentials in (Basic(user="u", password="s3c"), ApiKey(key="s3c"), TOKEN):
        shown = repr(Connection(base_url="https://erp.example", credentials=credentials))
        assert "s3c" not in shown
