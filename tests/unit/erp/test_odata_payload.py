from __future__ import annotations

import contextlib

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from laws import tried

from connector.erp.odata.payload import PageUnreadable, shape
from connector.errors import ErpContractBroken

PLAIN = shape(("A", "B"))
NESTED = shape(("A",), "to_X", ("C",))
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.text(max_size=9),
    st.floats(allow_nan=False, allow_infinity=False),
)
ROWS = st.lists(
    st.fixed_dictionaries({}, optional={"A": SCALARS, "B": SCALARS, "Z": SCALARS}), max_size=9
)


def said(value):
    if value is None or isinstance(value, str):
        return value
    return ("true" if value else "false") if isinstance(value, bool) else repr(value)


@tried
@given(ROWS, st.sampled_from(["results", "list", "value"]))
def test_rows_come_as_text_whatever_they_were(rows, way):
    about = [
        {"__metadata": {"uri": "x", "type": "T"}, "to_Y": {"__deferred": {}}, **r} for r in rows
    ]
    content = {
        "results": {"d": {"results": about}},
        "list": {"d": about},
        "value": {"value": about},
    }
    page = PLAIN.page(b"\xef\xbb\xbf" + orjson.dumps(content[way]))
    assert page.rows.frame.to_dicts() == [{n: said(r.get(n)) for n in ("A", "B")} for r in rows]
    never = {n for n in ("A", "B") if rows and not any(n in r for r in rows)}
    assert page.rows.missing == never


@pytest.mark.parametrize("count", [7, "7", " 7 "])
def test_the_count_is_a_text_or_a_number(count):
    page = PLAIN.page(orjson.dumps({"d": {"results": [], "__count": count, "__next": "n"}}))
    assert (page.count, page.following) == (7, "n")


@pytest.mark.parametrize("count", [None, "", "many", -1])
def test_a_count_that_is_none_is_none(count):
    assert PLAIN.page(orjson.dumps({"d": {"results": [], "__count": count}})).count is None


def test_the_light_format_has_its_own_words():
    page = PLAIN.page(b'{"value":[{"A":"1"}],"odata.count":"3","odata.nextLink":"n"}')
    assert (page.rows.frame["A"].to_list(), page.count, page.following) == (["1"], 3, "n")


@pytest.mark.parametrize("inner", [{"results": [{"C": 1}, {"C": None}]}, [{"C": 1}, {"C": None}]])
def test_rows_inside_know_their_parent(inner):
    rows = [{"A": "p", "to_X": None}, {"A": "q", "to_X": inner}]
    page = NESTED.page(orjson.dumps({"d": {"results": rows}}))
    assert page.inner.frame.rows() == [("1", 1), (None, 1)]


@pytest.mark.parametrize(
    "rows",
    [
        [{"A": "p", "to_X": {"__deferred": {"uri": "u"}}}],
        [{"A": "p"}],
        [{"A": "p", "to_X": {"results": []}}, {"A": "q", "to_X": {"__deferred": {"uri": "u"}}}],
        [{"A": "p", "to_X": {"results": [{"C": "1"}], "__next": "to_X?$skiptoken=1"}}],
    ],
)
def test_rows_inside_that_were_not_sent_are_not_an_empty_list(rows):
    assert NESTED.page(orjson.dumps({"d": {"results": rows}})).inner is None


@pytest.mark.parametrize("body", [b"", b'{"d":{"resu', b"<feed/>", b"\xff\xfe"])
def test_what_is_not_whole_json_is_said_to_be_that(body):
    with pytest.raises(PageUnreadable):
        PLAIN.page(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b'{"d":{}}',
        b'{"d":null}',
        b'{"d":{"results":{}}}',
        b'{"d":{"results":[{"A":{}}]}}',
        b'{"d":{"results":[1]}}',
        b'{"error":{"code":"X"}}',
        b'"d"',
    ],
)
def test_json_without_rows_breaks_the_contract(body):
    with pytest.raises(ErpContractBroken) as caught:
        PLAIN.page(body)
    assert not isinstance(caught.value, PageUnreadable)


@tried
@given(st.binary(max_size=200))
def test_no_octets_raise_anything_else(body):
    for each in (PLAIN, NESTED):
        with contextlib.suppress(ErpContractBroken):
            each.page(body)


def test_depth_is_no_trouble():
    with pytest.raises(ErpContractBroken):
        PLAIN.page(b'{"d":{"results":[{"Z":' + b"[" * 100_000)
