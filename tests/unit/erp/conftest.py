from __future__ import annotations

import pytest
from sap_world import fill
from still_clock import StillClock
from strict_sap import StrictSap


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def sap():
    server = StrictSap()
    fill(server)
    yield server
    server.close()
