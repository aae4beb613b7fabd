"""Checkpoints: a training run killed at any moment goes on from its last one, bit for bit.

DIRECTORY/state-<updates>.safetensors   weights, optimizers, generator, chains (no pickle)
DIRECTORY/checkpoint.json               whose state it is, and which file holds it, by its sha256

Of several processes that train together, the first one writes the state of all; each reads its own.

Both are written beside their name, synced and renamed; the second rename is the moment at which a
checkpoint counts. What a kill leaves behind beside them is removed at the next one.
"""

# torch has no types where it is not installed, and few where it is:
# mypy: disallow-untyped-decorators=False, disallow-untyped-calls=False, warn-return-any=False

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from connector.errors import ConfigError
from connector.policy.features import schema_digest
from policies.agents import ranks
from policies.family import Family

if TYPE_CHECKING:
    from policies.agents.chains import Chains
    from policies.agents.learner import Learner

_LAYOUT = 2
_CARD = "checkpoint.json"
_AFRESH = "train into another directory, or remove this one"


class CheckpointForeign(ConfigError):
    """The checkpoint is of another recipe, algorithm, family, encoder, device or layout."""


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
        state = _state(learner, costs)
        if ranks.rank():
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        octets = save(state)
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
        "device": learner.chance.device.type,
        "processes": ranks.processes(),
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
    state = {"costs": torch.tensor(costs, dtype=torch.float64)}
    for name, module in learner.modules.items():
        state |= {f"module.{name}.{key}": value for key, value in module.state_dict().items()}
    for name, optimizer in learner.optimizers.items():
        for at, moments in optimizer.state_dict()["state"].items():
            state |= {f"optimizer.{name}.{at}.{key}": value for key, value in moments.items()}
    drawn = {f"chains.{name}": column for name, column in learner.columns().items()}
    drawn["chance"] = learner.chance.get_state()
    for process, own in enumerate(ranks.gathered(drawn)):
        state |= {f"process.{process}.{name}": value for name, value in own.items()}
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
    own, place = f"process.{ranks.rank()}.", learner.chance.device
    columns = _under(state, f"{own}chains.")
    learner.put_columns({name: column.to(place) for name, column in columns.items()})
    learner.chance.set_state(state[f"{own}chance"])


def _under(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)
    }


def columns_of(running: Sequence[Chains]) -> dict[str, Tensor]:
    """Return everything that running chains hold as tensors by name, but for their families."""
    columns: dict[str, Tensor] = {}
    for k, chains in enumerate(running):
        for each in fields(chains):
            columns |= _told(f"{k}.{each.name}", getattr(chains, each.name))
    return columns


def _told(name: str, value: Any) -> dict[str, Tensor]:
    if isinstance(value, Tensor):
        return {name: value}
    parts: dict[str, Tensor] = {}
    for key, part in _parts(value):
        parts |= _told(f"{name}.{key}", part)
    return parts


def _parts(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield what a tuple or a dataclass of tensors is made of."""
    if isinstance(value, tuple):
        yield from ((str(at), part) for at, part in enumerate(value))
    elif is_dataclass(value) and not isinstance(value, Family):
        yield from ((each.name, getattr(value, each.name)) for each in fields(value))


def chains_in(columns: Mapping[str, Tensor], running: Sequence[Chains]) -> list[Chains]:
    """Return the chains that `columns_of` told of, of the families of those that are running.

    KeyError for a column that is missing.
    """
    return [_put(f"{k}", like, columns) for k, like in enumerate(running)]


def _put(name: str, like: Any, columns: Mapping[str, Tensor]) -> Any:
    if isinstance(like, Tensor):
        return columns[name]
    if like is None:
        return columns.get(name)
    if isinstance(like, tuple):  # of a pipeline, where a place may be empty later
        return tuple(columns.get(f"{name}.{at}") for at, _ in enumerate(like))
    parts = {key: _put(f"{name}.{key}", part, columns) for key, part in _parts(like)}
    return replace(like, **parts) if parts else like


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
