"""How an answer travels: whole, cut short, in drops; always with the simulated date."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.utils import format_datetime
from typing import Any

from connector.sandbox.faults import Fault
from connector.sandbox.habits import Habits
from connector.sandbox.odata_read import Answer
from connector.sandbox.wire import hang_up

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
_FLUSH_SECONDS = 0.02


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """An answer and what shall happen to it on its way."""

    answer: Answer
    now: datetime
    habits: Habits
    is_head: bool = False
    takes_gzip: bool = False

    @property
    def zipped(self) -> bool:
        """Return whether the body travels compressed."""
        return self.takes_gzip and self.habits.compression == "gzip" and not self.is_head

    faults: Sequence[Fault] = ()


async def deliver(parcel: Parcel, scope: MutableMapping[str, Any], send: Send) -> None:
    """Send the answer, with whatever goes wrong on the way."""
    bent = {fault.kind: fault for fault in parcel.faults}
    body = b"" if parcel.is_head else parcel.answer.body
    body = gzip.compress(body, compresslevel=1) if parcel.zipped else body
    if "truncate" in bent:
        body = body[: int(len(body) * bent["truncate"].says("share", 0.5))]
    await send(
        {
            "type": "http.response.start",
            "status": parcel.answer.status,
            "headers": _headers(parcel, bent, len(body)),
        }
    )
    if "cut" in bent:
        part = body[: int(len(body) * bent["cut"].says("share", 0.5))]
        await send({"type": "http.response.body", "body": part, "more_body": True})
        await asyncio.sleep(_FLUSH_SECONDS)
        await hang_up(scope, politely=True)
        return
    if "drip" in bent:
        size = max(1, int(bent["drip"].says("chunk_bytes", 64)))
        for at in range(0, len(body), size):
            chunk = body[at : at + size]
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
            await asyncio.sleep(bent["drip"].says("delay_ms", 100) / 1000)
        body = b""
    await send({"type": "http.response.body", "body": body})


def _headers(parcel: Parcel, bent: dict[str, Fault], length: int) -> list[tuple[bytes, bytes]]:
    skew = bent["skewed_date"].says("seconds", 86_400) if "skewed_date" in bent else 0.0
    told = {
        "date": format_datetime(parcel.now + timedelta(seconds=skew), usegmt=True),
        "content-type": parcel.answer.content_type,
        "content-length": str(length),
        "dataserviceversion": "2.0",
        "cache-control": "no-store, no-cache",
        **parcel.answer.headers,
    }
    if parcel.answer.status == 204:  # noqa: PLR2004 - No Content
        del told["content-type"], told["content-length"]
    if parcel.zipped:
        told["content-encoding"] = "gzip"
    if parcel.habits.connection == "close":
        told["connection"] = "close"
    return [(name.encode("latin-1"), _plain(value)) for name, value in told.items()]


def _plain(value: str) -> bytes:
    return value.encode("latin-1", "replace")
