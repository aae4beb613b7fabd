from __future__ import annotations

from dataclasses import fields

import pytest
from builders import one, scene_of

from connector.errors import ConfigError
from connector.failsafes.catalogue import CATALOGUE, catalogue_rows
from connector.failsafes.guard import LAYERS, ORDER
from connector.failsafes.limits import Limits, missing_caps
from connector.failsafes.line_limits import Lots, PositionCap
from connector.failsafes.parameters import declared
from connector.failsafes.total_limits import Budget
from connector.failsafes.verdicts import Action

FIRST_SET = (
    *("A1", "A4", "A6", "A7"),
    *("B1", "B2", "B4", "B5", "B7", "B8", "B9"),
    *("C1", "C2", "C4", "C6", "C7", "C9", "C10", "C13", "C14", "C16"),
    *("D1", "D2"),
)


def test_the_first_set_is_declared_in_catalogue_order():
    assert tuple(CATALOGUE) == FIRST_SET
    assert [ORDER.index(guard) for guard in CATALOGUE] == sorted(map(ORDER.index, CATALOGUE))


def test_the_whole_catalogue_fits_the_bits_of_a_verdict():
    assert len(ORDER) == len(set(ORDER)) == 61
    assert all(CATALOGUE[guard].bit == ORDER.index(guard) < 64 for guard in CATALOGUE)
    # Stored evidence is read with these positions: they never move.
    assert {guard: CATALOGUE[guard].bit for guard in ("A1", "B1", "C1", "D1")} == {
        "A1": 0,
        "B1": 14,
        "C1": 29,
        "D1": 45,
    }


def test_every_group_of_limits_belongs_to_one_guard():
    settings = [guard.setting for guard in CATALOGUE.values() if guard.setting]
    shared = {"floor"}  # belongs to all limits that are told in days of demand
    assert sorted(settings) == sorted({each.name for each in fields(Limits)} - shared)


def test_a_guard_without_numbers_is_told_too_and_offers_no_setting():
    bare = [row for row in catalogue_rows() if not row.setting]
    assert [row.id for row in bare] == ["A1", "A4", "C13", "C16"]
    assert all(row.formula and row.action for row in bare)


def test_the_table_shows_every_parameter_with_its_default_unit_and_bounds():
    rows = list(catalogue_rows())
    shown = {row.setting for row in rows if row.setting}
    limits = Limits()
    expected = {
        f"limits.{guard.setting}.{each.name}"
        for guard in CATALOGUE.values()
        if guard.setting
        for each in declared(type(getattr(limits, guard.setting)))
    }
    assert shown == expected
    assert {row.id for row in rows} == set(CATALOGUE)
    cap = next(row for row in rows if row.setting == "limits.position_cap.clamp")
    assert (cap.id, cap.default, cap.unit, cap.bounds) == ("C2", "1.2", "caps", "0.1 to 10")
    assert cap.action == "CLAMP/HOLD"
    assert cap.layer == LAYERS["C"]
    assert next(row for row in rows if row.setting == "limits.budget.line").default == "not set"
    assert all(row.formula and row.means for row in rows if row.setting)


def test_every_default_is_inside_its_own_bounds():
    for guard in CATALOGUE.values():
        for each in guard.parameters:
            numbers = each.default if isinstance(each.default, tuple) else (each.default,)
            for number in numbers:
                if isinstance(number, int | float):
                    assert each.low <= number <= each.high, (guard.id, each.name)


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (type(getattr(Limits(), guard.setting)), each.name)
        for guard in CATALOGUE.values()
        for each in guard.parameters
        if each.high > each.low
    ],
)
def test_a_parameter_stops_at_its_bounds(kind, name):
    each = next(one for one in declared(kind) if one.name == name)
    whole = isinstance(each.default, tuple)

    def built(value):
        partner = {"hold": 10.0} if kind is PositionCap and name == "clamp" else {}
        partner |= {"clamp": 0.1} if kind is PositionCap and name == "hold" else {}
        return kind(**partner, **{name: (value,) if whole else value})

    for allowed in (each.low, each.high):
        built(allowed)
    for refused in (each.low - 1e-3, each.high * 1.001 + 1e-3, float("nan"), True, "7"):
        if whole and isinstance(refused, str):
            continue
        with pytest.raises(ConfigError, match=name):
            built(refused)


def test_only_caps_may_be_unset():
    assert Budget(line=None).line is None
    with pytest.raises(ConfigError, match="step"):
        Lots(step=None)


def test_a_cut_above_the_hold_would_never_be_seen():
    with pytest.raises(ConfigError, match="hold"):
        PositionCap(clamp=1.6, hold=1.5)


def test_the_error_says_both_numbers_and_the_default():
    with pytest.raises(ConfigError) as caught:
        PositionCap(sigmas=11.0)
    assert "11.0" in str(caught.value)
    assert "between 0 and 10" in str(caught.value)
    assert "3.5" in caught.value.hint


def test_live_knows_which_caps_are_missing():
    assert len(missing_caps(Limits())) == 5
    some = Limits(budget=Budget(line=1.0, node_day=1.0, node_review=1.0, node_28_days=1.0))
    assert missing_caps(some) == ("limits.budget.site_review",)
    full = Limits(
        budget=Budget(line=1.0, node_day=0.0, node_review=1.0, node_28_days=1.0, site_review=1.0)
    )
    assert missing_caps(full) == ()


def test_a_guard_says_nothing_that_it_did_not_declare():
    scene = scene_of(quantity=5000.0)
    for row in scene.screened().findings.iter_rows(named=True):
        guard = CATALOGUE[row["guard"]]
        assert Action(row["action"]) in {guard.action, *guard.milder}
    assert one(scene.screened(), "C1")["action"] == Action.SUPPRESS
