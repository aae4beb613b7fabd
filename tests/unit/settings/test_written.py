from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connector.errors import ConfigError
from connector.settings import written
from connector.settings.written import merged, parse


def value(text: str):
    return parse(f"x: {text}\n".encode(), "f.yaml").plain()["x"]


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("15m", "15m"),
        ("1000", 1000),
        ("-3", -3),
        ("0.5", 0.5),
        ("1e3", 1000.0),
        ("true", True),
        ("null", None),
        ("", None),
        ('"no"', "no"),
        ("'0010'", "0010"),
        ("2026-11-24", "2026-11-24"),
        ("127.0.0.1:8095", "127.0.0.1:8095"),
        ("[1, a]", [1, "a"]),
    ],
)
def test_a_plain_value_means_one_thing(text, meant):
    found = value(text)
    assert (found, type(found)) == (meant, type(meant))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("no", "true or false"),
        ("Off", "true or false"),
        ("y", "true or false"),
        ("0010", "quote it"),
        ("010", "quote it"),
        ("1_000", "without underscores"),
        ("0x1F", "decimal digits"),
        ("6:30", "quote it"),
        (".nan", "finite"),
        ("NaN", "finite"),
        ("-.inf", "finite"),
        ("1e999", "finite"),
        ("9" * 400, "finite"),
    ],
)
def test_a_value_of_two_readings_is_refused_with_its_line(text, hint):
    with pytest.raises(ConfigError, match=r"f\.yaml:1") as caught:
        value(text)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: 1\na: 2\n", "f.yaml:2: a is written twice"),
        ("a: &x {b: 1}\nc: *x\n", "aliases"),
        ("a: &x [*x]\n", "aliases"),
        ("a: &x {b: 1}\nc: {<<: *x}\n", "plain text"),
        ("a: !!python/object/apply:os.system [true]\n", "tags"),
        ("a: !!float 1\n", "tags"),
        ("a: 1\n---\na: 2\n", "f.yaml:2"),
        ("a: [1\n", "f.yaml:"),
        ("a:\tb: c\n", "f.yaml:1"),
        ("- a\n", "mapping"),
        ("", "mapping"),
        ("a: \x07\n", "f.yaml"),
        ("? [a]\n: 1\n", "plain text"),
        ("[" * 1000, "nested"),
    ],
)
def test_what_is_not_plain_yaml_is_refused(text, part):
    with pytest.raises(ConfigError, match=r".") as caught:
        parse(text.encode(), "f.yaml")
    assert part in str(caught.value)


def test_a_reference_without_quotes_in_braces_is_explained():
    with pytest.raises(ConfigError, match=r"f\.yaml:2") as caught:
        parse(b"a: 1\nauth: {password: ${env:PW}}\n", "f.yaml")
    assert 'needs quotes: "${env:NAME}"' in caught.value.hint


def test_octets_that_are_no_text_are_refused():
    with pytest.raises(ConfigError, match="UTF-8"):
        parse(b"a: \xff\n", "f.yaml")


def test_a_file_that_is_too_large_is_not_read(tmp_path):
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (written.LARGEST_FILE + 1))
    with pytest.raises(ConfigError, match="larger"):
        written.read(path)


def test_too_many_drop_ins_are_refused(tmp_path):
    path = tmp_path / "f.yaml"
    path.write_text("a: 1\n")
    folder = tmp_path / "f.yaml.d"
    folder.mkdir()
    for number in range(written.MOST_DROP_INS + 1):
        (folder / f"{number}.yaml").write_text("a: 2\n")
    with pytest.raises(ConfigError, match="at most 100"):
        written.read(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match=r"absent\.yaml cannot be read: No such file"):
        written.read(tmp_path / "absent.yaml")


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_typed_error(text):
    try:
        found = parse(text.encode("utf-8", "surrogatepass"), "f.yaml").plain()
    except ConfigError:
        return
    assert isinstance(found, dict)


@given(st.floats() | st.integers())
def test_no_number_that_is_not_finite_gets_in(number):
    try:
        found = value(str(number))
    except ConfigError:
        return
    assert not isinstance(found, float) or math.isfinite(found)


def merge(below: str, above: str):
    return merged(parse(below.encode(), "a"), parse(above.encode(), "b"))


def test_mappings_merge_and_lists_are_replaced():
    both = merge("a: {b: 1, c: 2}\nl: [1, 2]\n", "a: {c: 3}\nl: [9]\n")
    assert both.plain() == {"a": {"b": 1, "c": 3}, "l": [9]}
    origins = both.origins()
    assert str(origins["a", "b"]) == "a:1"
    assert str(origins["a", "c"]) == "b:1"
    assert str(origins["l", 0]) == "b:2"


def test_sites_and_nodes_merge_by_their_name():
    both = merge(
        "sites: [{name: a, mode: shadow, network: {nodes: [{plant: 1}, {plant: 2}]}}, {name: b}]\n",
        "sites: [{name: a, mode: live, network: {nodes: [{plant: 2, label: x}]}}, {name: c}]\n",
    )
    assert both.plain()["sites"] == [
        {
            "name": "a",
            "mode": "live",
            "network": {"nodes": [{"plant": 1}, {"plant": 2, "label": "x"}]},
        },
        {"name": "b"},
        {"name": "c"},
    ]
