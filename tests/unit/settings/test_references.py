from __future__ import annotations

import copy
import logging
import pickle

import pytest

from connector.errors import ConfigError
from connector.settings.references import LARGEST_SECRET, Reference, Secret, reference

CANARY = "tr0ub4dor-and-3-canaries"


def test_an_environment_variable_is_revealed_only_when_asked(monkeypatch):
    secret = Secret("${env:PW}")
    with pytest.raises(ConfigError, match=r"PW.* is not set"):
        secret.reveal()
    monkeypatch.setenv("PW", CANARY)
    assert secret.reveal() == CANARY


def test_a_rotated_file_needs_no_restart(tmp_path):
    path = tmp_path / "pw"
    secret = Secret(f"${{file:{path}}}")
    path.write_text(f"{CANARY}\n")
    assert secret.reveal() == CANARY
    path.write_text("new\r\n")
    assert secret.reveal() == "new"


def test_only_one_line_end_is_taken_off(tmp_path):
    path = tmp_path / "pw"
    path.write_text(" a \n\n")
    assert Secret(f"${{file:{path}}}").reveal() == " a \n"


def test_a_systemd_credential_is_found_in_its_directory(tmp_path):
    (tmp_path / "erp").write_text(CANARY)
    found = Reference("credential", "erp")
    assert found.resolve({"CREDENTIALS_DIRECTORY": str(tmp_path)}) == CANARY
    with pytest.raises(ConfigError, match="CREDENTIALS_DIRECTORY is not set") as caught:
        found.resolve({})
    assert "LoadCredential" in caught.value.hint


@pytest.mark.parametrize(
    "text",
    ["a${env:B}", "${env:A}b", "${ENV:A}", "${env:}", "${A}", "${credential:../x}", "${env:A\n}"],
)
def test_a_reference_is_the_whole_value(text):
    with pytest.raises(ConfigError, match="whole value"):
        reference(text)


@pytest.mark.parametrize(
    ("octets", "part"),
    [(b"", "empty"), (b"\n", "empty"), (b"\xff", "UTF-8"), (b"a" * (LARGEST_SECRET + 1), "larger")],
)
def test_a_file_that_holds_no_secret_is_named(tmp_path, octets, part):
    path = tmp_path / "pw"
    path.write_bytes(octets)
    with pytest.raises(ConfigError, match=part) as caught:
        Secret(f"${{file:{path}}}").reveal()
    assert str(path) in str(caught.value)


def test_an_unreadable_file_is_named(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        Reference("file", str(tmp_path)).resolve({})


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_a_private_file_is_not_warned_about(tmp_path, mode):
    path = tmp_path / "pw"
    path.write_text("x")
    path.chmod(mode)
    assert not Reference("file", str(path)).exposure({})


@pytest.mark.parametrize("mode", [0o440, 0o604, 0o620])
def test_a_file_that_others_may_read_is_warned_about(tmp_path, mode):
    path = tmp_path / "pw"
    path.write_text("x")
    path.chmod(mode)
    assert f"(mode {mode:04o}); chmod 0400" in Reference("file", str(path)).exposure({})


@pytest.mark.parametrize("show", [repr, str, "{}".format, "{!r:>40}".format, ascii])
def test_a_secret_is_never_shown(show):
    assert CANARY not in show(Secret(CANARY))
    assert CANARY not in show([Secret(CANARY)])


def test_a_secret_is_neither_pickled_nor_logged(caplog):
    secret = Secret(CANARY)
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="not pickled"):
            pickle.dumps(secret, protocol)
    with pytest.raises(TypeError, match="not pickled"):
        copy.deepcopy(secret)
    logging.getLogger("x").warning("%s %r", secret, {"a": secret})
    assert CANARY not in caplog.text


def test_secrets_are_equal_when_they_were_written_alike():
    assert Secret("${env:A}") == Secret("${env:A}") != Secret("${env:B}")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2
    assert Secret("a") != "a"
