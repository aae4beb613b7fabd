"""The line itself: lets a fault hang up on a caller, which no web framework offers."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

# By the addresses of both ends: a caller may use one port towards both of our doors
_LINES: dict[tuple[str, int, str, int], asyncio.Transport] = {}


class Wire(H11Protocol):
    """HTTP as usual, but the connection can be found by the caller's address."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Remember the line."""
        super().connection_made(transport)
        caller, door = (transport.get_extra_info(name) for name in ("peername", "sockname"))
        self._line = (*caller[:2], *door[:2])
        _LINES[self._line] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the line."""
        _LINES.pop(self._line, None)
        super().connection_lost(exc)


async def hang_up(scope: MutableMapping[str, Any], *, politely: bool = False) -> None:
    """Close the caller's connection without a word: by FIN if politely, else by RST."""
    line = _LINES.get((*scope["client"], *scope["server"]))
    if line is None:
        return
    if politely:
        line.close()
    else:
        line.abort()
    # The protocol learns of it on a later turn of the loop, and must before the answer is due
    await asyncio.sleep(0.005)
