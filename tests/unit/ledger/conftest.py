from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from ledger_worlds import World

from connector.ledger.evidence import EvidenceStore

settings.register_profile(
    "ledger", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    directory = tmp_path / "north"
    directory.mkdir()
    return directory


@pytest.fixture
def remembering(tmp_path: Path) -> World:
    world = World()
    world.ledger = replace(world.ledger, evidence=EvidenceStore(tmp_path))
    return world
