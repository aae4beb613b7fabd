import pytest
from acceptance_erp import Sandbox
from acceptance_stage import Clerk, Site


@pytest.fixture(scope="session")
def clerk():
    own = Clerk()
    yield own
    own.end()


class Stable:
    """Keeps one stand-in ERP started ahead, so that no test waits for its own."""

    def __init__(self, new_place):
        self._new_place = new_place
        self._spare = Sandbox(new_place("erp"))

    def take(self):
        taken, self._spare = self._spare, Sandbox(self._new_place("erp"))
        return taken

    def close(self):
        self._spare.close()


@pytest.fixture(scope="session")
def stable(tmp_path_factory):
    own = Stable(tmp_path_factory.mktemp)
    yield own
    own.close()


@pytest.fixture
def erp(stable):
    """A stand-in ERP of this test's own, in need of twenty orders."""
    own = stable.take()
    yield own.open()
    own.close()


@pytest.fixture
def site(tmp_path, erp, clerk):
    """An unconfigured site; every daemon it started is gone afterwards."""
    place = Site(tmp_path, erp, clerk)
    yield place
    for daemon in place.daemons:
        daemon.end()
