"""Each check of the loader refuses by name; only an unbroken bundle is admitted."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import date, timedelta

import msgspec
import numpy as np
import pytest
from onnx_bytes import (
    DOMAIN,
    GRAPH,
    INITIALIZER,
    NODE,
    OPSET,
    appended,
    edited,
    field,
    message,
    model,
    node,
    value_info,
)
from policy_workshop import KEY, OTHER_KEY

from connector.errors import PolicyUnusable
from connector.policy.bundle import TOLERANCE
from connector.policy.features import FEATURES, NAMES, schema_digest
from connector.policy.files import BundleLimits
from connector.policy.manifest import (
    MANIFEST,
    MODEL,
    SIGNATURES,
    FileDigest,
    Manifest,
    Table,
    canonical,
    version_key,
)
from connector.policy.session import INPUT, OUTPUTS, Session
from connector.policy.trust import Trust
from policies.bundling import sign


def refused(workshop, place, check, **arguments):
    with pytest.raises(PolicyUnusable) as caught:
        workshop.load(place, **arguments)
    error = caught.value
    assert error.facts["check"] == check, str(error)
    assert error.facts["expected"]
    assert error.facts["found"]
    assert check in str(error)
    assert error.hint
    return error


def test_an_unbroken_bundle_is_admitted(workshop):
    bundle = workshop.load(workshop.write())
    assert bundle.name == "order-up-to@1"
    assert bundle.digest == bundle.manifest.files[MODEL].sha256
    assert bundle.golden_difference <= TOLERANCE
    assert len(bundle.signed_by) == 1


def test_golden_vectors_are_256(workshop):
    assert workshop.manifest.golden.features.rows == 256


def trusting(workshop, trust):
    return replace(workshop, trust=trust)


# Files


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURES, MODEL])
def test_a_symbolic_link_is_refused(workshop, tmp_path, name):
    place = workshop.write()
    (place / name).rename(tmp_path / "elsewhere")
    (place / name).symlink_to(tmp_path / "elsewhere")
    refused(workshop, place, "file")


def test_a_symbolic_link_to_the_directory_is_refused(workshop, tmp_path):
    (tmp_path / "link").symlink_to(workshop.write())
    refused(workshop, tmp_path / "link", "directory")


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURES, MODEL])
def test_a_hard_link_is_refused_unless_an_installer_made_it(workshop, tmp_path, name):
    place = workshop.write()
    (tmp_path / "second-name").hardlink_to(place / name)
    refused(workshop, place, "hard links")
    assert workshop.load(place, hard_links=True).name == "order-up-to@1"


def test_an_extra_file_is_refused(workshop):
    place = workshop.write()
    (place / "weights.bin").write_bytes(b"")
    refused(workshop, place, "files")


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURES, MODEL])
def test_a_missing_file_is_refused(workshop, name):
    place = workshop.write()
    (place / name).unlink()
    refused(workshop, place, "files")


def test_no_directory_is_refused(workshop, tmp_path):
    refused(workshop, tmp_path / "nowhere", "directory")


def test_a_pipe_is_refused_and_does_not_block(workshop):
    place = workshop.write()
    (place / MODEL).unlink()
    os.mkfifo(place / MODEL)
    refused(workshop, place, "file type")


def test_a_directory_in_place_of_a_file_is_refused(workshop):
    place = workshop.write()
    (place / MODEL).unlink()
    (place / MODEL).mkdir()
    refused(workshop, place, "file type")


def test_an_oversize_model_is_refused(workshop):
    place = workshop.write()
    limit = len(workshop.model)
    assert workshop.load(place, limits=BundleLimits(model_bytes=limit))
    refused(workshop, place, "size", limits=BundleLimits(model_bytes=limit - 1))


def test_the_default_limits_are_the_catalogues():
    assert (BundleLimits().model_bytes, BundleLimits().nodes) == (64 * 2**20, 10_000)


# Signature


def test_another_keys_signature_is_refused(workshop):
    refused(workshop, workshop.write(keys=(OTHER_KEY,)), "signature")


def test_one_of_several_trusted_keys_is_enough_unless_two_are_required(workshop):
    both = (KEY.public_key(), OTHER_KEY.public_key())
    place = workshop.write(keys=(OTHER_KEY,))
    one, two = trusting(workshop, Trust(both)), trusting(workshop, Trust(both, required=2))
    assert one.load(place).name == "order-up-to@1"
    refused(two, place, "signature")
    assert two.load(workshop.write(keys=(KEY, OTHER_KEY), name="twice")).signed_by


def test_the_same_key_twice_counts_once(workshop):
    both = Trust((KEY.public_key(), OTHER_KEY.public_key()), required=2)
    refused(trusting(workshop, both), workshop.write(keys=(KEY, KEY)), "signature")


def test_a_signature_over_other_bytes_is_refused(workshop):
    place = workshop.write()
    later = workshop.changed(expires_on=date(2099, 1, 1))
    (place / MANIFEST).write_bytes(canonical(workshop.speaking_of(workshop.model, later)))
    refused(workshop, place, "signature")


def test_a_signature_without_the_domain_prefix_is_refused(workshop):
    place = workshop.write()
    octets = (place / MANIFEST).read_bytes()
    honest = (place / SIGNATURES).read_bytes()
    bare = KEY.sign(octets).hex()
    start = honest.index(b'"ed25519": "') + len(b'"ed25519": "')
    (place / SIGNATURES).write_bytes(honest[:start] + bare.encode() + honest[start + 128 :])
    refused(workshop, place, "signature")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"\xff", b'{"signatures": []}'])
def test_what_is_no_signature_file_is_refused(workshop, content):
    place = workshop.write()
    (place / SIGNATURES).write_bytes(content)
    refused(workshop, place, "signature file")


def test_200_flipped_bits_are_200_refusals(workshop):
    place = workshop.write()
    rng = np.random.default_rng(5)
    original = {name: (place / name).read_bytes() for name in (MANIFEST, SIGNATURES, MODEL)}
    for k in range(200):
        name = (MANIFEST, SIGNATURES, MODEL)[k % 3]
        octets = bytearray(original[name])
        octets[rng.integers(len(octets))] ^= 1 << int(rng.integers(8))
        (place / name).write_bytes(octets)
        with pytest.raises(PolicyUnusable):
            workshop.load(place)
        (place / name).write_bytes(original[name])
    assert workshop.load(place).name == "order-up-to@1"


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURES, MODEL])
@pytest.mark.parametrize("share", [0.0, 0.5, 0.999])
def test_a_truncated_file_is_refused(workshop, name, share):
    place = workshop.write()
    octets = (place / name).read_bytes()
    (place / name).write_bytes(octets[: int(len(octets) * share)])
    with pytest.raises(PolicyUnusable):
        workshop.load(place)


# Manifest


def signed_as(workshop, octets):
    """Return a bundle with these bytes for a manifest, signed as they are."""
    place = workshop.directory / "bundle"
    place = place if place.exists() else workshop.write()
    (place / MANIFEST).write_bytes(octets)
    (place / SIGNATURES).write_bytes(sign(octets, [KEY]))
    return place


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m | {"surprise": 1},
        lambda m: {k: v for k, v in m.items() if k != "expires_on"},
        lambda m: m | {"format": 2},
        lambda m: m | {"policy_id": "../../etc"},
        lambda m: m | {"version": "1; rm"},
        lambda m: m | {"expires_on": "soon"},
        lambda m: m | {"action": m["action"] | {"semantics": "order_quantity"}},
        lambda m: m | {"action": m["action"] | {"minimum": "0"}},
        lambda m: m | {"features": m["features"] | {"digest": "abc"}},
    ],
)
def test_a_manifest_of_another_form_is_refused(workshop, change):
    place = workshop.write()
    manifest = msgspec.json.decode((place / MANIFEST).read_bytes())
    refused(workshop, signed_as(workshop, msgspec.json.encode(change(manifest))), "manifest")


def test_expiry_is_the_last_day_of_use(workshop):
    last = workshop.manifest.expires_on
    place = workshop.write()
    assert workshop.load(place, today=last)
    refused(workshop, place, "expiry", today=last + timedelta(days=1))


def test_another_feature_schema_is_refused(workshop):
    contract = msgspec.structs.replace(workshop.manifest.features, digest="0" * 64)
    place = workshop.write(manifest=workshop.changed(features=contract))
    error = refused(workshop, place, "feature schema")
    assert schema_digest() in str(error)


def test_other_feature_names_are_refused(workshop):
    contract = msgspec.structs.replace(workshop.manifest.features, names=NAMES[::-1])
    refused(
        workshop, workshop.write(manifest=workshop.changed(features=contract)), "feature schema"
    )


@pytest.mark.parametrize(
    "ranges",
    [
        np.zeros((len(NAMES), 1)),
        np.zeros((len(NAMES) - 1, 2)),
        np.tile([[1.0, 0.0]], (len(NAMES), 1)),
    ],
)
def test_ranges_of_training_that_fit_no_schema_are_refused(workshop, ranges):
    trained = Table.of(ranges.astype(np.float32))
    contract = msgspec.structs.replace(workshop.manifest.features, trained=trained)
    place = workshop.write(manifest=workshop.changed(features=contract))
    refused(workshop, place, "trained ranges")


def test_reading_an_unknown_feature_is_refused(workshop):
    contract = msgspec.structs.replace(workshop.manifest.features, reads=("moon_phase",))
    place = workshop.write(manifest=workshop.changed(features=contract))
    refused(workshop, place, "features read")


@pytest.mark.parametrize(("least", "fits"), [("0.1", True), ("0.1.0", True), ("0.1.1", False)])
def test_a_policy_for_a_later_connector_is_refused(workshop, least, fits):
    place = workshop.write(manifest=workshop.changed(connector_minimum=least))
    if fits:
        assert workshop.load(place)
    else:
        refused(workshop, place, "connector version")


@pytest.mark.parametrize(
    ("lesser", "greater"), [("0.9", "0.10"), ("1", "1.0.1"), ("0.1.0.dev3", "0.1.1"), ("", "0.0.1")]
)
def test_versions_compare_as_numbers(lesser, greater):
    assert version_key(lesser) < version_key(greater)


def test_trailing_zeros_are_no_later_version():
    assert version_key("1.0.0") == version_key("1")


@pytest.mark.parametrize(("least", "most"), [(-1.0, 5.0), (5.0, 5.0), (7.0, 5.0)])
def test_an_empty_action_range_is_refused(workshop, least, most):
    action = msgspec.structs.replace(workshop.manifest.action, minimum=least, maximum=most)
    refused(workshop, workshop.write(manifest=workshop.changed(action=action)), "action range")


def rewritten(workshop, **fields):
    """Sign a manifest that `speaking_of` would have put right."""
    manifest = workshop.speaking_of(workshop.model, workshop.manifest)
    return signed_as(workshop, canonical(msgspec.structs.replace(manifest, **fields)))


@pytest.mark.parametrize(
    ("check", "digest"),
    [
        ("model size", FileDigest(sha256="0" * 64, size=5)),
        ("model digest", None),
    ],
)
def test_a_model_that_the_manifest_does_not_mean_is_refused(workshop, check, digest):
    digest = digest or FileDigest(sha256="0" * 64, size=len(workshop.model))
    refused(workshop, rewritten(workshop, files={MODEL: digest}), check)


def test_a_manifest_of_other_files_is_refused(workshop):
    files = {"other.onnx": workshop.manifest.files[MODEL]}
    refused(workshop, rewritten(workshop, files=files), "files declared")


# Graph


CRAFTED = {
    "a custom operator": (
        lambda m: edited(m, (GRAPH, NODE), appended(DOMAIN, "com.evil")),
        "operators",
    ),
    "a loop": (
        lambda m: m.replace(field(4, "Sigmoid"), field(4, "LoopXYZ")),
        "operators",
    ),
    "external data": (
        lambda m: edited(
            m, (GRAPH, INITIALIZER), appended(13, message((1, "location"), (2, "/etc/passwd")))
        ),
        "graph contents",
    ),
    "a foreign opset": (
        lambda m: m + field(OPSET, message((1, "com.evil"), (2, 1))),
        "model format",
    ),
    "an old opset": (
        lambda m: edited(m, (OPSET,), lambda _: message((1, ""), (2, 7))),
        "opset",
    ),
    "a second output name": (
        lambda m: edited(m, (GRAPH,), appended(12, value_info("more", "lines"))),
        "graph inputs and outputs",
    ),
    "no model at all": (lambda _: b"\x80\x05pickle", "model format"),
    "half a model": (lambda m: m[: len(m) // 2], "model format"),
}


@pytest.mark.parametrize("name", CRAFTED)
def test_a_crafted_model_is_refused_though_signed(workshop, name):
    change, check = CRAFTED[name]
    changed = change(workshop.model)
    assert changed != workshop.model
    refused(workshop, workshop.write(model=changed), check)


def test_too_many_nodes_are_refused(workshop):
    place, nodes = workshop.write(), workshop.manifest.graph.nodes
    assert workshop.load(place, limits=BundleLimits(nodes=nodes))
    refused(workshop, place, "graph size", limits=BundleLimits(nodes=nodes - 1))


def test_a_graph_unlike_the_declared_one_is_refused(workshop):
    graph = msgspec.structs.replace(workshop.manifest.graph, ops=("Add",))
    refused(workshop, rewritten(workshop, graph=graph), "graph declared")


def passing_on(width):
    """Return a model whose every output is its input."""
    dims = ("lines", width)
    return model(
        [node("Identity", [INPUT], [name]) for name in OUTPUTS],
        [value_info(INPUT, *dims)],
        [value_info(name, *dims) for name in OUTPUTS],
    )


def test_a_model_of_another_width_is_refused(workshop):
    refused(workshop, workshop.write(model=passing_on(3)), "model input")


def test_a_model_with_whole_rows_as_answers_is_refused(workshop):
    refused(workshop, workshop.write(model=passing_on(len(FEATURES))), "output shapes")


def test_a_model_that_onnxruntime_refuses_is_refused(workshop):
    broken = model(
        [node("Gemm", [INPUT], [name]) for name in OUTPUTS],
        [value_info(INPUT, "lines", len(FEATURES))],
        [value_info(name, "lines") for name in OUTPUTS],
    )
    refused(workshop, workshop.write(model=broken), "model")


# Golden vectors and tables


def golden_with(workshop, **tables):
    golden = msgspec.structs.replace(workshop.manifest.golden, **tables)
    return workshop.write(manifest=workshop.changed(golden=golden))


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_golden_answer_off_by_more_than_the_tolerance_is_refused(workshop, name):
    table = getattr(workshop.manifest.golden, name)
    answers = table.numbers()[:, 0]
    k = int(np.argmin(np.abs(answers)))  # below 1 the tolerance is absolute
    near, far = answers.copy(), answers.copy()
    near[k] += np.float32(0.5 * TOLERANCE)
    far[k] += np.float32(2.5 * TOLERANCE)
    assert workshop.load(golden_with(workshop, **{name: Table.of(near)}))
    elsewhere = replace(workshop, directory=workshop.directory / "far")
    elsewhere.directory.mkdir()
    place = golden_with(elsewhere, **{name: Table.of(far)})
    refused(workshop, place, f"golden vector {k}, {name}")


def test_too_few_golden_vectors_are_refused(workshop):
    golden = workshop.manifest.golden
    fewer = {
        name: Table.of(getattr(golden, name).numbers()[:255]) for name in ("features", *OUTPUTS)
    }
    refused(workshop, golden_with(workshop, **fewer), "golden features")


@pytest.mark.parametrize(
    "table",
    [
        Table(rows=256, columns=len(FEATURES), float32="AAAA"),
        Table(rows=256, columns=len(FEATURES), float32="no base64!"),
        Table(rows=2**40, columns=2**40, float32=""),
        Table.of(np.full((256, len(FEATURES)), np.nan, dtype=np.float32)),
        Table.of(np.zeros((256, 2), dtype=np.float32)),
    ],
    ids=["short", "no base64", "huge", "not finite", "narrow"],
)
def test_a_broken_table_is_refused(workshop, table):
    refused(workshop, golden_with(workshop, features=table), "golden features")


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("reference", "states"),
        ("reference", "edges"),
        ("reference", "shares"),
        ("calibration", "centre"),
        ("calibration", "whitening"),
        ("calibration", "scores"),
    ],
)
def test_every_table_must_have_its_shape(workshop, part, name):
    narrow = Table.of(np.zeros((1, 2), dtype=np.float32))
    changed = msgspec.structs.replace(getattr(workshop.manifest, part), **{name: narrow})
    place = workshop.write(manifest=workshop.changed(**{part: changed}))
    refused(workshop, place, f"{part} {name}")


def test_numbers_survive_a_table_exactly():
    numbers = np.array([[1.1, -2.5e-30], [3e30, 0.0]], dtype=np.float32)
    assert (Table.of(numbers).numbers() == numbers).all()
    assert Table.of(numbers[:, 0]).numbers().shape == (2, 1)


def test_the_manifest_survives_being_written(workshop):
    again = msgspec.json.decode(canonical(workshop.manifest), type=Manifest)
    assert again == workshop.manifest


def test_a_session_answers_nothing_for_no_lines(workshop):
    session = Session(workshop.model, len(FEATURES))
    answers = session.answer(np.zeros((0, len(FEATURES)), dtype=np.float32))
    assert answers.action.shape == (0,)
