"""Everything that can be wrong with what we are given: one clear error, nothing lost or sent."""

from __future__ import annotations

import shutil
import threading

from acceptance_erp import ROOT, free_port, until

STOCK = "MatlWrhsStkQtyInMatlBaseUnit"
SHIPPED = ROOT / "policies" / "bundles"


def refused(site, code, kind, *words):
    """Run a review that must end in one typed error that says these words, and send nothing."""
    told = site.ask("once")
    assert told.code == code, told
    error = told.error
    assert error["kind"] == kind
    assert all(word in error["message"] + error["hint"] for word in words), error
    assert site.erp.filed() == []
    assert site.ask("verify").json["intact"]
    assert site.keys("owed", "intent", "in_doubt", "filed") == set()


def reviewed_again(site):
    """Run the review of the same slot once more: nothing of it was lost."""
    assert site.once()["drained"]["filed"] == 20
    assert site.erp.times() == dict.fromkeys(site.keys("filed"), 1)


def test_an_erp_that_is_not_there(site):
    nowhere = {"url": f"http://127.0.0.1:{free_port()}", "load": {"attempts": 2}}
    told = site.configure(mode="live", erp=nowhere).ask("once")
    assert (told.code, told.error["kind"]) == (75, "ErpUnavailable")
    assert "no connection" in told.error["message"]
    missed = site.ask("status").json[site.name]["missed_review"]
    assert missed["outcome"] == "unavailable"
    assert "no connection" in missed["detail"]
    assert "no connection" in site.ask("reviews").out
    assert site.erp.filed() == []
    site.configure(mode="live")
    reviewed_again(site)
    assert site.ask("status").json[site.name]["missed_review"] is None


def test_an_erp_that_goes_away_while_it_is_read(site):
    site.erp.plant("reset", entity="A_PurchaseOrderItem", method="GET")
    site.configure(mode="live", erp={"load": {"attempts": 1}})
    refused(site, 75, "ErpUnavailable", "was lost")
    site.erp.calm()
    reviewed_again(site)


def test_a_wrong_password(site):
    site.configure(mode="live")
    (site.directory / "password").write_text("not it")
    told = site.ask_apart("once")
    assert (told.code, told.error["kind"]) == (1, "ErpDenied")
    assert "401" in told.error["message"]
    assert "not it" not in told.out + told.err
    failed = {each["layer"] for each in failures(site)}
    assert "connection" in failed
    assert site.erp.filed() == []
    (site.directory / "password").write_text("sandbox")
    reviewed_again(site)


def failures(site, code=1):
    """Return the layers that `check` finds broken."""
    told = site.ask("check")
    assert told.code == code, told
    return [each for each in told.json if each["outcome"] == "failed"]


def test_a_plant_our_user_may_not_see(site):
    """SAP shows such a plant as empty and says nothing: zero stock would order everything."""
    site.configure(mode="live", erp={"auth": {"username": "BLIND"}})
    refused(site, 1, "ErpDenied", "1010", "authorise")
    assert "1010" in " ".join(each["detail"] for each in failures(site))
    site.configure(mode="live")
    reviewed_again(site)


def test_a_user_who_may_not_write(site):
    """No line is to blame: sending stops at the first answer, and everything stays owed."""
    report = site.configure(mode="live", erp={"auth": {"username": "READER"}}).once(code=1)
    assert report["outcome"] == "held"
    assert "READER has no authorization for this activity" in report["drained"]["stopped"]
    assert "M_BANF_WRK" in report["detail"]
    assert report["drained"]["rejected"] == 0
    assert report["drained"]["not_sent"] > 0
    assert site.states() == {"owed": 20}
    assert site.rows("SELECT outcome FROM attempt") == [("not_sent",)]
    assert site.erp.filed() == []
    site.configure(mode="live").daemon()
    until(lambda: site.states() == {"filed": 20}, "what was owed to be filed")
    assert site.erp.times() == dict.fromkeys(site.keys("filed"), 1)


def test_a_property_the_release_renamed(site):
    site.erp.plant("property_renamed", property=STOCK, to="StockQuantity")
    site.configure(mode="live")
    refused(site, 1, "ErpContractBroken", "A_MatlStkInAcctMod", STOCK)
    (failed,) = failures(site)
    assert STOCK in failed["detail"]


