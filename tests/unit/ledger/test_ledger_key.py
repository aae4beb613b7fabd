from __future__ import annotations

import re
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ledger_worlds import SECRET

from connector.errors import ConfigError
from connector.ledger.key import document_key, line_key, site_secret

names = st.text(min_size=0, max_size=8)


@given(node=names, item=names, slot=names, line_no=st.integers(1, 10**6))
def test_a_key_is_ten_upper_case_base_32_characters_and_always_the_same(node, item, slot, line_no):
    key = line_key(SECRET, node=node, item=item, slot=slot, line_no=line_no)
    assert re.fullmatch(r"[A-Z2-7]{10}", key)
    assert key == line_key(SECRET, node=node, item=item, slot=slot, line_no=line_no)


def test_keys_are_pinned_so_that_a_new_version_cannot_file_old_lines_again():
    assert line_key(SECRET, node="1010", item="A", slot="s", line_no=1) == "GVC5J3ZEWS"
    assert document_key(SECRET, ["A", "B"]) == "6LQCD7U4BD"


def test_parts_cannot_run_into_each_other():
    one = line_key(SECRET, node="10", item="1X", slot="s", line_no=1)
    assert one != line_key(SECRET, node="101", item="X", slot="s", line_no=1)


def test_each_part_and_the_secret_change_the_key():
    parts = {"node": "1010", "item": "A", "slot": "s", "line_no": 1}
    others = [parts | change for change in ({"node": "2"}, {"item": "B"}, {"slot": "t"})]
    keys = {line_key(SECRET, **each) for each in [parts, *others, parts | {"line_no": 2}]}
    keys.add(line_key(SECRET[::-1], **parts))
    assert len(keys) == 6


def test_a_document_key_does_not_depend_on_the_order_of_its_lines():
    assert document_key(SECRET, ["B", "A"]) == document_key(SECRET, ["A", "B"])
    assert document_key(SECRET, ["A"]) != document_key(SECRET, ["A", "B"])


def test_the_secret_is_made_once_and_only_the_service_may_read_it(tmp_path):
    path = tmp_path / "site.secret"
    secret = site_secret(path)
    assert len(secret) == 32
    assert site_secret(path) == secret
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("octets", [b"", b"short", b"x" * 65])
def test_a_secret_of_a_wrong_length_is_refused_and_not_shown(tmp_path, octets):
    path = tmp_path / "site.secret"
    path.write_bytes(octets)
    with pytest.raises(ConfigError, match=f"has {len(octets)} octets"):
        site_secret(path)


def test_a_secret_that_cannot_be_made_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be made"):
        site_secret(tmp_path / "nowhere" / "site.secret")


def test_a_secret_that_cannot_be_read_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        site_secret(tmp_path)
