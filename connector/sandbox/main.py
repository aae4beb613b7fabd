"""Opens the two doors of a stand-in ERP and keeps them open until told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import uvicorn

from connector.errors import ConfigError
from connector.sandbox.admin import admin
from connector.sandbox.face import Face
from connector.sandbox.options import SandboxOptions
from connector.sandbox.system import System
from connector.sandbox.wire import Wire

_GRACE_SECONDS = 1
_KEEP_ALIVE_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Doors:
    """Where a running stand-in listens."""

    url: str  # of the OData services' host
    admin: str
    pid: int


class _Server(uvicorn.Server):
    """A server that leaves signals to the process and tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.opened = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen."""
        await super().startup(sockets)
        self.opened.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


def run(options: SandboxOptions, announce: Callable[[Doors], None] | None = None) -> None:
    """Run a stand-in until SIGTERM, SIGINT or POST /quit. Raises ConfigError for a taken port."""
    asyncio.run(serve(options, announce))


async def serve(options: SandboxOptions, announce: Callable[[Doors], None] | None = None) -> None:
    """Make the world, open both doors, tell where they are, and serve until told to stop."""
    system = System(options)
    front, back = _bind(options.host, options.port), _bind(options.host, options.admin_port)
    servers: list[_Server] = []

    def stop() -> None:
        for server in servers:
            server.should_exit = True

    tls: dict[str, Any] = {}
    if options.certfile and options.keyfile:
        tls = {"ssl_certfile": str(options.certfile), "ssl_keyfile": str(options.keyfile)}
    servers += [_server(Face(system), **tls), _server(admin(system, stop))]
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(RuntimeError, ValueError):  # not the main thread
            loop.add_signal_handler(name, stop)
    doors = Doors(
        url=_address(front, "https" if tls else "http"), admin=_address(back), pid=os.getpid()
    )
    try:
        serving = [
            asyncio.create_task(server.serve(sockets=[door]))
            for server, door in zip(servers, (front, back), strict=True)
        ]
        await asyncio.gather(*(server.opened.wait() for server in servers))
        _tell(options, doors, announce)
        await asyncio.gather(*serving)
    finally:
        system.journal.close()


def _server(app: Any, **tls: Any) -> _Server:
    return _Server(
        uvicorn.Config(
            app,
            http=Wire,
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_level="error",
            access_log=False,
            date_header=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            **tls,
        )
    )


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The event loop turns Nagle's delay off only for sockets that say they are TCP
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as error:
        door.close()
        msg = f"cannot listen on {host}:{port}: {error.strerror}"
        raise ConfigError(msg, hint="choose another port, or 0 for any free one") from error
    return door


def _address(door: socket.socket, scheme: str = "http") -> str:
    host, port = door.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _tell(options: SandboxOptions, doors: Doors, announce: Callable[[Doors], None] | None) -> None:
    """Write the ready file in one step, so that nobody reads half of it."""
    if options.ready_file is not None:
        told = {"url": doors.url, "admin": doors.admin, "pid": doors.pid}
        draft = options.ready_file.with_name(options.ready_file.name + ".new")
        draft.write_bytes(orjson.dumps(told))
        draft.replace(options.ready_file)
    if announce is not None:
        announce(doors)
