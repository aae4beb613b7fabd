import json
import os
import signal
import subprocess
import sys
import time

import pytest
from sandbox_doors import LINES, STOCK, Open, line, opened, requisition

from connector.sandbox.__main__ import main
from connector.sandbox.baseline import under_the_erp_rule
from connector.sandbox.main import Doors
from connector.twin.scenario import WorldOptions

ORDER_ITEMS = "API_PURCHASEORDER_PROCESS_SRV/A_PurchaseOrderItem"
MOVEMENT_LINES = "API_MATERIAL_DOCUMENT_SRV/A_MaterialDocumentItem"
SMALL = {"items": 30, "regions": 2, "history_days": 30}


@pytest.fixture
def fresh():
    with opened(**SMALL) as sandbox:
        yield sandbox


def by_key(sandbox, key):
    return sandbox.rows(f"{LINES}?$filter=RequirementTracking eq '{key}'")[0]


def of_type(sandbox, kind, plant, material="100000"):
    rows = sandbox.rows(
        f"{STOCK}?$filter=Plant eq '{plant}' and Material eq '{material}'"
        f" and InventoryStockType eq '{kind}'"
    )
    return sum(float(row["MatlWrhsStkQtyInMatlBaseUnit"]) for row in rows)


def test_the_clock_moves_by_whole_days_and_stands_at_six(fresh):
    assert fresh.admin("GET", "/clock") == {"now": "2026-11-02T06:00:00+00:00"}
    told = fresh.admin("POST", "/clock/advance", {"days": 2})
    assert told["now"] == "2026-11-04T06:00:00+00:00"
    assert {day["day"] for day in told["days"]} == {"2026-11-02", "2026-11-03"}
    assert {day["plant"] for day in told["days"]} == {"1000", "1010", "1020"}
    assert fresh.get(STOCK + "?$top=1").headers["date"] == "Wed, 04 Nov 2026 06:00:00 GMT"
    assert "error" in fresh.admin("POST", "/clock/advance", {"days": 0})


def test_a_transfer_is_issued_travels_and_arrives(fresh):
    fresh.admin("POST", "/planning", {"1000": "none", "1010": "none", "1020": "none"})
    central, transit = of_type(fresh, "01", "1000"), of_type(fresh, "06", "1010")
    assert central >= 7
    fresh.post(requisition(line(RequirementTracking="MOVE000001", RequestedQuantity="7")))
    assert by_key(fresh, "MOVE000001")["OrderedQuantity"] == "0"
    fresh.admin("POST", "/clock/advance", {"days": 1})
    moved = by_key(fresh, "MOVE000001")
    assert (moved["OrderedQuantity"], moved["PurchasingDocument"]) == ("7", "")
    assert of_type(fresh, "06", "1010") >= 7 or transit > 0
    issues = fresh.rows(
        f"{MOVEMENT_LINES}?$filter=GoodsMovementType eq '641' and Material eq '100000'"
        " and IssuingOrReceivingPlant eq '1010'&$orderby=MaterialDocument desc&$top=1"
    )
    assert (issues[0]["Plant"], issues[0]["QuantityInBaseUnit"]) == ("1000", "7")
    bought = fresh.all_rows(f"{ORDER_ITEMS}?$filter=Plant eq '1010'")
    assert bought == []  # orders between plants are not shown here
    fresh.admin("POST", "/clock/advance", {"days": 20})
    assert of_type(fresh, "06", "1010") == 0
    received = fresh.rows(
        f"{MOVEMENT_LINES}?$filter=GoodsMovementType eq '101' and Material eq '100000'"
        " and Plant eq '1010'&$orderby=MaterialDocument desc&$top=1"
    )
    assert received[0]["PurchaseOrder"] == ""


def test_a_transfer_larger_than_the_stock_stays_partly_open(fresh):
    fresh.admin("POST", "/planning", dict.fromkeys(("1000", "1010", "1020"), "none"))
    fresh.post(requisition(line(RequirementTracking="MUCH000001", RequestedQuantity="9000")))
    fresh.admin("POST", "/clock/advance", {"days": 3})
    asked = by_key(fresh, "MUCH000001")
    assert 0 < float(asked["OrderedQuantity"]) < 9000
    assert asked["IsClosed"] is False


