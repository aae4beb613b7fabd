from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from ledger_worlds import World

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
