"""`$metadata` and service documents, written from the one table of the schema."""

from __future__ import annotations

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

import orjson

from connector.sandbox.odata_schema import EntitySet, Navigation, Property, Service

_EDMX = "http://schemas.microsoft.com/ado/2007/06/edmx"
_EDM = "http://schemas.microsoft.com/ado/2008/09/edm"
_META = "http://schemas.microsoft.com/ado/2007/08/dataservices/metadata"
_SAP = "http://www.sap.com/Protocols/SAPData"


def metadata(service: Service, sets: Iterable[EntitySet]) -> bytes:
    """Return the CSDL document of a service whose entity sets are as given."""
    shown = list(sets)
    space = service.name
    parts = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<edmx:Edmx Version="1.0" xmlns:edmx="{_EDMX}" xmlns:m="{_META}" xmlns:sap="{_SAP}">',
        '<edmx:DataServices m:DataServiceVersion="2.0">',
        f'<Schema Namespace="{space}" xmlns="{_EDM}" xml:lang="en" sap:schema-version="1">',
        *(_entity_type(each, space) for each in shown),
        *(_association(each, way, space, shown) for each in shown for way in _ways(each)),
        f'<EntityContainer Name="{space}_Entities" m:IsDefaultEntityContainer="true">',
        *(_entity_set(each, space) for each in shown),
        *(_association_set(each, way, space) for each in shown for way in _ways(each)),
        "</EntityContainer></Schema></edmx:DataServices></edmx:Edmx>",
    ]
    return "".join(parts).encode()


def _ways(entity: EntitySet) -> Iterable[Navigation]:
    return entity.navigations.values()


def _link(entity: EntitySet, way: Navigation) -> str:
    return f"assoc_{entity.type_name}_{way.name}"


def _entity_type(entity: EntitySet, space: str) -> str:
    keys = "".join(f'<PropertyRef Name="{name}"/>' for name in entity.keys)
    ways = "".join(
        f'<NavigationProperty Name="{way.name}" Relationship="{space}.{_link(entity, way)}"'
        ' FromRole="From" ToRole="To"/>'
        for way in _ways(entity)
    )
    properties = "".join(_property(each, entity) for each in entity.properties.values())
    return f'<EntityType Name="{entity.type_name}"><Key>{keys}</Key>{properties}{ways}</EntityType>'


def _property(prop: Property, entity: EntitySet) -> str:
    facets = f" Name={quoteattr(prop.name)} Type={quoteattr(prop.kind)}"
    if prop.name in entity.keys:
        facets += ' Nullable="false"'
    if prop.length:
        facets += f' MaxLength="{prop.length}"'
    if prop.kind == "Edm.Decimal":
        facets += f' Precision="{prop.precision}" Scale="{prop.scale}"'
    if prop.kind in {"Edm.DateTime", "Edm.Time"}:
        facets += ' Precision="0"'
    if prop.kind == "Edm.DateTimeOffset":
        facets += ' Precision="7"'
    return f"<Property{facets}/>"


def _association(entity: EntitySet, way: Navigation, space: str, sets: Iterable[EntitySet]) -> str:
    target = next(each for each in sets if each.name == way.target)
    many = "*" if way.many else "0..1"
    return (
        f'<Association Name="{_link(entity, way)}">'
        f'<End Type="{space}.{entity.type_name}" Multiplicity="1" Role="From"/>'
        f'<End Type="{space}.{target.type_name}" Multiplicity="{many}" Role="To"/>'
        "</Association>"
    )


def _association_set(entity: EntitySet, way: Navigation, space: str) -> str:
    return (
        f'<AssociationSet Name="{_link(entity, way)}_set"'
        f' Association="{space}.{_link(entity, way)}">'
        f'<End EntitySet="{entity.name}" Role="From"/><End EntitySet="{way.target}" Role="To"/>'
        "</AssociationSet>"
    )


def _entity_set(entity: EntitySet, space: str) -> str:
    said = f' sap:creatable="{_word(entity.creatable)}" sap:updatable="{_word(entity.updatable)}"'
    return (
        f'<EntitySet Name="{entity.name}" EntityType="{space}.{entity.type_name}"{said}'
        ' sap:deletable="false"/>'
    )


def _word(allowed: bool) -> str:
    return "true" if allowed else "false"


def service_json(service: Service) -> bytes:
    """Return the service document in JSON."""
    return orjson.dumps({"d": {"EntitySets": list(service.sets)}})


def service_xml(service: Service, root: str) -> bytes:
    """Return the service document in XML: what a caller gets who did not ask for JSON."""
    sets = "".join(
        f"<app:collection href={quoteattr(name)}><atom:title>{name}</atom:title></app:collection>"
        for name in service.sets
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        f"<app:service xml:base={quoteattr(root)}"
        ' xmlns:app="http://www.w3.org/2007/app" xmlns:atom="http://www.w3.org/2005/Atom">'
        f"<app:workspace><atom:title>Data</atom:title>{sets}</app:workspace></app:service>"
    ).encode()
