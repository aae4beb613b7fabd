"""What a read is, as a value: service, entity, fields, filter, limits. Nothing else is ever asked.

A catalogue of these can be printed before anything is read, and what reads can do nothing that is
not in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from connector.erp.odata.query import any_of, day_literal, text_literal

Slot = Sequence[str] | tuple[str, str] | date | str
Slots = Mapping[str, Slot]
# key: a name whose leading zeros mean nothing when it is all digits; text: as it stands
Kind = Literal["key", "text", "decimal", "date", "flag"]


@dataclass(frozen=True, kw_only=True)
class Field:
    """One property that is read. `required`: without it the answer cannot be used."""

    name: str
    kind: Kind
    required: bool = True
    identity: bool = False  # part of the entity's key: tells rows apart across pages
    kept: bool = True  # False: read only to tell rows apart
    max_length: int = 0  # of a text in the ERP's own description, 0 = not compared
    scale: int = -1  # of a decimal, -1 = not compared


@dataclass(frozen=True, kw_only=True)
class Expansion:
    """Rows that come inside a row."""

    navigation: str
    fields: tuple[Field, ...]


@dataclass(frozen=True)
class AnyOf:
    """The property is one of the slot's values."""

    name: str
    slot: str

    def render(self, slots: Slots) -> str:
        """Return the filter term."""
        values = slots[self.slot]
        return any_of(self.name, [values] if isinstance(values, str) else list(values))  # type: ignore[arg-type]

    def __str__(self) -> str:
        """Return the term as a plan shows it."""
        return f"{self.name} in <{self.slot}>"


@dataclass(frozen=True)
class Since:
    """The property is the slot's day or later."""

    name: str
    slot: str

    def render(self, slots: Slots) -> str:
        """Return the filter term."""
        day = slots[self.slot]
        if not isinstance(day, date):
            msg = f"{self.slot} is not a day"
            raise TypeError(msg)
        return f"{self.name} ge {day_literal(day)}"

    def __str__(self) -> str:
        """Return the term as a plan shows it."""
        return f"{self.name} ge <{self.slot}>"


@dataclass(frozen=True)
class Within:
    """The property lies between the slot's two values, both included."""

    name: str
    slot: str

    def render(self, slots: Slots) -> str:
        """Return the filter term."""
        pair = slots[self.slot]
        if not isinstance(pair, tuple):
            msg = f"{self.slot} is not a pair"
            raise TypeError(msg)
        low, high = pair
        return f"{self.name} ge {text_literal(low)} and {self.name} le {text_literal(high)}"

    def __str__(self) -> str:
        """Return the term as a plan shows it."""
        return f"{self.name} between <{self.slot}>"


@dataclass(frozen=True)
class NotTrue:
    """The flag is not set.

    A server that answers with rows that have it set did not understand; it is asked without.
    """

    name: str

    def render(self, _slots: Slots) -> str:
        """Return the filter term."""
        return f"{self.name} ne true"

    def __str__(self) -> str:
        """Return the term as a plan shows it."""
        return f"{self.name} ne true"


@dataclass(frozen=True)
class Literally:
    """A term without slots.

    Never `eq ''` or `eq false`: servers that leave unset fields null would answer with nothing.
    """

    term: str

    def render(self, _slots: Slots) -> str:
        """Return the filter term."""
        return self.term

    def __str__(self) -> str:
        """Return the term as a plan shows it."""
        return self.term


Term = AnyOf | Since | Within | NotTrue | Literally


@dataclass(frozen=True, kw_only=True)
class Read:
    """One kind of read, whole: rows of one entity set that pass a filter."""

    name: str  # of the feed
    purpose: str
    service: str
    entity_set: str
    fields: tuple[Field, ...]
    terms: tuple[Term, ...] = ()
    expansion: Expansion | None = None
    chunked: str = ""  # the slot whose values are spread over several queries
    when: str = "every review"
    optional: bool = False  # a server without this entity set is read without it
    orderable: bool = True
    as_written: tuple[str, ...] = ()  # key fields also kept as the server wrote them, as `name~`
    counted: bool = True  # the server's count must be reached
    page_share: int = 1  # a page is this part of the usual size, where rows hold many others

    def filter(self, slots: Slots) -> str:
        """Return the filter of one query."""
        return " and ".join(term.render(slots) for term in self.terms)

    @property
    def identity(self) -> tuple[str, ...]:
        """Return the fields that tell rows apart."""
        return tuple(field.name for field in self.fields if field.identity)
