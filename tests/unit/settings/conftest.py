from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from connector.errors import ConfigError
from connector.settings import Configuration, load

WHOLE = """\
version: 1
state_dir: state
sites:
  - name: berlin
    erp:
      url: https://erp.example.com
      auth: {kind: basic, username: buyer, password: "${env:ERP_PASSWORD}"}
    network:
      nodes:
        - plant: 1000
        - {plant: 1010, supplied_by: 1000}
"""
ENVIRONMENT = {"ERP_PASSWORD": "correct horse battery staple"}


@pytest.fixture
def whole() -> str:
    """The least that is a configuration."""
    return WHOLE


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    def write_file(text: str, name: str = "site.yaml") -> Path:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text), encoding="utf-8")
        path.chmod(0o600)
        return path

    return write_file


@pytest.fixture
def loaded(write: Callable[[str], Path]) -> Callable[..., Configuration]:
    def load_text(text: str, environment: Mapping[str, str] = ENVIRONMENT) -> Configuration:
        return load(write(text), environment)

    return load_text


@pytest.fixture
def problems(loaded: Callable[..., Configuration]) -> Callable[..., tuple[str, ...]]:
    def refused(text: str, environment: Mapping[str, str] = ENVIRONMENT) -> Any:
        with pytest.raises(ConfigError) as caught:
            loaded(text, environment)
        return caught.value.facts.get("problems", (str(caught.value),))

    return refused
