"""A training run on disk: weights, what made them, and what they reached.

RUN/weights.safetensors   the network (no pickle: a file that cannot run code)
RUN/run.json              family, recipe, size, seconds, figures
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from safetensors.torch import load_file, save_file

from connector.errors import ConfigError
from connector.policy.features import schema_digest
from policies.distribution import DISTRIBUTION
from policies.family import LOST_SALES, Family
from policies.head import CappedBaseStock

FAMILIES = {each.name: each for each in (LOST_SALES, DISTRIBUTION)}
_WEIGHTS, _CARD = "weights.safetensors", "run.json"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run was, for people and for the export."""

    family: str
    width: int
    depth: int
    recipe: dict[str, object]
    seconds: float
    updates: int
    encoder: str = field(default_factory=schema_digest)
    figures: dict[str, float] = field(default_factory=dict)


def family_of(name: str) -> Family:
    """Return a family by name; raise ConfigError for one that there is not."""
    if name not in FAMILIES:
        raise ConfigError(f"there is no family {name!r}", hint=f"one of {', '.join(FAMILIES)}")
    return FAMILIES[name]


def save(directory: Path, run: Run, network: CappedBaseStock) -> None:
    """Write a finished run."""
    directory.mkdir(parents=True, exist_ok=True)
    save_file(network.state_dict(), directory / _WEIGHTS)
    (directory / _CARD).write_text(json.dumps(vars(run), indent=1, sort_keys=True) + "\n")


def load(directory: Path) -> tuple[Run, CappedBaseStock]:
    """Return a finished run and its network; raise ConfigError for what is none of ours."""
    try:
        run = Run(**json.loads((directory / _CARD).read_text()))
        weights = load_file(directory / _WEIGHTS)
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(
            f"{directory} holds no training run: {error}", hint="make one: python -m policies train"
        ) from error
    if run.encoder != schema_digest():
        raise ConfigError(
            f"{directory} was trained with encoder {run.encoder[:12]}, this one is "
            f"{schema_digest()[:12]}",
            hint="train again: the features have changed",
        )
    network = CappedBaseStock(run.width, run.depth)
    network.load_state_dict(weights)
    return run, network.eval()
