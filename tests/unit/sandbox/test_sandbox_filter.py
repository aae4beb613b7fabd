from __future__ import annotations

from urllib.parse import quote

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.sandbox.habits import Habits
from connector.sandbox.lens import choice, day, digits, flag, quantity
from connector.sandbox.odata_address import read_key, read_path, read_query
from connector.sandbox.odata_errors import GatewayError
from connector.sandbox.odata_filter import evaluate
from connector.sandbox.odata_made_columns import Fixed
from connector.sandbox.rows import Rows, Words

PLANTS = ["", "1000", "1010", "O'Brien"]
ROWS = 24
COLUMNS = {
    "Plant": choice(PLANTS, np.arange(ROWS) % len(PLANTS)),
    "Item": digits(np.arange(ROWS), 5),
    "Amount": quantity(np.arange(ROWS) / 2),
    "Open": flag(np.arange(ROWS) % 3 == 0),
    "Due": day(738_000 + np.arange(ROWS)),
}
TRUTH = [
    {
        "Plant": PLANTS[n % len(PLANTS)],
        "Item": n,
        "Amount": n / 2,
        "Open": n % 3 == 0,
    }
    for n in range(ROWS)
]
OPERATORS = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}


def column(name):
    if name not in COLUMNS:
        raise GatewayError(400, "", name)
    return COLUMNS[name]


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def compared(name, operator, value, written):
    return f"{name} {operator} {written}", lambda row: OPERATORS[operator](row[name], value)


comparisons = st.one_of(
    st.builds(
        lambda o, v: compared("Plant", o, v, quoted(v)),
        st.sampled_from(list(OPERATORS)),
        st.sampled_from([*PLANTS, "1005"]),
    ),
    st.builds(
        lambda o, v: compared("Item", o, v, f"'{v:05d}'"),
        st.sampled_from(list(OPERATORS)),
        st.integers(0, 30),
    ),
    st.builds(
        lambda o, v, m: compared("Amount", o, v / 4, f"{v / 4}{m}"),
        st.sampled_from(list(OPERATORS)),
        st.integers(0, 60),
        st.sampled_from(["", "m", "M", "d"]),
    ),
    st.builds(
        lambda o, v: compared("Open", o, v, str(v).lower()),
        st.sampled_from(["eq", "ne"]),
        st.booleans(),
    ),
    st.builds(
        lambda v: (f"startswith(Plant,{quoted(v)})", lambda row: row["Plant"].startswith(v)),
        st.sampled_from(["1", "10", "O'", ""]),
    ),
    st.builds(
        lambda v: (f"substringof({quoted(v)},Plant)", lambda row: v in row["Plant"]),
        st.sampled_from(["01", "Bri", "'"]),
    ),
)


def combined(inner):
    return st.one_of(
        st.builds(
            lambda a, b: (f"{a[0]} and {b[0]}", lambda row: a[1](row) and b[1](row)),
            *[inner.map(lambda each: (f"({each[0]})", each[1]))] * 2,
        ),
        st.builds(
            lambda a, b: (f"{a[0]} or {b[0]}", lambda row: a[1](row) or b[1](row)),
            *[inner.map(lambda each: (f"({each[0]})", each[1]))] * 2,
        ),
        st.builds(lambda a: (f"not ({a[0]})", lambda row: not a[1](row)), inner),
    )


@given(st.recursive(comparisons, combined, max_leaves=8))
def test_a_filter_means_what_python_would(asked):
    text, keeps = asked
    assert evaluate(text, column).tolist() == [bool(keeps(row)) for row in TRUTH]


def test_and_binds_closer_than_or_and_not_closest():
    text = "Plant eq '1000' or Plant eq '1010' and Open eq true"
    assert (evaluate(text, column) == evaluate(f"Plant eq '1000' or ({text[18:]})", column)).all()
    negated = evaluate("not Open eq true and Plant eq '1000'", column)
    expected = [not row["Open"] and row["Plant"] == "1000" for row in TRUTH]
    assert negated.tolist() == expected


def test_moments_within_a_day_are_not_the_day_itself():
    later = evaluate("Due gt datetime'2021-07-29T12:00:00'", column)
    same = evaluate("Due ge datetimeoffset'2021-07-29T00:00:00Z'", column)
    assert later.sum() in {ROWS - 1, same.sum(), same.sum() - 1}
    assert not evaluate("Due eq null", column).any()
    assert evaluate("Due ne null", column).all()


@given(st.text(max_size=40))
def test_no_text_breaks_the_parser(text):
    assert status_of(text) in {200, 400}


def status_of(text):
    try:
        evaluate(text, column)
    except GatewayError as refused:
        return refused.status
    return 200


def test_endless_nesting_is_refused():
    with pytest.raises(GatewayError, match="nested too deeply"):
        evaluate("(" * 500 + "Open eq true" + ")" * 500, column)


@given(st.text(min_size=1, max_size=12).filter(lambda text: "\x00" not in text))
def test_what_stands_in_an_address_is_read_back(text):
    shown = choice(["", text], np.ones(1, int)).key(np.arange(1), Habits())[0]
    path = read_path(f"/sap/opu/odata/sap/API_PRODUCT_SRV/A_Product({shown})/to_Plant")
    if "\n" in text or "\r" in text:
        return
    assert read_key(path.segments[0].key, ("Product",)) == {"Product": text}
    assert path.segments[1].name == "to_Plant"


@pytest.mark.parametrize("key", ["", "'a','b'", "Plant='1'", "Product='1',Plant=", "Product=1=2"])
def test_a_malformed_key_is_refused(key):
    with pytest.raises(GatewayError):
        read_key(key, ("Product", "Plant"))


def test_of_two_skiptokens_the_last_one_counts():
    query = read_query("$filter=" + quote("Plant eq '1'") + "&%24skiptoken=100&$skiptoken=200")
    assert (query.skiptoken, query.filter) == ("200", "Plant eq '1'")


def test_rows_grow_and_words_are_held_once():
    table = Rows(number="i8", quantity="f8")
    for n in range(1000):
        assert table.append(1, number=n, quantity=0.5) == n
    assert len(table) == 1000
    assert table["number"].tolist() == list(range(1000))
    with pytest.raises(KeyError, match="quantity"):
        table.append(1, number=5)
    words = Words("a", "b", "a")
    assert (len(words), words.find("a"), words.find("z"), words.number("")) == (3, 1, -1, 0)


@pytest.mark.parametrize(
    ("fixed", "text", "kept"),
    [
        (Fixed('""', 3), "X eq ''", True),
        (Fixed('""', 3), "X ne ''", False),
        (Fixed('"0001"', 3), "X eq '0001'", True),
        (Fixed('"0001"', 3), "startswith(X,'00')", True),
        (Fixed('"0001"', 3), "X gt '0001'", False),
        (Fixed("false", 3), "X eq false", True),
        (Fixed("true", 3), "X ne true", False),
        (Fixed('"0"', 3, decimal=True), "X eq 0", True),
        (Fixed('"95.0"', 3, decimal=True), "X gt 94.5m", True),
        (Fixed("null", 3), "X ge datetime'2020-01-01T00:00:00'", False),
        (Fixed("null", 3), "X eq null", True),
    ],
)
def test_what_is_the_same_everywhere_is_compared_by_its_type(fixed, text, kept):
    assert evaluate(text, lambda _: fixed).tolist() == [kept] * 3


def test_a_fixed_text_is_no_number():
    with pytest.raises(GatewayError):
        evaluate("X eq 1", lambda _: Fixed('"0001"', 3))
