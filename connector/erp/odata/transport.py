"""Calls to one ERP under all limits: deadline, octets, retries, budget, concurrency.

A GET may be sent again; a write is sent once, and what went wrong with it is told apart into
`NothingSent` (certain) and `AnswerLost` (nobody knows).
"""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPException
from queue import LifoQueue
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
import urllib3

from connector.erp.odata.answers import (
    UNAUTHORIZED,
    WORTH_ANOTHER_TRY,
    Answer,
    http_date,
    trouble,
)
from connector.erp.odata.body import AnswerCutOff, whole_body
from connector.erp.odata.budget import Budget
from connector.erp.odata.connection import ApiKey, Basic, Connection, OAuth2
from connector.erp.odata.tokens import TokenSource
from connector.erp.odata.wire import ErpSession, Exchange
from connector.errors import ErpUnavailable

if TYPE_CHECKING:
    from connector.ports import Clock

_FIRST_WAIT_SECONDS = 0.5
_SOCKET_TROUBLE = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    HTTPException,
    AnswerCutOff,
    OSError,
)


class NothingSent(ErpUnavailable):
    """The call certainly did not reach the ERP."""


class AnswerLost(ErpUnavailable):
    """The call was sent and its whole answer never came: it may have been carried out."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call as it went, for whoever measures: no header, no body, no secret."""

    method: str
    url: str
    status: int  # 0 = no whole answer
    octets: int
    seconds: float
    waited: float  # seconds of retry waits before it


@dataclass(frozen=True, kw_only=True)
class _Line:
    session: ErpSession
    exchange: Exchange


