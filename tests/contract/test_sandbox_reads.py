from urllib.parse import quote

import pyodata
import pytest
import requests
from sandbox_doors import HEADER, LINES, STOCK

from connector.sandbox.odata_schema import SERVICES

PLANTS = "API_PRODUCT_SRV/A_ProductPlant"
ORDER_ITEMS = "API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrderItem"
MOVEMENTS = "API_MATERIAL_DOCUMENT_SRV/A_MaterialDocumentHeader"


@pytest.mark.parametrize("service", SERVICES)
def test_pyodata_reads_the_metadata_and_a_row_of_every_entity_set(sandbox, service):
    client = pyodata.Client(sandbox.root + service, sandbox.web)
    assert {each.name for each in client.schema.entity_sets} == set(SERVICES[service].sets)
    for name, entity in SERVICES[service].sets.items():
        first = next(iter(entity.keys))
        request = getattr(client.entity_sets, name).get_entities().top(2)
        if entity.filter_required:
            request = request.filter("MRPPlant eq '1010'")
        rows = request.execute()
        assert len(rows) == 2
        assert getattr(rows[0], first)


def test_pyodata_finds_an_entity_by_its_key(sandbox):
    client = pyodata.Client(sandbox.root + "API_PRODUCT_SRV", sandbox.web)
    found = client.entity_sets.A_ProductPlant.get_entity(Product="100000", Plant="1010").execute()
    assert found.BaseUnit == "PC"
    assert found.MRPType == "VB"


@pytest.mark.parametrize(
    ("text", "keeps"),
    [
        ("Plant eq '1010'", lambda row: row["Plant"] == "1010"),
        ("Plant ne '1010' and Plant ne '1020'", lambda row: row["Plant"] == "1000"),
        (
            "Plant eq '1000' or Plant eq '1010' and Product eq '100000'",
            lambda row: (
                row["Plant"] == "1000" or (row["Plant"], row["Product"]) == ("1010", "100000")
            ),
        ),
        (
            "(Plant eq '1000' or Plant eq '1010') and Product eq '100000'",
            lambda row: row["Plant"] in {"1000", "1010"} and row["Product"] == "100000",
        ),
        ("not (Plant eq '1010')", lambda row: row["Plant"] != "1010"),
        ("startswith(Product,'FG') eq true", lambda row: row["Product"].startswith("FG")),
        ("startswith(Product,'FG') eq false", lambda row: not row["Product"].startswith("FG")),
        ("substringof('0000',Product)", lambda row: "0000" in row["Product"]),
        ("Product ge 'FG'", lambda row: row["Product"] >= "FG"),
        ("Product eq '000000000000100000'", lambda row: row["Product"] == "100000"),
        ("MinimumLotSizeQuantity gt 0m", lambda row: float(row["MinimumLotSizeQuantity"]) > 0),
        (
            "MinimumLotSizeQuantity le 20.5",
            lambda row: float(row["MinimumLotSizeQuantity"]) <= 20.5,
        ),
        ("IsMarkedForDeletion eq false", lambda row: row["IsMarkedForDeletion"] is False),
        ("Product eq 'O''Brien'", lambda row: False),
    ],
)
def test_a_filter_keeps_what_it_says(sandbox, text, keeps):
    everything = sandbox.all_rows(f"{PLANTS}?$top=5000")
    kept = sandbox.all_rows(f"{PLANTS}?$top=5000&$filter={quote(text)}")
    assert kept == [row for row in everything if keeps(row)]
    assert len(kept) < len(everything) or "Deletion" in text


def test_dates_are_compared_as_moments(sandbox):
    def created(text):
        return len(sandbox.all_rows(f"{MOVEMENTS}?$filter={quote(text)}"))

    everything = len(sandbox.all_rows(MOVEMENTS))
    since = created("CreationDate ge datetime'2026-10-20T00:00:00'")
    before = created("CreationDate lt datetime'2026-10-20T00:00:00'")
    assert 0 < since < everything
    assert since + before == everything
    assert created("CreationDate gt datetime'2026-10-20T00:00:00'") < since


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("$filter=Colour eq 'red'", 400),
        ("$filter=Plant eq 1010", 400),
        ("$filter=Plant is '1010'", 400),
        ("$filter=(Plant eq '1010'", 400),
        ("$filter=Plant eq '1010' Plant", 400),
        ("$filter=MinimumLotSizeQuantity gt 'x'", 400),
        ("$select=Colour", 400),
        ("$expand=to_Colour", 400),
        ("$orderby=Plant sideways", 400),
        ("$top=many", 400),
        ("$apply=groupby", 400),
        ("$skiptoken=zzz", 400),
    ],
)
def test_a_wrong_question_is_refused_in_the_gateways_words(sandbox, query, status):
    answer = sandbox.get(f"{PLANTS}?{query}")
    assert answer.status_code == status
    assert answer.json()["error"]["message"]["value"]
    assert answer.json()["error"]["innererror"]["errordetails"]


