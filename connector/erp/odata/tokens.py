"""OAuth2 client credentials: one token, kept until it is about to expire."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import orjson

from connector.erp.odata.answers import OK, SERVER_ERROR, TOO_MANY, Answer
from connector.errors import ErpDenied, ErpUnavailable

if TYPE_CHECKING:
    from connector.erp.odata.connection import OAuth2
    from connector.ports import Clock

_MARGIN_SECONDS = 30.0
_LIFETIME_SECONDS = 300.0  # where the server names none
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


class TokenSource:
    """Bearer tokens of one client. `ask` sends one POST: (url, headers, body) -> Answer."""

    def __init__(
        self,
        credentials: OAuth2,
        ask: Callable[[str, dict[str, str], bytes], Answer],
        clock: Clock,
    ) -> None:
        self._credentials = credentials
        self._ask = ask
        self._clock = clock
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0.0

    def token(self) -> str:
        """Return a token that is good for now; raise ErpDenied or ErpUnavailable."""
        with self._lock:
            if not self._token or self._clock.monotonic() >= self._good_until:
                self._renew()
            return self._token

    def refuse(self, token: str) -> None:
        """Forget a token the server did not take, unless another thread has renewed it."""
        with self._lock:
            if token == self._token:
                self._token = ""

    def _renew(self) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret,
        }
        if self._credentials.scope:
            form["scope"] = self._credentials.scope
        asked_at = self._clock.monotonic()
        answer = self._ask(self._credentials.token_url, _FORM, urlencode(form).encode())
        granted = _granted(answer)
        lifetime = granted.get("expires_in")
        seconds = _LIFETIME_SECONDS
        if isinstance(lifetime, int | float | str):
            seconds = _seconds(lifetime)
        self._token = granted["access_token"]
        self._good_until = asked_at + max(seconds - _MARGIN_SECONDS, 0.5 * seconds)


def _seconds(lifetime: float | str) -> float:
    try:
        return max(float(lifetime), 0.0)
    except ValueError:
        return _LIFETIME_SECONDS


def _granted(answer: Answer) -> dict[str, Any]:
    """Return the token answer; its text is never quoted, it may repeat what was sent."""
    asked = f"the token call to {answer.path}"
    if answer.status == TOO_MANY or answer.status >= SERVER_ERROR:
        msg = f"{asked} was answered {answer.status}"
        raise ErpUnavailable(msg, hint="the token server is busy; the next review tries again")
    try:
        granted = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        granted = None
    usable = isinstance(granted, dict) and isinstance(granted.get("access_token"), str)
    if answer.status != OK or not usable or not granted["access_token"]:
        msg = f"{asked} was answered {answer.status} without a token"
        raise ErpDenied(msg, hint="check client_id, client_secret, scope and token_url")
    return dict(granted)
