"""What the running daemon says of itself, read from its /status.json."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import requests

from connector.errors import ReplenishError

_SECONDS = 5.0
_SLOT = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})T")


class Face:
    """Polls one daemon with one site."""

    def __init__(self, url: str) -> None:
        """Remember the address; proxies of the environment are left out."""
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False

    def site(self) -> dict[str, Any] | None:
        """Return what the daemon says of its site, None while it does not answer."""
        try:
            answer = self._session.get(f"{self._url}/status.json", timeout=_SECONDS)
            sites = answer.json()["sites"]
        except (requests.RequestException, ValueError, KeyError):
            return None
        return sites[0] if sites else None

    def notes(self) -> tuple[str, ...]:
        """Return what the daemon wants an operator to read."""
        try:
            answer = self._session.get(f"{self._url}/status.json", timeout=_SECONDS)
            return tuple(answer.json().get("notes", ()))
        except (requests.RequestException, ValueError):
            return ()

    def close(self) -> None:
        """Close the session."""
        self._session.close()


def reviewed(site: dict[str, Any] | None, day: date) -> dict[str, Any] | None:
    """Return the finished review of a day, None while there is none."""
    review = (site or {}).get("last_review")
    if not review or not review.get("finished_at") or slot_day(review["slot"]) != day:
        return None
    return dict(review)


def slot_day(slot: str) -> date:
    """Return the day of a slot's name or moment (UTC)."""
    found = _SLOT.search(slot)
    if found is None:
        raise ReplenishError(
            f"the daemon's slot {slot!r} names no day", hint="demo and daemon differ in age"
        )
    year, month, day = map(int, found.groups())
    return datetime(year, month, day, tzinfo=UTC).date()
