"""Who may come in, and with which session: Basic, API key, OAuth tokens, cookies, CSRF tokens."""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

SESSION_COOKIE = "SAP_SESSIONID_SBX_100"
_SESSIONS_MOST = 2000


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody the ERP knows."""

    name: str
    may_write: bool = True
    hidden_plants: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Keys:
    """Every way in that this system accepts. Users map names to (password, user)."""

    users: Mapping[str, tuple[str, User]] = field(repr=False)
    api_key: str = field(default="", repr=False)  # "" = not accepted
    client_id: str = ""
    client_secret: str = field(default="", repr=False)
    token_seconds: float = 3600.0
    csrf_seconds: float = 1800.0


@dataclass(kw_only=True)
class Session:
    """One HTTP session: its cookie value, and the CSRF token bound to it."""

    cookie: str
    csrf: str = ""
    csrf_until: float = 0.0


class Gate:
    """Admits callers and keeps their sessions. Times are seconds on the caller's clock."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._tokens: dict[str, float] = {}
        self._sessions: dict[str, Session] = {}

    def admit(self, headers: Mapping[str, str], now: float) -> User | None:
        """Return who asks, or None for nobody we know."""
        scheme, _, value = headers.get("authorization", "").partition(" ")
        machine = User(name=self._keys.client_id or "COMM_USER")
        if scheme.lower() == "basic":
            return self._by_password(value)
        if scheme.lower() == "bearer":
            return machine if self._tokens.get(value, -1.0) > now else None
        given = headers.get("apikey", "")
        known = bool(self._keys.api_key) and _same(given, self._keys.api_key)
        return machine if known else None

    def _by_password(self, encoded: str) -> User | None:
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        expected, user = self._keys.users.get(name.upper(), ("", None))
        return user if user is not None and _same(password, expected) else None

    def grant(self, client_id: str, client_secret: str, now: float) -> tuple[str, float] | None:
        """Return an access token and its lifetime in seconds, or None for a wrong client."""
        if not self._keys.client_id or not (
            _same(client_id, self._keys.client_id)
            and _same(client_secret, self._keys.client_secret)
        ):
            return None
        token = secrets.token_urlsafe(24)
        self._tokens[token] = now + self._keys.token_seconds
        return token, self._keys.token_seconds

    def revoke_tokens(self) -> None:
        """Let every access token run out at once."""
        self._tokens.clear()

    def session(self, cookies: Mapping[str, str]) -> Session | None:
        """Return the caller's session, if its cookie names a living one."""
        return self._sessions.get(cookies.get(SESSION_COOKIE, ""))

    def csrf_token(self, cookies: Mapping[str, str], now: float) -> Session:
        """Return the caller's session with a token that is good now, opening one if needed."""
        session = self.session(cookies)
        if session is None:
            session = Session(cookie=secrets.token_urlsafe(24))
            self._sessions[session.cookie] = session
            if len(self._sessions) > _SESSIONS_MOST:
                del self._sessions[next(iter(self._sessions))]
        if not session.csrf or session.csrf_until <= now:
            session.csrf = secrets.token_urlsafe(16) + "=="
        session.csrf_until = now + self._keys.csrf_seconds
        return session

    def may_change(self, cookies: Mapping[str, str], token: str, now: float) -> bool:
        """Return whether a changing request brings its own session's living token."""
        session = self.session(cookies)
        if session is None or not session.csrf or session.csrf_until <= now:
            return False
        return _same(token, session.csrf)

    def forget_csrf(self) -> None:
        """Invalidate every CSRF token, as a restart of the ERP's server does."""
        for session in self._sessions.values():
            session.csrf = ""


def _same(given: str, expected: str) -> bool:
    return secrets.compare_digest(given.encode(), expected.encode())
