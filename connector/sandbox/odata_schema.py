"""Which services, entity sets and properties the stand-in offers: one table, everything follows it.

Names, types and lengths are SAP's; only what a replenishment connector may want is here. A property
is written `Name:TYPE`, where S40 is a text of at most 40 characters, D13.3 a decimal, DT a date,
DTO a moment, T a time of day, B a truth value, I16 and I32 whole numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from connector.sandbox.odata_catalogue import CATALOGUE

_KINDS = {
    "S": "Edm.String",
    "D": "Edm.Decimal",
    "DT": "Edm.DateTime",
    "DTO": "Edm.DateTimeOffset",
    "T": "Edm.Time",
    "B": "Edm.Boolean",
}


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property of an entity type."""

    name: str
    kind: str  # Edm name
    length: int = 0  # of a text, 0 = not limited
    precision: int = 0
    scale: int = 0
    key: bool = False
    source: str = ""  # what it was called before a release renamed it


@dataclass(frozen=True, kw_only=True)
class Navigation:
    """A way from one entity to others: rows whose `there` equal our `here`."""

    name: str
    target: str  # entity set
    here: tuple[str, ...]
    there: tuple[str, ...]
    many: bool


@dataclass(frozen=True, kw_only=True)
class EntitySet:
    """One entity set with its type."""

    name: str
    type_name: str
    properties: Mapping[str, Property]
    navigations: Mapping[str, Navigation]
    creatable: bool = False
    updatable: bool = False
    filter_required: bool = False
    keys: tuple[str, ...] = ()

    def without(self, name: str, renamed: str = "") -> EntitySet:
        """Return the same set as another release has it: a property gone, or called differently."""
        kept = {each: prop for each, prop in self.properties.items() if each != name}
        if renamed and name in self.properties:
            kept[renamed] = replace(self.properties[name], name=renamed, source=name)
        return replace(self, properties=kept)


@dataclass(frozen=True, kw_only=True)
class Service:
    """One OData service."""

    name: str
    sets: Mapping[str, EntitySet]
    page_default: int = 0  # rows without $top, 0 = the server's setting
    page_most: int = 0


def _property(text: str, keys: tuple[str, ...]) -> Property:
    name, _, code = text.partition(":")
    if code in _KINDS and code not in {"S", "D"}:
        return Property(name=name, kind=_KINDS[code], key=name in keys)
    kind, size = _KINDS[code[0]], code[1:]
    if kind == "Edm.Decimal":
        precision, _, scale = size.partition(".")
        return Property(name=name, kind=kind, precision=int(precision), scale=int(scale or 0))
    return Property(name=name, kind=kind, length=int(size or 0), key=name in keys)


def _navigation(text: str) -> Navigation:
    """Read `name[*] -> Set: here=there here=there`."""
    head, _, pairs = text.partition(":")
    name, _, target = (part.strip() for part in head.partition("->"))
    joined = [pair.split("=") for pair in pairs.split()]
    return Navigation(
        name=name.rstrip("*"),
        target=target,
        here=tuple(pair[0] for pair in joined),
        there=tuple(pair[-1] for pair in joined),
        many=name.endswith("*"),
    )


def _entity_set(name: str, entry: Mapping[str, object]) -> EntitySet:
    keys = tuple(str(entry["keys"]).split())
    properties = [_property(each, keys) for each in str(entry["properties"]).split()]
    ways = [_navigation(each) for each in str(entry.get("ways", "")).splitlines() if each.strip()]
    allowed = str(entry.get("allows", "")).split()
    return EntitySet(
        name=name,
        type_name=str(entry.get("type", f"{name}Type")),
        properties={each.name: each for each in properties},
        navigations={each.name: each for each in ways},
        creatable="create" in allowed,
        updatable="update" in allowed,
        filter_required="only_filtered" in allowed,
        keys=keys,
    )


def _service(name: str, sets: Mapping[str, Mapping[str, object]]) -> Service:
    default, most = {
        "API_PRODUCT_SRV": (100, 5000),
        "API_PURCHASEORDER_PROCESS_SRV": (1000, 5000),
    }.get(name, (0, 0))
    return Service(
        name=name,
        sets={each: _entity_set(each, entry) for each, entry in sets.items()},
        page_default=default,
        page_most=most,
    )


SERVICES: Mapping[str, Service] = {name: _service(name, sets) for name, sets in CATALOGUE.items()}
