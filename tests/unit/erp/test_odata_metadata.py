from __future__ import annotations

import contextlib
from pathlib import Path

import pyodata.v2.model as pyodata_model
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import tried
from strict_sap_schema import edmx

from connector.erp.odata import metadata
from connector.erp.odata.metadata import SchemaReader
from connector.erp.odata.xml import XmlRefused, parse_xml
from connector.erp.sap.check import compared
from connector.erp.sap.fields import ORDER_SERVICE, REQUISITION_SERVICE
from connector.erp.sap.plan import services
from connector.erp.sap.site import SapSite
from connector.errors import ErpContractBroken

EDMX = Path(__file__).parents[3].parent / "shared" / "edmx"  # real systems' own, where at hand
SITE = SapSite(name="s", plants=("1000",))
ORDERS = edmx(ORDER_SERVICE, set(), set())


def read(document, service=ORDER_SERVICE):
    return SchemaReader().read(document, service=service)


def test_a_schema_tells_sets_properties_keys_and_ways():
    item = read(ORDERS).sets["A_PurchaseOrderItem"]
    assert item.key == ("PurchaseOrder", "PurchaseOrderItem")
    assert item.properties["OrderQuantity"].type == "Edm.Decimal"
    assert item.properties["OrderQuantity"].scale == 3
    assert item.properties["Material"].max_length == 40
    assert item.navigations == {"to_ScheduleLine": "A_PurchaseOrderScheduleLine"}


def test_type_names_may_lack_their_suffix():
    plain = ORDERS.replace(b'Type"', b'"')
    assert read(plain).sets == read(ORDERS).sets


@pytest.mark.parametrize("namespace", [b"2006/04", b"2007/05", b"2008/01", b"2009/11"])
def test_any_namespace_of_v2_will_do(namespace):
    assert read(ORDERS.replace(b"2008/09", namespace)).sets == read(ORDERS).sets


def test_annotations_and_functions_are_nobodys_trouble():
    noise = (
        b'<Annotations Target="X"><Annotation Term="y"/></Annotations>'
        b'<EntityContainer Name="C"><FunctionImport Name="F" ReturnType="Collection(No.Such)"/>'
    )
    noisy = ORDERS.replace(
        b'<EntityContainer Name="API_PURCHASEORDER_PROCESS_SRV_Entities">', noise
    )
    assert read(noisy).sets == read(ORDERS).sets


@pytest.mark.parametrize(
    "attack",
    [
        b'<!DOCTYPE x [<!ENTITY a "b">]>',
        b'<!DOCTYPE x SYSTEM "http://evil.example/x.dtd">',
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>',
        b"<!DOCTYPE html>",
    ],
)
def test_a_doctype_is_refused(attack):
    declaration, rest = ORDERS.split(b"?>", 1)
    with pytest.raises(ErpContractBroken, match="DOCTYPE"):
        read(declaration + b"?>" + attack + rest)


def test_entities_do_not_unfold():
    laughs = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "' + b"&a;" * 99 + b'">]><l>&b;</l>'
    with pytest.raises(XmlRefused):
        parse_xml(laughs, octets_max=10_000)


def test_size_and_depth_are_limited(monkeypatch):
    with pytest.raises(XmlRefused, match="octets"):
        parse_xml(b"<a/>", octets_max=3)
    with pytest.raises(ErpContractBroken):
        read(b"<a>" * 100_000)
    monkeypatch.setattr(metadata, "OCTETS_MAX", 100)
    with pytest.raises(ErpContractBroken, match="100 are read"):
        read(ORDERS)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "not well-formed"),
        (b"<html/>", "describes nothing"),
        (b'<edmx:Edmx xmlns:edmx="x" Version="4.0"><Schema/></edmx:Edmx>', "V4"),
        (ORDERS.replace(b"EntityType=", b"Type=", 1), "cannot be typed"),
    ],
)
def test_what_is_no_v2_schema_is_said_to_be_that(document, said):
    with pytest.raises(ErpContractBroken, match=said):
        read(document)


def test_one_set_that_cannot_be_typed_leaves_the_others():
    schema = read(ORDERS.replace(b' Type="Edm.Decimal"', b"", 1))
    assert schema.untyped == {"A_PurchaseOrderItem"}
    assert "A_PurchaseOrder" in schema.sets
    found = {each.message for each in compared({ORDER_SERVICE: schema}, SITE)}
    assert any("cannot be typed" in message for message in found)


@tried
@given(st.data())
def test_no_mutation_raises_anything_else(data):
    start = data.draw(st.integers(0, len(ORDERS) - 1))
    end = data.draw(st.integers(start, min(start + 40, len(ORDERS))))
    middle = data.draw(st.binary(max_size=12))
    with contextlib.suppress(ErpContractBroken):
        compared({ORDER_SERVICE: read(ORDERS[:start] + middle + ORDERS[end:])}, SITE)


def test_each_document_is_parsed_once_and_pyodata_does_not_grow():
    reader = SchemaReader()
    alias = b"<edmx:DataServices>"
    vocabulary = (
        b'<edmx:Reference Uri="u" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
        b'<edmx:Include Namespace="com.sap.vocabularies.Common.v1" Alias="SAP__common"/>'
        b"</edmx:Reference>"
    )
    document = ORDERS.replace(alias, vocabulary + alias)
    before = list(pyodata_model.SAP_ANNOTATION_VALUE_LIST)
    first = reader.read(document, service=ORDER_SERVICE)
    assert reader.read(bytes(document), service=ORDER_SERVICE) is first
    for n in range(5):
        read(document + b" " * n)
    assert before == pyodata_model.SAP_ANNOTATION_VALUE_LIST


@pytest.mark.parametrize("service", services(SITE))
def test_real_systems_describe_what_is_read_and_written(service):
    if not (document := EDMX / f"{service}.edmx").exists():
        pytest.skip("no schemas of real systems here")
    schema = SchemaReader().read(document.read_bytes(), service=service)
    assert compared({service: schema}, SITE) == []


def test_the_strict_sap_describes_itself_the_same_way():
    schemas = {service: read(edmx(service, set(), set()), service) for service in services(SITE)}
    assert compared(schemas, SITE) == []


def test_a_check_names_each_difference():
    broken = edmx(REQUISITION_SERVICE, {"RequirementTracking", "SupplyingPlant"}, set())
    broken = broken.replace(
        b'Name="Plant" Type="Edm.String" MaxLength="4"',
        b'Name="Plant" Type="Edm.String" MaxLength="6"',
    )
    broken = broken.replace(
        b'Name="RequestedQuantity" Type="Edm.Decimal" Precision="31" Scale="3"',
        b'Name="RequestedQuantity" Type="Edm.Decimal" Precision="31" Scale="2"',
    )
    found = compared({REQUISITION_SERVICE: read(broken, REQUISITION_SERVICE)}, SITE)
    said = {(each.severity, each.message) for each in found}
    assert ("error", "RequirementTracking is missing") in said
    assert ("warning", "SupplyingPlant is missing") in said
    assert ("warning", "Plant holds 6 characters, not 4") in said
    assert ("warning", "RequestedQuantity has 2 decimals, not 3") in said
