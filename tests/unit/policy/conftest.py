from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings
from policy_workshop import KEY, Workshop

from connector.policy.bundle import Bundle
from connector.policy.manifest import MANIFEST, MODEL, SIGNATURES, read_manifest
from connector.policy.shipped import shipped_place
from connector.policy.trust import Trust

settings.register_profile("policy", deadline=None)
settings.load_profile("policy")


@pytest.fixture(scope="session")
def shipped_files() -> dict[str, bytes]:
    place = shipped_place().directory
    return {name: (place / name).read_bytes() for name in (MANIFEST, SIGNATURES, MODEL)}


@pytest.fixture
def workshop(tmp_path: Path, shipped_files: dict[str, bytes]) -> Workshop:
    manifest = read_manifest(shipped_files[MANIFEST])
    return Workshop(tmp_path, manifest, shipped_files[MODEL], Trust((KEY.public_key(),)))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory, shipped_files: dict[str, bytes]) -> Bundle:
    """The shipped policy, admitted."""
    manifest = read_manifest(shipped_files[MANIFEST])
    trust = Trust((KEY.public_key(),))
    workshop = Workshop(tmp_path_factory.mktemp("policy"), manifest, shipped_files[MODEL], trust)
    return workshop.load(workshop.write())