def test_a_purchase_is_ordered_received_and_closed(fresh):
    wanted = line(Plant="1000", SupplyingPlant="", RequestedQuantity="13", PurchasingGroup="002")
    fresh.post(requisition({**wanted, "RequirementTracking": "BUY0000001"}))
    fresh.admin("POST", "/clock/advance", {"days": 1})
    asked = by_key(fresh, "BUY0000001")
    number, item = asked["PurchasingDocument"], asked["PurchasingDocumentItem"]
    key = f"PurchaseOrder='{number}',PurchaseOrderItem='{item}'"
    ordered = fresh.get(f"{ORDER_ITEMS}({key})?$expand=to_ScheduleLine").json()["d"]
    assert ordered["PurchaseRequisition"] == asked["PurchaseRequisition"]
    assert ordered["RequisitionerName"] == "REPLENISHD"
    assert ordered["IsCompletelyDelivered"] is False
    scheduled = [
        float(x["ScheduleLineOrderQuantity"]) for x in ordered["to_ScheduleLine"]["results"]
    ]
    assert sum(scheduled) == 13 == float(ordered["OrderQuantity"])
    fresh.admin("POST", "/clock/advance", {"days": 60})
    assert fresh.get(f"{ORDER_ITEMS}({key})").json()["d"]["IsCompletelyDelivered"] is True
    receipts = fresh.rows(f"{MOVEMENT_LINES}?$filter=PurchaseOrder eq '{number}'")
    mine = [row for row in receipts if row["PurchaseOrderItem"] == item]
    signs = {"S": 1, "H": -1}
    received = sum(signs[x["DebitCreditCode"]] * float(x["QuantityInBaseUnit"]) for x in mine)
    assert 0 < received <= 13
    assert mine[-1]["IsCompletelyDelivered"] is True


def test_a_dear_line_waits_for_its_release(fresh):
    wanted = line(Plant="1000", SupplyingPlant="", RequestedQuantity="90000")
    fresh.post(requisition({**wanted, "RequirementTracking": "DEAR000001"}))
    asked = by_key(fresh, "DEAR000001")
    assert (asked["PurReqnReleaseStatus"], asked["ReleaseIsNotCompleted"]) == ("03", True)
    fresh.admin("POST", "/clock/advance", {"days": 1})
    asked = by_key(fresh, "DEAR000001")
    assert (asked["OrderedQuantity"], asked["PurReqnReleaseStatus"]) == ("0", "05")
    fresh.admin("POST", "/clock/advance", {"days": 1})
    assert by_key(fresh, "DEAR000001")["OrderedQuantity"] == "90000"


def test_planning_can_be_switched_off_per_plant(fresh):
    told = fresh.admin("POST", "/planning", {"1010": "none"})
    assert told == {"1000": "reorder_point", "1010": "none", "1020": "reorder_point"}
    kinds = {
        row["Plant"]: row["MRPType"]
        for row in fresh.all_rows("API_PRODUCT_SRV/A_ProductPlant?$top=5000")
    }
    assert kinds == {"1000": "VB", "1010": "ND", "1020": "VB"}
    days = fresh.admin("POST", "/clock/advance", {"days": 10})["days"]
    assert sum(day["erp_lines"] for day in days if day["plant"] == "1010") == 0
    assert sum(day["erp_lines"] for day in days if day["plant"] == "1020") > 0
    assert "error" in fresh.admin("POST", "/planning", {"7777": "none"})
    assert "error" in fresh.admin("POST", "/planning", {"1010": "magic"})


def test_with_nothing_filed_it_lives_as_the_rule_alone(fresh):
    fresh.admin("POST", "/clock/advance", {"days": 12})
    days = fresh.admin("GET", "/days?since=2026-11-02")
    alone = [day.record() for day in under_the_erp_rule(WorldOptions(**SMALL), 12)]
    assert days == alone


def test_what_is_filed_changes_stock_but_not_demand(fresh):
    fresh.admin("POST", "/planning", dict.fromkeys(("1010", "1020"), "none"))
    days = fresh.admin("POST", "/clock/advance", {"days": 25})["days"]
    alone = [day.record() for day in under_the_erp_rule(WorldOptions(**SMALL), 25)]
    assert [day["demand_units"] for day in days] == [day["demand_units"] for day in alone]
    lost = sum(day["lost_units"] for day in days)
    assert lost > sum(day["lost_units"] for day in alone)


