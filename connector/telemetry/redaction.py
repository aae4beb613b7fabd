"""Keeps secrets out of everything that is written for people to read."""

from __future__ import annotations

import base64
import json
import math
import re
import threading
from collections.abc import Mapping, MutableMapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "***"
SHORTEST_SECRET = 4  # below this, masking would eat ordinary words; such a value is no secret
LONGEST_TEXT = 16_384  # characters of one logged value; cut after masking, never before
DEEPEST = 6  # levels of nesting that are followed; below, the value's own text is masked

_NAMED = re.compile(
    r"passw|passphrase|secret|authori[sz]ation|cookie|csrf|api_?key|private_?key|credential"
    r"|(^|_)(pwd|token|bearer|otp|pin)$"
)
_NOT_WORD = re.compile(r"[^a-z0-9]+")
_PATTERNS = (
    (re.compile(r"(?i)\b(basic|bearer|negotiate)\s+[\w.~+/=-]{6,}"), r"\1 " + MASK),
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]*://)[^\s/@]+@"), r"\1" + MASK + "@"),
    (
        re.compile(
            r"(?i)([?&;\s\"'](?:password|passwd|pwd|client_secret|secret|api_?key|access_token"
            r"|refresh_token|token)[\"']?\s*[=:]\s*[\"']?)[^\s&;\"',}]+"
        ),
        r"\1" + MASK,
    ),
)


class Redactor:
    """Masks registered secrets, fields named like secrets, and credentials by their shape.

    One is made at the start and given every secret as it is resolved; it is safe across threads.
    Secrets shorter than SHORTEST_SECRET characters are not searched for.
    """

    def __init__(self, *secrets: str) -> None:
        """Start with these secrets; more may come later."""
        self._lock = threading.Lock()
        self._forms: frozenset[str] = frozenset()
        self._pattern: re.Pattern[str] | None = None
        self.keep(*secrets)

    def __repr__(self) -> str:
        """Say how many forms are masked, never which."""
        return f"Redactor({len(self._forms)} forms)"

    def keep(self, *secrets: str) -> None:
        """Mask these values from now on, also escaped, percent-encoded or inside base64."""
        forms = {form for secret in secrets for form in _forms(secret)}
        with self._lock:
            self._forms |= forms
            longest_first = sorted(self._forms, key=lambda form: (-len(form), form))
            self._pattern = (
                re.compile("|".join(map(re.escape, longest_first))) if longest_first else None
            )

    def text(self, text: str) -> str:
        """Return the text without secrets, cut to LONGEST_TEXT."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        if len(text) > LONGEST_TEXT:
            return f"{text[:LONGEST_TEXT]}... ({len(text)} characters)"
        return text

    def plain(self, value: Any, depth: int = 0) -> Any:
        """Return the value as plain JSON data without secrets, whatever it was."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            return self._number(value)
        if isinstance(value, bytes | bytearray):
            return self.text(bytes(value).decode("utf-8", "backslashreplace"))
        if isinstance(value, Mapping) and depth < DEEPEST:
            return self.fields(value, depth + 1)
        if isinstance(value, list | tuple | set | frozenset) and depth < DEEPEST:
            return [self.plain(each, depth + 1) for each in value]
        return self.text(_said(value))

    def fields(self, fields: Mapping[Any, Any], depth: int = 0) -> dict[str, Any]:
        """Return the fields without secrets; a field named like a secret loses its whole value."""
        return {
            self.text(str(name)): MASK if is_secret_name(str(name)) else self.plain(value, depth)
            for name, value in fields.items()
        }

    def __call__(
        self, _logger: Any, _method: str, event_dict: MutableMapping[str, Any]
    ) -> MutableMapping[str, Any]:
        """Mask one event: the last structlog processor before rendering."""
        return self.fields(event_dict)

    def _number(self, value: float) -> Any:
        written = repr(value)
        masked = self.text(written)
        if masked != written:
            return masked
        return value if math.isfinite(value) else written


def is_secret_name(name: str) -> bool:
    """Return whether a field of this name may hold a secret, by its name alone."""
    return _NAMED.search(_NOT_WORD.sub("_", name.lower()).strip("_")) is not None


def _said(value: Any) -> str:
    """Return the value's own text; a value that cannot say itself is named by its type."""
    try:
        said = (
            f"{type(value).__name__}: {value}" if isinstance(value, BaseException) else str(value)
        )
    except Exception:  # noqa: BLE001 - a log line must never fail for what it reports
        return f"<{type(value).__name__}>"
    return f"{type(value).__name__}: {said}" if isinstance(value, BaseException) else said


def _forms(secret: str) -> set[str]:
    """Return every spelling under which a secret may turn up in a text."""
    if len(secret) < SHORTEST_SECRET:
        return set()
    written = {
        secret,
        secret.strip(),
        repr(secret)[1:-1],
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        quote(secret, safe=""),
        quote(secret),
        quote_plus(secret),
    }
    return {form for form in written if len(form) >= SHORTEST_SECRET} | _base64_cores(secret)


def _base64_cores(secret: str) -> set[str]:
    """Return what base64 shows of the secret inside a longer text, for each of the 3 alignments."""
    octets = secret.encode("utf-8", "surrogatepass")
    cores = set()
    for lead in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            shown = encode(b"\0" * lead + octets).decode("ascii").rstrip("=")
            first = -(-lead * 8 // 6)
            whole = (lead + len(octets)) * 8 // 6
            cores.add(shown[first:whole])
    return {core for core in cores if len(core) > SHORTEST_SECRET}