@pytest.mark.parametrize(
    "path",
    [
        "API_PRODUCT_SRV/A_Colour",
        "NO_SUCH_SRV/A_Product",
        "API_PRODUCT_SRV/A_Product('nothing')",
        "API_PRODUCT_SRV/A_Product('100000')/to_Nowhere",
    ],
)
def test_what_is_not_there_is_not_found(sandbox, path):
    assert sandbox.get(path).status_code == 404


def test_the_supply_and_demand_list_wants_a_filter(sandbox):
    path = "API_MRP_MATERIALS_SRV_01/SupplyDemandItems"
    assert sandbox.get(path).status_code == 400
    rows = sandbox.rows(f"{path}?$filter=MRPPlant eq '1000' and MRPArea eq '1000'")
    assert {"WB", "BE", "BA"} <= {row["MRPElementCategory"] for row in rows}


def test_without_asking_for_json_there_is_no_json(sandbox):
    answer = requests.get(
        sandbox.root + "API_PRODUCT_SRV/A_Product", auth=sandbox.web.auth, timeout=5
    )
    assert answer.status_code == 406
    assert answer.text.startswith("<?xml")


def test_order_select_top_skip_and_count(sandbox):
    rows = sandbox.rows(
        f"{PLANTS}?$orderby=Plant desc,Product&$select=Plant,Product&$top=40&$skip=5"
    )
    pairs = [(row["Plant"], row["Product"]) for row in rows]
    assert len(pairs) == 40
    assert pairs == sorted(pairs, key=lambda pair: (-int(pair[0]), pair[1]))
    assert set(rows[0]) == {"__metadata", "Plant", "Product"}
    count = sandbox.get(f"{PLANTS}/$count?$filter=Plant eq '1010'")
    assert (count.text, count.headers["content-type"][:10]) == ("30", "text/plain")


def test_expand_gives_each_parent_its_own_children(sandbox):
    path = f"{MOVEMENTS}?$expand=to_MaterialDocumentItem&$top=30"
    for header in sandbox.rows(path):
        items = header["to_MaterialDocumentItem"]["results"]
        assert items
        assert {item["MaterialDocument"] for item in items} == {header["MaterialDocument"]}
    nested = (
        "API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrder?$expand=to_PurchaseOrderItem/to_ScheduleLine"
    )
    order = sandbox.rows(nested + "&$top=1")[0]
    item = order["to_PurchaseOrderItem"]["results"][0]
    line = item["to_ScheduleLine"]["results"][0]
    assert line["PurchasingDocument"] == item["PurchaseOrder"] == order["PurchaseOrder"]
    parent = sandbox.rows(f"{ORDER_ITEMS}?$top=1&$expand=to_PurchaseOrder&$select=to_PurchaseOrder")
    assert parent[0]["to_PurchaseOrder"]["PurchaseOrder"]


def test_links_lead_where_they_say(sandbox):
    product = sandbox.rows("API_PRODUCT_SRV/A_Product?$filter=startswith(Product,'SP')")[0]
    assert product["Product"] == "SP/7 A"
    itself = sandbox.web.get(product["__metadata"]["uri"], timeout=5).json()["d"]
    assert itself["Product"] == "SP/7 A"
    plants = sandbox.web.get(product["to_Plant"]["__deferred"]["uri"], timeout=5).json()["d"]
    assert [row["Plant"] for row in plants["results"]] == ["1000", "1010", "1020"]
    uri = product["__metadata"]["uri"]
    assert sandbox.web.get(f"{uri}/BaseUnit", timeout=5).json() == {"d": {"BaseUnit": "PC"}}
    assert sandbox.web.get(f"{uri}/BaseUnit/$value", timeout=5).text == "PC"


@pytest.mark.parametrize(
    ("habits", "field", "values"),
    [
        ({}, "PurchaseOrderItem", {"00010"}),
        ({"numc": "plain"}, "PurchaseOrderItem", {"10"}),
        ({"unset": "null"}, "PurchaseOrderItemText", {None}),
        ({}, "PurchaseOrderItemText", {""}),
        ({}, "NetPriceQuantity", {"1"}),
        ({"decimals": "padded"}, "UnderdelivTolrtdLmtRatioInPct", {"0.0", "0"}),
    ],
)
def test_values_come_in_every_shape(sandbox, habits, field, values):
    sandbox.admin("POST", "/habits", habits)
    found = {row[field] for row in sandbox.rows(f"{ORDER_ITEMS}?$top=1")}
    assert found <= values


