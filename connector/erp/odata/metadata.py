"""A service's own description, read safely: cleaned by us, typed by pyodata, kept as plain values.

pyodata parses whatever it is given with lxml's default parser, raises a dozen kinds of errors, and
grows a module-wide list with each document that brings vocabulary aliases. So it is given a
document rebuilt from the few elements that are read, of known size and without DOCTYPE, once per
digest, and whatever it raises becomes one typed error.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyodata.v2.model as pyodata_model
from lxml import etree
from pyodata.exceptions import PyODataException

from connector.erp.odata.xml import XmlRefused, parse_xml
from connector.errors import ErpContractBroken

OCTETS_MAX = 32 * 1024 * 1024
_EDMX = "http://schemas.microsoft.com/ado/2007/06/edmx"
_EDM = "http://schemas.microsoft.com/ado/2008/09/edm"
_SERVICES = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
# What we compare; annotations, functions and vocabularies stay outside.
_READ = frozenset(
    {
        *("Schema", "EntityType", "Key", "PropertyRef", "Property", "NavigationProperty"),
        *("ComplexType", "Association", "End", "EntityContainer", "EntitySet", "AssociationSet"),
    }
)
_PYODATA_RAISES = (
    PyODataException,
    *(KeyError, AttributeError, TypeError, ValueError, IndexError, RuntimeError),
)
logging.getLogger("pyodata").setLevel(logging.ERROR)  # it tells of every annotation it skips


@dataclass(frozen=True, kw_only=True)
class Property:
    """One property as the service declares it; 0 and -1 mean not declared."""

    type: str  # Edm.String, ...
    max_length: int = 0
    scale: int = -1


@dataclass(frozen=True, kw_only=True)
class EntityShape:
    """One entity set: its properties by name, its key, where it leads."""

    properties: Mapping[str, Property]
    key: tuple[str, ...]
    navigations: Mapping[str, str]  # navigation property -> entity set, "" = none declared


@dataclass(frozen=True, kw_only=True)
class Schema:
    """A service: its entity sets by name, and the digest of the document they were read from."""

    digest: str
    sets: Mapping[str, EntityShape]
    untyped: frozenset[str] = frozenset()  # sets that are there and cannot be read


class SchemaReader:
    """Reads documents, each content once."""

    def __init__(self) -> None:
        self._known: dict[str, Schema] = {}

    def read(self, document: bytes, *, service: str) -> Schema:
        """Return the schema in a document, or raise ErpContractBroken."""
        digest = hashlib.sha256(document).hexdigest()
        if digest not in self._known:
            self._known[digest] = _schema(document, digest, service)
        return self._known[digest]


def _schema(document: bytes, digest: str, service: str) -> Schema:
    try:
        root = parse_xml(document, octets_max=OCTETS_MAX)
    except XmlRefused as error:
        msg = f"{service}/$metadata is refused: {error}"
        raise ErpContractBroken(msg, hint="look at the document in a browser") from error
    cleaned = _cleaned(root, service)
    config = pyodata_model.Config(default_error_policy=pyodata_model.PolicyIgnore())
    try:
        schema = pyodata_model.MetadataBuilder(cleaned, config=config).build()
        every = list(schema.entity_sets)
        sets = {each.name: _shape(schema, each) for each in every if _is_typed(each)}
    except _PYODATA_RAISES as error:
        msg = f"{service}/$metadata cannot be typed: {type(error).__name__}: {error}"
        raise ErpContractBroken(msg, hint="report the document; nothing was ordered") from error
    untyped = frozenset(each.name for each in every) - set(sets)
    return Schema(digest=digest, sets=sets, untyped=untyped)


def _cleaned(root: etree._Element, service: str) -> bytes:
    """Return the document again, made of known elements in one known namespace."""
    versions = {each.get(f"{{{_SERVICES}}}DataServiceVersion", "") for each in root}
    if root.get("Version", "").startswith("4") or "4.0" in versions:
        msg = f"{service} speaks OData V4"
        raise ErpContractBroken(msg, hint="path_prefix leads to V4; V2 services are read")
    schemas = list(root.iter("{*}Schema"))
    if not schemas:
        msg = f"{service}/$metadata describes nothing: no Schema in {etree.QName(root).localname}"
        raise ErpContractBroken(msg, hint="is this address an OData V2 service?")
    edmx = etree.Element(f"{{{_EDMX}}}Edmx", Version="1.0")
    services = etree.SubElement(edmx, f"{{{_EDMX}}}DataServices")
    for schema in schemas:
        services.append(_rebuilt(schema))
    return etree.tostring(edmx)


def _rebuilt(node: etree._Element) -> etree._Element:
    copy = etree.Element(f"{{{_EDM}}}{etree.QName(node).localname}")
    for name, value in node.attrib.items():
        # A scale of "variable", or one without a precision, is no scale to compare with.
        says_nothing = name == "Scale" and not (value.isdigit() and node.get("Precision"))
        if not str(name).startswith("{") and not says_nothing:
            copy.set(name, value)
    for child in node:
        if isinstance(child.tag, str) and etree.QName(child).localname in _READ:
            copy.append(_rebuilt(child))
    return copy


def _shape(schema: Any, entity_set: Any) -> EntityShape:
    kind = entity_set.entity_type
    properties = {each.name: _property(each) for each in kind.proprties()}
    return EntityShape(
        properties=properties,
        key=tuple(each.name for each in kind.key_proprties),
        navigations={each.name: _target(schema, each) for each in kind.nav_proprties},
    )


def _property(declared: Any) -> Property:
    length = declared.max_length
    return Property(
        type=declared.type_info.name,
        max_length=length if isinstance(length, int) and length > 0 else 0,
        scale=declared.scale if declared.precision else -1,
    )


def _is_typed(entity_set: Any) -> bool:
    return not isinstance(entity_set.entity_type, pyodata_model.NullType)


def _target(schema: Any, navigation: Any) -> str:
    kind = navigation.to_role.entity_type_name
    return next((each.name for each in schema.entity_sets if each.entity_type.name == kind), "")
