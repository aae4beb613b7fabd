"""The example configuration: it loads, and every setting that may be left out stands behind #."""

from __future__ import annotations

from typing import Any

from connector.settings import shape
from connector.settings.effective import scalar
from connector.settings.erp import BasicAuth, SapErp
from connector.settings.network import NetworkSettings, NodeSettings
from connector.settings.root import Settings
from connector.settings.schema import default_text
from connector.settings.shape import Field
from connector.settings.site import LEFT_OUT, Site

_HEAD = """\
# Every setting. A line `#name: value` says what holds anyway; take the # away to change it.
# Drop-ins in <this file>.d/*.yaml are merged over it in name order; sites merge by name.
# Durations: 500ms 90s 15m 6h 2d. Sizes: 512k 32m 1g. Secrets: ${credential:NAME} ${file:PATH}
# ${env:NAME}; `mode`, `pilot` and `limits` are never taken from anywhere but this file.
# Check with: replenishd check --offline --config FILE
"""
# What a person must say, and what the example says in their place.
_SAID: dict[str, Any] = {
    "version": 1,
    "state_dir": "/var/lib/replenishd",
    "sites.name": "berlin",
    "sites.erp.url": "https://erp.example.com:44300",
    "sites.erp.auth.kind": "basic",
    "sites.erp.auth.username": "REPLENISHD",
    "sites.erp.auth.password": "${credential:sap_password}",
    "sites.network.nodes.plant": "1000",
}
_SAID_GROUPS = (Site, SapErp, BasicAuth, NetworkSettings)
# Lists with an entry that is told in full, and what else the example puts into them.
_ENTRIES: dict[Any, tuple[str, ...]] = {
    Site: (),
    NodeSettings: ('- {plant: "1010", label: Leipzig, supplied_by: "1000"}',),
}


def example() -> str:
    """Return the example configuration."""
    lines = [_HEAD]
    _group(lines, Settings, "", "", said=True)
    return "\n".join(lines).rstrip("\n") + "\n"


def _group(lines: list[str], kind: Any, path: str, indent: str, *, said: bool) -> None:
    for field in shape.fields_of(kind).values():
        name = f"{path}.{field.name}".removeprefix(".")
        if name in LEFT_OUT:
            continue
        if field.description:
            lines.append(f"{indent}# {' '.join(field.description.split())}")
        below = _below(field)
        if name in _SAID or below is None:
            lines.append(f"{indent}{_setting(name, field)}")
        elif below in _ENTRIES:
            lines += [f"{indent}{field.name}:", f"{indent}  -"]
            _group(lines, below, name, f"{indent}    ", said=True)
            lines += [f"{indent}  {each}" for each in _ENTRIES[below]]
        else:
            must = said and below in _SAID_GROUPS
            lines.append(f"{indent}{'' if must else '#'}{field.name}:")
            _group(lines, below, name, f"{indent}  ", said=must)
        if name.count(".") <= 1 and below is not None:
            lines.append("")


def _below(field: Field) -> Any:
    """Return the group that a field holds: of the ways to log on, the password."""
    groups, entries = shape.groups_of(field)
    if BasicAuth in groups:
        return BasicAuth
    return next((each for each in entries if each in _ENTRIES), next(iter(groups), None))


def _setting(name: str, field: Field) -> str:
    if name not in _SAID:
        return f"#{field.name}: {default_text(field)}"
    return f"{field.name}: {scalar(_SAID[name])}"
