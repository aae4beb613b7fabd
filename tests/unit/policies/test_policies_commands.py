"""The commands around a bundle: make a key, verify as a site would."""

from __future__ import annotations

import json
import stat
from importlib.util import find_spec

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


def test_what_needs_the_companion_says_how_to_get_it(run, tmp_path):
    if find_spec("torch") is not None:
        pytest.skip("the companion is installed here")
    code, _, complaint = run("train", "--out", tmp_path / "run")
    assert code == EXIT_CONFIG
    assert "replenishd[train]" in complaint


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("train", "--family", "bicycles", "--out", "run"), "lost-sales, distribution"),
        (("benchmark", "bicycles"), "zipkin, zero-shot, serial, network, speed"),
        (("benchmark", "zipkin"), "policies train --family lost-sales"),
        (("benchmark", "zipkin", "--run", "nowhere"), "nowhere holds no training run"),
    ],
)
def test_a_family_benchmark_or_run_that_there_is_not(run, words, told):
    pytest.importorskip("torch")
    code, _, complaint = run(*words)
    assert code == EXIT_CONFIG
    assert told in complaint


def test_a_run_of_another_encoder_is_not_shipped(run, tmp_path):
    pytest.importorskip("torch")
    run("keygen", "--key", tmp_path / "k.pem", "--trusted", tmp_path / "t")
    code, _, _ = run(
        "train",
        "--out",
        tmp_path / "run",
        "--updates",
        2,
        "--family",
        "lost-sales",
    )
    assert code == 0
    card = tmp_path / "run" / "run.json"
    told = json.loads(card.read_text(encoding="ascii"))
    card.write_text(json.dumps(told | {"encoder": "0" * 64}), encoding="ascii")
    code, _, complaint = run(
        "ship", tmp_path / "run", "--key", tmp_path / "k.pem", "--out", tmp_path / "out",
        "--policy-id", "p",
    )  # fmt: skip
    assert code == EXIT_CONFIG
    assert "train again" in complaint
    card.write_text(json.dumps(told), encoding="ascii")
    code, said, _ = run(
        "ship", tmp_path / "run", "--key", tmp_path / "k.pem", "--out", tmp_path / "out",
        "--policy-id", "p",
    )  # fmt: skip
    assert code == 0
    assert "p@1" in said
    code, said, _ = run("verify", tmp_path / "out", "--trusted", tmp_path / "t")
    assert code == 0
