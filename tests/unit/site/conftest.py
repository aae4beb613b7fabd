"""A site of its own for each test."""

from __future__ import annotations

import pytest
from site_desks import House


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    yield house
    house.desk.close()
