"""The sandbox's admin API: its clock, its accounts, and its own planning."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import requests

from connector.errors import ErpUnavailable

_SECONDS = 60.0  # advancing a large world by a day takes a while


class Admin:
    """One session with the sandbox's admin address."""

    def __init__(self, url: str) -> None:
        """Remember the address; proxies of the environment are left out."""
        self._url = url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False

    def now(self) -> datetime:
        """Return the simulated moment."""
        return datetime.fromisoformat(self._ask("GET", "/clock")["now"])

    def advance(self) -> datetime:
        """Live through one day and return the moment after it."""
        return datetime.fromisoformat(self._ask("POST", "/clock/advance", {"days": 1})["now"])

    def days(self) -> list[dict[str, Any]]:
        """Return what happened per day and plant."""
        return _rows(self._ask("GET", "/days"), "days")

    def ledger(self) -> list[dict[str, Any]]:
        """Return every requisition line that came through the API, as the ERP holds it."""
        return _rows(self._ask("GET", "/ledger"), "lines")

    def switch_planning(self, plants: Mapping[str, str]) -> None:
        """Let the ERP plan plants itself, or not: none | reorder_point."""
        self._ask("POST", "/planning", dict(plants))

    def close(self) -> None:
        """Close the session."""
        self._session.close()

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        try:
            answer = self._session.request(method, self._url + path, json=body, timeout=_SECONDS)
            answer.raise_for_status()
            return answer.json()
        except (requests.RequestException, ValueError) as error:
            raise ErpUnavailable(
                f"the sandbox did not answer {method} {path}: {error}",
                hint="read sandbox.log beside the report",
            ) from error


def _rows(answer: Any, name: str) -> list[dict[str, Any]]:
    """Return the rows of an answer that is a list, or holds one under `name`."""
    rows = answer.get(name) if isinstance(answer, dict) else answer
    if not isinstance(rows, list):
        raise ErpUnavailable(
            f"the sandbox's answer holds no list of {name}", hint="sandbox and demo differ in age"
        )
    return rows
