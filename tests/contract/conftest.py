import pytest
from sandbox_doors import opened


@pytest.fixture(scope="session")
def shared_sandbox():
    with opened(
        api_key="key-of-the-kingdom", oauth_client="connector", oauth_secret="hush"
    ) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox):
    shared_sandbox.calm()
    yield shared_sandbox
    shared_sandbox.calm()
