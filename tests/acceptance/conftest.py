import pytest
from acceptance_stage import Site, sandbox


@pytest.fixture
def erp(tmp_path):
    """A stand-in ERP of this test's own, in need of twenty orders."""
    with sandbox(tmp_path) as own:
        own.make_hungry()
        yield own


@pytest.fixture
def site(tmp_path, erp):
    """An unconfigured site; every daemon it started is gone afterwards."""
    place = Site(tmp_path, erp)
    yield place
    for daemon in place.daemons:
        daemon.end()
