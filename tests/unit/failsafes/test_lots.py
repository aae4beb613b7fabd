from __future__ import annotations

import numpy as np
import pytest
from builders import one, ordered_of, said, scene_of
from hypothesis import given
from hypothesis import strategies as st

from connector.failsafes.line_limits import Lots
from connector.failsafes.lots import lot_rules
from connector.failsafes.verdicts import Action
from connector.inventory import ordering

HOLD, CLAMP = Action.HOLD, Action.CLAMP


def rules(minimum=0.0, multiple=0.0, fixed=0.0, maximum=np.inf, step=1.0):
    values = {"minimum": minimum, "multiple": multiple, "fixed": fixed, "maximum": maximum}
    return lot_rules(step=np.array([step]), **{k: np.array([v]) for k, v in values.items()})


def up(quantity, discard=0.5, **lot):
    return rules(**lot).up(np.array([quantity]), discard)[0]


def down(quantity, **lot):
    return rules(**lot).down(np.array([quantity]))[0]


@pytest.mark.parametrize(
    ("quantity", "lot", "expected"),
    [
        (0.0, {}, 0.0),
        (0.49, {}, 0.0),
        (0.5, {}, 1.0),
        (7.2, {}, 8.0),
        (7.2, {"step": 0.001}, 7.2),
        (7.2004, {"step": 0.001}, 7.201),
        (5.9, {"multiple": 12.0}, 0.0),
        (6.0, {"multiple": 12.0}, 12.0),
        (12.0, {"multiple": 12.0}, 12.0),
        (12.000001, {"multiple": 12.0}, 12.0),  # a policy's 32 bits
        (12.1, {"multiple": 12.0}, 24.0),
        (19.9, {"minimum": 40.0}, 0.0),
        (20.0, {"minimum": 40.0}, 40.0),
        (41.0, {"minimum": 40.0}, 41.0),
        (20.0, {"minimum": 40.0, "multiple": 12.0}, 48.0),
        (49.0, {"minimum": 40.0, "multiple": 12.0}, 60.0),
        (30.0, {"fixed": 25.0, "minimum": 100.0, "multiple": 12.0}, 50.0),
        (0.3, {"multiple": 0.1, "step": 0.001}, 0.3),
    ],
)
def test_up_covers_in_whole_lots(quantity, lot, expected):
    assert up(quantity, **lot) == expected


@pytest.mark.parametrize(
    ("quantity", "lot", "expected"),
    [
        (0.99, {}, 0.0),
        (7.9, {}, 7.0),
        (23.9, {"multiple": 12.0}, 12.0),
        (24.0, {"multiple": 12.0}, 24.0),
        (47.9, {"minimum": 40.0, "multiple": 12.0}, 0.0),
        (48.0, {"minimum": 40.0, "multiple": 12.0}, 48.0),
        (0.3, {"multiple": 0.1, "step": 0.001}, 0.3),
        (49.0, {"fixed": 25.0}, 25.0),
    ],
)
def test_down_never_exceeds(quantity, lot, expected):
    assert down(quantity, **lot) == expected


decimals = st.integers(1, 50_000).map(lambda thousandths: thousandths / 1000)


@given(
    quantity=st.floats(0.0, 1e6),
    minimum=st.just(0.0) | decimals,
    multiple=st.just(0.0) | decimals,
    fixed=st.just(0.0) | decimals,
    step=st.sampled_from([1.0, 0.001]),
)
def test_laws_of_rounding(quantity, minimum, multiple, fixed, step):
    lots = rules(minimum=minimum, multiple=multiple, fixed=fixed, step=step)
    asked = np.array([quantity])
    whole, within = lots.up(asked, 0.5), lots.down(asked)
    for rounded in (whole, within):
        ratio = rounded / lots.multiple
        assert abs(ratio - np.round(ratio)) < 1e-5
        assert rounded == 0 or rounded >= lots.smallest
        assert lots.up(rounded, 0.5) == rounded
        assert lots.down(rounded) == rounded
    assert within <= asked + 1e-6
    assert whole == 0 or whole >= asked * (1 - 1e-5)
    assert whole <= np.maximum(lots.smallest, asked + lots.multiple)


@given(
    quantity=decimals,
    minimum=st.just(0.0) | decimals,
    multiple=st.just(0.0) | decimals,
    step=st.sampled_from([1.0, 0.001]),
)
def test_what_was_not_cut_is_rounded_as_the_inventory_explains_it(
    quantity, minimum, multiple, step
):
    known = {"minimum": minimum, "multiple": multiple and max(multiple, step), "step": step}
    columns = {name: np.array([value]) for name, value in known.items()}
    lots = ordering.lots(maximum=np.array([np.inf]), fixed=np.zeros(1), **columns)
    asked = np.array([quantity])
    assert rules(**known).up(asked, 0.0) == ordering.round_up(asked, lots)
    assert rules(**known).down(asked) == ordering.round_down(asked, lots)


@pytest.mark.parametrize(
    ("quantity", "lot", "expected"),
    [
        (1.1, {"multiple": 0.1, "step": 0.001}, 1.1),  # eleven lots, in binary a little more
        (0.0010004, {"step": 0.001}, 0.002),  # more than noise, less than half a millionth
        (868771808.6, {"multiple": 36.998, "step": 0.001}, 868771829.822),  # to the last digit
    ],
)
def test_lots_are_counted_exactly(quantity, lot, expected):
    assert up(quantity, **lot) == expected
    assert down(expected, **lot) == expected


