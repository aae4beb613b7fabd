"""Checkpoints: a training run killed at any moment goes on from its last one, bit for bit.

DIRECTORY/state-<updates>.safetensors   weights, optimizers, generator, chains (no pickle)
DIRECTORY/checkpoint.json               whose state it is, and which file holds it, by its sha256

Both are written beside their name, synced and renamed; the second rename is the moment at which a
checkpoint counts. What a kill leaves behind beside them is removed at the next one.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from connector.errors import ConfigError
from connector.policy.features import schema_digest
from connector.twin.dynamics import Stock
from policies.instances import Instances

if TYPE_CHECKING:
    from policies.agents.hindsight import Chains
    from policies.agents.learner import Learner

_LAYOUT = 1
_CARD = "checkpoint.json"
_AFRESH = "train into another directory, or remove this one"
_STOCK = ("on_hand", "waiting", "owed")


class CheckpointForeign(ConfigError):
    """The checkpoint is of another recipe, algorithm, family, encoder or layout."""


class CheckpointDamaged(ConfigError):
    """The checkpoint is not what was written."""


@dataclass(frozen=True, kw_only=True)
class Keeper:
    """Keeps a learner's state in a directory, every so many updates and at the end."""

    directory: Path
    every: int = 25

    def due(self, done: int) -> bool:
        """Tell whether the state after so many updates is to be kept."""
        return done % self.every == 0

    def keep(self, learner: Learner, costs: list[float], seconds: float) -> None:
        """Write the learner's state; it counts once the card is renamed."""
        self.directory.mkdir(parents=True, exist_ok=True)
        octets = save(_state(learner, costs))
        name = f"state-{learner.done:08}.safetensors"
        card = _identity(learner) | {
            "updates": learner.done,
            "seconds": seconds,
            "state": name,
            "sha256": hashlib.sha256(octets).hexdigest(),
        }
        _write(self.directory / name, octets)
        _write(self.directory / _CARD, json.dumps(card, indent=1, sort_keys=True).encode() + b"\n")
        for old in self.directory.glob("state-*"):
            if old.name != name:
                old.unlink()

    def resume(self, learner: Learner) -> tuple[list[float], float]:
        """Put the learner where it was kept; nothing kept: leave it, [] and 0.

        Errors: CheckpointForeign, CheckpointDamaged. The learner is not to be used after either.
        """
        card = self._card()
        if card is None:
            return [], 0.0
        _require_same(self.directory, card, _identity(learner))
        state = self._read_state(card)
        try:
            costs = state["costs"].tolist()
            _restore(learner, state)
            learner.done, seconds = int(card["updates"]), float(card["seconds"])
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise CheckpointDamaged(
                f"the checkpoint in {self.directory} lacks a part: {error}", hint=_AFRESH
            ) from error
        return costs, seconds

    def _card(self) -> dict[str, Any] | None:
        place = self.directory / _CARD
        try:
            card = json.loads(place.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise CheckpointDamaged(f"{place} cannot be read: {error}", hint=_AFRESH) from error
        if not isinstance(card, dict):
            raise CheckpointDamaged(f"{place} is a {type(card).__name__}", hint=_AFRESH)
        return card

    def _read_state(self, card: dict[str, Any]) -> dict[str, Tensor]:
        # Only a name: a card from elsewhere must not lead to another directory
        place = self.directory / Path(str(card.get("state"))).name
        try:
            octets = place.read_bytes()
            state: dict[str, Tensor] = load(octets)
        except (OSError, SafetensorError, ValueError) as error:
            raise CheckpointDamaged(f"{place} cannot be read: {error}", hint=_AFRESH) from error
        found = hashlib.sha256(octets).hexdigest()
        if found != card.get("sha256"):
            raise CheckpointDamaged(
                f"{place} has sha256 {found[:12]}, {str(card.get('sha256'))[:12]} was written",
                hint=_AFRESH,
            )
        return state


def _identity(learner: Learner) -> dict[str, Any]:
    """Return what a checkpoint must agree in, as JSON reads it back."""
    return {
        "layout": _LAYOUT,
        "algorithm": learner.algorithm,
        "families": list(learner.family_names),
        "encoder": schema_digest(),
        "recipe": json.loads(json.dumps(asdict(learner.recipe))),
        "weights": {
            f"{name}.{key}": list(value.shape)
            for name, module in learner.modules.items()
            for key, value in module.state_dict().items()
        },
    }


def _require_same(directory: Path, card: dict[str, Any], mine: dict[str, Any]) -> None:
    for what, wanted in mine.items():
        found = card.get(what)
        if found == wanted:
            continue
        if isinstance(found, dict) and isinstance(wanted, dict):
            key = min(k for k in found.keys() | wanted.keys() if found.get(k) != wanted.get(k))
            what, found, wanted = f"{what} {key}", found.get(key), wanted.get(key)  # noqa: PLW2901
        raise CheckpointForeign(
            f"the checkpoint in {directory} is of another run: {what} is {found!r} there and "
            f"{wanted!r} here",
            hint=_AFRESH,
        )


def _state(learner: Learner, costs: list[float]) -> dict[str, Tensor]:
    """Return every tensor that decides how the run goes on, each with memory of its own."""
    state = {
        "costs": torch.tensor(costs, dtype=torch.float64),
        "chance": learner.chance.get_state(),
    }
    for name, module in learner.modules.items():
        state |= {f"module.{name}.{key}": value for key, value in module.state_dict().items()}
    for name, optimizer in learner.optimizers.items():
        for at, moments in optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{name}.{at}.{key}": value for key, value in moments.items()}
    state |= {f"chains.{name}": column for name, column in learner.columns().items()}
    return {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}


def _restore(learner: Learner, state: Mapping[str, Tensor]) -> None:
    for name, module in learner.modules.items():
        module.load_state_dict(_under(state, f"module.{name}."))
    for name, optimizer in learner.optimizers.items():
        moments: dict[int, dict[str, Tensor]] = {}
        for path, value in _under(state, f"optimizer.{name}.").items():
            at, key = path.split(".")
            moments.setdefault(int(at), {})[key] = value
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": moments, "param_groups": groups})
    learner.put_columns(_under(state, "chains."))
    learner.chance.set_state(state["chance"])


def _under(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
    }


def columns_of(running: Sequence[Chains]) -> dict[str, Tensor]:
    """Return running chains as tensors by name."""
    columns: dict[str, Tensor | None] = {}
    for k, chains in enumerate(running):
        for each in fields(Instances):
            columns[f"{k}.instances.{each.name}"] = getattr(chains.instances, each.name)
        for name in _STOCK:
            columns[f"{k}.stock.{name}"] = getattr(chains.stock, name)
        for ahead, part in enumerate(chains.stock.pipeline):
            columns[f"{k}.pipeline.{ahead}"] = part
    return {name: value for name, value in columns.items() if value is not None}


def chains_in(columns: Mapping[str, Tensor], running: Sequence[Chains]) -> list[Chains]:
    """Return the chains that `columns_of` told of, of the families of those that are running.

    KeyError for a column that is missing.
    """
    return [
        type(like)(
            family=like.family,
            instances=Instances(
                **{each.name: columns[f"{k}.instances.{each.name}"] for each in fields(Instances)}
            ),
            stock=Stock(
                on_hand=columns[f"{k}.stock.on_hand"],
                pipeline=tuple(
                    columns.get(f"{k}.pipeline.{ahead}")
                    for ahead in range(len(like.stock.pipeline))
                ),
                waiting=columns.get(f"{k}.stock.waiting"),
                owed=columns.get(f"{k}.stock.owed"),
            ),
        )
        for k, like in enumerate(running)
    ]


def _write(place: Path, octets: bytes) -> None:
    """Write a file that is whole or not there, even after the power fails."""
    beside = place.with_name(f"{place.name}.partial")
    with beside.open("wb") as file:
        file.write(octets)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(place)
    handle = os.open(place.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
