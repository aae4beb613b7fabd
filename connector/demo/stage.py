"""The configuration the demo runs on: written as a person would, rewritten to go live."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

SITE = "demo"
CURRENCY = "EUR"
_HEADER = """\
# Written by `replenishd demo`; the demo rewrites it when the site goes live.
# What is only for a rehearsal: clock.follow, and the throttle, which here sees a day pass a second.
"""
_TICK = "100ms"
# What a planner who trusts the policy would say: its own buffers instead of the ERP's, and no order
# near to where excess begins (config/rewards.yaml has the same limit)
_CRITICAL_RATIO = 0.99
_LIMITS = MappingProxyType({"position_cap": {"sigmas": 2.05, "clamp": 1.35, "hold": 2.0}})
_LINES = 200  # of a node and review: each of its items once; the default suits weekly reviews


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where everything of one demo lies and listens."""

    out: Path
    erp: str
    admin: str
    web_port: int
    plants: tuple[str, ...]  # the central one first
    client: str
    username: str
    password_file: Path
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def config(self) -> Path:
        """Return the configuration file."""
        return self.out / "replenishd.yaml"

    @property
    def state_dir(self) -> Path:
        """Return where the daemon keeps ledger and evidence."""
        return self.out / "state"

    @property
    def web(self) -> str:
        """Return the daemon's own address."""
        return f"http://127.0.0.1:{self.web_port}"

    def write(
        self, mode: str, *, pilot: Sequence[str] = (), budget: Mapping[str, float] | None = None
    ) -> None:
        """Write the configuration for a mode; `pilot` narrows it to these plants."""
        text = _HEADER + yaml.safe_dump(
            self._document(mode, tuple(pilot), budget or {}), sort_keys=False, width=96
        )
        half = self.config.with_suffix(".part")
        half.write_text(text, encoding="utf-8")
        half.replace(self.config)

    def _document(
        self, mode: str, pilot: tuple[str, ...], budget: Mapping[str, float]
    ) -> dict[str, Any]:
        limits: dict[str, Any] = {
            **_LIMITS,
            "throttle": {"per_second": 100.0, "burst": 1000.0, "lines": _LINES},
        }
        if budget:
            limits["budget"] = dict(budget)
        return {
            "version": 1,
            "state_dir": str(self.state_dir),
            "web": {"listen": f"127.0.0.1:{self.web_port}"},
            "clock": {"follow": self.admin},
            "sites": [
                {
                    "name": SITE,
                    "mode": mode,
                    **({"pilot": {"nodes": list(pilot)}} if pilot else {}),
                    "currency": CURRENCY,
                    "schedule": {"cron": "0 6 * * *", "time_zone": "UTC"},
                    "erp": {
                        "kind": "sap",
                        "url": self.erp,
                        "client": self.client,
                        "auth": {
                            "kind": "basic",
                            "username": self.username,
                            "password": f"${{file:{self.password_file}}}",
                        },
                    },
                    "network": {"nodes": self._nodes()},
                    "planning": {"critical_ratio": _CRITICAL_RATIO, "keep_safety_stock": False},
                    "policy": {"bundle": "shipped-daily"},
                    "posting": {"tick": _TICK},
                    "limits": limits,
                }
            ],
        }

    def _nodes(self) -> list[dict[str, str]]:
        central, *regions = self.plants
        nodes = [{"plant": central, **self._label(central)}]
        return nodes + [
            {"plant": plant, **self._label(plant), "supplied_by": central} for plant in regions
        ]

    def _label(self, plant: str) -> dict[str, str]:
        label = self.labels.get(plant, "")
        return {"label": label} if label else {}


def caps(days: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Return the money caps a person might set after watching the ERP's own orders in shadow.

    Twice the dearest node-day of the ERP's rule for a node, and so on up; a line may take a third
    of it. What is beyond waits for a person.
    """
    per_node = [float(day["erp_value"]) for day in days]
    dearest = max(per_node, default=0.0)
    node = _round_up(2.0 * max(dearest, 1000.0))
    return {
        "line": _round_up(node / 3.0),
        "node_review": node,
        "node_day": node,
        "node_28_days": 28.0 * node,
        "site_review": 4.0 * node,
    }


def _round_up(money: float) -> float:
    """Return the next amount of two leading digits, as people set limits."""
    step = 10.0 ** max(0, math.floor(math.log10(money)) - 1)
    return math.ceil(money / step) * step
