"""Query options of OData V2, written exactly: quotes doubled, every octet that matters escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from urllib.parse import quote

TERMS_MAX = 40  # of one `or` list: what servers and URLs bear
URL_OCTETS_MAX = 6 * 1024
_SAFE_IN_VALUES = "$'(),:/*-._~"


def text_literal(value: str) -> str:
    """Return a string literal: a quote inside is doubled."""
    return "'{}'".format(value.replace("'", "''"))


def day_literal(day: date) -> str:
    """Return a DateTime literal of midnight."""
    return f"datetime'{day.isoformat()}T00:00:00'"


def any_of(name: str, values: Sequence[str]) -> str:
    """Return a test that a property is one of these; bracketed when it must be."""
    terms = [f"{name} eq {text_literal(value)}" for value in values]
    return terms[0] if len(terms) == 1 else f"({' or '.join(terms)})"


def chunks(values: Iterable[str], *, octets_max: int = URL_OCTETS_MAX) -> Iterator[list[str]]:
    """Yield values in lists that one URL bears: at most 40, and not too long when escaped."""
    chunk: list[str] = []
    octets = 0
    for value in values:
        cost = len(quote(value, safe="")) + 60  # the property's name and ` eq '' or ` around it
        if chunk and (len(chunk) == TERMS_MAX or octets + cost > octets_max - 1500):
            yield chunk
            chunk, octets = [], 0
        chunk.append(value)
        octets += cost
    if chunk:
        yield chunk


def with_parameters(address: str, parameters: Iterable[tuple[str, str]]) -> str:
    """Return an address with query options appended, spaces as %20, never as plus."""
    query = "&".join(
        f"{quote(name, safe='$-._~')}={quote(value, safe=_SAFE_IN_VALUES)}"
        for name, value in parameters
    )
    if not query:
        return address
    return f"{address}{'&' if '?' in address else '?'}{query}"
