"""A training run on disk: weights, and one card of what made them and what they reached.

RUN/weights.safetensors   the network (no pickle: a file that cannot run code)
RUN/run.json              algorithm, network, families, recipe, code, seconds, hardware, figures
RUN/kept/                 the last checkpoint, see `policies.checkpoint`
RUN/cost.*, RUN/events/   how it went, see `policies.curves`
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from connector.errors import ConfigError
from connector.policy.features import schema_digest
from policies.agents.dqn import MultiplierGrid
from policies.distribution import DISTRIBUTION
from policies.family import LOST_SALES, Family
from policies.head import Bounds, CappedBaseStock
from policies.provenance import HERE, hardware, revision, versions

FAMILIES = {each.name: each for each in (LOST_SALES, DISTRIBUTION)}
# Every kind answers as CappedBaseStock does, so whoever has a run need not know which it is
NETWORKS: Mapping[str, type[CappedBaseStock]] = {
    "capped-base-stock": CappedBaseStock,
    "multiplier-grid": MultiplierGrid,
}
_WEIGHTS, _CARD = "weights.safetensors", "run.json"
_AGAIN = "make one: python -m policies train"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What a run was, for people and for the export."""

    algorithm: str
    network: str  # its kind
    width: int
    depth: int
    families: tuple[str, ...]
    recipe: Mapping[str, Any]
    seconds: float
    updates: int
    processes: int = 1
    device: str = "cpu"
    encoder: str = field(default_factory=schema_digest)
    revision: Mapping[str, Any] | None = field(default_factory=lambda: revision(HERE))
    hardware: Mapping[str, Any] = field(default_factory=hardware)
    versions: Mapping[str, str | None] = field(default_factory=versions)
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """Return what it was trained for, where that is one family."""
        return ", ".join(self.families)


def family_of(name: str) -> Family:
    """Return a family by name; raise ConfigError for one that there is not."""
    if name not in FAMILIES:
        raise ConfigError(f"there is no family {name!r}", hint=f"one of {', '.join(FAMILIES)}")
    return FAMILIES[name]


def shape_of(network: CappedBaseStock) -> dict[str, Any]:
    """Return what `Run` says of a network."""
    kinds = {kind: name for name, kind in NETWORKS.items()}
    depth = 1 + sum(isinstance(layer, nn.Linear) for layer in network.body)
    return {
        "network": kinds[type(network)],
        "width": network.where.out_features,
        "depth": depth,
    }


def save(directory: Path, run: Run, network: CappedBaseStock) -> None:
    """Write a finished run; it counts once its card is there."""
    directory.mkdir(parents=True, exist_ok=True)
    weights = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    save_file(weights, directory / _WEIGHTS)
    _write_card(directory, run)


def digest_of(directory: Path) -> str:
    """Return the sha256 of a run's weights."""
    return hashlib.sha256((directory / _WEIGHTS).read_bytes()).hexdigest()


def note(directory: Path, figures: Mapping[str, float]) -> None:
    """Add figures that a run reached to its card."""
    run = card(directory)
    _write_card(directory, replace(run, figures={**run.figures, **figures}))


def _write_card(directory: Path, run: Run) -> None:
    beside = directory / f"{_CARD}.partial"
    beside.write_text(json.dumps(asdict(run), indent=1, sort_keys=True) + "\n")
    beside.replace(directory / _CARD)


def is_finished(directory: Path) -> bool:
    """Tell whether a directory holds a run that came to its end."""
    return (directory / _CARD).exists()


def card(directory: Path) -> Run:
    """Return a run's card; raise ConfigError for what is none, or what cannot be used here."""
    try:
        told = json.loads((directory / _CARD).read_text())
        run = Run(**(told | {"families": tuple(told["families"])}))
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise ConfigError(f"{directory} holds no training run: {error}", hint=_AGAIN) from error
    missing = {each.name for each in fields(Run)} - told.keys()
    if missing:
        raise ConfigError(f"{directory / _CARD} lacks {', '.join(sorted(missing))}", hint=_AGAIN)
    if run.encoder != schema_digest():
        raise ConfigError(
            f"{directory} was trained with encoder {str(run.encoder)[:12]}, this one is "
            f"{schema_digest()[:12]}",
            hint="train again: the features have changed",
        )
    if run.network not in NETWORKS:
        raise ConfigError(
            f"{directory} holds a network of kind {run.network!r}",
            hint=f"this version knows {', '.join(NETWORKS)}: train again",
        )
    for name in run.families:
        family_of(name)
    return run


def load(directory: Path) -> tuple[Run, CappedBaseStock]:
    """Return a finished run and its network; raise ConfigError for what is none of ours."""
    run = card(directory)
    try:
        network = NETWORKS[run.network](run.width, run.depth)
        network.load_state_dict(load_file(directory / _WEIGHTS))
        network.bounds = Bounds.of(run.recipe)
    except (OSError, SafetensorError, RuntimeError, TypeError, ValueError, LookupError) as error:
        raise ConfigError(
            f"{directory / _WEIGHTS} does not hold the weights that its card tells of: {error}",
            hint=_AGAIN,
        ) from error
    return run, network.eval()