def test_padded_decimals_dates_with_offset_and_internal_materials(sandbox):
    sandbox.admin(
        "POST",
        "/habits",
        {"decimals": "padded", "dates": "offset", "materials": "padded", "unset": "null"},
    )
    row = sandbox.rows(f"{STOCK}?$filter=Material eq '100000'&$top=1")[0]
    assert row["Material"] == "000000000000100000"
    assert len(row["MatlWrhsStkQtyInMatlBaseUnit"].partition(".")[2]) == 14
    assert row["Batch"] in {"", "B2026A"}  # a key is never null
    header = sandbox.rows(f"{MOVEMENTS}?$top=1")[0]
    assert header["PostingDate"].endswith("+0000)/")


def test_lists_types_and_empty_results_in_every_shape(sandbox):
    sandbox.admin("POST", "/habits", {"expanded": "list", "type_names": "bare", "no_rows": "error"})
    order = sandbox.rows(
        "API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrder?$top=1&$expand=to_PurchaseOrderItem"
    )[0]
    assert isinstance(order["to_PurchaseOrderItem"], list)
    assert order["__metadata"]["type"].endswith(".A_PurchaseOrder")
    nothing = sandbox.get(f"{STOCK}?$filter=Plant eq '7777'")
    assert nothing.status_code == 400
    assert nothing.json()["error"]["code"] == "/IWBEP/CM_MGW_RT/022"


def test_an_unknown_habit_is_refused(sandbox):
    assert "numc" in sandbox.admin("POST", "/habits", {"numk": "plain"})["error"]


def test_a_real_system_is_full_of_other_peoples_documents(sandbox):
    orders = sandbox.all_rows(ORDER_ITEMS)
    assert {"L"} <= {row["PurchasingDocumentDeletionCode"] for row in orders}
    assert {"K"} <= {row["AccountAssignmentCategory"] for row in orders}
    assert any(row["IsReturnsItem"] for row in orders)
    assert any(row["PurchaseOrderQuantityUnit"] == "BOX" for row in orders)
    assert any(not row["GoodsReceiptIsExpected"] for row in orders)
    lines = sandbox.all_rows(f"{LINES}?$filter=CreatedByUser eq 'MUELLER'")
    assert any(row["IsDeleted"] == "X" for row in lines)
    assert any(row["IsClosed"] for row in lines)
    assert any(row["IsPurReqnBlocked"] for row in lines)
    assert any(not row["IsDeleted"] and not row["IsClosed"] for row in lines)
    kinds = {row["InventoryStockType"] for row in sandbox.all_rows(STOCK)}
    assert {"01", "06", "07", "02"} <= kinds
    assert sandbox.rows(f"{STOCK}?$filter=InventorySpecialStockType eq 'K'")


def test_reversed_movements_point_at_what_they_reverse(sandbox):
    path = "API_MATERIAL_DOCUMENT_SRV/A_MaterialDocumentItem"
    undone = sandbox.all_rows(f"{path}?$filter=GoodsMovementType eq '602'")
    assert undone
    for row in undone:
        year, number, line = (
            row[f"Reversed{name}"]
            for name in ("MaterialDocumentYear", "MaterialDocument", "MaterialDocumentItem")
        )
        key = f"MaterialDocumentYear='{year}',MaterialDocument='{number}'"
        key += f",MaterialDocumentItem='{line}'"
        original = sandbox.get(f"{path}({key})").json()["d"]
        assert original["GoodsMovementIsCancelled"]
        assert original["QuantityInBaseUnit"] == row["QuantityInBaseUnit"]
        assert (original["DebitCreditCode"], row["DebitCreditCode"]) == ("H", "S")


def test_requisition_headers_lead_to_their_lines(sandbox):
    header = sandbox.rows(f"{HEADER}?$top=1")[0]
    lines = sandbox.rows(f"{HEADER}('{header['PurchaseRequisition']}')/to_PurchaseReqnItem")
    assert {row["PurchaseRequisition"] for row in lines} == {header["PurchaseRequisition"]}


def test_unset_dates_may_be_the_first_day_of_the_calendar(sandbox):
    path = "API_PRODUCT_SRV/A_ProductSupplyPlanning?$top=1&$select=EffectiveOutDate"
    assert sandbox.rows(path)[0]["EffectiveOutDate"] is None
    sandbox.admin("POST", "/habits", {"unset_dates": "initial"})
    assert sandbox.rows(path)[0]["EffectiveOutDate"] == "/Date(-62135596800000)/"


def test_answers_come_compressed_and_connections_close(sandbox):
    plain = sandbox.get(STOCK)
    sandbox.admin("POST", "/habits", {"compression": "gzip", "connection": "close"})
    zipped = sandbox.get(STOCK)
    assert zipped.headers["content-encoding"] == "gzip"
    assert zipped.headers["connection"] == "close"
    assert int(zipped.headers["content-length"]) < int(plain.headers["content-length"]) / 5
    assert zipped.json() == plain.json()
    bare = sandbox.get(STOCK, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in bare.headers


def test_an_address_has_a_limit(sandbox):
    terms = " or ".join(f"Material eq 'M{n}'" for n in range(600))
    assert sandbox.get(f"{STOCK}?$filter={quote(terms)}").status_code == 414
