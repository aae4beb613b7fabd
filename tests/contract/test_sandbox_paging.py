import pytest
from sandbox_doors import STOCK, opened

COUNTED = "?$top=5000&$inlinecount=allpages"


@pytest.fixture(scope="module")
def paged_sandbox():
    with opened(items=60, regions=0, history_days=2, page_rows=10) as sandbox:
        yield sandbox


@pytest.fixture
def paged(paged_sandbox):
    paged_sandbox.calm()
    yield paged_sandbox
    paged_sandbox.calm()


def keys(rows):
    return [row["__metadata"]["uri"] for row in rows]


def test_a_product_page_has_a_hundred_rows_unless_asked_for_more(sandbox_of_many):
    pages = list(sandbox_of_many.pages("API_PRODUCT_SRV/A_Product"))
    assert [len(page) for page in pages] == [100, 100, 50]
    names = [row["Product"] for page in pages for row in page]
    assert len(set(names)) == 250
    whole = sandbox_of_many.get("API_PRODUCT_SRV/A_Product?$top=5000&$inlinecount=allpages").json()
    assert len(whole["d"]["results"]) == 250
    assert whole["d"]["__count"] == "250"
    assert "__next" not in whole["d"]


def test_next_links_are_relative_and_carry_both_skiptokens(sandbox_of_many):
    first = sandbox_of_many.get("API_PRODUCT_SRV/A_Product?$select=Product").json()["d"]
    assert first["__next"] == "A_Product?$select=Product&$skiptoken=100"
    second = sandbox_of_many.get("API_PRODUCT_SRV/" + first["__next"]).json()["d"]
    assert second["__next"] == "A_Product?$select=Product&%24skiptoken=100&$skiptoken=200"


@pytest.fixture(scope="module")
def sandbox_of_many():
    with opened(items=250, regions=0, history_days=3, page_rows=50) as sandbox:
        yield sandbox


@pytest.mark.parametrize(
    ("habit", "value", "start"),
    [
        ("next_link", "absolute", "http://127.0.0.1:"),
        ("next_link", "foreign", "http://erp.internal:44300/"),
        ("skiptoken", "opaque", "A_Product?$skiptoken=t"),
    ],
)
def test_next_links_come_in_every_shape(sandbox_of_many, habit, value, start):
    sandbox_of_many.admin("POST", "/habits", {habit: value})
    try:
        document = sandbox_of_many.get("API_PRODUCT_SRV/A_Product").json()["d"]
        assert document["__next"].startswith(start)
        if value != "foreign":
            assert len(sandbox_of_many.all_rows("API_PRODUCT_SRV/A_Product")) == 250
    finally:
        sandbox_of_many.calm()


def test_an_exactly_full_last_page_may_be_followed_by_an_empty_one(sandbox_of_many):
    units = "API_PRODUCT_SRV/A_ProductUnitsOfMeasure"
    total = int(sandbox_of_many.get(f"{units}/$count").text)
    path = f"{STOCK}?$filter=InventoryStockType eq '01'"
    assert total > 100
    sandbox_of_many.admin("POST", "/habits", {"last_page": "empty_follows"})
    try:
        sizes = [len(page) for page in sandbox_of_many.pages(path)]
    finally:
        sandbox_of_many.calm()
    assert sizes[-1] == 0 or sizes[-1] < 50
    exact = [len(page) for page in sandbox_of_many.pages(path)]
    assert sum(exact) == sum(sizes)


def test_pages_repeat_and_miss_rows(paged):
    path = STOCK
    honest = keys(paged.all_rows(path))
    assert len(honest) == len(set(honest)) > 40
    paged.plant("duplicate_rows", rows=3, after=1, count=1)
    doubled = keys(paged.all_rows(path))
    assert len(doubled) == len(honest) + 3
    assert set(doubled) == set(honest)
    paged.plant("missing_rows", rows=2, after=1, count=1)
    assert len(keys(paged.all_rows(path))) == len(honest) - 2


def test_pages_go_round_in_circles(paged):
    paged.plant("page_loop")
    pages = paged.pages(STOCK, most=5)
    first = keys(next(pages))
    assert [keys(page) for page in pages] == [first] * 4


def test_pages_shrink_and_end_with_nothing(paged):
    honest = keys(paged.all_rows(STOCK))
    paged.plant("page_shrink", rows=3, after=1)
    assert [len(page) for page in paged.pages(STOCK)][:3] == [10, 3, 3]
    paged.calm()
    paged.plant("empty_last_page")
    pages = [keys(page) for page in paged.pages(STOCK)]
    assert pages[-1] == []
    assert [key for page in pages for key in page] == honest


def test_an_empty_page_may_be_expanded(paged):
    paged.plant("empty_last_page")
    address = "API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrderItem?$expand=to_ScheduleLine"
    pages = list(paged.pages(address))
    assert len(pages) > 1
    assert pages[-1] == []
    assert all(row["to_ScheduleLine"]["results"] for page in pages for row in page)


def test_it_may_not_page_at_all(paged):
    honest = keys(paged.all_rows(STOCK))
    paged.plant("no_paging")
    assert [keys(page) for page in paged.pages(STOCK)] == [honest]


def test_counts_and_links_lie(paged):
    truth = int(paged.get(STOCK + COUNTED).json()["d"]["__count"])
    paged.plant("wrong_count", count=1, off_by=7)
    assert int(paged.get(STOCK + COUNTED).json()["d"]["__count"]) == truth + 7
    paged.plant("foreign_next", count=1, host="sap-int.local:8443")
    link = paged.get(STOCK).json()["d"]["__next"]
    assert link.startswith("http://sap-int.local:8443/sap/opu/odata/sap/API_MATERIAL_STOCK_SRV/")


def test_a_skiptoken_expires(paged):
    link = paged.get(STOCK).json()["d"]["__next"]
    paged.plant("skiptoken_expired")
    assert paged.get("API_MATERIAL_STOCK_SRV/" + link).status_code == 410
