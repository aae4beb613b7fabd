"""The token that every write needs: bound to a service and to the cookies it came with."""

from __future__ import annotations

from connector.erp.odata.answers import (
    FORBIDDEN,
    NOT_FOUND,
    SERVER_ERROR,
    UNAUTHORIZED,
    Answer,
    trouble,
)
from connector.erp.odata.query import with_parameters
from connector.erp.odata.transport import NothingSent, Transport
from connector.errors import ReplenishError

_HEADER = "X-CSRF-Token"
_FETCH = {_HEADER: "Fetch", "Accept": "application/json"}
_JSON = {"Content-Type": "application/json", "Accept": "application/json"}
# Old releases know only this one; newer ones ignore it.
_LEGACY = {"X-Requested-With": "XMLHttpRequest"}
_NOT_THIS_WAY = frozenset({NOT_FOUND, 405, 406, 501})


class Writer:
    """Sends writes of one thread. The token lives in this thread's session, with its cookies."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._tokens: dict[str, str] = {}

    def post(self, service: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Send one write and return its whole answer.

        A token that has expired is answered 403 `x-csrf-token: Required` before anything is done,
        so the token is fetched anew and the same write sent once more. Raises NothingSent, and
        AnswerLost when nobody can tell; any error but those and ErpContractBroken came before the
        write was sent.
        """
        self.prepare(service)
        answer = self._send(service, url, headers, body)
        if is_token_refused(answer):
            self._tokens.pop(service, None)
            self._prepare_again(service)
            answer = self._send(service, url, headers, body)
            if is_token_refused(answer):
                self._tokens.pop(service, None)
        return answer

    def _prepare_again(self, service: str) -> None:
        try:
            self.prepare(service)
        except ReplenishError as error:
            # The write was turned away at the door and is not sent again: that much is certain.
            raise NothingSent(str(error)) from error

    def prepare(self, service: str) -> None:
        """Have a token for a service; raise what keeps us from it."""
        if service not in self._tokens:
            self._tokens[service] = self._fetch(service)

    def _send(self, service: str, url: str, headers: dict[str, str], body: bytes) -> Answer:
        token = self._tokens[service]
        known = {_HEADER: token} if token else {}
        return self._transport.send("POST", url, {**_JSON, **_LEGACY, **known, **headers}, body)

    def _fetch(self, service: str) -> str:
        """Return the token, "" from a server that hands none out and wants none."""
        connection = self._transport.connection
        root = with_parameters(connection.service_root(service), connection.fixed_parameters)
        answer = self._transport.get(root, _FETCH)
        if not _token(answer) and answer.status in _NOT_THIS_WAY:
            answer = self._transport.send("HEAD", root, _FETCH)
        token = _token(answer)
        if token:
            return token
        if answer.status in {UNAUTHORIZED, FORBIDDEN} or answer.status >= SERVER_ERROR:
            raise trouble(answer)
        return ""


def is_token_refused(answer: Answer) -> bool:
    """Tell whether a write was turned away at the door for its token: nothing was carried out."""
    required = _token_header(answer).lower() == "required"
    return answer.status == FORBIDDEN and required


def _token(answer: Answer) -> str:
    value = _token_header(answer)
    return "" if value.lower() in {"required", "fetch"} else value


def _token_header(answer: Answer) -> str:
    return answer.headers.get(_HEADER, "").strip()
