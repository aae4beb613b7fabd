"""What the metrics say after a review."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import polars as pl
import pytest
from prometheus_client.parser import text_string_to_metric_families

from connector.failsafes.verdicts import FINDINGS, SCREENED, Action, Screened
from connector.ports import MODES, Drained
from connector.telemetry.metrics import CONTENT_TYPE, Meter


@pytest.fixture
def meter():
    return Meter(version="1.2.3", process=False)


def line(item, action, *, quantity=0.0, held=0.0, value=0.0, source="p@1"):
    return {
        "node": "1010",
        "item": item,
        "requested": 1.0,
        "rounded": 1.0,
        "quantity": quantity,
        "held": held,
        "value": value,
        "action": int(action),
        "guards": 0,
        "source": source,
    }


def finding(guard, action):
    return {
        "node": "1010",
        "item": "A",
        "guard": guard,
        "action": int(action),
        "value": 1.0,
        "threshold": 1.0,
        "before": 1.0,
        "after": 0.0,
        "detail": "",
    }


SCREENED_THREE = Screened(
    lines=pl.DataFrame(
        [
            line("A", Action.PASS, quantity=5, value=50),
            line("B", Action.HOLD, held=9, value=90),
            line("C", Action.HOLD, held=1, value=float("nan"), source="base_stock"),
        ],
        schema=SCREENED,
    ),
    findings=pl.DataFrame(
        [finding("C2", Action.HOLD), finding("C2", Action.HOLD), finding("C10", Action.CLAMP)],
        schema=FINDINGS,
    ),
)


def value(meter, name, **labels):
    return meter.registry.get_sample_value(f"replenishd_{name}", labels)


def test_a_screened_review_is_counted_by_verdict_guard_and_money_held(meter):
    for _ in range(2):
        meter.screened("north", SCREENED_THREE)
    assert value(meter, "item_nodes", site="north") == 3
    assert value(meter, "lines_total", site="north", verdict="hold") == 4
    assert value(meter, "lines_total", site="north", verdict="pass") == 2
    assert value(meter, "guard_trips_total", site="north", guard="C2", action="hold") == 4
    assert value(meter, "guard_trips_total", site="north", guard="C10", action="clamp") == 2
    assert value(meter, "base_stock_lines_total", site="north") == 2
    assert value(meter, "held_lines", site="north") == 2
    assert value(meter, "held_value", site="north") == 90


def test_an_empty_review_is_counted_too(meter):
    meter.screened("n", Screened(lines=SCREENED.to_frame(), findings=FINDINGS.to_frame()))
    assert value(meter, "item_nodes", site="n") == 0
    assert value(meter, "held_value", site="n") == 0


def test_requisitions_are_counted_by_outcome(meter):
    meter.drained("north", Drained(filed=3, in_doubt=1))
    meter.drained("north", Drained(filed=1, confirmed=3, rejected=2, not_sent=7))
    for outcome, count in {"filed": 4, "confirmed": 3, "rejected": 2, "in_doubt": 1}.items():
        assert value(meter, "requisitions_total", site="north", outcome=outcome) == count
    assert value(meter, "requisitions_total", site="north", outcome="recorded") == 0


def test_a_state_that_empties_falls_to_zero(meter):
    meter.outbox("north", {"owed": 4, "in_doubt": 1})
    meter.outbox("south", {"filed": 1})
    meter.outbox("north", {"owed": 2})
    assert value(meter, "outbox_lines", site="north", state="owed") == 2
    assert value(meter, "outbox_lines", site="north", state="in_doubt") == 0
    assert value(meter, "outbox_lines", site="south", state="filed") == 1
    assert value(meter, "outbox_lines", site="north", state="filed") is None


def test_steps_are_timed_with_the_clock_given_also_when_they_fail(meter):
    ticks = iter([10.0, 12.0, 20.0, 21.0, 30.0, 29.0])
    with meter.step("north", "pull", ticks.__next__):
        pass
    with pytest.raises(ConnectionResetError), meter.step("north", "pull", ticks.__next__):
        raise ConnectionResetError
    with meter.step("north", "pull", ticks.__next__):
        pass
    meter.took("north", "pull", 1.5)
    assert value(meter, "review_step_seconds_sum", site="north", step="pull") == 4.5
    assert value(meter, "review_step_seconds_count", site="north", step="pull") == 4


def test_only_a_good_review_moves_the_timestamp_alerts_watch(meter):
    good = datetime(2026, 3, 2, 6, 5, tzinfo=UTC)
    meter.review("north", outcome="done", finished_at=good, good=True)
    bad = datetime(2026, 3, 3, 6, 5, tzinfo=UTC)
    meter.review("north", outcome="unavailable", finished_at=bad, good=False)
    assert value(meter, "last_good_review_timestamp_seconds", site="north") == good.timestamp()
    assert value(meter, "reviews_total", site="north", outcome="unavailable") == 1


def test_one_decider_and_one_mode_at_a_time(meter):
    meter.policy("north", source="p@1", digest="a" * 64)
    meter.policy("south", source="p@1", digest="a" * 64)
    meter.policy("north", source="base_stock", digest="")
    meter.policy("north", source="base_stock", digest="")
    assert value(meter, "policy_info", site="north", source="p@1", digest="a" * 16) is None
    assert value(meter, "policy_info", site="south", source="p@1", digest="a" * 16) == 1
    assert value(meter, "policy_info", site="north", source="base_stock", digest="") == 1
    meter.mode("north", "shadow")
    meter.mode("north", "live")
    assert [value(meter, "mode", site="north", mode=mode) for mode in MODES] == [0, 0, 1]


def test_erp_calls_are_counted_with_time_bytes_and_retries(meter):
    call = {"service": "API_MATERIAL_STOCK_SRV", "method": "GET"}
    meter.erp_call("north", **call, status="200", seconds=0.2, received=9_000)
    meter.erp_call("north", **call, status="timeout", seconds=30.0, again=True)
    assert value(meter, "erp_calls_total", site="north", **call, status="200") == 1
    assert value(meter, "erp_call_seconds_count", site="north", **call) == 2
    octets = {"site": "north", "service": "API_MATERIAL_STOCK_SRV"}
    assert value(meter, "erp_bytes_total", **octets) == 9_000
    assert value(meter, "erp_retries_total", site="north") == 1


def test_the_exposition_parses_and_every_metric_is_documented(meter):
    meter.mode('no"rth\n', "live")
    meter.halted("north", halted=True)
    meter.leader("north", leader=True)
    meter.in_doubt("north", lines=2, oldest_seconds=61.0)
    meter.data_age("north", 30.0)
    meter.reloaded(accepted=False)
    text = meter.exposition().decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    documented = {metric.name.removesuffix("_total") for metric in meter.documented}
    shown = {name.removesuffix("_created") for name in families}
    assert shown == documented
    assert all(re.fullmatch(r"replenishd_[a-z_]+", metric.name) for metric in meter.documented)
    assert all(metric.text.endswith(".") for metric in meter.documented)
    assert value(meter, "config_reloads_total", result="rejected") == 1
    assert CONTENT_TYPE.startswith("text/plain")


def test_two_meters_do_not_share_and_process_figures_are_there_when_asked():
    first, second = Meter(version="1"), Meter(version="2")
    first.halted("north", halted=True)
    assert value(second, "halted", site="north") is None
    assert b"process_resident_memory_bytes" in first.exposition()
    assert b'version="2"' in second.exposition()