def test_the_account_counts_what_was_filed(fresh):
    fresh.post(requisition(line(RequestedQuantity="5"), line(PurchaseRequisitionItem="20")))
    day = fresh.admin("POST", "/clock/advance", {"days": 2})["days"]
    mine = [d for d in day if d["plant"] == "1010"]
    assert [d["filed_lines"] for d in mine] == [2, 0]
    assert mine[0]["filed_units"] == 25


def test_requests_are_counted(fresh):
    fresh.admin("DELETE", "/requests")
    fresh.get(STOCK + "?$top=1")
    fresh.get(STOCK + "?$top=1")
    assert fresh.admin("GET", "/requests") == {f"GET {STOCK}": 2}


def start(tmp_path, *arguments):
    ready = tmp_path / "ready.json"
    ready.unlink(missing_ok=True)
    process = subprocess.Popen(
        [
            *(sys.executable, "-m", "connector.sandbox", "--items", "12", "--regions", "1"),
            *("--history-days", "5", "--ready-file", str(ready), *arguments),
        ],
        stdout=subprocess.DEVNULL,
    )
    end = time.monotonic() + 30
    while not ready.exists():
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.02)
    told = json.loads(ready.read_text())
    assert told["pid"] == process.pid
    return process, Open(Doors(**told))


def test_what_was_filed_survives_kill_dash_nine(tmp_path):
    state = tmp_path / "state.jsonl"
    process, sandbox = start(tmp_path, "--state", str(state))
    sandbox.admin("POST", "/planning", {"1010": "none"})
    sandbox.post(requisition(line(RequirementTracking="KEPT000001")))
    sandbox.admin("POST", "/clock/advance", {"days": 3})
    sandbox.plant("update_task_failed", count=1)
    sandbox.post(requisition(line(RequirementTracking="KEPT000002")))
    number = sandbox.post(requisition(line(RequirementTracking="KEPT000003"))).json()["d"]
    key = f"PurchaseRequisition='{number['PurchaseRequisition']}',PurchaseRequisitionItem='10'"
    path = f"{LINES}({key})"
    assert sandbox.post({"IsDeleted": "X"}, path, "PATCH").status_code == 204
    before = [sandbox.admin("GET", path) for path in ("/ledger", "/days", "/clock", "/planning")]
    stock = sandbox.get(STOCK).json()["d"]["results"]
    os.kill(process.pid, signal.SIGKILL)
    process.wait(5)
    sandbox.web.close()
    with state.open("ab") as torn:
        torn.write(b'{"event":"filed","numb')
    process, sandbox = start(tmp_path, "--state", str(state))
    try:
        after = [sandbox.admin("GET", path) for path in ("/ledger", "/days", "/clock", "/planning")]
        again = sandbox.get(STOCK).json()["d"]["results"]
    finally:
        sandbox.web.close()
        process.terminate()
        assert process.wait(10) == 0
    assert after == before
    keep = ("Material", "Plant", "InventoryStockType", "MatlWrhsStkQtyInMatlBaseUnit")
    assert [[row[k] for k in keep] for row in again] == [[row[k] for k in keep] for row in stock]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["--items", "0"], 78, "cannot make 0 items"),
        (["--habit", "numc=roman"], 78, "numc is one of zeros, plain"),
        (["--certfile", "x.pem"], 78, "give both"),
    ],
)
def test_the_command_line_explains_itself(arguments, code, says, capsys):
    assert main(arguments) == code
    assert says in capsys.readouterr().err


def test_the_command_line_tells_its_options(capsys):
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    assert left.value.code == 0
    told = capsys.readouterr().out
    for option in ("--items", "--regions", "--seed", "--history-days", "--state", "--ready-file"):
        assert option in told


def test_a_taken_port_is_told(fresh, capsys):
    port = fresh.doors.url.rpartition(":")[2]
    assert main(["--items", "3", "--history-days", "0", "--port", port]) == 78
    assert "cannot listen on" in capsys.readouterr().err


def test_it_needs_neither_pyodata_nor_torch_nor_the_other_rooms():
    code = (
        "import sys, connector.sandbox.__main__, connector.sandbox.baseline\n"
        "rooms = {n.split('.')[1] for n in sys.modules if n.startswith('connector.')}\n"
        "assert rooms == {'sandbox', 'twin', 'errors'}, rooms\n"
        "assert not {'pyodata', 'torch', 'polars', 'lxml'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=30)
