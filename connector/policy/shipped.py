"""The bundles that come with the product, and the keys that signed them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from connector.errors import ConfigError
from connector.policy.fallback import Place

# By what settings call it
SHIPPED = MappingProxyType({"shipped": "order-up-to-1", "shipped-daily": "network-2"})


def shipped_bundles() -> Path:
    """Return the directory of shipped bundles; found beside the code, without importing any."""
    found = find_spec("policies")
    for place in (found.submodule_search_locations or ()) if found else ():
        if (bundles := Path(place) / "bundles").is_dir():
            return bundles
    raise ConfigError(
        "the shipped policy bundles are not installed",
        hint="reinstall replenishd, or name a bundle directory in policy.bundle",
    )


def shipped_place(name: str = SHIPPED["shipped"]) -> Place:
    """Return where a shipped bundle lies; installers may have hard-linked it."""
    return Place(directory=shipped_bundles() / name, hard_links=True)


def shipped_keys() -> tuple[Path, ...]:
    """Return the public keys of the shipped bundles' signatures."""
    return tuple(sorted((shipped_bundles() / "trusted").glob("*.pem")))
