import pytest
from acceptance_stage import Clerk, Site, sandbox


@pytest.fixture(scope="session")
def clerk():
    own = Clerk()
    yield own
    own.end()


@pytest.fixture
def erp(tmp_path):
    """A stand-in ERP of this test's own, in need of twenty orders."""
    with sandbox(tmp_path) as own:
        own.make_hungry()
        yield own


@pytest.fixture
def site(tmp_path, erp, clerk):
    """An unconfigured site; every daemon it started is gone afterwards."""
    place = Site(tmp_path, erp, clerk)
    yield place
    for daemon in place.daemons:
        daemon.end()