def test_what_nobody_limits_is_the_largest_amount_there_is():
    assert down(np.inf, multiple=12.0) == 9_999_999_996.0
    assert up(np.nan) == down(np.nan) == 0.0


# C10 in the composition


@pytest.mark.parametrize(
    ("asked", "quantity", "says"),
    [(5.9, 0.0, [CLAMP]), (6.0, 12.0, []), (12.0, 12.0, []), (12.5, 24.0, [])],
)
def test_c10_makes_whole_lots(asked, quantity, says):
    scene = scene_of({"lot_multiple": 12.0}, quantity=asked, base_stock=24.0)
    screened = scene.screened()
    assert said(screened, "C10") == says
    assert screened.lines["quantity"].to_list() == [quantity]
    assert screened.lines["rounded"].to_list() == [quantity]


@pytest.mark.parametrize(("discard", "quantity"), [(0.2, 12.0), (0.25, 12.0), (0.26, 0.0)])
def test_c10_discards_by_its_parameter(discard, quantity):
    scene = scene_of({"lot_multiple": 12.0}, quantity=3.0).limited(lots=Lots(discard=discard))
    assert scene.quantities() == [quantity]


@pytest.mark.parametrize(
    ("unit", "quantity"), [("EA", 8.0), ("ST", 8.0), ("KG", 7.201), ("L", 7.201)]
)
def test_c10_knows_which_units_only_come_whole(unit, quantity):
    scene = scene_of({"unit": unit}, quantity=7.2004)
    assert scene.quantities() == [quantity]


def test_c10_step_and_whole_units_by_their_parameters():
    scene = scene_of({"unit": "KG"}, quantity=7.2004)
    assert scene.limited(lots=Lots(step=0.25)).quantities() == [7.25]
    assert scene.limited(lots=Lots(whole_units=("KG",))).quantities() == [8.0]


@pytest.mark.parametrize(
    ("largest", "quantity", "says"), [(11.0, 11.0, []), (10.0, 10.0, [CLAMP]), (9.5, 9.0, [CLAMP])]
)
def test_c10_cuts_at_the_largest_lot(largest, quantity, says):
    scene = scene_of({"lot_maximum": largest}, quantity=11.0)
    screened = scene.screened()
    assert said(screened, "C10") == says
    assert screened.lines["quantity"].to_list() == [quantity]


@pytest.mark.parametrize(
    ("asked", "position", "says"),
    [
        # cap 60 + 3.5 * 0 + 100: the smallest lot of 100 is part of it
        (49.0, 200.0, [CLAMP]),  # less than half a lot
        (50.0, 200.0, []),  # exactly doubled
        (50.0 + 1e-9, 140.0, []),
    ],
)
def test_c10_a_lot_that_at_most_doubles_is_no_news(asked, position, says):
    line = {"lot_minimum": 100.0, "demand_sd": 0.0, "inventory_position": position}
    scene = scene_of(line, quantity=asked, base_stock=100.0)
    assert said(scene.screened(), "C10") == says


@pytest.mark.parametrize(("position", "says"), [(139.0, []), (140.0, []), (141.0, [HOLD])])
def test_c10_a_lot_that_more_than_doubles_may_not_exceed_the_cap(position, says):
    # cap 160, held beyond 240; 100 instead of 40
    line = {"lot_minimum": 100.0, "demand_sd": 0.0, "inventory_position": position}
    scene = scene_of(line, quantity=40.0, base_stock=100.0).limited(lots=Lots(discard=0.4))
    screened = scene.screened()
    assert said(screened, "C10") == says
    if says:
        assert screened.lines["quantity"].to_list() == [0.0]


def test_c10_a_cut_below_the_smallest_lot_orders_nothing_when_there_is_enough():
    line = {"lot_minimum": 20.0, "lot_maximum": 15.0}
    screened = scene_of(line, quantity=20.0, base_stock=20.0).screened()
    assert screened.lines["quantity"].to_list() == [0.0]
    assert said(screened, "C10") == [CLAMP]


def test_c10_a_cut_below_the_smallest_lot_is_held_when_the_item_runs_short():
    line = {"lot_minimum": 20.0, "lot_maximum": 15.0, "inventory_position": 49.0}
    screened = scene_of(line, quantity=20.0, base_stock=20.0).screened()
    assert screened.lines["quantity"].to_list() == [0.0]
    assert screened.lines["held"].to_list() == [20.0]
    assert said(screened, "C10") == [CLAMP, HOLD]
    enough = scene_of({**line, "inventory_position": 50.0}, quantity=20.0, base_stock=20.0)
    assert said(enough.screened(), "C10") == [CLAMP]


def test_c10_never_rounds_up_through_a_cap():
    # 1.2 caps leave room for 35.4: two packs of 12, not three
    line = {"lot_multiple": 12.0, "demand_sd": 0.0, "inventory_position": 51.0}
    scene = scene_of(line, quantity=36.0, base_stock=36.0)
    screened = scene.remembering(ordered=ordered_of(scene.state, quantity=12.0)).screened()
    assert one(screened, "C2")["after"] == 24.0
    assert screened.lines["quantity"].to_list() == [24.0]
