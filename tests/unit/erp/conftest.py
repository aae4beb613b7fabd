from __future__ import annotations

import pytest
from sap_world import SITE, connection, fill
from still_clock import StillClock
from strict_sap import StrictSap

from connector.erp.sap.post import SapPoster


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def sap():
    server = StrictSap()
    fill(server)
    yield server
    server.close()


@pytest.fixture
def poster(sap, clock):
    made = []

    def make(mode="live", site=SITE, **changes):
        made.append(SapPoster(connection(sap, **changes), site, clock, mode=mode))
        return made[-1]

    yield make
    for each in made:
        each.close()