def test_stock_in_a_unit_that_nobody_can_convert(site):
    site.erp.plant("unknown_unit", entity="A_MatlStkInAcctMod", materials=["FG-000013"])
    assert _is_left_out(site, "FG-000013", "QQQ") == ["1000", "1010", "1020"]


def test_an_order_unit_without_a_factor(site):
    """A missing factor is an error, never 1: twelve would be ordered for one."""
    site.erp.plant("missing_factor", materials=["FG-000018"])
    assert _is_left_out(site, "FG-000018", "no factor from BOX to PC") == ["1000"]


def _is_left_out(site, item, words):
    """Require that an item is not ordered, that it is said why, and that the rest is ordered.

    Returns the nodes it is said of.
    """
    site.configure(mode="live")
    said = {each["layer"]: each["detail"] for each in site.ask("check").json}
    places = sorted(layer.removeprefix("data of ") for layer in said if layer.startswith("data of"))
    assert all(place.endswith(f"/{item}") for place in places)
    assert all(words in said[f"data of {place}"] for place in places)
    report = site.once()
    assert report["drained"]["filed"] == report["ordered"] >= 15
    nodes = [place.partition("/")[0] for place in places]
    ours = {(each["plant"], each["material"]) for each in site.erp.filed()}
    assert not ours & {(node, item) for node in nodes}
    explained = site.ask("explain", places[0]).json["explanation"]
    assert explained["quantity"] == 0
    assert "B4" in {each["guard"] for each in explained["checks"]}
    return nodes


def test_stock_far_below_zero_waits_for_a_person(site):
    site.erp.plant("negative_stock", materials=["FG-000013"], quantity="-500")
    report = site.configure(mode="live").once(code=1)
    held = site.ask("held").json
    assert {each["item"] for each in held} == {"FG-000013"}
    assert all("B5" in each["reasons"] for each in held)
    assert len(held) == report["held"] == 3
    assert "FG-000013" not in {each["material"] for each in site.erp.filed()}
    assert len(site.erp.filed()) == report["ordered"] >= 15


def test_a_clock_that_is_not_the_erps(site):
    site.erp.plant("skewed_date", seconds=-7200)
    site.configure(mode="live")
    (failed,) = failures(site)
    assert "7200 s from ours; A6 stops every review beyond 120 s" in failed["detail"]
    report = site.once(code=1)
    assert report["outcome"] == "held"
    assert "A6 stops the whole site" in report["detail"]
    assert "7200 against 120" in report["detail"]
    assert report["ordered"] == 0
    assert site.erp.filed() == []
    site.erp.calm()
    site.erp.days(1)
    assert site.once()["drained"]["filed"] >= 20


def test_a_picture_that_is_a_day_old_when_it_is_judged(site):
    """The day changes while the ERP is read: what was read first is yesterday's."""
    site.erp.plant("slow", entity="A_PurchaseOrderItem", method="GET", delay_ms=1500)
    site.configure(mode="live")
    told = []
    asking = threading.Thread(target=lambda: told.append(site.ask("once")))
    asking.start()
    until(site.erp.fired, "the slow read")
    site.erp.days(1)
    asking.join(60)
    assert told[0].code == 1
    assert told[0].json["outcome"] == "held"
    assert "B1 stops the whole site" in told[0].json["detail"]
    assert site.erp.filed() == []


def test_a_bundle_with_one_wrong_byte(site):
    bundle = site.directory / "bundle"
    shutil.copytree(SHIPPED / "order-up-to-1", bundle)
    key = next((SHIPPED / "trusted").glob("*.pem"))
    policy = {"bundle": str(bundle), "trusted_keys": [str(key)]}
    assert site.configure(mode="live", policy=policy).ask("check", "--offline").code == 0
    model = bytearray((bundle / "policy.onnx").read_bytes())
    model[len(model) // 2] ^= 1
    (bundle / "policy.onnx").write_bytes(model)
    offline = site.ask("check", "--offline")
    assert offline.code == 1
    (failed,) = [each for each in offline.json if each["outcome"] == "failed"]
    assert failed["layer"] == "policy"
    assert "model digest" in failed["detail"]
    daemon = site.daemon()
    daemon.wait_for("policy_refused")
    daemon.wait_for("base_stock_took_over")
    assert daemon.wait_for("review_done")["source"] == "base_stock"
    assert "model digest" in daemon.status()["policy_refused"]
    assert site.ask("status").json["acc"]["policy_refused"]
    assert len(site.erp.times()) == len(site.keys("filed")) > 10
    assert daemon.stop() == 0
