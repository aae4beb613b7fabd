"""The second door: the simulated clock, the account of the days, the ledger, the faults."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connector.errors import ConfigError
from connector.sandbox.system import System

_DAYS_MOST = 3660
Answering = Callable[[Request], Awaitable[Response]]


def admin(system: System, stop: Callable[[], None]) -> Starlette:
    """Return the administrator's application; `stop` ends the process."""
    desk = _Desk(system, stop)
    return Starlette(
        routes=[
            Route("/clock", _safely(desk.clock), methods=["GET"]),
            Route("/clock/advance", _safely(desk.advance), methods=["POST"]),
            Route("/ledger", _safely(desk.ledger), methods=["GET"]),
            Route("/days", _safely(desk.days), methods=["GET"]),
            Route("/faults", _safely(desk.faults), methods=["GET", "POST", "DELETE"]),
            Route("/faults/{number:int}", _safely(desk.fault), methods=["DELETE"]),
            Route("/planning", _safely(desk.planning), methods=["GET", "POST"]),
            Route("/habits", _safely(desk.habits), methods=["GET", "POST"]),
            Route("/requests", _safely(desk.requests), methods=["GET", "DELETE"]),
            Route("/quit", _safely(desk.quit), methods=["POST"]),
        ]
    )


def _safely(answer: Answering) -> Answering:
    """Answer 400 with a reason to what cannot be done."""

    async def answering(request: Request) -> Response:
        try:
            return await answer(request)
        except ConfigError as error:
            return _json({"error": str(error)}, status=400)

    return answering


def _json(content: object, *, status: int = 200) -> Response:
    return Response(orjson.dumps(content), status_code=status, media_type="application/json")


async def _said(request: Request) -> Any:
    body = await request.body()
    try:
        return orjson.loads(body) if body else {}
    except orjson.JSONDecodeError as error:
        msg = f"the request's body is no JSON: {error}"
        raise ConfigError(msg, hint="send a JSON document, or nothing") from error


class _Desk:
    """What the administrator can ask for and do."""

    def __init__(self, system: System, stop: Callable[[], None]) -> None:
        self._system = system
        self._stop = stop

    async def clock(self, request: Request) -> Response:
        """Return the simulated moment."""
        del request
        return _json({"now": self._system.now.isoformat()})

    async def advance(self, request: Request) -> Response:
        """Live through some days and return what happened in them."""
        days = (await _said(request)).get("days", 1)
        if not isinstance(days, int) or not 0 < days <= _DAYS_MOST:
            msg = f"cannot advance {days!r} days"
            raise ConfigError(msg, hint=f"days is a whole number from 1 to {_DAYS_MOST}")
        before = len(self._system.world.chronicle.days)
        for _ in range(days):
            self._system.journal.advance()
            await asyncio.sleep(0)  # requests in between see whole days
        happened = [each.record() for each in self._system.days(before)]
        return _json({"now": self._system.now.isoformat(), "days": happened})

    async def ledger(self, request: Request) -> Response:
        """Return what was filed, from the ERP's side."""
        del request
        return _json(self._system.journal.ledger())

    async def days(self, request: Request) -> Response:
        """Return the account per day and plant; ?since=YYYY-MM-DD leaves out what was before."""
        since = request.query_params.get("since", "")
        return _json([each.record() for each in self._system.days() if each.day >= since])

    async def faults(self, request: Request) -> Response:
        """Show, plant or clear faults. POST takes one fault or a list of them."""
        board = self._system.switchboard
        if request.method == "DELETE":
            return _json({"cleared": board.clear()})
        if request.method == "POST":
            said = await _said(request)
            specs = said if isinstance(said, list) else [said]
            return _json({"planted": [board.plant(spec).number for spec in specs]}, status=201)
        return _json({"faults": [each.record() for each in board.planted()], "log": board.log})

    async def fault(self, request: Request) -> Response:
        """Clear one fault."""
        return _json({"cleared": self._system.switchboard.clear(request.path_params["number"])})

    async def planning(self, request: Request) -> Response:
        """Show or switch which plants the ERP plans itself."""
        world = self._system.world
        if request.method == "POST":
            said = await _said(request)
            for plant, mode in said.items():
                if mode not in {"none", "reorder_point"} or plant not in world.scenario.plants:
                    msg = f"cannot let plant {plant!r} be planned by {mode!r}"
                    hint = f'one of {", ".join(world.scenario.plants)}: "none" or "reorder_point"'
                    raise ConfigError(msg, hint=hint)
            for plant, mode in said.items():
                self._system.journal.switch_planning(plant, on=mode == "reorder_point")
        modes = {
            plant: "reorder_point" if on else "none"
            for plant, on in zip(world.scenario.plants, world.planned.tolist(), strict=True)
        }
        return _json(modes)

    async def habits(self, request: Request) -> Response:
        """Show or change in what shapes the system writes."""
        if request.method == "POST":
            self._system.habits = self._system.habits.but(await _said(request))
        return _json(self._system.habits.__dict__)

    async def requests(self, request: Request) -> Response:
        """Show or forget how often each entity set was asked for."""
        if request.method == "DELETE":
            self._system.requests.clear()
        return _json(dict(self._system.requests))

    async def quit(self, request: Request) -> Response:
        """End the process once this is answered."""
        del request
        self._stop()
        return _json({"stopping": True})
