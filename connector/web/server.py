"""Serves the application from a thread of the daemon."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from connector.errors import ConfigError

_BACKLOG = 64
_CONNECTIONS_MAX = 64
_REQUEST_BYTES_MAX = 16_384
_START_SECONDS = 10.0
_STOP_SECONDS = 5


class WebServer:
    """One listening socket and one thread. Port 0 takes any free port; `port` tells which.

    The default address is the loopback: anything wider is the operator's written choice.
    """

    def __init__(self, app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> None:
        """Remember what to serve; `start` opens the socket."""
        self._app = app
        self._host = host
        self._asked_port = port
        self._socket: socket.socket | None = None
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Return the port really listened on, or what was asked for while stopped."""
        return self._socket.getsockname()[1] if self._socket else self._asked_port

    @property
    def url(self) -> str:
        """Return the address of the page."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Listen and return once requests are answered; raise ConfigError when it cannot."""
        self._socket = _listen(self._host, self._asked_port)
        started = threading.Event()
        self._server = _Announcing(_settings(self._app), started)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name="web", daemon=True
        )
        self._thread.start()
        if not started.wait(_START_SECONDS):
            self.stop()
            raise ConfigError(
                f"the web server on {self._host} did not start within {_START_SECONDS:.0f} s",
                hint="see the log lines before this one",
            )

    def stop(self) -> None:
        """Close the socket and end the thread; may be called twice."""
        if self._server is not None:
            self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS + 1)
        if self._socket is not None:
            self._socket.close()
        self._server = self._thread = self._socket = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop."""
        self.stop()


class _Announcing(uvicorn.Server):
    """Says when it answers, so that nobody has to poll for it."""

    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._announced = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._announced.set()


def _settings(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        backlog=_BACKLOG,
        limit_concurrency=_CONNECTIONS_MAX,
        timeout_keep_alive=5,
        timeout_graceful_shutdown=_STOP_SECONDS,
        h11_max_incomplete_event_size=_REQUEST_BYTES_MAX,
    )


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listening = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(
            f"web.listen: {host!r} is no address of this machine: {error}",
            hint="use 127.0.0.1, ::1 or an address of this machine",
        ) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise ConfigError(
            f"web.listen: port {port} of {host} cannot be listened on: {error.strerror}",
            hint="stop what uses it, or choose another port in web.listen",
        ) from error
    return listening
