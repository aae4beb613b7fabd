"""The commands around a bundle: make a key, verify as a site would."""

from __future__ import annotations

import stat

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from connector.errors import EXIT_CONFIG, EXIT_NEEDS_A_PERSON
from connector.policy.shipped import shipped_place
from connector.policy.trust import Trust, key_id
from policies.__main__ import main


@pytest.fixture
def run(capsys):
    """Run the command line as a person would; return exit code, output and complaints."""

    def typed(*words):
        with pytest.raises(SystemExit) as stopped:
            main([str(word) for word in words])
        said = capsys.readouterr()
        return stopped.value.code, said.out, said.err

    return typed


def test_a_key_is_for_its_owner_and_its_public_half_is_trusted(run, tmp_path):
    code, said, _ = run("keygen", "--key", tmp_path / "k.pem", "--trusted", tmp_path / "trusted")
    assert code == 0
    assert str(tmp_path / "k.pem") in said
    assert stat.S_IMODE((tmp_path / "k.pem").stat().st_mode) == 0o600
    private = load_pem_private_key((tmp_path / "k.pem").read_bytes(), password=None)
    assert isinstance(private, Ed25519PrivateKey)
    (public,) = (tmp_path / "trusted").iterdir()
    assert public.stem == key_id(private.public_key())
    assert Trust.read([public]).keys == (private.public_key(),)


def test_a_key_is_never_written_over(run, tmp_path):
    (tmp_path / "k.pem").write_text("precious", encoding="ascii")
    code, _, complaint = run("keygen", "--key", tmp_path / "k.pem", "--trusted", tmp_path / "t")
    assert code == EXIT_CONFIG
    assert "k.pem" in complaint
    assert (tmp_path / "k.pem").read_text(encoding="ascii") == "precious"


def test_verify_says_what_the_shipped_bundle_is(run):
    code, said, _ = run("verify", shipped_place().directory)
    assert code == 0
    assert "order-up-to@1" in said
    assert "policy_cost_mean" in said


def test_verify_refuses_what_nobody_trusted_signed(run, tmp_path):
    run("keygen", "--key", tmp_path / "k.pem", "--trusted", tmp_path / "trusted")
    place = shipped_place().directory
    code, _, complaint = run("verify", place, "--trusted", tmp_path / "trusted")
    assert code == EXIT_NEEDS_A_PERSON
    assert "signature" in complaint


def test_export_needs_a_key_first(run, tmp_path):
    pytest.importorskip("torch")
    code, _, complaint = run("export", "--key", tmp_path / "none.pem", "--out", tmp_path / "out")
    assert code == EXIT_CONFIG
    assert "keygen" in complaint
