"""The strict SAP's own minimal metadata: true names, short documents."""

from __future__ import annotations

from functools import cache

from connector.erp.sap import plan
from connector.erp.sap.document_reads import OUR_LINES
from connector.erp.sap.fields import REQUISITION_SERVICE
from connector.erp.sap.site import SapSite

_READS = (
    *plan.reads(SapSite(name="s", plants=("1000",))),
    *plan.reads(SapSite(name="s", plants=("1000",), pipeline_source="mrp")),
    OUR_LINES,
)
_AS_NUMBER = {"RequestedQuantity", "OrderedQuantity"}
_LETTER = {"IsDeleted"}  # 'X', not true
INNER = {
    "A_PurchaseOrderItem": ("to_ScheduleLine", "A_PurchaseOrderScheduleLine"),
    "A_MaterialDocumentHeader": ("to_MaterialDocumentItem", "A_MaterialDocumentItem"),
    "A_PurchaseRequisitionHeader": ("to_PurchaseReqnItem", "A_PurchaseRequisitionItem"),
}


@cache
def _sets():
    sets: dict[tuple[str, str], dict] = {}
    for read in _READS:
        fields = sets.setdefault((read.service, read.entity_set), {})
        for each in read.fields:
            known = fields.get(each.name)
            fields[each.name] = each if known is None or known.kind == "text" else known
    header = sets.setdefault((REQUISITION_SERVICE, plan.REQUISITION_SET), {})
    header["PurchaseRequisition"] = plan.name("PurchaseRequisition", 10)
    header |= {each.name: each for each in plan.WRITTEN_HEADER}
    lines = sets[REQUISITION_SERVICE, "A_PurchaseRequisitionItem"]
    lines |= {each.name: each for each in plan.WRITTEN_LINE if each.name not in lines}
    return sets


def kinds_of(service, entity_set):
    fields = _sets()[service, entity_set]
    return {
        name: "decimal" if name in _AS_NUMBER else "text" if name in _LETTER else each.kind
        for name, each in fields.items()
    }


def keys_of(service, entity_set):
    if entity_set == plan.REQUISITION_SET:
        return ("PurchaseRequisition",)
    read = next(r for r in _READS if (r.service, r.entity_set) == (service, entity_set))
    return read.identity


def edmx(service, hidden_properties, hidden_sets):
    names = [name for where, name in _sets() if where == service and name not in hidden_sets]
    if not names:
        return b""
    types = "".join(_type(service, name, hidden_properties) for name in names)
    ways = "".join(_way(service, name) for name in names if name in INNER)
    sets = "".join(f'<EntitySet Name="{n}" EntityType="{service}.{n}Type"/>' for n in names)
    return (
        '<?xml version="1.0" encoding="utf-8"?>'
        '<edmx:Edmx Version="1.0" xmlns:edmx="http://schemas.microsoft.com/ado/2007/06/edmx">'
        "<edmx:DataServices>"
        f'<Schema Namespace="{service}" xmlns="http://schemas.microsoft.com/ado/2008/09/edm">'
        f'{types}{ways}<EntityContainer Name="{service}_Entities">{sets}</EntityContainer>'
        "</Schema></edmx:DataServices></edmx:Edmx>"
    ).encode()


def _type(service, name, hidden):
    kinds = kinds_of(service, name)
    keys = [n for n in keys_of(service, name) if n not in hidden]
    refs = "".join(f'<PropertyRef Name="{n}"/>' for n in keys)
    fields = _sets()[service, name]
    properties = "".join(_property(n, kinds[n], fields[n]) for n in kinds if n not in hidden)
    inner = ""
    if name in INNER and INNER[name][0] not in hidden:
        way = f'Relationship="{service}.To_{name}" FromRole="One_{name}" ToRole="Many_{name}"'
        inner = f'<NavigationProperty Name="{INNER[name][0]}" {way}/>'
    return f'<EntityType Name="{name}Type"><Key>{refs}</Key>{properties}{inner}</EntityType>'


def _property(name, kind, field):
    extra = {"decimal": f' Precision="31" Scale="{max(field.scale, 0)}"', "date": ' Precision="0"'}
    edm = {"decimal": "Decimal", "date": "DateTime", "flag": "Boolean"}.get(kind, "String")
    length = f' MaxLength="{field.max_length}"' if edm == "String" and field.max_length else ""
    return f'<Property Name="{name}" Type="Edm.{edm}"{extra.get(kind, "")}{length}/>'


def _way(service, name):
    target = INNER[name][1]
    return (
        f'<Association Name="To_{name}">'
        f'<End Type="{service}.{name}Type" Role="One_{name}" Multiplicity="1"/>'
        f'<End Type="{service}.{target}Type" Role="Many_{name}" Multiplicity="*"/></Association>'
    )