class Transport:
    """A connection in use. Threads may share it; a single one keeps its session and cookies."""

    def __init__(
        self,
        connection: Connection,
        clock: Clock,
        *,
        trace: Callable[[Call], None] | None = None,
        jitter: Callable[[], float] | None = None,
    ) -> None:
        self.connection = connection
        self.clock = clock
        self.budget = Budget(connection, clock)
        self._trace = trace
        self._jitter = jitter or random.SystemRandom().random  # so that sites do not retry in step
        # As many lines as may be open at once; the one used last is used next, with its cookies.
        self._lines: LifoQueue[_Line | None] = LifoQueue()
        for _ in range(connection.concurrency):
            self._lines.put(None)
        self._sent_at: datetime | None = None
        credentials = connection.credentials
        self._tokens = (
            TokenSource(credentials, self._token_call, clock)
            if isinstance(credentials, OAuth2)
            else None
        )

    @property
    def server_time(self) -> datetime | None:
        """Return the Date of the latest answer, None before the first."""
        return self._sent_at

    def get(self, url: str, headers: Mapping[str, str]) -> Answer:
        """Return the answer to a GET, whatever its status; raise ErpUnavailable after retries."""
        waited = 0.0
        for attempt in range(1, self.connection.attempts + 1):
            failure: ErpUnavailable | None = None
            try:
                answer = self.send("GET", url, headers, waited=waited)
                if answer.status not in WORTH_ANOTHER_TRY:
                    return answer
                wait = self._asked_to_wait(answer)
            except (NothingSent, AnswerLost) as error:
                failure, wait = error, None
            if attempt == self.connection.attempts:
                break
            waited = self._wait(attempt, wait)
        raise failure or trouble(answer)

    def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None = None,
        *,
        waited: float = 0.0,
    ) -> Answer:
        """Send once and return the whole answer.

        A 401 is answered before anything is carried out; with OAuth2 the token is renewed and the
        call sent once more. Raises NothingSent, AnswerLost, ErpContractBroken or ErpDenied.
        """
        authorization = self._authorization()
        answer = self._once(method, url, {**headers, **authorization}, body, waited)
        if answer.status == UNAUTHORIZED and self._tokens is not None:
            self._tokens.refuse(authorization["Authorization"].removeprefix("Bearer "))
            answer = self._once(method, url, {**headers, **self._authorization()}, body, 0.0)
        return answer

    def close(self) -> None:
        """Close every line that is not in use; a later call opens a new one."""
        idle = [self._lines.get() for _ in range(self._lines.qsize())]
        for line in idle:
            if line is not None:
                line.session.close()
            self._lines.put(None)

    def _authorization(self) -> dict[str, str]:
        credentials = self.connection.credentials
        if isinstance(credentials, Basic):
            pair = f"{credentials.user}:{credentials.password}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"}
        if isinstance(credentials, ApiKey):
            return {credentials.header: credentials.key}
        if self._tokens is not None:
            return {"Authorization": f"Bearer {self._tokens.token()}"}
        return {}

    def _token_call(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        try:
            return self._once("POST", url, headers, body, 0.0)
        except AnswerLost as error:
            raise NothingSent(str(error)) from error  # of the call that wanted the token

    def _once(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, waited: float
    ) -> Answer:
        self.budget.spend()
        line = self._lines.get() or self._new_line()
        started = self.clock.monotonic()
        answer: Answer | None = None
        try:
            answer = self._exchange(line, method, url, headers, body)
        finally:
            self._lines.put(line)
            self._tell(method, url, answer, self.clock.monotonic() - started, waited)
        self._sent_at = answer.sent_at or self._sent_at
        return answer

    def _exchange(
        self,
        line: _Line,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
    ) -> Answer:
        limits = self.connection
        exchange = line.exchange
        exchange.begin(min(limits.deadline_seconds, self.budget.seconds_left()))
        packing = "gzip" if limits.compression else "identity"
        response: requests.Response | None = None
        whole = False
        try:
            response = line.session.request(
                method,
                url,
                data=body,
                headers={"Accept-Encoding": packing, "User-Agent": "replenishd", **headers},
                timeout=(min(limits.connect_timeout_seconds, exchange.patience()), None),
            )
            content = whole_body(response, octets_max=limits.answer_octets)
            whole = True
        except _SOCKET_TROUBLE as error:
            raise _failure(error, url, sent=exchange.sent) from None
        finally:
            if response is not None and not whole:
                response.close()  # never reuse a connection with half an answer in it
        return Answer(
            method=method,
            url=url,
            status=response.status_code,
            headers=response.headers,
            body=content,
        )

    def _new_line(self) -> _Line:
        exchange = Exchange(self.clock, self.connection.silence_seconds)
        return _Line(session=ErpSession(self.connection, exchange), exchange=exchange)

    def _tell(
        self, method: str, url: str, answer: Answer | None, seconds: float, waited: float
    ) -> None:
        if self._trace is not None:
            status = answer.status if answer is not None else 0
            octets = len(answer.body) if answer is not None else 0
            self._trace(
                Call(
                    method=method,
                    url=url,
                    status=status,
                    octets=octets,
                    seconds=seconds,
                    waited=waited,
                )
            )

    def _asked_to_wait(self, answer: Answer) -> float | None:
        seconds = retry_after(answer, self.clock.now())
        return None if seconds is None else min(seconds, self.connection.retry_after_seconds)

    def _wait(self, attempt: int, asked: float | None) -> float:
        doubled = _FIRST_WAIT_SECONDS * 2.0 ** (attempt - 1)
        backoff = min(doubled, self.connection.retry_after_seconds) * (0.5 + 0.5 * self._jitter())
        seconds = backoff if asked is None else asked
        self.clock.sleep(seconds)
        return seconds


def retry_after(answer: Answer, now: datetime) -> float | None:
    """Return the seconds an answer asks to wait, given in seconds or as a date; None = it does not.

    A date is measured from the server's own clock where it told that.
    """
    text = answer.headers.get("Retry-After", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    until = http_date(text)
    if until is None:
        return None
    return max((until - (answer.sent_at or now)).total_seconds(), 0.0)


def _failure(error: Exception, url: str, *, sent: bool) -> ErpUnavailable:
    """Return what is certain about a call that broke; the cause is named by its class only.

    Library texts can repeat a URL, a proxy or a header, so they are never quoted.
    """
    where = urlsplit(url)
    reason = _innermost(error)
    if sent:
        msg = f"{where.hostname}: the answer to {where.path} was lost ({reason})"
        return AnswerLost(msg, hint="the network or the server broke off; look at both")
    msg = f"{where.hostname}: no connection ({reason})"
    return NothingSent(msg, hint="check the address, the network, the certificate and its CA")


def _innermost(error: BaseException) -> str:
    names = [type(error).__name__]
    inner = getattr(error, "reason", None) or (error.args[0] if error.args else None)
    while isinstance(inner, BaseException) and len(names) < 6:  # noqa: PLR2004 # a chain, not a loop
        names.append(type(inner).__name__)
        inner = getattr(inner, "reason", None) or (inner.args[0] if inner.args else None)
    return names[-1]
