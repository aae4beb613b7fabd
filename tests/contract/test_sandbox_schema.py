"""Names, types, lengths, keys and ways against what real systems declare, where that is at hand."""

import json
from pathlib import Path

import pytest
from lxml import etree

from connector.sandbox.odata_schema import SERVICES

REAL = Path(__file__).resolve().parents[2].parent / "shared" / "edmx"
OPEN_API = REAL / "OP_API_MRP_MATERIALS_SRV_01_0001.json"
OF_EDMX = [each for each in SERVICES.values() if each.name != "API_MRP_MATERIALS_SRV_01"]
V2_TYPES = {"Edm.String": "string", "Edm.Decimal": "string", "Edm.Boolean": "boolean"}


def declared(service):
    file = REAL / f"{service.name}.edmx"
    if not file.exists():
        pytest.skip(f"no {file.name} beside this repository")
    root = etree.parse(file).getroot()
    return {each.get("Name"): each for each in root.iter("{*}EntityType")}, root


@pytest.mark.parametrize("service", OF_EDMX, ids=lambda each: each.name)
def test_every_property_is_declared_so_by_the_real_service(service):
    types, root = declared(service)
    sets = {each.get("Name"): each.get("EntityType") for each in root.iter("{*}EntitySet")}
    for entity in service.sets.values():
        assert sets[entity.name] == f"{service.name}.{entity.type_name}"
        real = types[entity.type_name]
        assert [key.get("Name") for key in real.find("{*}Key")] == list(entity.keys)
        properties = {each.get("Name"): each for each in real.findall("{*}Property")}
        for prop in entity.properties.values():
            found = properties[prop.name]
            facts = (prop.kind, prop.length, prop.precision, prop.scale)
            sized = prop.kind == "Edm.Decimal"
            assert facts == (
                found.get("Type"),
                int(found.get("MaxLength", 0)),
                int(found.get("Precision", 0)) if sized else 0,
                int(found.get("Scale", 0)) if sized else 0,
            ), (entity.name, prop.name)


@pytest.mark.parametrize("service", OF_EDMX, ids=lambda each: each.name)
def test_every_way_leads_where_the_real_one_leads(service):
    types, root = declared(service)
    ends = {
        association.get("Name"): {
            end.get("Role"): (end.get("Type").rpartition(".")[2], end.get("Multiplicity"))
            for end in association.findall("{*}End")
        }
        for association in root.iter("{*}Association")
    }
    for entity in service.sets.values():
        ways = {
            each.get("Name"): ends[each.get("Relationship").rpartition(".")[2]][each.get("ToRole")]
            for each in types[entity.type_name].findall("{*}NavigationProperty")
        }
        for way in entity.navigations.values():
            target, multiplicity = ways[way.name]
            assert target == service.sets[way.target].type_name
            assert (multiplicity == "*") == way.many


def test_the_planning_service_agrees_with_its_published_description():
    if not OPEN_API.exists():
        pytest.skip(f"no {OPEN_API.name} beside this repository")
    service = SERVICES["API_MRP_MATERIALS_SRV_01"]
    schemas = json.loads(OPEN_API.read_text())["components"]["schemas"]
    for entity in service.sets.values():
        real = schemas[f"{service.name}.{entity.type_name}"]["properties"]
        for prop in entity.properties.values():
            found = real[prop.name]
            assert found["type"] == V2_TYPES.get(prop.kind, "string")
            assert found.get("maxLength", 0) == prop.length
            if prop.kind == "Edm.Decimal":
                assert found["format"] == "decimal"
                assert found["multipleOf"] == float(f"1e-{prop.scale}")


def test_every_key_and_way_names_properties_that_are_there():
    for service in SERVICES.values():
        for entity in service.sets.values():
            assert set(entity.keys) <= set(entity.properties)
            for way in entity.navigations.values():
                assert set(way.here) <= set(entity.properties)
                assert set(way.there) <= set(service.sets[way.target].properties)
