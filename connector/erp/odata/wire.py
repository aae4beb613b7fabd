"""Sockets with a deadline: what `requests` leaves open, closed below it.

A read timeout limits the silence between two octets; a server that drips one octet a second never
trips it. So each read asks the call's own deadline how long it may still wait. The same place knows
whether an octet of the request has left, which is the difference between a call that certainly did
not happen and one nobody can tell.
"""

from __future__ import annotations

import http.client
import io
import socket
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from connector.errors import ErpContractBroken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connector.erp.odata.connection import Connection
    from connector.ports import Clock

_BUFFER_OCTETS = 256 * 1024


class Exchange:
    """One call on one thread's connection: its deadline, and whether anything was sent."""

    def __init__(self, clock: Clock, silence_seconds: float) -> None:
        self._clock = clock
        self._silence = silence_seconds
        self._ends_at = 0.0
        self.sent = False

    def begin(self, deadline_seconds: float) -> None:
        """Start a call that may take so long in all."""
        self._ends_at = self._clock.monotonic() + deadline_seconds
        self.sent = False

    def patience(self) -> float:
        """Return the seconds the next socket operation may wait; raise TimeoutError when spent."""
        left = self._ends_at - self._clock.monotonic()
        if left <= 0:
            msg = "the call's deadline has passed"
            raise TimeoutError(msg)
        return min(left, self._silence)


class _TimedReads(io.RawIOBase):
    """The raw side of an answer: every read is as patient as the call has time left."""

    def __init__(self, sock: socket.socket, exchange: Exchange) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._exchange = exchange

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int | None:
        self._sock.settimeout(self._exchange.patience())
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _timed_answers(exchange: Exchange) -> type[http.client.HTTPResponse]:
    class TimedAnswer(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
            super().__init__(sock, *args, **kwargs)
            self.fp.close()
            self.fp = io.BufferedReader(_TimedReads(sock, exchange), _BUFFER_OCTETS)

    return TimedAnswer


def _timed_pools(exchange: Exchange) -> dict[str, type[HTTPConnectionPool]]:
    """Return urllib3's pools, made of connections that know the exchange they serve."""

    class Timed(HTTPConnection):
        response_class = _timed_answers(exchange)

        def send(self, data: Any) -> None:
            if self.sock is None:
                self.connect()  # until here nothing has been sent
            exchange.sent = True
            self.sock.settimeout(exchange.patience())
            super().send(data)

    class TimedTls(Timed, HTTPSConnection):
        pass

    class Pool(HTTPConnectionPool):
        ConnectionCls = Timed

    class TlsPool(HTTPSConnectionPool):
        ConnectionCls = TimedTls

    return {"http": Pool, "https": TlsPool}


class _Adapter(HTTPAdapter):
    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        super().__init__(pool_connections=2, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = _timed_pools(self._exchange)


class ErpSession(requests.Session):
    """A session that trusts no environment, follows no redirect and always verifies TLS."""

    def __init__(self, connection: Connection, exchange: Exchange) -> None:
        super().__init__()
        self.trust_env = False  # no netrc, no proxy, no CA bundle by surprise
        self.headers.clear()
        self.verify = connection.ca_file or True
        if connection.certificate is not None:
            files = connection.certificate
            self.cert = (files.certificate_file, files.key_file)
        for scheme in ("https://", "http://"):
            self.mount(scheme, _Adapter(exchange))

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send as asked, once, to the one address asked."""
        if not kwargs.get("verify", True):
            msg = "TLS verification was to be switched off"
            raise ErpContractBroken(msg, hint="name the site's CA file instead")
        return super().send(request, **kwargs | {"allow_redirects": False, "stream": True})

    def resolve_redirects(self, *_args: Any, **_kwargs: Any) -> Iterator[requests.Response]:
        """Yield nothing: another address gets neither keys nor orders."""
        yield from ()
