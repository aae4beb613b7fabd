"""The daemon's face: /livez, /readyz, /metrics, /status.json and one page. It only reads.

No cookie, no script, no form: nothing here can change anything. The Host header is checked, so a
page elsewhere cannot reach it by rebinding a name to the loopback address.
"""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Callable, Collection
from hashlib import sha256
from importlib.resources import files
from typing import Any

import orjson
import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connector.web.health import Health

log = structlog.get_logger("replenishd.web")

_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SERVED_HOSTS = ("localhost",)
_AGES = ((90.0, 1.0, "s"), (5400.0, 60.0, "min"))  # below, divisor, unit; beyond: hours


def make_app(
    health: Callable[[], Health],
    metrics: Callable[[], bytes],
    *,
    hosts: Collection[str] = (),
) -> ASGIApp:
    """Return the application; `hosts` are further names under which it may be asked.

    `health` and `metrics` are called once per request and must not block. IP addresses and
    localhost are always served: neither can be rebound by a foreign name server.
    """
    face = _Face(health, metrics)
    answers = Starlette(
        routes=[
            Route("/", face.page),
            Route("/livez", face.livez),
            Route("/readyz", face.readyz),
            Route("/metrics", face.metrics),
            Route("/status.json", face.status),
        ],
        exception_handlers={Exception: _failed},
    )
    return _Doorkeeper(answers, hosts=hosts, headers=_headers(face.style))


class _Face:
    """The five answers."""

    def __init__(self, health: Callable[[], Health], metrics: Callable[[], bytes]) -> None:
        self._health = health
        self._metrics = metrics
        self.style = (files("connector.web") / "templates" / "status.css").read_text("utf-8")
        pages = Environment(
            loader=PackageLoader("connector.web"), autoescape=True, undefined=StrictUndefined
        )
        pages.filters |= {"ago": ago, "moment": moment}
        self._page = pages.get_template("status.html.j2")

    async def livez(self, _request: Request) -> Response:
        """Answer 200 while the scheduler gives signs of life."""
        dead = self._health().dead()
        return _json({"alive": not dead, "reason": dead}, 503 if dead else 200)

    async def readyz(self, _request: Request) -> Response:
        """Answer 200 only when every site could review now; else 503 and why not."""
        reasons = self._health().unready()
        return _json({"ready": not reasons, "reasons": list(reasons)}, 503 if reasons else 200)

    async def metrics(self, _request: Request) -> Response:
        """Answer with every metric."""
        return Response(self._metrics(), media_type=_METRICS_TYPE)

    async def status(self, _request: Request) -> Response:
        """Answer with everything the page shows, for programs."""
        return _json(self._health().status(), 200)

    async def page(self, _request: Request) -> Response:
        """Answer with the page for people."""
        text = self._page.render(health=self._health(), style=self.style)
        return Response(text, media_type="text/html; charset=utf-8")


class _Doorkeeper:
    """Refuses foreign Host headers and puts the security headers on every answer."""

    def __init__(
        self, app: ASGIApp, *, hosts: Collection[str], headers: list[tuple[bytes, bytes]]
    ) -> None:
        self._app = app
        self._hosts = frozenset(name.lower().rstrip(".") for name in (*_SERVED_HOSTS, *hosts))
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *self._headers]
            await send(message)

        asked = [value for name, value in scope["headers"] if name == b"host"]
        if len(asked) == 1 and self._serves(asked[0].decode("latin-1")):
            await self._app(scope, receive, send_guarded)
        else:
            refusal = PlainTextResponse("This host name is not served here.\n", 421)
            await refusal(scope, receive, send_guarded)

    def _serves(self, host: str) -> bool:
        name = host_name(host)
        if name in self._hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def host_name(host: str) -> str:
    """Return the name or address of a Host header, without its port and brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower().rstrip(".")


def ago(seconds: float | None) -> str:
    """Return an age as a person says it: 40 s, 12 min, 3.5 h."""
    if seconds is None:
        return "never"
    for below, divisor, unit in _AGES:
        if seconds < below:
            return f"{seconds / divisor:.0f} {unit}"
    return f"{seconds / 3600:.1f} h"


def moment(value: Any) -> str:
    """Return a moment as the page shows it, in UTC."""
    return "–" if value is None else f"{value:%Y-%m-%d %H:%M:%S} UTC"


def _headers(style: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of every answer; the page's own style is allowed by its digest only."""
    digest = b64encode(sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    )
    return [
        (b"content-security-policy", policy.encode("ascii")),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"cache-control", b"no-store"),
    ]


def _json(document: dict[str, Any], status: int) -> Response:
    return Response(orjson.dumps(document), status, media_type="application/json")


async def _failed(_request: Request, error: Exception) -> Response:
    """Answer 503 without the reason: the log has it, a visitor need not."""
    log.error("page_failed", error=str(error))
    return _json({"ready": False, "reasons": ["the status cannot be read; see the log"]}, 503)
